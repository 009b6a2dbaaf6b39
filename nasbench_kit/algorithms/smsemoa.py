"""SMS-EMOA: steady-state selection by hypervolume contribution, vectorised over runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators.duplicates import POLICIES, distinct_children
from nasbench_kit.algorithms.operators.mating import mating
from nasbench_kit.algorithms.operators.selection import gather, keep_valid
from nasbench_kit.errors import UnknownName
from nasbench_kit.kernels.mating import children_of_any
from nasbench_kit.kernels.steady_state import Members, after_joining, members_of
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
        self._members: Members | None = None
        self._how = mating(self.space, self.mutation_probability)
        # two parents, and whether they are crossed
        self._requests = ((2, 1) if self.crossover_probability < 1 else (2,)) + self._how.requests

    def _ask(self) -> Genotypes:
        if self._members is None:
            return self._initial_sample(self.population_size)
        if self.duplicates == "allow":
            return self._child(self._members.X)
        X = gather(self._members.X, self._members.order[:, :-1])
        return distinct_children(self._child, 1, X, self.space, self.random, self.duplicates)

    def _child(self, _: Genotypes) -> Genotypes:
        assert self._members is not None
        X, order = self._members.X, self._members.order
        words = self.random.requests(self._requests)
        child, parent = children_of_any(self._how, words, X, order, float(self.crossover_probability))
        if self.space.unconstrained:
            return child
        return keep_valid(child, X[np.arange(self.runs), parent, np.newaxis], self.space)

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        if self._members is None:
            self._members = members_of(X, F)
        else:
            after_joining(self._members, X[:, 0], F[:, 0], self.random.words(1)[:, 0])

    @property
    def population(self) -> tuple[Genotypes, NDArray[np.float64]] | None:
        if self._members is None:
            return None
        slots = self._members.order[:, :-1]
        F = np.stack([gather(values, slots) for values in self._members.F], axis=2)
        return gather(self._members.X, slots), F
