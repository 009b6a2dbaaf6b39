"""SPEA2, vectorised over runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators.duplicates import POLICIES, distinct_children
from nasbench_kit.algorithms.operators.offspring import cross_and_mutate
from nasbench_kit.algorithms.operators.selection import gather, tournament
from nasbench_kit.errors import UnknownName
from nasbench_kit.kernels.strength import strength_survivors
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["SPEA2"]


@dataclass(kw_only=True)
class SPEA2(Algorithm):
    """SPEA2: fitness by strength and density, and an archive that is truncated where it is densest.

    Source: Zitzler, Laumanns and Thiele 2001 (TIK report 103), with the variation operators of the MacroNAS paper
    (arXiv 2004.08996). Distances are those of objectives scaled by their ranges among archive and children.

    Parameters
    ----------
    population_size : int
        Children per generation; must be even.
    archive_size : int, optional
        Size of the archive, from which parents are drawn; default: the population size.
    crossover_probability : float
        Probability that a pair is crossed.
    mutation_probability : float, optional
        Mutation probability of each gene; default: 1 / genes.
    duplicates : {"allow", "genotype", "network"}
        Whether children may equal members of the archive or other children, as for `NSGA2`.
    """

    many_objectives = True
    single_objective = False

    population_size: int = 100
    archive_size: int | None = None
    crossover_probability: float = 1.0
    mutation_probability: float | None = None
    duplicates: Literal["allow", "genotype", "network"] = "allow"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("population_size", 2)
        if self.population_size % 2:
            raise ValueError(f"{self.name}: population_size must be even, not {self.population_size}")
        self._require("archive_size", 1)
        self._require("crossover_probability", 0, 1)
        self._require("mutation_probability", 0, 1)
        if self.duplicates not in POLICIES:
            raise UnknownName("duplicates of SPEA2", self.duplicates, POLICIES)

    @property
    def batch(self) -> int:
        return self.population_size

    def _begin(self) -> None:
        self._X: Genotypes | None = None
        self._F: NDArray[np.float64] = np.empty((self.runs, 0, self.objectives))
        self._fitness: NDArray[np.float64] = np.empty((self.runs, 0))

    def _ask(self) -> Genotypes:
        n = self.population_size
        if self._X is None:
            return self._initial_sample(n)
        return distinct_children(self._children, n, self._X, self.space, self.random, self.duplicates)

    def _children(self, X: Genotypes) -> Genotypes:
        mates = gather(X, tournament(self._fitness, self.population_size, 2, self.random))
        return cross_and_mutate(mates, self.space, self.random, self.crossover_probability, self.mutation_probability)

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        if self._X is not None:
            X, F = np.concatenate([self._X, X], axis=1), np.concatenate([self._F, F], axis=1)
        # the archive may be larger than the first population, and is filled up by the following ones
        n = min(self.archive_size or self.population_size, F.shape[1])
        order, self._fitness = strength_survivors(F, n, self.random.bits(F.shape[1:2]))
        self._X = X.reshape(-1, self.space.genes).take(order, axis=0)
        self._F = F.reshape(-1, self.objectives).take(order, axis=0)

    @property
    def population(self) -> tuple[Genotypes, NDArray[np.float64]] | None:
        return None if self._X is None else (self._X, self._F)
