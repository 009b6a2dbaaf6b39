"""Local search with restarts."""

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
from nasbench_kit.kernels.climbing import step
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["LocalSearch"]


class _Climb(RunState):
    """Where each run is."""

    starts = array("runs", np.bool_, True)  # whether the next genotype is a random start
    X = array("runs genes", np.uint8)  # current genotype
    F = array("runs", np.float64, np.inf)
    changes = array("runs width", np.intp)  # that lead to its neighbours, in random order
    count = array("runs", np.intp)  # number of valid, unknown neighbours
    position = array("runs", np.intp)  # number of evaluated neighbours
    best_X = array("runs genes", np.uint8)  # best evaluated neighbour
    best_F = array("runs", np.float64, np.inf)


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
        self._everyone = np.arange(runs)
        self._known = Known(runs, self.space)
        self._state = _Climb(runs=runs, genes=genes, width=self._known.width)

    def _ask(self) -> Genotypes:
        state = self._state
        starting = np.flatnonzero(state.starts)
        fresh = self._start(starting)
        self._order = self.random.words(self._known.width)
        asked = self._known.changed(state.X, state.changes[self._everyone, state.position])
        asked[starting] = fresh
        return asked[:, np.newaxis]

    def _start(self, runs: NDArray[np.intp]) -> Genotypes:
        """Draw a random starting genotype for some runs, redrawing known ones: (len(runs), genes)."""
        X = self._single_starts(runs)
        known = np.arange(len(runs))
        for _ in range(ATTEMPTS):
            known = known[self._known.holds(runs[known], X[known, np.newaxis])[:, 0]]
            if not len(known):
                break
            X[known] = self.random.sample_of(runs[known], self.space, 1)[:, 0]
        return X

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        X, F = X[:, 0], F[:, 0, 0]
        state = self._state
        self._known.add(X)
        settled = step(
            state.starts,
            state.X,
            state.F,
            state.count,
            state.position,
            state.best_X,
            state.best_F,
            X,
            F,
            self.improvement == "first",
        )
        changes, count = self._known.new_neighbours(settled, state.X[settled], self._order[settled])
        state.changes[settled], state.count[settled] = changes, count
        state.starts[settled] = count == 0
