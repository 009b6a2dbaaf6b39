"""The trainings of a store of NAS-Bench-201 or NATS-Bench in the form of the official packages' records.

A store keeps columns, the packages keep a dict for each training. The dicts are filled when one is asked for, and curves
are looked up value by value.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from functools import cache, cached_property, lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.benchmark import Benchmark
from nasbench_kit.compat.arch_results import ArchResults
from nasbench_kit.compat.errors import NotStored, WrongQuery
from nasbench_kit.compat.results_count import ResultsCount
from nasbench_kit.loaders.record_values import SETS
from nasbench_kit.loaders.records import curves_name, official_names
from nasbench_kit.spaces.nats_size.cost import CELL
from nasbench_kit.spaces.nats_size.space import NATSSize
from nasbench_kit.spaces.nb201.cost import OPERATIONS, SKELETONS
from nasbench_kit.spaces.nb201.space import NB201

__all__ = ["StoredTrials"]

_EDGES = "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|"


class StoredTrials:
    """The trainings of all architectures of a store.

    Parameters
    ----------
    bench : Benchmark
        Of the space ``nb201`` or ``nats-size``.

    Attributes
    ----------
    names : tuple of str
        All architectures by official index.
    budgets : dict of str to int
        The packages' names of the stored epoch budgets: ``"01"``, ``"12"``, ``"90"``, ``"200"``.
    datasets : tuple of str
    evaluated : ndarray of int64
        The official indices of the architectures that have a record of their own, ascending.

    Raises
    ------
    WrongQuery
        If the store has none of the official datasets.
    """

    def __init__(self, bench: Benchmark) -> None:
        assert isinstance(bench.space, (NB201, NATSSize))
        self.bench, self.space = bench, bench.space
        self.datasets = tuple(name for name in SETS if name in bench.datasets)
        if not self.datasets:
            raise WrongQuery(
                f"{bench.name} has none of the datasets {', '.join(SETS)}, only {', '.join(bench.datasets)}"
            )
        epochs = sorted({budget for name in self.datasets for budget in bench.epochs(name)})
        self.budgets = {f"{budget:02d}": budget for budget in epochs}
        self.names = _names(type(self.space))
        self.evaluated = np.sort(self.space.official_index(bench.architectures))
        self._number = self.space.number(self.space.from_official_index(np.arange(self.space.size))).astype(np.intp)
        self._finals: dict[tuple[str, int, str, int | str], NDArray[np.float64]] = {}
        self._trained: dict[tuple[str, int], NDArray[np.bool_]] = {}
        self._known: dict[tuple[str, int], tuple[tuple[int, ...], NDArray[np.bool_]]] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> StoredTrials:
        return self  # read-only

    def __reduce__(self) -> tuple[Any, ...]:
        return StoredTrials, (self.bench,)

    # ---------------------------------------------------------------- values of all architectures

    def final(self, dataset: str, budget: int, metric: str, seed: int | str) -> NDArray[np.float64]:
        """A metric after the last epoch by official index, ``nan`` where it is not stored; shape (space.size,)."""
        key = (dataset, budget, metric, seed)
        if key not in self._finals:
            bench = self.bench
            budgets = bench.epochs(dataset, metric) if metric in bench.metrics(dataset) else (-1,)
            if budgets and budget not in budgets:
                self._finals[key] = np.full(self.space.size, np.nan)
            else:
                self._finals[key] = bench.rows(metric, dataset, budget, seed)[self._number]
        return self._finals[key]

    def count(self, dataset: str, budget: int, name: str, seed: int | str) -> NDArray[np.float64]:
        """``params`` or ``flops`` in millions by official index: as recorded, and where unknown as defined."""
        recorded = self.final(dataset, budget, f"recorded_{name}", seed)
        return np.where(np.isnan(recorded), self.final(dataset, budget, name, "mean"), recorded) / 1e6

    def seeds(self, dataset: str, budget: int) -> tuple[tuple[int, ...], NDArray[np.bool_]]:
        """The seeds of a dataset, and which architectures were trained with each: (space.size, seeds)."""
        key = (dataset, budget)
        if key not in self._known:
            seeds = self.bench.seeds(dataset)
            known = np.zeros((self.space.size, len(seeds)), dtype=np.bool_)
            for i, seed in enumerate(seeds):
                known[:, i] = self._has(dataset, budget, seed)
            some = np.flatnonzero(known.any(axis=0)).tolist()
            self._known[key] = tuple(seeds[i] for i in some), known[:, some]
        return self._known[key]

    def _has(self, dataset: str, budget: int, seed: int | str) -> NDArray[np.bool_]:
        parts = ("train", *SETS[dataset].values())
        values = [self.final(dataset, budget, f"{part}_accuracy", seed) for part in parts]
        known: NDArray[np.bool_] = np.logical_not(np.isnan(values).all(axis=0))
        return known

    def trained(self, dataset: str, budget: int) -> NDArray[np.bool_]:
        """Which architectures have a training on a dataset, or a mean over some: (space.size,)."""
        if (dataset, budget) not in self._trained:
            self._trained[dataset, budget] = self._has(dataset, budget, "mean")
        return self._trained[dataset, budget]

    # ---------------------------------------------------------------- one architecture

    def results(self, kind: type[ArchResults], index: int, name: str, stream: Any) -> ArchResults:
        """All trainings of an architecture with a budget, by the package's name of it."""
        budget, found = self.budgets[name], kind(index, self.names[index])
        found._random, found.clear_net_done = stream, True  # no weights are stored
        for dataset in self.datasets:
            if not self.trained(dataset, budget)[index]:
                continue
            seeds, known = self.seeds(dataset, budget)
            own = [seed for seed, is_known in zip(seeds, known[index].tolist(), strict=True) if is_known]
            found.dataset_seed[dataset] = own
            for seed in own:
                found.all_results[dataset, seed] = ResultsCount.of(partial(self._fields, index, dataset, budget, seed))
            found._means[dataset] = ResultsCount.of(partial(self._fields, index, dataset, budget, "mean"))
        return found

    def _fields(self, index: int, dataset: str, budget: int, seed: int | str) -> dict[str, Any]:
        """The attributes of a `ResultsCount`."""
        trial = _Trial(self, index, dataset, budget, seed)
        sets = {name: part for name, part in SETS[dataset].items() if trial.stored(part)}
        times: dict[str, float] = {}
        for name, part in sets.items():
            seconds = trial.final(f"{part}_time")
            if not math.isnan(seconds):
                times |= dict.fromkeys(_keys(name, budget), seconds)
        latency = trial.final("latency_gpu") / 1e3
        return {
            "name": dataset,
            "seed": None if seed == "mean" else f"{seed:04d}",
            "epochs": budget,
            "train_acc1es": _Series(trial, "train_accuracy", "train"),
            "train_acc5es": None,
            "train_losses": _Series(trial, "train_loss", "train"),
            "train_times": trial.seconds(),
            "eval_names": list(sets),
            "eval_acc1es": _Evaluations(
                trial, {name: _Series(trial, f"{part}_accuracy", part) for name, part in sets.items()}
            ),
            "eval_losses": _Evaluations(
                trial, {name: _Series(trial, f"{part}_loss", part) for name, part in sets.items()}
            ),
            "eval_times": times,
            "params": float(self.count(dataset, budget, "params", seed)[index]),
            "flop": float(self.count(dataset, budget, "flops", seed)[index]),
            "latency": None if math.isnan(latency) else [latency],
            "arch_config": self._config(index, dataset),
            "net_state_dict": None,
        }

    def _config(self, index: int, dataset: str) -> dict[str, Any]:
        name, skeleton = self.names[index], SKELETONS[dataset]
        if isinstance(self.space, NATSSize):
            genotype = _EDGES.format(*(OPERATIONS[operation] for operation in CELL))
            about = {"name": "infer.shape.tiny", "channels": name, "genotype": genotype}
            return {**about, "arch_str": name, "class_num": skeleton.classes}
        size: dict[str, Any] = {"channel": skeleton.channels[0], "num_cells": skeleton.cells, "arch_str": name}
        return {**size, "class_num": skeleton.classes}


