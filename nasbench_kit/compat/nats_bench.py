"""The interface of the package ``nats-bench`` (``nats_bench``), answered from a store.

>>> from nasbench_kit.compat.nats_bench import create
>>> api = create("nb201", "tss", fast_mode=True, verbose=False)
>>> info = api.get_more_info(11, "cifar10-valid", hp="200", is_random=777)
>>> round(info["valid-accuracy"], 2)
87.75
"""

from __future__ import annotations

import warnings
from typing import Any

from nasbench_kit.compat import arch_results
from nasbench_kit.compat.errors import NotStored, WrongQuery
from nasbench_kit.compat.results_count import ResultsCount
from nasbench_kit.compat.topology import OPERATIONS, CellStrings
from nasbench_kit.compat.trials_api import TrialsAPI

__all__ = [
    "ArchResults",
    "NATSsize",
    "NATStopology",
    "NotStored",
    "ResultsCount",
    "WrongQuery",
    "create",
    "search_space_info",
    "version",
]

_TOPOLOGY, _SIZE = ("tss", "topology"), ("sss", "size")


def create(
    file_path_or_dict: Any, search_space: str, fast_mode: bool = False, verbose: bool = True, *, seed: Any = None
) -> NATStopology | NATSsize:
    """Open NATS-Bench (arXiv 2009.00437) as ``nats_bench.create`` of version 1.8 does.

    Parameters
    ----------
    file_path_or_dict : str, path-like, Benchmark or None
        The name or path of a store, or an official file or folder that was converted; None is the store ``nats`` or
        ``nats-size``.
    search_space : {"tss", "topology", "sss", "size"}
    fast_mode : bool
        Changes nothing but `find_best`: a store always opens at once.
    verbose : bool
        Whether to print a line on opening and on what `find_best` found. Other calls print nothing.
    seed : int, random.Random or module
        Seeds the draws of trials and architectures: as ``random.seed(seed)`` does for the original. By default 0. With
        the module ``random`` they come from Python's global stream, as in the original.

    Raises
    ------
    WrongQuery, SourceError
        Both also a ValueError.
    """
    if search_space in _TOPOLOGY:
        return NATStopology(file_path_or_dict, fast_mode, verbose, seed=seed)
    if search_space in _SIZE:
        return NATSsize(file_path_or_dict, fast_mode, verbose, seed=seed)
    raise WrongQuery(f"search_space must be one of {', '.join((*_TOPOLOGY, *_SIZE))}, not {search_space!r}")


def search_space_info(main_tag: str, aux_tag: str | None) -> dict[str, Any]:
    """The operations or channels that a search space is made of; ``("nats-bench", "tss")``, for example."""
    topology = {"op_names": list(OPERATIONS), "num_nodes": 4}
    if main_tag == "nats-bench" and aux_tag in (*_TOPOLOGY, *_SIZE):
        return topology if aux_tag in _TOPOLOGY else {"candidates": list(range(8, 65, 8)), "num_layers": 5}
    if main_tag == "nas-bench-201" and aux_tag is None:
        return topology
    raise WrongQuery(f"there is no search space {main_tag!r} with {aux_tag!r}")


def version() -> str:
    """The version of the package whose answers these are."""
    return "v1.8"


class ArchResults(arch_results.ArchResults):
    """All trainings of an architecture with one epoch budget, with counts as NATS-Bench corrects them."""

    _corrects_counts = True


