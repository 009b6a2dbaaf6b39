"""Writes the log of a running search, a batch of runs at once; see `Generations` for what it contains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.experiments.generations import NEVER, Generations
from nasbench_kit.metrics.indicators import nondominated
from nasbench_kit.problems import Problem
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["GenerationLog"]


class GenerationLog:
    """Follows a search and keeps what changes. It draws no random numbers and changes nothing of the search.

    Parameters
    ----------
    problem : Problem
    runs : int
    """

    def __init__(self, problem: Problem, runs: int) -> None:
        self.space, self.objectives, self.runs = problem.space, problem.objective_metrics, runs
        genes, m = self.space.genes, len(self.objectives)
        self._evaluations: list[NDArray[np.int64]] = []
        self._sizes: list[NDArray[np.int64]] = []
        self._changes: list[tuple[NDArray[np.int64], NDArray[np.int64], Genotypes, NDArray[np.float64]]] = []
        self._population = np.empty((runs, 0, genes), dtype=np.uint8), np.empty((runs, 0, m))
        # every member of a front so far, by block, and which of them are in it now
        self._found: list[
            tuple[NDArray[np.int64], NDArray[np.int64], Genotypes, NDArray[np.float64], NDArray[np.float64]]
        ]
        self._found = []
        self._left = np.empty(0, dtype=np.int64)
        self._front = np.empty(0, dtype=np.intp)
        self._front_run = np.empty(0, dtype=np.int64)
        self._front_F = np.empty((0, m))
        self._best = np.full(runs, np.inf)

    def evaluated(
        self,
        X: Genotypes,
        F: NDArray[np.float64],
        counted: NDArray[np.bool_] | None,
        before: NDArray[np.int64],
        elapsed: NDArray[np.float64],
    ) -> None:
        """Follow the front through a batch.

        Parameters
        ----------
        X : ndarray of uint8, shape (runs, batch, genes)
        F : ndarray of float, shape (runs, batch, objectives)
            Infinite for what must not enter.
        counted : ndarray of bool, shape (runs, batch), or None
            Those before the end of their run; None for all.
        before : ndarray of int, shape (runs,)
            Evaluations of each run before the batch.
        elapsed : ndarray of float, shape (runs, batch)
            Simulated seconds of the run after each evaluation.
        """
        usable = np.isfinite(F).all(axis=2)
        if counted is not None:
            usable &= counted
        if F.shape[2] == 1:
            values = np.where(usable, F[..., 0], np.inf)
            best = np.minimum.accumulate(np.concatenate([self._best[:, np.newaxis], values], axis=1), axis=1)
            run, place = np.nonzero(best[:, 1:] < best[:, :-1])
            self._best = best[:, -1]
            self._enter(run, place, X, F, before, elapsed)
            return
        run, place = np.nonzero(usable)
        known = len(self._front)
        all_runs = np.concatenate([self._front_run, run])
        kept = nondominated(np.concatenate([self._front_F, F[run, place]]), all_runs)
        stays = np.zeros(len(all_runs), dtype=np.bool_)
        stays[kept] = True
        after = before + (F.shape[1] if counted is None else counted.sum(axis=1))
        gone = ~stays[:known]
        self._left[self._front[gone]] = after[self._front_run[gone]]
        new = stays[known:]
        first = len(self._left)
        self._left = np.concatenate([self._left, np.full(int(new.sum()), NEVER)])
        self._enter(run[new], place[new], X, F, before, elapsed)
        self._front = np.concatenate([self._front[~gone], np.arange(first, len(self._left))])
        self._front_run = np.concatenate([self._front_run[~gone], run[new]])
        self._front_F = np.concatenate([self._front_F[~gone], F[run, place][new]])

    def _enter(
        self,
        run: NDArray[np.int64],
        place: NDArray[np.int64],
        X: Genotypes,
        F: NDArray[np.float64],
        before: NDArray[np.int64],
        elapsed: NDArray[np.float64],
    ) -> None:
        self._found.append((run, before[run] + place + 1, X[run, place], F[run, place], elapsed[run, place]))

    def generation(self, evaluations: NDArray[np.int64], X: Genotypes, F: NDArray[np.float64]) -> None:
        """Record the end of a generation.

        Parameters
        ----------
        evaluations : ndarray of int, shape (runs,)
            So far; runs that had none in this generation have ended and are not recorded.
        X : ndarray of uint8, shape (runs, members, genes)
        F : ndarray of float, shape (runs, members, objectives)
        """
        before = self._evaluations[-1] if self._evaluations else np.zeros(self.runs, dtype=np.int64)
        going = evaluations > before
        old_X, old_F = self._population
        if old_X.shape == X.shape:
            changed = (old_X != X).any(axis=2) | (old_F != F).any(axis=2)
        else:
            changed = np.ones(X.shape[:2], dtype=np.bool_)
        run, member = np.nonzero(changed & going[:, np.newaxis])
        self._changes.append((run, member, X[run, member], F[run, member]))
        size = np.full(self.runs, X.shape[1])
        self._sizes.append(np.where(going, size, self._sizes[-1] if self._sizes else 0))
        self._evaluations.append(evaluations.copy())
        self._population = X.copy(), F.copy()

    def finish(self) -> Generations:
        """The log of all generations, of which there is at least one."""
        run, member, X, F = (np.concatenate(part) for part in zip(*self._changes, strict=True))
        generation = np.repeat(np.arange(len(self._changes)), [len(change[0]) for change in self._changes])
        order = np.argsort(run, kind="stable")
        who, entered, front_X, front_F, seconds = (np.concatenate(part) for part in zip(*self._found, strict=True))
        by_run = np.lexsort((entered, who))
        if len(self.objectives) > 1:
            left = self._left[by_run]
        else:  # an incumbent stays until the next
            left = np.full(len(who), NEVER)
            same = who[by_run][1:] == who[by_run][:-1]
            left[:-1][same] = entered[by_run][1:][same]
        return Generations(
            space=self.space,
            objectives=tuple(self.objectives),
            evaluations=np.stack(self._evaluations),
            sizes=np.stack(self._sizes),
            change_run=run[order],
            change_generation=generation[order],
            change_member=member[order],
            change_X=X[order],
            change_F=F[order],
            front_run=who[by_run],
            front_entered=entered[by_run],
            front_left=left,
            front_X=front_X[by_run],
            front_F=front_F[by_run],
            front_seconds=seconds[by_run],
        )
