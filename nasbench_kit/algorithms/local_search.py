"""Local search with restarts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.known import Known, new_neighbours
from nasbench_kit.algorithms.operators.mutation import ATTEMPTS
from nasbench_kit.errors import UnknownName
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["LocalSearch"]


@dataclass(kw_only=True)
class LocalSearch(Algorithm):
    """Local search: moves to better neighbours until there are none, then restarts from a random genotype.

    Neighbours are the valid genotypes that differ in one gene. They are evaluated one at a time, in random order. As in
    the authors' program, a run does not evaluate genotypes twice: known neighbours are skipped, and known starting
    points are redrawn (a limited number of times, since small spaces are eventually exhausted). Source: White, Nolen
    and Savani 2021, Exploring the loss landscape of NAS benchmarks (arXiv 2005.02960).

    Parameters
    ----------
    improvement : {"best", "first"}
        Evaluate all neighbours and move to the best one, or move to the first improving neighbour.
    """

    improvement: Literal["best", "first"] = "best"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.improvement not in ("best", "first"):
            raise UnknownName("improvement of LocalSearch", self.improvement, ["best", "first"])

    def _begin(self) -> None:
        runs, genes = self.runs, self.space.genes
        width = sum(self.space.cardinalities) - genes
        self._known = Known(runs)
        self._starts = np.ones(runs, dtype=np.bool_)  # whether the next genotype is a random start
        self._F = np.full(runs, np.inf)
        self._neighbours = np.zeros((runs, width, genes), dtype=np.uint8)  # of the current one, in random order
        self._count = np.zeros(runs, dtype=np.intp)  # number of valid, unknown neighbours
        self._position = np.zeros(runs, dtype=np.intp)  # number of evaluated neighbours
        self._best = np.zeros((runs, genes), dtype=np.uint8)  # best evaluated neighbour
        self._best_F = np.full(runs, np.inf)

    def _ask(self) -> Genotypes:
        fresh = self._start()
        self._order = self.random.bits((self._neighbours.shape[1],))
        step = self._neighbours[np.arange(self.runs), np.where(self._starts, 0, self._position)]
        return np.where(self._starts[:, np.newaxis], fresh, step)[:, np.newaxis]

    def _start(self) -> Genotypes:
        """Draw a random starting genotype for each run, redrawing known ones."""
        X = self._initial_sample(1)[:, 0]
        runs = np.flatnonzero(self._starts)
        for _ in range(ATTEMPTS):
            runs = runs[self._known.holds(runs, X[runs, np.newaxis])[:, 0]]
            if not len(runs):
                break
            X[runs] = self.random.sample_of(runs, self.space, 1)[:, 0]
        return X

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        X, F = X[:, 0], F[:, 0, 0]
        self._known.add(X)
        better = ~self._starts & (self._best_F > F)
        self._best[better], self._best_F[better] = X[better], F[better]
        self._position[~self._starts] += 1

        done = ~self._starts & (self._position == self._count)
        moves = ~self._starts & (self._best_F < self._F)
        if self.improvement == "best":
            moves &= done
        self._settle(self._starts, X, F)
        self._settle(moves, self._best, self._best_F)
        self._starts = (done & ~moves) | ((self._starts | moves) & (self._count == 0))

    def _settle(self, runs: NDArray[np.bool_], X: Genotypes, F: NDArray[np.float64]) -> None:
        """Make ``X`` the current genotype of a subset of runs, and list its unknown neighbours."""
        if not runs.any():
            return
        self._neighbours[runs], self._count[runs] = new_neighbours(
            X[runs], np.flatnonzero(runs), self._known, self.space, self._order[runs]
        )
        self._F[runs] = F[runs]
        self._position[runs] = 0
        self._best_F[runs] = np.inf