class _Trial:
    """Where the values of one training are, or of the mean over the trainings."""

    def __init__(self, stored: StoredTrials, index: int, dataset: str, budget: int, seed: int | str) -> None:
        self.of, self.index, self.dataset, self.budget, self.seed = stored, index, dataset, budget, seed

    def __deepcopy__(self, memo: dict[int, Any]) -> _Trial:
        return self

    def final(self, metric: str) -> float:
        return float(self.of.final(self.dataset, self.budget, metric, self.seed)[self.index])

    def stored(self, part: str) -> bool:
        """Whether the accuracy on a set is stored, of this training or as a mean."""
        metric = f"{part}_accuracy"
        mean = self.of.final(self.dataset, self.budget, metric, "mean")[self.index]
        return not math.isnan(mean)

    def curve(self, metric: str) -> NDArray[np.float64] | None:
        """A metric after every epoch; None if the store has no such curve."""
        bench, name = self.of.bench, curves_name(self.dataset, self.budget)
        if name not in bench.datasets or metric not in bench.metrics(name):
            return None
        values = bench.trials(self.of.space.from_official_index([self.index]), metric, dataset=name)[0]
        seeds = bench.seeds(name, metric)
        if self.seed == "mean" or not seeds:
            known = ~np.isnan(values)
            found = np.full(len(values), np.nan)
            np.divide(np.where(known, values, 0).sum(axis=1), known.sum(axis=1), out=found, where=known.any(axis=1))
            return found
        found = np.full(len(values), np.nan)
        if self.seed in seeds:
            found[:] = values[:, seeds.index(int(self.seed))]
        return found

    def seconds(self) -> OrderedDict[int, float] | None:
        """The seconds of every epoch: the total in equal parts, as the authors scaled them, unless its curve says otherwise."""
        total = self.final("training_time")
        if math.isnan(total):
            return None
        curve = self.curve("training_time")
        if curve is not None and not np.isnan(curve).any():
            seconds = np.diff(curve, prepend=0.0)
            if not np.allclose(seconds, total / self.budget, rtol=1e-9, atol=0):
                return OrderedDict(enumerate(seconds.tolist()))
        return OrderedDict.fromkeys(range(self.budget), total / self.budget)

    def absent(self, what: str, epoch: int) -> NotStored:
        where = f"{self.of.bench.name}: the {what} of {self.of.names[self.index]} on {self.dataset}"
        if epoch != self.budget - 1 and curves_name(self.dataset, self.budget) not in self.of.bench.datasets:
            return NotStored(
                f"{where} after epoch {epoch} of a training of {self.budget} epochs is not stored, only values after the "
                "last epoch are: convert the official file with --curves"
            )
        of_seed = "" if self.seed == "mean" else f" with the seed {self.seed}"
        return NotStored(f"{where}{of_seed} after epoch {epoch} of {self.budget} is not stored")


