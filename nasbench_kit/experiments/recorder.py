"""What is kept of a search while it runs: clocks, incumbents, archives and the trace, for a batch of runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.indicators import group_hypervolume, nondominated
from nasbench_kit.problem import Evaluation
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.space import SMALL_SIZE, Genotypes

__all__ = ["Recorder", "log_grid"]

SEEN_BYTES = 2**27  # up to here, what each run has seen is a table of flags; beyond, a sorted array of keys


def log_grid(limit: int, per_decade: int = 10) -> NDArray[np.int64]:
    """About ``per_decade`` whole numbers a decade from 1 to ``limit``, both included."""
    steps = int(np.ceil(np.log10(max(limit, 1)) * per_decade)) + 1
    grid = np.unique(np.round(10 ** (np.arange(steps + 1) / per_decade)).astype(np.int64))
    return np.append(grid[grid < limit], limit)


class Recorder:
    """Follows a batch of runs and writes a row of the trace for each at every point of the evaluation grid.

    Parameters
    ----------
    space : Space
    runs : int
    objectives : int
    grid : ndarray of int
        The numbers of evaluations at which the trace has a row, ascending.
    seconds_limit : float, optional
        A run ends with the last evaluation that is done within so many simulated seconds.
    bounds : ndarray of float, shape (2, m), optional
        The best and the worst value of each objective, taken as 0 and 1 for the hypervolume; its reference point is
        `REFERENCE` in every objective.
    """

    REFERENCE = 1.01

    def __init__(
        self,
        space: Space,
        runs: int,
        objectives: int,
        grid: NDArray[np.int64],
        seconds_limit: float | None,
        bounds: NDArray[np.float64] | None,
    ) -> None:
        self.space, self.runs, self.objectives = space, runs, objectives
        self.grid, self.limit, self.bounds = grid, seconds_limit, bounds
        self.evaluations = np.zeros(runs, dtype=np.int64)
        self.seconds = np.zeros(runs)
        self.running = np.ones(runs, dtype=np.bool_)
        self.incumbent = np.zeros((runs, space.genes), dtype=np.uint8)
        self.incumbent_F = np.full(runs, np.inf)
        self.archive_run = np.empty(0, dtype=np.int64)
        self.archive_X = np.empty((0, space.genes), dtype=np.uint8)
        self.archive_F = np.empty((0, objectives))
        self._pending: list[tuple[NDArray[np.int64], Genotypes, NDArray[np.float64]]] = []
        self._grid_position = 0
        self._told = 0  # evaluations a run so far, whether or not the run still counts
        self.rows: list[dict[str, NDArray[np.generic]]] = []
        self._seen_genotypes = np.zeros(space.size * runs, dtype=np.bool_) if space.size * runs <= SEEN_BYTES else None
        networks = space.networks
        self._networks = networks if networks is not None and networks * runs <= SEEN_BYTES else None
        if self._networks is not None:
            self._seen_networks = np.zeros(runs * self._networks, dtype=np.bool_)
            # few flags are counted when that is asked for; of many, those that are set are counted as they are
            self._unique = None if self._networks <= SMALL_SIZE else np.zeros(runs, dtype=np.int64)
        self._seen_run = np.empty(0, dtype=np.int64)  # without a table: each run's different keys
        self._seen_key = np.empty(0, dtype=np.uint64)
        self._new_keys: list[tuple[NDArray[np.int64], NDArray[np.uint64]]] = []

    def update(self, X: Genotypes, evaluation: Evaluation) -> None:
        """Take in a batch: genotypes (runs, batch, genes) and their evaluation, flattened over runs and batch."""
        runs, batch = X.shape[:2]
        F = evaluation.F.reshape(runs, batch, -1)
        seconds = evaluation.seconds.reshape(runs, batch)
        start = 0
        while start < batch and self.running.any():
            # the trace needs the state after exactly so many evaluations: split the batch there
            stop = batch
            if self._grid_position < len(self.grid):
                stop = min(batch, start + int(self.grid[self._grid_position]) - self._told)
            self._take(X[:, start:stop], F[:, start:stop], seconds[:, start:stop])
            start = stop
            if self._grid_position < len(self.grid) and self._told == self.grid[self._grid_position]:
                self._grid_position += 1
                self._write_row(self.running)

    def finish(self) -> None:
        """Write the last row of the runs whose end lies between two points of the grid."""
        last = np.zeros(self.runs, dtype=np.int64)
        for row in self.rows:
            last[row["run"]] = row["evaluations"]
        self._write_row(last < self.evaluations)

    def _take(self, X: Genotypes, F: NDArray[np.float64], seconds: NDArray[np.float64]) -> None:
        runs, batch = X.shape[:2]
        self._told += batch
        elapsed = self.seconds[:, np.newaxis] + np.cumsum(seconds, axis=1)
        if self.limit is None:
            counted = None
            self.evaluations += batch
            self.seconds = elapsed[:, -1]
        else:
            counted = self.running[:, np.newaxis] & np.logical_and.accumulate(elapsed <= self.limit, axis=1)
            taken = counted.sum(axis=1)
            self.evaluations += taken
            done = np.take_along_axis(elapsed, np.maximum(taken - 1, 0)[:, np.newaxis], axis=1)[:, 0]
            self.seconds = np.where(taken > 0, done, self.seconds)
            self.running &= taken == batch
        if self.objectives == 1:
            values = F[..., 0] if counted is None else np.where(counted, F[..., 0], np.inf)
            best = values.argmin(axis=1)
            row = np.arange(runs)
            better = np.flatnonzero(values[row, best] < self.incumbent_F)
            self.incumbent[better] = X[better, best[better]]
            self.incumbent_F[better] = values[better, best[better]]
        self._note_seen(X, F, counted)

    def _note_seen(self, X: Genotypes, F: NDArray[np.float64], counted: NDArray[np.bool_] | None) -> None:
        runs, batch = X.shape[:2]
        flat = X.reshape(-1, self.space.genes)
        run = np.repeat(np.arange(runs), batch)
        if self._seen_genotypes is None:
            chosen = np.arange(len(flat)) if counted is None else np.flatnonzero(counted)
        else:
            index = run * self.space.size + self.space.small_number(flat)
            fresh = ~self._seen_genotypes.take(index, mode="clip")
            if counted is not None:
                fresh &= counted.ravel()
            chosen = np.flatnonzero(fresh)
            self._seen_genotypes[index[chosen]] = True
        if self._networks is None:
            self._new_keys.append((run[chosen], self.space.key(flat[chosen])))
        else:
            place = run[chosen] * self._networks + self.space.network_index(flat[chosen])
            if self._unique is not None:
                place = np.unique(place[~self._seen_networks[place]])
                self._unique += np.bincount(place // self._networks, minlength=runs)
            self._seen_networks[place] = True
        if self.objectives > 1:
            self._pending.append((run[chosen], flat[chosen], F.reshape(-1, self.objectives)[chosen]))

    def _merge_archive(self) -> None:
        if not self._pending:
            return
        run = np.concatenate([self.archive_run, *(part[0] for part in self._pending)])
        X = np.concatenate([self.archive_X, *(part[1] for part in self._pending)])
        F = np.concatenate([self.archive_F, *(part[2] for part in self._pending)])
        self._pending = []
        known = np.flatnonzero(np.isfinite(F).all(axis=1))
        kept = known[nondominated(F[known], run[known])]
        self.archive_run, self.archive_X, self.archive_F = run[kept], X[kept], F[kept]

    def _write_row(self, which: NDArray[np.bool_]) -> None:
        self._merge_archive()
        runs = np.flatnonzero(which)
        row: dict[str, NDArray[np.generic]] = {
            "run": runs,
            "evaluations": self.evaluations[runs],
            "unique_networks": self._unique_networks()[runs],
            "simulated_seconds": self.seconds[runs],
        }
        if self.objectives == 1:
            row["incumbent"] = self.incumbent[runs]
            row["incumbent_F"] = self.incumbent_F[runs]
        else:
            row["archive_size"] = np.bincount(self.archive_run, minlength=self.runs)[runs]
            if self.bounds is not None:
                row["hypervolume"] = self.hypervolume()[runs]
        self.rows.append(row)

    def _unique_networks(self) -> NDArray[np.int64]:
        if self._networks is not None:
            if self._unique is not None:
                return self._unique.copy()
            counts: NDArray[np.int64] = np.count_nonzero(self._seen_networks.reshape(self.runs, -1), axis=1)
            return counts
        run = np.concatenate([self._seen_run, *(part[0] for part in self._new_keys)])
        key = np.concatenate([self._seen_key, *(part[1] for part in self._new_keys)])
        self._new_keys = []
        order = np.lexsort((key, run))
        run, key = run[order], key[order]
        first = np.ones(len(run), dtype=np.bool_)
        first[1:] = (run[1:] != run[:-1]) | (key[1:] != key[:-1])
        self._seen_run, self._seen_key = run[first], key[first]
        return np.bincount(self._seen_run, minlength=self.runs)

    def hypervolume(self) -> NDArray[np.float64]:
        """The normalised hypervolume of each run's archive: (runs,)."""
        assert self.bounds is not None
        self._merge_archive()
        scaled = normalise(self.archive_F, self.bounds)
        return group_hypervolume(scaled, self.archive_run, self.runs, np.full(self.objectives, self.REFERENCE))


def normalise(F: NDArray[np.float64], bounds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Objectives (n, m) so that the best known value is 0 and the worst is 1."""
    span = bounds[1] - bounds[0]
    scaled: NDArray[np.float64] = (F - bounds[0]) / np.where(span > 0, span, 1)
    return scaled
