"""What a table answers a search with: the objective values and simulated seconds of every row at an epoch budget."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.benchmark.queries import Queries
from nasbench_kit.metrics import PROXY, Metric, minimised
from nasbench_kit.spaces.genotypes import SMALL_SIZE

__all__ = ["CHARGES", "MISSING", "VALIDATION_TIME", "Answers", "Charge", "Missing", "TableAnswers"]

Missing = Literal["raise", "fail", "skip", "nearest"]
Charge = Literal["all", "one"]

MISSING: tuple[Missing, ...] = ("raise", "fail", "skip", "nearest")
CHARGES: tuple[Charge, ...] = ("all", "one")
VALIDATION_TIME = "valid_time"


@dataclass(frozen=True)
class Answers:
    """The table at one epoch budget: one row per genotype in a small space, else one row per record and a last one of ``nan``.

    Attributes
    ----------
    F : ndarray of float64, shape (rows, trials, m)
        Objective values, minimised; each row's known trials come first. ``nan`` for missing values and computed costs.
    seconds : ndarray of float64, shape (rows, trials)
    count : ndarray of int, shape (rows,), or int
        The number of trials of each row; an int if it is the same for all.
    complete : bool
        Whether every valid genotype has a value.
    """

    F: NDArray[np.float64]
    seconds: NDArray[np.float64]
    count: NDArray[np.intp] | int
    complete: bool

    @cached_property
    def trials(self) -> NDArray[np.intp]:
        """`count` as an array, of one number if it is the same for all rows."""
        return np.atleast_1d(np.asarray(self.count, dtype=np.intp))


class TableAnswers:
    """The answers at every epoch budget; each takes memory for all rows, and is computed when it is first asked for.

    Parameters
    ----------
    bench : Queries
    metrics : tuple of Metric
        The objectives.
    dataset : str
    drawn : bool
        Whether an evaluation draws one of a row's stored trials; all of them are then kept.
    seed : int or "mean"
        The seed of the values otherwise.
    missing, charge, include_validation_time
        As in ``Benchmark.problem``.
    """

    def __init__(
        self,
        bench: Queries,
        metrics: tuple[Metric, ...],
        dataset: str,
        *,
        drawn: bool,
        seed: int | Literal["mean"],
        missing: Missing,
        charge: Charge,
        include_validation_time: bool,
    ) -> None:
        self.bench, self.space, self.metrics, self.dataset = bench, bench.space, metrics, dataset
        self.names = [metric.name for metric in metrics]
        self.drawn, self.seed = drawn, seed
        self.missing, self.charge, self.include_validation_time = missing, charge, include_validation_time
        self._known: dict[int | None, Answers] = {}

    def at(self, epochs: int | None) -> Answers:
        """The answers at an epoch budget; None for the largest of each metric. Computed once."""
        if epochs not in self._known:
            self._known[epochs] = self._answer(epochs)
        return self._known[epochs]

    def _answer(self, epochs: int | None) -> Answers:
        """Compute the objective values and simulated seconds of every row at an epoch budget."""
        bench, dataset = self.bench, self.dataset
        seeds = self._trial_seeds() if self.drawn else [self.seed]
        values = np.stack([self._rows(self.names, epochs, seed) for seed in seeds], axis=1)
        F = minimised(values.reshape(-1, len(self.names)), self.metrics).reshape(values.shape)
        small = self.space.size <= SMALL_SIZE
        # in larger spaces, costs are computed per genotype when it is evaluated
        looked_up = [i for i, name in enumerate(self.names) if small or name not in bench.costs(dataset)]
        known: NDArray[np.bool_] = ~np.any(np.isnan(F[:, :, looked_up]), axis=2)
        seconds = np.stack([self._seconds(epochs, seed) for seed in seeds], axis=1)
        count: NDArray[np.intp] | int = 1
        if self.drawn:
            first = np.argsort(~known, axis=1, kind="stable")
            F = np.take_along_axis(F, first[:, :, np.newaxis], axis=1)
            seconds = np.take_along_axis(seconds, first, axis=1)
            # a table may have trials for one budget but only the mean for another: use the mean there
            alone = np.flatnonzero(~np.any(known, axis=1))
            means = self._rows(self.names, epochs, "mean")[alone]
            F[alone, 0] = minimised(means, self.metrics)
            seconds[alone, 0] = self._seconds(epochs, "mean", trainings=1)[alone]
            known[alone, 0] = ~np.any(np.isnan(F[alone, 0][:, looked_up]), axis=1)
            counts = np.maximum(known.sum(axis=1), 1)
            count = int(counts[0]) if (counts == counts[0]).all() else counts
        rows_known: NDArray[np.bool_] = np.any(known, axis=1)
        if self.missing in ("fail", "skip"):
            seconds = self._settled_seconds(seconds, rows_known)
        if small:
            asked = np.flatnonzero(self.space.is_valid(self.space.all()))
            complete = bool(rows_known[asked].all())
        else:
            complete = len(self.bench) >= (self.space.networks or np.inf) and bool(rows_known[:-1].all())
        return Answers(np.ascontiguousarray(F), np.ascontiguousarray(seconds), count, complete)

    def _trial_seeds(self) -> list[int]:
        """The seeds of the trials from which an evaluation draws."""
        return sorted(
            {
                seed
                for metric in self.metrics
                if metric.depends_on_seed
                for seed in self.bench.seeds(self.dataset, metric.name)
            }
        )

    def _rows(self, names: list[str], epochs: int | None, seed: int | Literal["mean"]) -> NDArray[np.float64]:
        """Metrics of every genotype of a small space, else of every record and a final ``nan`` row; shape (rows, m)."""
        return np.stack([self.bench.rows(name, self.dataset, epochs, seed) for name in names], axis=1)

    def _seconds(
        self, epochs: int | None, seed: int | Literal["mean"], trainings: int | None = None
    ) -> NDArray[np.float64]:
        """Simulated seconds of evaluating each row, ``nan`` if unknown; shape (rows,).

        A mean is charged ``trainings`` trainings; by default, `charge` decides.
        """
        bench, dataset = self.bench, self.dataset
        stored = bench.metrics(dataset)
        proxies = [name for name in self.names if name.startswith(PROXY)]
        if proxies and set(self.names) <= {*proxies, *self.space.cost_names}:
            times = [f"{name.removeprefix(PROXY)}_time" for name in proxies]
            if not set(times) <= set(stored):
                return np.full(self._row_count, np.nan)
            total: NDArray[np.float64] = self._rows(times, None, "mean").sum(axis=1)
            return total
        wanted = ["training_time"] + [VALIDATION_TIME] * self.include_validation_time
        epochs = self._full_budget if epochs is None else epochs
        seconds = np.zeros(self._row_count)
        for name in wanted:
            if name not in stored:
                return np.full(self._row_count, np.nan)
            budgets = bench.epochs(dataset, name)
            if budgets and epochs is not None and epochs not in budgets:
                return np.full(self._row_count, np.nan)
            seconds += self._time(name, epochs if budgets else None, seed)
        if seed == "mean" and self.charge == "all" and trainings is None:
            seconds *= self._trainings(epochs)
        return seconds

    def _time(self, name: str, epochs: int | None, seed: int | Literal["mean"]) -> NDArray[np.float64]:
        """A stored time of every row: that of this seed's training if times are stored per seed, else the mean."""
        own = seed != "mean" and seed in self.bench.seeds(self.dataset, name)
        return self.bench.rows(name, self.dataset, epochs, seed if own else "mean")

    def _trainings(self, epochs: int | None) -> NDArray[np.float64]:
        """The number of trainings averaged in the mean of each row: 1 if the table stores only means."""
        most = np.ones(self._row_count)
        for metric in self.metrics:
            seeds = self.bench.seeds(self.dataset, metric.name) if metric.depends_on_seed else ()
            if seeds:
                budget = epochs if epochs in self.bench.epochs(self.dataset, metric.name) else None
                trials = [self.bench.rows(metric.name, self.dataset, budget, seed) for seed in seeds]
                most = np.maximum(most, (~np.isnan(trials)).sum(axis=0))
        return most

    @cached_property
    def _full_budget(self) -> int | None:
        """The largest budget of any objective; None if no objective has epoch budgets."""
        stored = [epochs for name in self.names for epochs in self.bench.epochs(self.dataset, name)]
        return max(stored, default=None)

    @cached_property
    def _row_count(self) -> int:
        return self.space.size if self.space.size <= SMALL_SIZE else len(self.bench) + 1

    def _settled_seconds(self, seconds: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Seconds (rows, trials) with `missing` applied: known or longest time for "fail", zero for "skip"."""
        if self.missing == "skip":
            return np.where(known[:, np.newaxis], seconds, 0.0)
        longest = np.nanmax(seconds, initial=-np.inf)
        return np.where(np.isnan(seconds), longest, seconds) if np.isfinite(longest) else seconds
