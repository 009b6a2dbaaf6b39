"""Multi-objective local search by random scalarisation, with restarts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.kernels.gene_pass import accept, next_trials, start_passes
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
        self._validity = self.space.validity
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
        asked = next_trials(
            self._X,
            self._genes,
            self._position,
            self._allele,
            self._fresh,
            self._cardinalities,
            self._validity,
            self.space.is_valid,
        )
        fresh = np.flatnonzero(self._fresh)
        starts = self._single_starts(fresh)
        words = self.random.requests((self.objectives, self.space.genes))
        if len(fresh):
            start_passes(fresh, starts, words, asked, self._weights, self._genes, self._position, self._allele)
        return asked[:, np.newaxis]

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        accept(self._X, self._F, self._best, self._worst, self._weights, self._fresh, X[:, 0], F[:, 0])
