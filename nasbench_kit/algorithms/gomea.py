"""GOMEA: gene-pool optimal mixing with a learned linkage tree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.mixing import OptimalMixing, Runs
from nasbench_kit.algorithms.operators.linkage import linkage_tree, mutual_information
from nasbench_kit.kernels.mixing_rules import Rules
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["GOMEA"]


@dataclass(kw_only=True)
class GOMEA(OptimalMixing):
    """GOMEA: gene-pool optimal mixing along a linkage tree, with interleaved populations of growing size.

    Each generation learns a linkage tree from its population (mutual information, UPGMA). For each member and each set
    of the tree, in random order, the genes of a random donor are copied, and the change is kept if the result is not
    worse. Members that did not change undergo forced improvement: they are mixed with the incumbent until they improve,
    and are otherwise replaced by it. After a no-improvement stretch of more than 1 + log10(n) generations, this applies
    to all members. A population is abandoned when a larger one is at least as good on average. Source: Bosman and
    Thierens 2012, Linkage neighbors, optimal mixing and forced improvements in genetic algorithms (GECCO); interleaved
    populations as in Harik and Lobo 1999, A parameter-less genetic algorithm.

    Every trial is one evaluation. Trials that would change nothing or are invalid are skipped.

    Parameters
    ----------
    first_population : int
        Size of the first population; each further population is twice as large.
    turns : int
        Generations of each population per generation of the next larger one.
    """

    def _begin(self) -> None:
        super()._begin()
        # a single cluster, and an archive of the incumbent alone
        self._clusters.objective[:] = self._clusters.current[:] = 0
        self._archive.count[:] = 1

    def _chosen_rules(self) -> Rules:
        return Rules(self.first_population, self.turns, self._others, self._samples, False, 0.0, True, False)

    def _cluster_count(self, p: int) -> int:
        return 1

    def _pool_size(self, p: int) -> int:
        return self.first_population << p

    def _grow(self) -> None:
        super()._grow()
        self._clusters.pools[:] = np.arange(self._clusters.size("members"))

    def _learn(self, runs: Runs, p: int) -> None:
        information = mutual_information(self._populations.X[runs, self._places(p)], self._alleles)
        tree = linkage_tree(information, self.random.of(runs, (self.space.genes,))) * np.uint8(255)
        self._clusters.trees[runs, 0], self._clusters.pool_size[runs] = tree, self._pool_size(p)

    def _pool(self, runs: Runs, draws: NDArray[np.float64]) -> tuple[Genotypes, NDArray[np.intp]]:
        size = self._clusters.pool_size[runs]
        return self._clusters.trees[runs, 0], (draws * size[:, np.newaxis]).astype(np.intp)

    def _note(self, x: Genotypes, f: NDArray[np.float64]) -> NDArray[np.bool_]:
        better = np.asarray(f[:, 0] < self._archive.F[0, :, 0])
        self._archive.X[better, 0], self._archive.F[0, better] = x[better], f[better]
        return better

    def _not_worse(self, f: NDArray[np.float64], better: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.asarray(f[:, 0] <= self._member.f[:, 0])

    def _improves(self, f: NDArray[np.float64], better: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.asarray(f[:, 0] < self._member.f[:, 0])

    def _given_up(self, run: int, own: int) -> Iterable[int]:
        places = self._places(own)
        if (self._populations.X[run, places] == self._populations.X[run, places.start]).all():
            return range(own + 1)  # converged; smaller populations have been overtaken
        # a smaller population that is no better on average than a larger one will not catch up
        mean = [self._populations.F[run, self._places(p)].mean() for p in range(own + 1)]
        return range(max((p + 1 for p in range(own) if mean[own] <= mean[p]), default=0))

    def _elite(self, runs: Runs, draws: NDArray[np.float64]) -> tuple[Genotypes, NDArray[np.float64]]:
        n = draws.shape[1]
        X, F = self._archive.X[runs], self._archive.F[0, runs, :, np.newaxis]
        return np.repeat(X, n, axis=1), np.repeat(F, n, axis=1)
