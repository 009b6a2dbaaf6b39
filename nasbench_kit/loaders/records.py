"""Interpret the records of NAS-Bench-201 and NATS-Bench: the pickled state of one architecture.

Both benchmarks store the same states (arXiv 2001.00326, 2009.00437). `nasbench_kit.loaders.record_values` reads one training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders.pickle_streams import Item
from nasbench_kit.loaders.pickle_values import shown
from nasbench_kit.loaders.record_values import CONSTANTS, CURVES, FIELDS, POSITION, SETS, Curves, trial_values
from nasbench_kit.loaders.source import check_complete
from nasbench_kit.spaces.nats_size.space import NATSSize
from nasbench_kit.spaces.nb201.space import NB201
from nasbench_kit.store.schema import MetricColumn, Table

__all__ = ["Record", "Records", "check_meta", "curves_name", "official_names"]

MAX_SEEDS = 4  # per budget; the files have 111 and 777, and 777, 888 and 999

# number of architectures with 1, 2 and 3 trainings of 200 epochs, which identifies the version of NAS-Bench-201's file
_SEED_COUNTS = {(6219, 1621, 7785): "v1.0", (2225, 5439, 7961): "v1.1"}

_NOTES = (
    "{budgets} epochs are separate trainings. original_test_* is on the validation and test images together. "
    "recorded_params and recorded_flops are the files' own values, some of which are wrong; params and flops are "
    "computed from the definition. Times were measured once and scaled by the authors; training_time excludes evaluation."
)

Trial = tuple[str, int, int]  # dataset, epoch budget, seed

Record = dict[Trial, tuple[NDArray[np.float64], Curves]]


def curves_name(dataset: str, budget: int) -> str:
    """The dataset that stores the curves of a training, kept separate because its epochs are not budgets.

    Examples
    --------
    >>> curves_name("cifar100", 200)
    'cifar100-curves-200'
    """
    return f"{dataset}-curves-{budget}"


def official_names(space: NB201 | NATSSize) -> list[str]:
    """All architectures as strings, in the order of the official index."""
    names: list[str] = space.decode(space.from_official_index(np.arange(space.size)))
    return names


def check_meta(where: object, meta: Any, names: list[str]) -> None:
    """Raise SourceError unless a file lists the official architectures in the official order."""
    listed = meta.get("meta_archs") if isinstance(meta, dict) else None
    if not isinstance(listed, list) or len(listed) != len(names):
        count = len(listed) if isinstance(listed, list) else shown(listed)
        raise SourceError(f"{where}: key 'meta_archs': expected a list of {len(names)} architectures, not {count}")
    for index, (found, name) in enumerate(zip(listed, names, strict=True)):
        if found != name:
            raise SourceError(
                f"{where}: key 'meta_archs': architecture {index} must be {name}, as in the official index, "
                f"not {shown(found)}"
            )


class Records:
    """The records of a source as arrays; only one architecture's object graph is in memory at a time.

    Parameters
    ----------
    path : Path
        The source, for error messages.
    budgets : mapping of str to int
        The file's names of the epoch budgets, e.g. ``{"less": 12, "full": 200}``.
    curves : bool
        Whether to keep the values after every epoch as well.
    space : NB201 or NATSSize
    """

    def __init__(self, path: Path, budgets: Mapping[str, int], *, curves: bool, space: NB201 | NATSSize) -> None:
        self.path, self.curves, self.space = path, curves, space
        self.names = official_names(space)
        self._budgets = dict(budgets)
        self._present = np.zeros(self.space.size, dtype=np.bool_)
        self._finals: dict[Trial, _Rows] = {}
        self._curves: dict[tuple[str, int, int, str], _Rows] = {}

    def __len__(self) -> int:
        return int(self._present.sum())

    def check_index(self, index: object, where: str) -> int:
        """Return an architecture's index; SourceError if it is out of range or was seen before."""
        if type(index) is not int or not 0 <= index < self.space.size:
            raise SourceError(
                f"{where}: an architecture's index must be from 0 to {self.space.size - 1}, not {shown(index)}"
            )
        if self._present[index]:
            raise SourceError(f"{where}: architecture {index} appears twice")
        return index

    def read(self, index: object, content: object, where: str) -> Record:
        """Read the values of one architecture's record; thread-safe.

        Parameters
        ----------
        index : int
        content : dict
            The states, by the file's name of the epoch budget.
        where : str
            The place in the source, for error messages.

        Raises
        ------
        SourceError
            If anything deviates from the format.
        """
        index = self.check_index(index, where)
        where = f"{where}: architecture {index}"
        record: Record = {}
        for name, budget in self._budgets.items():
            inside = f"{where}, {budget} epochs"
            state = _entry(content, name, inside)
            if state.get("arch_index") != index or state.get("arch_str") != self.names[index]:
                found = f"{shown(state.get('arch_index'))}, {shown(state.get('arch_str'))}"
                raise SourceError(
                    f"{inside}: the state is that of {found}; the official index says {self.names[index]}"
                )
            results = _entry(state, "all_results", inside)
            for dataset, seeds in _entry(state, "dataset_seed", inside).items():
                if dataset not in SETS:
                    raise SourceError(f"{inside}: a dataset must be one of {', '.join(SETS)}, not {shown(dataset)}")
                if not isinstance(seeds, list) or any(type(seed) is not int or not 0 <= seed < 2**31 for seed in seeds):
                    raise SourceError(f"{inside}: key 'dataset_seed': expected a list of seeds for {dataset}")
                for seed in seeds:
                    place = f"{inside}, {dataset}, seed {seed}"
                    trial = results.get((dataset, seed))
                    if not isinstance(trial, dict):
                        raise SourceError(
                            f"{place}: key 'all_results' has no such trial, though 'dataset_seed' lists it"
                        )
                    record[dataset, budget, seed] = trial_values(trial, dataset, budget, place, curves=self.curves)
        return record

    def taking(self, unit: str, progress: Callable[[float], None] | None) -> Item:
        """Return a callback that adds each item of a stream; ``unit`` qualifies offsets, e.g. ``" decompressed"``."""

        def item(index: Any, content: Any, offset: int) -> None:
            self.add(index, self.read(index, content, f"{self.path}: byte {offset}{unit}"))
            if progress and len(self) % 50 == 0:
                progress(len(self) / self.space.size)

        return item

    def add(self, index: int, record: Record) -> None:
        """Store the values of an architecture's record."""
        self._present[index] = True
        for (dataset, budget, seed), (values, curves) in record.items():
            trial = (dataset, budget, seed)
            if trial not in self._finals:
                if len({key for key in self._finals if key[:2] == trial[:2]}) >= MAX_SEEDS:
                    raise SourceError(f"{self.path}: {dataset} has more than {MAX_SEEDS} seeds at architecture {index}")
                self._finals[trial] = _Rows(self.space.size, len(FIELDS))
            self._finals[trial].put(index, values)
            for name, curve in curves.items():
                key = (*trial, name)
                if key not in self._curves:
                    self._curves[key] = _Rows(self.space.size, budget)
                self._curves[key].put(index, curve)

    def table(self, provenance: Mapping[str, Any], *, partial: bool) -> Table:
        """Build a table of all records, with one dataset per set of training data and one per set of curves.

        Raises
        ------
        SourceError
            If architectures are missing, unless ``partial``.
        """
        indices = np.flatnonzero(self._present)
        rows = self.space.from_official_index(indices)
        missing = check_complete(self.path, self.space, rows, partial=partial, all_genotypes=True)
        metrics: dict[str, dict[str, MetricColumn]] = {}
        for dataset in SETS:
            found = {name: metric for name in FIELDS if (metric := self._metric(dataset, name, indices)) is not None}
            if found:
                costs = {
                    name: MetricColumn(self.space.cost(rows, name, dataset=dataset)) for name in ("params", "flops")
                }
                metrics[dataset] = found | costs
        for dataset in SETS:
            for budget in sorted(self._budgets.values()):
                found = {
                    name: curve
                    for name in (*CURVES, "training_time")
                    if (curve := self._curve(dataset, budget, name, indices)) is not None
                }
                if set(found) - {"training_time"}:
                    seconds = self._metric(dataset, "valid_time", indices, budget)
                    if "valid_accuracy" in found and seconds is not None:
                        found["valid_time"] = seconds
                    metrics[curves_name(dataset, budget)] = found
        about = {
            **provenance,
            "content": self._content(indices),
            "notes": _NOTES.format(budgets=" and ".join(map(str, sorted(self._budgets.values())))),
            "curves": self.curves,
            "missing_architectures": missing,
        }
        return Table(self.space, rows, metrics, about)

    def _content(self, indices: NDArray[np.intp]) -> str:
        """Evidence of the records' origin: counts, and how often recorded costs differ from the definition."""
        longest = max(self._budgets.values())
        full = [table for trial, table in self._finals.items() if trial[:2] == ("cifar10-valid", longest)]
        trained = np.zeros(len(indices), dtype=np.int64)
        for table in full:
            trained += ~np.isnan(table.take(indices)[:, 0])
        counts = tuple(np.bincount(trained, minlength=MAX_SEEDS + 1)[1:4].tolist())
        version = _SEED_COUNTS.get(counts)
        said = [
            f"{len(indices):,} architectures, each at its official index",
            f"with 1, 2 and 3 seeds at {longest} epochs on cifar10-valid: "
            + ", ".join(f"{count:,}" for count in counts)
            + (f", as in the published {version}" if version else ""),
        ]
        rows = self.space.from_official_index(indices)
        for name in ("flops", "params"):
            wrong = np.zeros(len(indices), dtype=np.bool_)
            for (dataset, _, _), table in self._finals.items():
                values = table.take(indices)[:, POSITION[f"recorded_{name}"]]
                right = self.space.cost(rows, name, dataset=dataset)
                wrong |= ~np.isnan(values) & ~np.isclose(values, right, rtol=1e-6)
            said.append(f"recorded {name} that differ from the definition: {int(wrong.sum()):,}")
        return "; ".join(said)

    def _metric(
        self, dataset: str, name: str, indices: NDArray[np.intp], budget: int | None = None
    ) -> MetricColumn | None:
        """Collect one metric, dropping the seed or budget axis if the values are equal along it.

        With a budget, only its trainings are used, without a budget axis.
        """
        trials = {
            trial[1:]: values
            for trial, table in sorted(self._finals.items())
            if trial[0] == dataset
            and budget in (None, trial[1])
            and not np.isnan(values := table.take(indices)[:, POSITION[name]]).all()
        }
        if not trials:
            return None
        epochs, seeds = (tuple(sorted({trial[axis] for trial in trials})) for axis in (0, 1))
        values = np.full((len(indices), len(epochs), len(seeds)), np.nan)
        for (of_budget, seed), found in trials.items():
            values[:, epochs.index(of_budget), seeds.index(seed)] = found
        if name not in CONSTANTS:
            return MetricColumn(values, epochs, seeds)
        by_budget = _one_of_equal(values)
        if by_budget is None:
            return MetricColumn(values, epochs, seeds)
        alone = None if name == "training_time" else _one_of_equal(by_budget)
        return MetricColumn(by_budget, epochs) if alone is None else MetricColumn(alone)

    def _curve(self, dataset: str, budget: int, name: str, indices: NDArray[np.intp]) -> MetricColumn | None:
        """A metric after every epoch; None if only its final value is known."""
        seeds = tuple(sorted({key[2] for key in self._curves if key[:2] == (dataset, budget) and key[3] == name}))
        values = np.full((len(indices), budget, len(seeds)), np.nan)
        for i, seed in enumerate(seeds):
            values[:, :, i] = self._curves.pop((dataset, budget, seed, name)).take(indices)
        if np.isnan(values[:, :-1]).all():
            return None
        epochs = tuple(range(1, budget + 1))
        alone = _one_of_equal(values) if name == "training_time" else None
        return MetricColumn(values, epochs, seeds) if alone is None else MetricColumn(alone, epochs)


class _Rows:
    """Rows of numbers by official index, ``nan`` where none was put; pages that no row touches take no memory."""

    def __init__(self, size: int, width: int) -> None:
        self._values, self._known = np.zeros((size, width)), np.zeros(size, dtype=np.bool_)

    def put(self, index: int, values: NDArray[np.float64]) -> None:
        self._values[index], self._known[index] = values, True

    def take(self, indices: NDArray[np.intp]) -> NDArray[np.float64]:
        values = self._values[indices]
        values[~self._known[indices]] = np.nan
        return values


def _entry(content: Any, key: str, where: str) -> dict[Any, Any]:
    value = content.get(key) if type(content) is dict else content
    if type(value) is not dict:
        raise SourceError(f"{where}: key {key!r}: expected a dict, not {shown(value)}")
    return value


def _one_of_equal(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The common value along the last axis; None if the known values differ."""
    known = ~np.isnan(values)
    first = np.take_along_axis(values, known.argmax(axis=-1)[..., np.newaxis], axis=-1)
    return first[..., 0] if ((values == first) | ~known).all() else None