class _Series(Mapping[int, float]):
    """A metric by epoch, from 0; ``nan`` for losses and training accuracies that the store does not have."""

    def __init__(self, trial: _Trial, metric: str, part: str) -> None:
        self._trial, self._metric, self._accuracy = trial, metric, f"{part}_accuracy"

    @cached_property
    def _curve(self) -> NDArray[np.float64] | None:
        return self._trial.curve(self._metric)

    @cached_property
    def _epochs(self) -> NDArray[np.bool_]:
        """Whether the accuracy is stored after each epoch: its loss may be ``nan``."""
        curve = self._trial.curve(self._accuracy)
        known = np.zeros(self._trial.budget, dtype=np.bool_) if curve is None else ~np.isnan(curve)
        known[-1] = self._last_is_stored()
        return known

    def _last_is_stored(self) -> bool:
        if not math.isnan(self._trial.final(self._accuracy)):
            return True
        return self._accuracy == "train_accuracy" and not self._trial.stored("train")

    def __getitem__(self, epoch: int) -> float:
        last = self._trial.budget - 1
        if epoch == last and self._last_is_stored():
            return self._trial.final(self._metric)
        if not (isinstance(epoch, int) and 0 <= epoch < last and self._epochs[epoch]):
            raise self._trial.absent(self._metric.replace("_", " "), epoch)
        return math.nan if self._curve is None else float(self._curve[epoch])

    def __iter__(self) -> Iterator[int]:
        return iter(np.flatnonzero(self._epochs).tolist())

    def __len__(self) -> int:
        return int(self._epochs.sum())


class _Evaluations(Mapping[str, float]):
    """Metrics of all evaluation sets by set and epoch, e.g. ``"x-valid@11"``."""

    def __init__(self, trial: _Trial, series: dict[str, _Series]) -> None:
        self._trial, self._series = trial, series

    def __getitem__(self, key: str) -> float:
        name, _, epoch = key.partition("@")
        if name not in self._series or not epoch.isdigit():
            raise self._trial.absent(f"accuracy of {name}", int(epoch) if epoch.isdigit() else -1)
        return self._series[name][int(epoch)]

    def __iter__(self) -> Iterator[str]:
        return (f"{name}@{epoch}" for name, series in self._series.items() for epoch in series)

    def __len__(self) -> int:
        return sum(map(len, self._series.values()))


@cache
def _names(kind: type[NB201] | type[NATSSize]) -> tuple[str, ...]:
    return tuple(official_names(kind()))


@lru_cache(maxsize=64)
def _keys(name: str, budget: int) -> tuple[str, ...]:
    return tuple(f"{name}@{epoch}" for epoch in range(budget))
