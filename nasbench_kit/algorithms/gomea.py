"""GOMEA: exchange of learned sets of genes, kept only where it does no harm."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.mixing import OptimalMixing, Runs
from nasbench_kit.algorithms.operators.linkage import linkage_tree, mutual_information
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["GOMEA"]


@dataclass(kw_only=True)
class GOMEA(OptimalMixing):
    """Gene-pool optimal mixing along a linkage tree, with populations of growing size that take turns.

    Each generation learns from its population which genes belong together (mutual information, UPGMA). For each member, for
    each of these sets in random order, the genes of a random donor are tried, and kept where the result is not worse. A
    member that did not change, or after 1 + log10(n) generations without a better incumbent, is mixed with the incumbent
    until it improves, or becomes it. A population that is no better on average than a larger one is given up. Source:
    Bosman and Thierens 2012, Linkage neighbors, optimal mixing and forced improvements in genetic algorithms (GECCO);
    populations as in Harik and Lobo 1999, A parameter-less genetic algorithm.

    Every trial is one evaluation; trials that would change nothing, or make no valid genotype, are skipped.

    Parameters
    ----------
    first_population : int
        The size of the first population; each further one is twice as large.
    turns : int
        Generations of a population for each one of the next larger population.
    """

    def _begin(self) -> None:
        super()._begin()
        self._tree = np.zeros_like(self._masks)
        self._best_x = np.zeros((self.runs, self.space.genes), dtype=np.uint8)
        self._best_f = np.full((self.runs, 1), np.inf)

    def _learn(self, runs: Runs, p: int) -> None:
        information = mutual_information(self._X[runs, self._places(p)], self._letters)
        self._tree[runs] = linkage_tree(information, self.random.of(runs, (self.space.genes,))) * np.uint8(255)

    def _pool(self, runs: Runs, draws: NDArray[np.float64]) -> tuple[Genotypes, NDArray[np.intp]]:
        size = self.first_population << self._p[runs]
        return self._tree[runs], (draws * size[:, np.newaxis]).astype(np.intp)

    def _note(self, x: Genotypes, f: NDArray[np.float64]) -> NDArray[np.bool_]:
        better = np.asarray(f[:, 0] < self._best_f[:, 0])
        self._best_x[better], self._best_f[better] = x[better], f[better]
        return better

    def _not_worse(self, f: NDArray[np.float64], better: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.asarray(f[:, 0] <= self._f[:, 0])

    def _improves(self, f: NDArray[np.float64], better: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.asarray(f[:, 0] < self._f[:, 0])

    def _given_up(self, run: int, own: int) -> Iterable[int]:
        places = self._places(own)
        if (self._X[run, places] == self._X[run, places.start]).all():
            return range(own + 1)  # smaller ones have been overtaken long since
        # a smaller population that is no better than a larger one on average never will be
        mean = [self._F[run, self._places(p)].mean() for p in range(own + 1)]
        return range(max((p + 1 for p in range(own) if mean[own] <= mean[p]), default=0))

    def _elite(self, runs: Runs, draws: NDArray[np.float64]) -> tuple[Genotypes, NDArray[np.float64]]:
        n = draws.shape[1]
        X, F = self._best_x[runs][:, np.newaxis], self._best_f[runs][:, np.newaxis]
        return np.repeat(X, n, axis=1), np.repeat(F, n, axis=1)
