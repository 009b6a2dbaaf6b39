"""The state of a running search: clocks, incumbents, archives and the trace, for a batch of runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.experiments.archive_quality import Yardstick, exact_front
from nasbench_kit.experiments.budget import Budget
from nasbench_kit.experiments.candidates import Candidates
from nasbench_kit.experiments.generation_log import GenerationLog
from nasbench_kit.experiments.scale import scale_of
from nasbench_kit.kernels.compiling import enabled
from nasbench_kit.kernels.following import follow
from nasbench_kit.kernels.seen import Seen
from nasbench_kit.metrics.indicators import most_hypervolume, nondominated
from nasbench_kit.metrics.named_indicators import HYPERVOLUME
from nasbench_kit.problems import Evaluation, Problem
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["CLOCKS", "GRID", "Recorder", "known_front", "log_grid"]

CLOCKS = ("evaluations", "unique_networks", "simulated_seconds")

GRID = (20, 10)  # rows of the trace per decade: recording an incumbent is cheap, recording an archive is not


def log_grid(limit: int, per_decade: int = 10) -> NDArray[np.int64]:
    """About ``per_decade`` integers per decade from 1 to ``limit``, inclusive."""
    steps = int(np.ceil(np.log10(max(limit, 1)) * per_decade)) + 1
    grid = np.unique(np.round(10 ** (np.arange(steps + 1) / per_decade)).astype(np.int64))
    return np.append(grid[grid < limit], limit)


@dataclass(slots=True)
class _Batch:
    """One batch of evaluations of all runs.

    Attributes
    ----------
    X : ndarray of uint8, shape (runs, batch, genes)
    F : ndarray of float, shape (runs, batch, objectives)
    elapsed : ndarray of float, shape (runs, batch)
        The run's simulated seconds after each evaluation.
    new : ndarray of bool, shape (runs, batch), or None
        Whether each is the first evaluation of its network in its run; None where it does not matter.
    counted : ndarray of bool, shape (runs, batch), or None
        Which of them count; None where all do.
    network : ndarray of int, shape (runs, batch), or None
        The ``network_index`` of each, if the problem computed it; with ``new``, what `Seen.identify` gives.
    """

    X: Genotypes
    F: NDArray[np.float64]
    elapsed: NDArray[np.float64]
    new: NDArray[np.bool_] | None
    counted: NDArray[np.bool_] | None
    network: NDArray[np.intp] | None

    def part(self, which: slice) -> _Batch:
        """A slice of the evaluations of every run."""
        if which.stop - which.start == self.X.shape[1]:
            return self
        return _Batch(
            self.X[:, which],
            self.F[:, which],
            self.elapsed[:, which],
            None if self.new is None else self.new[:, which],
            None if self.counted is None else self.counted[:, which],
            None if self.network is None else self.network[:, which],
        )


class Recorder:
    """Follows a batch of runs and writes rows of each run's trace along a logarithmic grid of one clock.

    With the clock ``evaluations``, a row is the state after exactly that many evaluations. With the other clocks it is the last
    state not later than a point of the grid. For one objective there is also a row whenever the incumbent changes, so the
    trace is exact at any time.

    Parameters
    ----------
    problem : Problem
        Provides the space, objectives and bounds. Evaluated only if it is noisy, for the noise-free values of the archive.
    runs : int
    budget : Budget
    clock : {"evaluations", "unique_networks", "simulated_seconds"}
    archive_size : int, optional
        The maximum number of archive members; those that contribute most hypervolume are kept.
    log : GenerationLog, optional
        Follows the search, too.
    indicators : sequence of str
        Several objectives: indicators of the archives that rows have besides the hypervolume.
    """

    def __init__(
        self,
        problem: Problem,
        runs: int,
        budget: Budget,
        clock: str = "evaluations",
        archive_size: int | None = None,
        log: GenerationLog | None = None,
        indicators: Sequence[str] = (),
    ) -> None:
        space, objectives = problem.space, len(problem.objectives)
        self.space, self.runs, self.objectives = space, runs, objectives
        self._indicators = (HYPERVOLUME, *indicators)
        self._yardstick = None
        if objectives > 1 and problem.bounds is not None:
            scale = scale_of("front", problem.bounds, problem.front_bounds)
            self._yardstick = Yardstick(scale, exact_front(problem) if indicators else None)
        self._noise_free = problem if problem.noisy else None
        self.budget, self.clock, self.archive_size, self._log = budget, clock, archive_size, log
        self._target = budget.minimised_target(problem)
        self._per_decade = GRID[0] if objectives == 1 else GRID[1]
        self._grid = log_grid(budget.limit, self._per_decade).tolist()
        self.evaluations = np.zeros(runs, dtype=np.int64)
        self.seconds = np.zeros(runs)
        self.running = np.ones(runs, dtype=np.bool_)
        self.reached = np.zeros(runs, dtype=np.bool_)
        self.incumbent = np.zeros((runs, space.genes), dtype=np.uint8)
        self.incumbent_F = np.full(runs, np.inf)
        self.archive_run = np.empty(0, dtype=np.int64)
        self.archive_X = np.empty((0, space.genes), dtype=np.uint8)
        self.archive_F = np.empty((0, objectives))
        self._candidates = Candidates(space.genes, objectives)
        self._partly = False  # whether anything was trained partly
        self._grid_position = 0
        self._told = 0  # evaluations per run so far, including runs that have ended
        self._written = np.zeros(runs, dtype=np.int64)  # evaluations at the last row of each run
        self.rows: list[dict[str, NDArray[np.generic]]] = []
        # whether the order in which networks are first seen matters
        self._in_order = budget.unique_networks is not None or clock == "unique_networks"
        self.seen = Seen(space, runs, self._in_order, budget.evaluations)
        # whether every run ends with the search, and all evaluations count
        self._none_ends_early = (
            budget.simulated_seconds is None and budget.unique_networks is None and budget.target is None
        )
        # whether compiled loops can follow whole batches
        self._plain = (
            self._none_ends_early and clock == "evaluations" and not self._in_order and log is None and self.seen.small
        )

    def update(self, X: Genotypes, evaluation: Evaluation, *, partial: bool = False) -> None:
        """Record a batch.

        Parameters
        ----------
        X : ndarray of uint8, shape (runs, batch, genes)
        evaluation : Evaluation
            Of the same genotypes, flattened over runs and batch.
        partial : bool
            Whether the epoch budget was below the largest. Such evaluations are charged, but do not enter incumbents or
            archives.
        """
        runs, size = X.shape[:2]
        F = evaluation.F.reshape(runs, size, -1)
        seconds = evaluation.seconds.reshape(runs, size)
        if (
            self._plain
            and enabled()
            and F.dtype == seconds.dtype == np.float64
            and not (partial and self.objectives > 1)
        ):
            self._follow_all(X, F, seconds, partial)
            return
        elapsed = (seconds.cumsum(axis=1) if size > 1 else seconds) + self.seconds[:, np.newaxis]
        network = None if evaluation.network is None else evaluation.network.reshape(runs, size)
        new = None
        if self._in_order:
            network = self.seen.identify(X, network)
            new = self.seen.new_networks(network)
        if partial:
            F = np.full_like(F, np.inf)
            self._partly = True
        batch = _Batch(X, F, elapsed, new, None, network)
        batch.counted = self._counted(batch)
        if self._log is not None:
            self._log.evaluated(X, F, batch.counted, self.evaluations, elapsed)
        if self.clock == "evaluations":
            self._follow_evaluations(batch)
        else:
            self._follow_clock(batch)
        self._told += size
        if batch.counted is not None:
            self.running &= batch.counted.all(axis=1)
        if self.budget.unique_networks is not None:
            self.running &= self.seen.unique_networks() < self.budget.unique_networks
        if self._target is not None:
            self.reached |= self.incumbent_F <= self._target
        elif self.budget.target is not None:
            self.reached |= self.running & (self.hypervolume() >= self.budget.target)
        self.running &= ~self.reached

    @property
    def over(self) -> bool:
        """Whether all runs have ended."""
        return not (self._none_ends_early or self.running.any())

    def finish(self) -> None:
        """Write the final row of runs that do not have one yet."""
        due = self._written < self.evaluations
        if due.any() or not self.rows:
            self._write_row(due)
        else:
            self._merge_archive()

    # ---------------------------------------------------------------- which evaluations count, and where rows are due

    def _counted(self, batch: _Batch) -> NDArray[np.bool_] | None:
        """Which evaluations come before the end of their run: (runs, batch); None if all do."""
        budget = self.budget
        if self._none_ends_early:
            return None
        counted = np.repeat(self.running[:, np.newaxis], batch.F.shape[1], axis=1)
        if budget.simulated_seconds is not None:
            counted &= np.logical_and.accumulate(batch.elapsed <= budget.simulated_seconds, axis=1)
        if batch.new is not None and budget.unique_networks is not None:
            before = self.seen.unique_networks()[:, np.newaxis] + batch.new.cumsum(axis=1) - batch.new
            counted &= before < budget.unique_networks
        if self._target is not None:
            counted[:, 1:] &= np.minimum.accumulate(batch.F[:, :-1, 0], axis=1) > self._target
        return counted

    def _follow_evaluations(self, batch: _Batch) -> None:
        for start, stop, row in self._parts(batch.X.shape[1]):
            self._take(batch.part(slice(start, stop)))
            if row:
                self._write_row(self.running if batch.counted is None else batch.counted[:, stop - 1])

    def _parts(self, size: int) -> Iterator[tuple[int, int, bool]]:
        """Split a batch at the points of the grid: where each part starts and stops, and whether a row is due after it."""
        start = 0
        while start < size:
            due = self._grid[self._grid_position] - self._told if self._grid_position < len(self._grid) else size + 1
            stop = min(size, due)
            self._grid_position += stop == due
            yield start, stop, stop == due
            start = stop

    def _follow_all(self, X: Genotypes, F: NDArray[np.float64], seconds: NDArray[np.float64], partial: bool) -> None:
        """Compiled version of `update` for evaluations (runs, batch, ...) that all count."""
        X, F, seconds = np.ascontiguousarray(X), np.ascontiguousarray(F), np.ascontiguousarray(seconds)
        before, size = self.seconds, X.shape[1]
        self.seconds = np.empty(self.runs)
        self._partly |= partial
        noted = self.seen.arrays()
        for start, stop, row in self._parts(size):
            candidates = self._candidates.buffer(self.runs * (stop - start) if self.objectives > 1 else 0)
            self._candidates.filled = follow(
                X,
                F,
                seconds,
                start,
                stop,
                before,
                self.seconds,
                self.evaluations,
                partial,
                self.incumbent,
                self.incumbent_F,
                self._partly or self._noise_free is not None,
                self._candidates.filled,
                *candidates,
                *noted,
            )
            if row:
                self._write_row(self.running)
        self._told += size

    def _follow_clock(self, batch: _Batch) -> None:
        if batch.new is not None and self.clock == "unique_networks":
            before = self.seen.unique_networks()[:, np.newaxis]
            time = np.concatenate([before, before + batch.new.cumsum(axis=1)], axis=1).astype(np.float64)
        else:
            time = np.concatenate([self.seconds[:, np.newaxis], batch.elapsed], axis=1)
        with np.errstate(divide="ignore"):
            passed = np.ceil(np.log10(time) * self._per_decade)  # points of the grid that lie before
        counted = np.ones(batch.F.shape[:2], dtype=np.bool_) if batch.counted is None else batch.counted
        # a row is due before an evaluation that passes a grid point, and after a new incumbent
        due = np.zeros((self.runs, batch.F.shape[1] + 1), dtype=np.bool_)
        due[:, :-1] = (passed[:, 1:] > passed[:, :-1]) & counted
        if self.objectives == 1:
            values = np.where(counted, batch.F[..., 0], np.inf)
            best = np.minimum.accumulate(np.concatenate([self.incumbent_F[:, np.newaxis], values], axis=1), axis=1)
            due[:, 1:] |= best[:, 1:] < best[:, :-1]
        part = due[:, :-1].cumsum(axis=1)  # of the batch, between two rows of its run
        rows = due.sum(axis=1)
        for i in range(int(rows.max()) + 1):
            self._take(replace(batch, counted=counted & (part == i)))
            ready = (rows > i) & (self._written < self.evaluations)
            if ready.any():
                self._write_row(ready)

    def _take(self, batch: _Batch) -> None:
        X, F, counted = batch.X, batch.F, batch.counted
        runs, size = X.shape[:2]
        if counted is None:
            self.evaluations += size
            self.seconds = batch.elapsed[:, -1]
        else:
            taken = counted.sum(axis=1)
            if not taken.any():
                return
            self.evaluations += taken
            last = size - 1 - counted[:, ::-1].argmax(axis=1)
            self.seconds = np.where(taken > 0, batch.elapsed[np.arange(runs), last], self.seconds)
        if self.objectives == 1:
            values = F[..., 0] if counted is None else np.where(counted, F[..., 0], np.inf)
            lowest = values.min(axis=1) if size > 1 else values[:, 0]
            better = np.flatnonzero(lowest < self.incumbent_F)
            if len(better):
                best = values[better].argmin(axis=1)
                self.incumbent[better] = X[better, best]
                self.incumbent_F[better] = values[better, best]
        chosen = self.seen.note(X, batch.new, counted, batch.network)
        if self.objectives > 1:
            # a genotype that the run has seen may be new to its archive: trained further, or by another trial
            if self._partly or self._noise_free is not None:
                chosen = np.arange(runs * size) if counted is None else np.flatnonzero(counted)
            new_X = X.reshape(-1, self.space.genes).take(chosen, axis=0)
            self._candidates.add(chosen // size, new_X, F.reshape(-1, self.objectives).take(chosen, axis=0))

    def _merge_archive(self) -> None:
        candidates = self._candidates.taken()
        if not candidates:
            return
        run = np.concatenate([self.archive_run, *(part[0] for part in candidates)])
        X = np.concatenate([self.archive_X, *(part[1] for part in candidates)])
        F = np.concatenate([self.archive_F, *(part[2] for part in candidates)])
        if np.isfinite(F).all():
            kept = nondominated(F, run, len(self.archive_run))
        else:
            known = np.flatnonzero(np.isfinite(F).all(axis=1))
            kept = known[nondominated(F[known], run[known], len(self.archive_run))]
        if self.archive_size is not None:
            kept = kept[most_hypervolume(F[kept], run[kept], self.archive_size)]
        self.archive_run, self.archive_X, self.archive_F = run[kept], X[kept], F[kept]

    def _write_row(self, which: NDArray[np.bool_]) -> None:
        runs = np.flatnonzero(which)
        self._merge_archive()
        self._written[runs] = self.evaluations[runs]
        row: dict[str, NDArray[np.generic]] = {
            "run": runs,
            "evaluations": self.evaluations[runs],
            "unique_networks": self.seen.unique_networks(runs),
            "simulated_seconds": self.seconds[runs],
        }
        if self.objectives == 1:
            row["incumbent"] = self.incumbent[runs]
            row["incumbent_F"] = self.incumbent_F[runs]
        else:
            row["archive_size"] = np.bincount(self.archive_run, minlength=self.runs)[runs]
            if self._yardstick is not None:
                row |= {name: values[runs] for name, values in self._measured(self._indicators).items()}
        self.rows.append(row)

    def hypervolume(self) -> NDArray[np.float64]:
        """The hypervolume of each archive, scaled by the exact front: (runs,)."""
        return self._measured([HYPERVOLUME])[HYPERVOLUME]

    def _measured(self, indicators: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        """Indicators of each archive, by name: (runs,)."""
        assert self._yardstick is not None
        self._merge_archive()
        F, run = self.archive_F, self.archive_run
        noise_free = self.noise_free()
        if noise_free is not None:
            F, run = known_front(noise_free, run)
        return {name: self._yardstick.values(name, F, run, self.runs) for name in indicators}

    def noise_free(self) -> NDArray[np.float64] | None:
        """The noise-free values of the archives, (members, objectives); None if the search saw those."""
        if self._noise_free is None or self.objectives == 1:
            return None
        self._merge_archive()
        return self._noise_free(self.archive_X)


def known_front(F: NDArray[np.float64], run: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The known points (n, m) that are non-dominated within their run, with their runs."""
    kept = np.flatnonzero(np.isfinite(F).all(axis=1))
    kept = kept[nondominated(F[kept], run[kept])]
    return F[kept], run[kept]
