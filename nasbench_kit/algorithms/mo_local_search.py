"""Multi-objective local search by random scalarisation, with restarts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["MOLocalSearch"]


@dataclass(kw_only=True)
class MOLocalSearch(Algorithm):
    """Multi-objective local search: one pass over the genes of a random genotype per restart.

    Genes are visited in random order. All alleles of a gene are tried and kept if they improve a weighted sum of the
    objectives, whose weights are drawn uniformly at each restart. Objectives are scaled by the best and worst values
    seen by the run. Source: den Ottelander et al. 2021, Local search is a remarkably strong baseline for neural
    architecture search (arXiv 2004.08996), section 4.
    """

    many_objectives = True
    single_objective = False

    def _begin(self) -> None:
        runs, genes = self.runs, self.space.genes
        self._cardinalities = np.array(self.space.cardinalities)
        self._fresh = np.ones(runs, dtype=np.bool_)  # whether the next genotype is a random start
        self._X = np.zeros((runs, genes), dtype=np.uint8)
        self._F = np.full((runs, self.objectives), np.inf)
        self._best = np.full((runs, self.objectives), np.inf)
        self._worst = np.full((runs, self.objectives), -np.inf)
        self._weights = np.zeros((runs, self.objectives))
        self._genes = np.zeros((runs, genes), dtype=np.intp)  # in the order of the pass
        self._position = np.zeros(runs, dtype=np.intp)
        self._allele = np.zeros(runs, dtype=np.intp)

    def _ask(self) -> Genotypes:
        start = self._initial_sample(1)[:, 0]
        draws = -np.log1p(-self.random.random((self.objectives,)))
        self._drawn = draws / draws.sum(axis=1, keepdims=True)  # uniform over the simplex
        self._orders = self.random.permutations((self.space.genes,))
        trial = self._next_trials()
        return np.where(self._fresh[:, np.newaxis], start, trial)[:, np.newaxis]

    def _next_trials(self) -> Genotypes:
        """Genotypes with the next allele at the current gene; runs whose pass has ended are marked for restart."""
        trial = self._X.copy()
        open_runs = ~self._fresh
        while open_runs.any():
            which = np.flatnonzero(open_runs)
            ended = self._allele[which] >= self._cardinalities[self._genes[which, self._position[which]]]
            self._position[which[ended]] += 1
            self._allele[which[ended]] = 0
            over = self._position[which] >= self.space.genes
            self._fresh[which[over]] = True
            self._position[which[over]] = 0
            open_runs[which[over]] = False
            which = which[~ended & ~over]
            gene = self._genes[which, self._position[which]]
            trial[which] = self._X[which]
            trial[which, gene] = self._allele[which]
            new = self._allele[which] != self._X[which, gene]
            new &= self.space.is_valid(trial[which])
            self._allele[which] += 1
            open_runs[which[new]] = False
        return trial

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        X, F = X[:, 0], F[:, 0]
        self._best = np.minimum(self._best, F)
        self._worst = np.maximum(self._worst, np.where(np.isfinite(F), F, -np.inf))
        fresh = self._fresh
        self._weights[fresh], self._genes[fresh] = self._drawn[fresh], self._orders[fresh]
        self._position[fresh] = self._allele[fresh] = 0
        better = fresh | (self._scalarised(F) < self._scalarised(self._F))
        self._X[better], self._F[better] = X[better], F[better]
        self._fresh = np.zeros_like(fresh)

    def _scalarised(self, F: NDArray[np.float64]) -> NDArray[np.float64]:
        span = self._worst - self._best
        scale = np.where(np.isfinite(span) & (span > 0), span, 1.0)
        with np.errstate(invalid="ignore"):
            value = (self._weights * ((F - self._best) / scale)).sum(axis=1)
        return np.where(np.isnan(value), np.inf, value)
