"""Local search that goes on from the best genotype whose neighbours are unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.known import Known
from nasbench_kit.algorithms.operators.mutation import ATTEMPTS
from nasbench_kit.algorithms.run_state import RunState, array
from nasbench_kit.errors import UnknownName
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["BestFirstSearch"]

ROOM = 128  # initial number of evaluations that are remembered


class _Evaluated(RunState):
    """Everything that has been evaluated, in order."""

    X = array("runs evaluations genes", np.uint8)
    F = array("runs evaluations", np.float64, np.inf)
    open_F = array("runs evaluations", np.float64, np.inf)  # of those that are open
    open = array("runs evaluations", np.bool_)  # whether the neighbours have not been looked at


@dataclass(kw_only=True)
class BestFirstSearch(Algorithm):
    """Best-first search: random search, then local search that does not restart at a local optimum.

    Of all evaluated genotypes, the best one whose neighbours have not been looked at comes next. Its neighbours, the
    valid genotypes that differ in one gene, are evaluated one at a time, in random order, until one is better. At a
    local optimum the search thus backs up to the second best genotype instead of forgetting what it knows. A run does
    not evaluate networks twice, except once a small space is exhausted. Source: local search of White, Nolen and
    Savani 2021, Exploring the loss landscape of NAS benchmarks (arXiv 2005.02960), in the variant
    ``stop_at_minimum=False`` of the authors' program naszilla, with its defaults.

    Parameters
    ----------
    starts : int
        Number of random genotypes to start from.
    improvement : {"first", "best"}
        Leave a genotype's neighbours at the first that is better, or evaluate all of them.
    """

    starts: int = 10
    improvement: Literal["first", "best"] = "first"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("starts", 1)
        if self.improvement not in ("first", "best"):
            raise UnknownName("improvement of BestFirstSearch", self.improvement, ["first", "best"])

    @property
    def first_population_size(self) -> int:
        return self.starts

    def _begin(self) -> None:
        runs, genes = self.runs, self.space.genes
        self._everyone = np.arange(runs)
        self._known = Known(runs, self.space, networks=True)
        self._evaluated = _Evaluated(runs=runs, evaluations=ROOM, genes=genes)
        self._told = 0
        self._X = np.zeros((runs, genes), dtype=np.uint8)  # current genotype
        self._left = np.zeros(runs, dtype=np.intp)  # neighbours still to be evaluated
        self._F = np.full(runs, np.inf)
        self._changes = np.zeros((runs, self._known.width), dtype=np.intp)  # to its neighbours, in random order

    def _ask(self) -> Genotypes:
        self._order = self.random.bits((self._known.width,))
        change = self._changes[self._everyone, np.maximum(self._left - 1, 0)]
        asked = self._known.changed(self._X, change)
        fresh = np.flatnonzero(self._left == 0)
        asked[fresh] = self._single_starts(fresh)
        for _ in range(ATTEMPTS):
            fresh = fresh[self._known.holds(fresh, asked[fresh, np.newaxis])[:, 0]]
            if not len(fresh):
                break
            asked[fresh] = self.random.sample_of(fresh, self.space, 1)[:, 0]
        return asked[:, np.newaxis]

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        X, F = X[:, 0], F[:, 0, 0]
        self._known.add(X)
        if self._told == self._evaluated.size("evaluations"):
            self._evaluated.grow(evaluations=2 * self._told)
        seen = self._evaluated
        seen.X[:, self._told], seen.F[:, self._told], seen.open[:, self._told] = X, F, True
        seen.open_F[:, self._told] = F
        self._told += 1
        self._left -= self._left > 0
        if self.improvement == "first":
            self._left[F < self._F] = 0
        if self._told < self.starts:
            return
        idle = np.flatnonzero(self._left == 0)
        for _ in range(ATTEMPTS):  # most have neighbours that are new
            idle = idle[seen.open[idle].any(axis=1)]
            if not len(idle):
                return
            idle = self._open_best(idle)
        self._F[idle] = np.inf

    def _open_best(self, runs: NDArray[np.intp]) -> NDArray[np.intp]:
        """Look at the neighbours of each run's best open genotype; returns the runs where none of them is new."""
        seen = self._evaluated
        best = seen.open_F[runs, : self._told].argmin(axis=1)
        failed = ~seen.open[runs, best]  # only genotypes that could not be evaluated are left
        best[failed] = seen.open[runs[failed]].argmax(axis=1)
        seen.open[runs, best], seen.open_F[runs, best] = False, np.inf
        X = seen.X[runs, best]
        changes, count = self._known.new_neighbours(runs, X, self._order[runs])
        self._X[runs], self._F[runs], self._changes[runs], self._left[runs] = X, seen.F[runs, best], changes, count
        none: NDArray[np.intp] = runs[count == 0]
        return none