class _NATS(TrialsAPI):
    _results = ArchResults
    _space, _default, _name, _epochs = "nb201", "nats", "topology", 200

    def __init__(
        self, file_path_or_dict: Any = None, fast_mode: bool = False, verbose: bool = True, *, seed: Any = None
    ) -> None:
        self._fast_mode = bool(fast_mode)
        super().__init__(file_path_or_dict, self._space, self._default, verbose, seed)
        self.evaluated_indexes = set(self.evaluated_indexes)
        self._archive_dir: Any = None

    def __repr__(self) -> str:
        counts = f"{len(self.evaluated_indexes)}/{len(self)} architectures"
        return f"{type(self).__name__}({counts}, fast_mode={self.fast_mode}, file={self.filename})"

    @property
    def search_space_name(self) -> str:
        return self._name

    @property
    def fast_mode(self) -> bool:
        return self._fast_mode

    def reset_fast_mode(self, fast_mode: bool) -> None:
        self._fast_mode = fast_mode

    @property
    def archive_dir(self) -> Any:
        return self._archive_dir

    def reset_archive_dir(self, archive_dir: Any) -> None:
        self._archive_dir = archive_dir

    @property
    def full_train_epochs(self) -> int:
        return self._epochs

    @property
    def full_epochs_in_paper(self) -> int:
        return self._epochs

    @property
    def is_topology(self) -> bool:
        return self._name == "topology"

    @property
    def is_size(self) -> bool:
        return self._name == "size"

    def query_meta_info_by_index(self, arch_index: int, hp: str = "12") -> Any:
        """All trainings of an architecture with a budget, as a copy of one's own."""
        return super().query_meta_info_by_index(arch_index, str(hp))

    def get_cost_info(self, index: int, dataset: str, hp: str = "12") -> dict[str, Any]:
        """``flops`` and ``params`` in millions, ``latency`` in seconds, and seconds per epoch and in total."""
        return super().get_cost_info(index, dataset, str(hp))

    def get_net_param(self, index: int, dataset: str, seed: int | None, hp: str = "12") -> Any:
        """The weights, which neither stores nor the official files hold: None, for each seed if none is given."""
        return super().get_net_param(index, dataset, seed, str(hp))

    def get_more_info(
        self, index: Any, dataset: str, iepoch: int | None = None, hp: str = "12", is_random: bool | int = True
    ) -> dict[str, Any]:
        """See `TrialsAPI.get_more_info`; for CIFAR-10 with a ``comment`` on the training images."""
        found = super().get_more_info(index, dataset, iepoch, hp, is_random)
        if dataset in ("cifar10-valid", "cifar10"):
            images = "half" if dataset == "cifar10-valid" else "all"
            found["comment"] = (
                f"trained on {images} of CIFAR-10's training images for {hp} epochs; tested on its test images"
            )
        return found

    def simulate_train_eval(
        self, arch: Any, dataset: str, iepoch: int | None = None, hp: str = "12", account_time: bool = True
    ) -> tuple[float, float | None, float, float]:
        """Train an architecture until an epoch and validate it once, in simulated time.

        Returns
        -------
        validation accuracy, latency, seconds of the training and one validation, and `used_time`

        Raises
        ------
        NotStored
            There is no validation accuracy of this epoch. The original then answers with the accuracy on the validation
            and test images together (``get_more_info(...)["valtest-accuracy"]``).
        """
        index = self.query_index_by_arch(arch)
        info = self.get_more_info(index, self._searched(dataset), iepoch, hp, True)
        if "valid-accuracy" not in info:
            raise NotStored(
                f"there is no validation accuracy on {dataset} after epoch {iepoch} of {hp}, only after the last: test "
                "accuracy never stands in for it; get_more_info(...)['valtest-accuracy'] is what nats_bench returns here"
            )
        return self._simulated(info, self.get_latency(index, dataset, hp=hp), account_time)

    def find_best(
        self,
        dataset: str,
        metric_on_set: str,
        flop_max: float | None = None,
        param_max: float | None = None,
        hp: str = "12",
        enforce_all: bool | None = None,
    ) -> tuple[int, float | None]:
        """The index of the most accurate architecture within limits in millions, and its mean accuracy.

        ``enforce_all``, by default ``fast_mode``, requires that all architectures are stored.
        """
        if enforce_all and not self.fast_mode:
            raise WrongQuery("enforce_all needs fast_mode=True")
        missing = len(self) - len(self.evaluated_indexes)
        if missing and (self.fast_mode if enforce_all is None else enforce_all):
            raise WrongQuery(
                f"{self.filename} lacks {missing} of {len(self)} architectures; enforce_all=False finds the best of the others"
            )
        return self._best(dataset, metric_on_set, flop_max, param_max, hp)

    def _not_evaluated(self, index: int) -> None:
        if self.fast_mode:
            self._info(index, next(iter(self._stored.budgets)))  # raises, as the original does in this mode
        warnings.warn(f"the architecture {index} is not in {self.filename}", stacklevel=4)


class NATStopology(_NATS, CellStrings):
    """NATS-Bench's topology search space."""


class NATSsize(_NATS):
    """NATS-Bench's size search space."""

    _space, _default, _name, _epochs = "nats-size", "nats-size", "size", 90
    _with_test = True
