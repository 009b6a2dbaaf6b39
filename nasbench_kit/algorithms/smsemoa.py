"""SMS-EMOA: steady-state selection by hypervolume contribution, vectorised over runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators.crossover import two_point_crossover
from nasbench_kit.algorithms.operators.duplicates import POLICIES, distinct_children
from nasbench_kit.algorithms.operators.mutation import reset_genes
from nasbench_kit.algorithms.operators.selection import gather, keep_valid
from nasbench_kit.errors import UnknownName
from nasbench_kit.kernels.niching import nondomination_ranks
from nasbench_kit.kernels.ranks import known_points
from nasbench_kit.kernels.steady_state import after_joining
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["SMSEMOA"]


@dataclass(kw_only=True)
class SMSEMOA(Algorithm):
    """SMS-EMOA: one child at a time; the member that contributes least to the hypervolume of the last front leaves.

    Source: Beume, Naujoks and Emmerich 2007 (European Journal of Operational Research 181(3)), with the variation
    operators of the MacroNAS paper (arXiv 2004.08996). With two objectives, the ends of a front always stay before its
    other points, as published. With more, the reference point is worse than the worst values of the front by its range
    in each objective; the paper adds 1.0, which depends on units. Contributions are exact for any number of objectives.

    Parameters
    ----------
    population_size : int
        Population size.
    crossover_probability : float
        Probability that the parents are crossed.
    mutation_probability : float, optional
        Mutation probability of each gene; default: 1 / genes.
    duplicates : {"allow", "genotype", "network"}
        Whether a child may equal a member of the population, as for `NSGA2`.
    """

    many_objectives = True
    single_objective = False

    population_size: int = 100
    crossover_probability: float = 1.0
    mutation_probability: float | None = None
    duplicates: Literal["allow", "genotype", "network"] = "allow"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("population_size", 2)
        self._require("crossover_probability", 0, 1)
        self._require("mutation_probability", 0, 1)
        if self.duplicates not in POLICIES:
            raise UnknownName("duplicates of SMSEMOA", self.duplicates, POLICIES)

    @property
    def first_population_size(self) -> int:
        return self.population_size

    def _begin(self) -> None:
        # One slot more than there are members: a child is written into the free one, and the slot of the member that
        # leaves is free from then on. The order lists the slots by objectives, the free one last.
        n = self.population_size
        self._started = False
        self._X: Genotypes = np.zeros((self.runs, n + 1, self.space.genes), dtype=np.uint8)
        self._F = np.full((self.objectives, self.runs, n + 1), np.inf)
        self._rank = np.full((self.runs, n + 1), -1, dtype=np.intp)
        self._order: NDArray[np.intp] = np.broadcast_to(np.arange(n + 1), (self.runs, n + 1)).copy()

    def _ask(self) -> Genotypes:
        if not self._started:
            return self._initial_sample(self.population_size)
        members = self._X if self.duplicates == "allow" else self._members
        return distinct_children(self._child, 1, members, self.space, self.random, self.duplicates)

    def _child(self, members: Genotypes) -> Genotypes:
        chosen = self.random.integers(self.population_size, (2,))  # in the order of the members
        mates = gather(self._X, gather(self._order, chosen))
        crossed = None
        if self.crossover_probability < 1:
            crossed = self.random.random((1,)) < self.crossover_probability
        child, _ = two_point_crossover(mates[:, :1], mates[:, 1:], self.random, crossed)
        child = reset_genes(child, self.space, self.random, self.mutation_probability)
        return keep_valid(child, mates[:, :1], self.space)

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        n = self.population_size
        # the objective axis comes first, so that comparisons are vectorised over all members of all runs
        values = np.where(known_points(F), F.transpose(2, 0, 1), np.inf)
        if not self._started:
            self._started = True
            self._X[:, :n], self._F[:, :, :n] = X, values
            self._rank[:, :n] = nondomination_ranks(F)
            self._order[:, :n] = np.lexsort(values[::-1], axis=1)
            return
        free = self._order[:, -1] + np.arange(self.runs) * (n + 1)
        self._X.reshape(-1, self.space.genes)[free] = X[:, 0]
        self._F.reshape(self.objectives, -1)[:, free] = values[:, :, 0]
        self._order = after_joining(self._F, self._rank, self._order, self.random.bits((1,))[:, 0])

    @property
    def _members(self) -> Genotypes:
        return gather(self._X, self._order[:, :-1])

    @property
    def population(self) -> tuple[Genotypes, NDArray[np.float64]] | None:
        if not self._started:
            return None
        F = np.stack([gather(values, self._order[:, :-1]) for values in self._F], axis=2)
        return self._members, F
