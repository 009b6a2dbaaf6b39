"""The interface of the package ``nasbench`` (NAS-Bench-101), answered from a store.

>>> from nasbench_kit.compat import nasbench101 as api
>>> nasbench = api.NASBench("nb101-test")
>>> cell = api.ModelSpec(matrix=[[0, 1, 0], [0, 0, 1], [0, 0, 0]], ops=["input", "conv3x3-bn-relu", "output"])
>>> cell.hash_spec(nasbench.config["available_ops"])
'b49ac8c578b4561d79ac7087988f1c61'
>>> data = nasbench.query(cell)
>>> data["trainable_parameters"], round(data["test_accuracy"], 4)
(10177674, 0.9305)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, KeysView, Mapping
from typing import Any

import numpy as np

from nasbench_kit.compat.errors import NotStored, OutOfDomainError, Unsupported, WrongQuery
from nasbench_kit.compat.model_spec import ModelSpec
from nasbench_kit.compat.opening import opened, random_stream
from nasbench_kit.errors import InvalidArchitecture
from nasbench_kit.spaces.nb101.space import NB101, OPERATIONS

__all__ = ["ModelSpec", "NASBench", "NotStored", "OutOfDomainError", "WrongQuery"]

_DATASET = "cifar10"
_VERTICES, _EDGES, _REPEATS = 7, 9, 3
# the package's names of what a store has
_METRICS = {
    "training_time": "training_time",
    "train_accuracy": "train_accuracy",
    "validation_accuracy": "valid_accuracy",
    "test_accuracy": "test_accuracy",
}
_HALFWAY = "halfway_"
_BLOCK = 4096  # cells whose hashes are computed at a time


class NASBench:
    """NAS-Bench-101 (arXiv 1902.09635) as ``nasbench.api.NASBench`` answers.

    Parameters
    ----------
    dataset_file : str, path-like or Benchmark
        The name or path of a store, e.g. ``"nb101"``, or the official file if it was converted.
    seed : int, random.Random or module
        Seeds the draws of repeats: as ``NASBench(file, seed)`` draws them. By default 0. With the module ``random`` they
        come from Python's global stream; unlike the original, that is never seeded here.

    Attributes
    ----------
    config : dict
        The settings of the search space and of its trainings.
    valid_epochs : set of int
        The stored epoch budgets.
    fixed_statistics, computed_statistics : mapping
        By hash; the two values of `get_metrics_from_hash`.
    training_time_spent, total_epochs_spent : float, int
        What queries cost since `reset_budget_counters`.

    Raises
    ------
    WrongQuery, SourceError
        Both also a ValueError.
    """

    def __init__(self, dataset_file: Any, seed: Any = None) -> None:
        self._bench = opened(dataset_file, "nb101", "nb101")
        assert isinstance(self._bench.space, NB101)
        self._space = self._bench.space
        if _DATASET not in self._bench.datasets:
            raise WrongQuery(f"{self._bench.name} has no dataset {_DATASET}, only {', '.join(self._bench.datasets)}")
        self._random = random_stream(seed)
        self._repeats = self._bench.seeds(_DATASET)
        self._budgets = {name: self._bench.epochs(_DATASET, name) for name in self._bench.metrics(_DATASET)}
        self.valid_epochs = {epochs for name in _METRICS.values() for epochs in self._budgets.get(name, ())}
        self.config = _config()
        self.history: dict[str, Any] = {}
        self._record_of_hash: dict[str, int] = {}
        self.fixed_statistics = _ByHash(self, 0)
        self.computed_statistics = _ByHash(self, 1)
        self.reset_budget_counters()

    def query(self, model_spec: ModelSpec, epochs: int = 108, stop_halfway: bool = False) -> dict[str, Any]:
        """One of the trainings of a cell, drawn at random, and charge its time and epochs.

        Returns
        -------
        dict
            ``module_adjacency``, ``module_operations`` (of the stored cell, which is isomorphic to the one asked for),
            ``trainable_parameters``, ``training_time`` (s), ``train_accuracy``, ``validation_accuracy``,
            ``test_accuracy`` (fractions). What the store does not have is ``nan``.

        Raises
        ------
        OutOfDomainError
        WrongQuery
            The store lacks the cell or has no training of it with this budget. Also a KeyError.
        """
        if epochs not in self.valid_epochs:
            raise OutOfDomainError(f"epochs must be one of {sorted(self.valid_epochs)}, not {epochs}")
        record = self._record(model_spec)
        repeats = self._repeats_of(record, epochs)
        if not repeats:
            raise NotStored(f"{self._bench.name} has no training of {epochs} epochs of this cell")
        drawn = repeats[self._random.randint(0, len(repeats) - 1)]
        data = self._fixed(record) | self._evaluation(record, epochs, drawn, _HALFWAY if stop_halfway else "")
        self.training_time_spent += data["training_time"]
        self.total_epochs_spent += epochs // 2 if stop_halfway else epochs
        return data

    def is_valid(self, model_spec: ModelSpec) -> bool:
        """Whether a cell is in the search space."""
        try:
            self._check_spec(model_spec)
        except OutOfDomainError:
            return False
        return True

    def get_budget_counters(self) -> tuple[float, int]:
        """Seconds and epochs of all queries since the last reset."""
        return self.training_time_spent, self.total_epochs_spent

    def reset_budget_counters(self) -> None:
        self.training_time_spent = 0.0
        self.total_epochs_spent = 0

    def evaluate(self, model_spec: ModelSpec, model_dir: Any) -> dict[str, Any]:
        """Refused: a table trains nothing."""
        raise Unsupported(
            "evaluate trains a network, but this is a table: see 'nasbench-kit train' and nasbench_kit.training"
        )

    def hash_iterator(self) -> KeysView[str]:
        """The hashes of all stored cells, ascending; computed on the way, half a minute for all 423,624."""
        return self.fixed_statistics.keys()

    def get_metrics_from_hash(self, module_hash: str) -> tuple[dict[str, Any], dict[int, list[dict[str, float]]]]:
        """All trainings of a cell by its hash.

        Returns
        -------
        fixed : dict
            ``module_adjacency``, ``module_operations``, ``trainable_parameters``.
        computed : dict of int to list of dict
            By budget, one dict per repeat: ``final_training_time``, ``final_train_accuracy``, ...,
            ``halfway_test_accuracy``.

        Raises
        ------
        WrongQuery
            There is no such hash in the store. Also a KeyError.
        """
        return self._metrics(self._record_of(module_hash))

    def get_metrics_from_spec(self, model_spec: ModelSpec) -> tuple[dict[str, Any], dict[int, list[dict[str, float]]]]:
        """All trainings of a cell, as `get_metrics_from_hash` returns them; OutOfDomainError for an invalid one."""
        return self._metrics(self._record(model_spec))

    # ---------------------------------------------------------------- cells

    def _check_spec(self, spec: ModelSpec) -> None:
        if not spec.valid_spec or spec.matrix is None or spec.ops is None:
            raise OutOfDomainError("the input does not reach the output")
        if len(spec.ops) > _VERTICES:
            raise OutOfDomainError(f"a cell has at most {_VERTICES} vertices after pruning, not {len(spec.ops)}")
        edges = int(np.sum(spec.matrix))
        if edges > _EDGES:
            raise OutOfDomainError(f"a cell has at most {_EDGES} edges after pruning, not {edges}")
        if spec.ops[0] != "input" or spec.ops[-1] != "output":
            raise OutOfDomainError("the first op must be 'input' and the last 'output'")
        for op in spec.ops[1:-1]:
            if op not in OPERATIONS:
                raise OutOfDomainError(f"the op {op!r} is none of {', '.join(OPERATIONS)}")

    def _record(self, spec: ModelSpec) -> int:
        self._check_spec(spec)
        assert spec.matrix is not None
        try:
            rows = self._space.encode([{"matrix": spec.matrix.tolist(), "ops": spec.ops}])
        except InvalidArchitecture as error:  # such as entries other than 0 and 1
            raise WrongQuery(str(error)) from error
        record = int(self._bench.records(rows)[0])
        if record < 0:
            raise WrongQuery(f"{self._bench.name} lacks this cell: it has {len(self._bench)} of {self._space.networks}")
        return record

    def _record_of(self, module_hash: str) -> int:
        if module_hash not in self._record_of_hash:
            try:
                record = int(self._bench.records(self._space.from_hash([module_hash]))[0])
            except InvalidArchitecture as error:
                raise WrongQuery(str(error)) from error
            if record < 0:
                raise WrongQuery(f"{self._bench.name} lacks the cell {module_hash}")
            self._record_of_hash[module_hash] = record
        return self._record_of_hash[module_hash]

    def _hashes(self) -> Iterator[str]:
        """All hashes, ascending, remembering the record of each."""
        if len(self._bench) == self._space.networks:
            rows = self._space.representatives(self._space.cells_by_hash())
            for start in range(0, len(rows), _BLOCK):
                block = rows[start : start + _BLOCK]
                yield from self._remember(block)
        else:
            yield from sorted(self._remember(self._bench.architectures))

    def _remember(self, rows: np.ndarray[Any, np.dtype[np.uint8]]) -> list[str]:
        hashes: list[str] = self._space.module_hash(rows).tolist()
        self._record_of_hash.update(zip(hashes, self._bench.records(rows).tolist(), strict=True))
        return hashes

    # ---------------------------------------------------------------- values

    def _metrics(self, record: int) -> tuple[dict[str, Any], dict[int, list[dict[str, float]]]]:
        computed = {}
        for epochs in sorted(self.valid_epochs):
            if repeats := self._repeats_of(record, epochs):
                computed[epochs] = [self._training(record, epochs, seed) for seed in repeats]
        return self._fixed(record), computed

    def _fixed(self, record: int) -> dict[str, Any]:
        row = self._bench.architectures[record : record + 1]
        [native] = self._space.decode(row)
        cell = ModelSpec(np.array(native["matrix"], dtype=np.int8), native["ops"])
        return {
            "module_adjacency": cell.matrix,
            "module_operations": cell.ops,
            "trainable_parameters": int(self._space.cost(row, "params", dataset=_DATASET)[0]),
        }

    def _repeats_of(self, record: int, epochs: int) -> list[int | str]:
        """The seeds that a cell has accuracies of with a budget, or "mean" if the table has only means."""
        names = [name for name in _METRICS if name != "training_time"]
        return [
            seed
            for seed in self._repeats or ("mean",)
            if not all(math.isnan(self._value(record, name, "", epochs, seed)) for name in names)
        ]

    def _training(self, record: int, epochs: int, seed: int | str) -> dict[str, float]:
        halves = {"halfway": _HALFWAY, "final": ""}
        return {
            f"{half}_{name}": value
            for half, prefix in halves.items()
            for name, value in self._evaluation(record, epochs, seed, prefix).items()
        }

    def _evaluation(self, record: int, epochs: int, seed: int | str, prefix: str) -> dict[str, float]:
        return {name: self._value(record, name, prefix, epochs, seed) for name in _METRICS}

    def _value(self, record: int, name: str, prefix: str, epochs: int, seed: int | str) -> float:
        metric = prefix + _METRICS[name]
        if epochs not in self._budgets.get(metric, ()):
            return math.nan
        value = float(self._bench.rows(metric, _DATASET, epochs, seed)[record])
        return value if name == "training_time" else _fraction(value)


def _config() -> dict[str, Any]:
    """The package's settings: its defaults, with which all cells were trained."""
    return {
        "train_data_files": [],
        "valid_data_file": "",
        "test_data_file": "",
        "sample_data_file": "",
        "data_format": "channels_last",
        "num_labels": 10,
        "module_vertices": _VERTICES,
        "max_edges": _EDGES,
        "available_ops": list(OPERATIONS),
        "stem_filter_size": 128,
        "num_stacks": 3,
        "num_modules_per_stack": 3,
        "batch_size": 256,
        "train_epochs": 108,
        "train_seconds": 4.0 * 60 * 60,
        "learning_rate": 0.1,
        "lr_decay_method": "COSINE_BY_STEP",
        "momentum": 0.9,
        "weight_decay": 1e-4,
        "max_attempts": 5,
        "intermediate_evaluations": ["0.5"],
        "num_repeats": _REPEATS,
        "use_tpu": True,
        "tpu_iterations_per_loop": 100,
        "tpu_num_shards": 2,
    }


class _ByHash(Mapping[str, Any]):
    """One of the two values of `NASBench.get_metrics_from_hash`, by hash."""

    def __init__(self, nasbench: NASBench, part: int) -> None:
        self._nasbench, self._part = nasbench, part

    def __getitem__(self, module_hash: str) -> Any:
        return self._nasbench.get_metrics_from_hash(module_hash)[self._part]

    def __iter__(self) -> Iterator[str]:
        return self._nasbench._hashes()

    def __len__(self) -> int:
        return len(self._nasbench._bench)

    def __contains__(self, module_hash: object) -> bool:
        try:
            return isinstance(module_hash, str) and self._nasbench._record_of(module_hash) >= 0
        except WrongQuery:
            return False


def _fraction(percent: float) -> float:
    """An accuracy as the official file has it: a float32, which the store holds times 100."""
    single = float(np.float32(percent / 100))
    return single if single * 100 == percent else percent / 100
