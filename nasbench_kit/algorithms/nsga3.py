"""NSGA-III, vectorised over runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators.duplicates import POLICIES, distinct_children
from nasbench_kit.algorithms.operators.offspring import cross_and_mutate
from nasbench_kit.algorithms.operators.selection import gather
from nasbench_kit.algorithms.simplex_lattice import most_divisions, simplex_lattice
from nasbench_kit.errors import UnknownName
from nasbench_kit.kernels.niching import niched_survivors
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["NSGA3", "reference_directions"]

#: Divisions of the lattice by number of objectives, as published for 3, 5, 8, 10 and 15; of both layers from 8 on
DIVISIONS: dict[int, tuple[int, ...]] = {2: (99,), 3: (12,), 4: (8,), 5: (6,), 6: (4,), 7: (4,)}
LAYERS, LAYERS_OF_MANY = (3, 2), (2, 1)  # for 8 to 10 objectives, and for more
INNER = 0.5  # size of the inner layer


@dataclass(kw_only=True)
class NSGA3(Algorithm):
    """NSGA-III: non-dominated sorting, with niches around reference directions that keep the front spread out.

    Source: Deb and Jain 2014 (IEEE TEC 18(4)), with the variation operators of the MacroNAS paper (arXiv 2004.08996).
    Parents are drawn at random, as published. Objectives are translated by the best values seen by the run and divided
    by the intercepts of the hyperplane through the extreme points of the first front.

    Parameters
    ----------
    population_size : int, optional
        Population size; must be even. Default: the number of reference directions, rounded up to a multiple of four.
    divisions : int, optional
        Divisions of each objective, which determine the reference directions of Das and Dennis 1998. Default: the
        largest lattice of at most ``population_size`` directions. If that is not given either: 99 for two objectives
        (100 directions), 12 for three (91), 8 for four (165), 6 for five (210), 4 for six and seven (126, 210), and from
        eight objectives on two layers of 3 and 2 divisions, from eleven on of 2 and 1. The values for 3, 5, 8, 10 and 15
        objectives are published.
    crossover_probability : float
        Probability that a pair is crossed.
    mutation_probability : float, optional
        Mutation probability of each gene; default: 1 / genes.
    duplicates : {"allow", "genotype", "network"}
        Whether children may equal members of the population or other children, as for `NSGA2`.
    """

    many_objectives = True
    single_objective = False

    population_size: int | None = None
    divisions: int | None = None
    crossover_probability: float = 1.0
    mutation_probability: float | None = None
    duplicates: Literal["allow", "genotype", "network"] = "allow"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("population_size", 2)
        if (self.population_size or 0) % 2:
            raise ValueError(f"{self.name}: population_size must be even, not {self.population_size}")
        self._require("divisions", 1)
        self._require("crossover_probability", 0, 1)
        self._require("mutation_probability", 0, 1)
        if self.duplicates not in POLICIES:
            raise UnknownName("duplicates of NSGA3", self.duplicates, POLICIES)

    @property
    def batch(self) -> int:
        if self.population_size is not None:
            return self.population_size
        return -(-len(self._directions) // 4) * 4

    @property
    def _directions(self) -> NDArray[np.float64]:
        objectives = getattr(self, "objectives", 2)  # not known before the start
        return reference_directions(objectives, self.divisions, self.population_size)

    def _begin(self) -> None:
        self._X: Genotypes | None = None
        self._F: NDArray[np.float64] = np.empty((self.runs, 0, self.objectives))
        self._ideal = np.full((self.runs, self.objectives), np.inf)

    def _ask(self) -> Genotypes:
        if self._X is None:
            return self._initial_sample(self.batch)
        return distinct_children(self._children, self.batch, self._X, self.space, self.random, self.duplicates)

    def _children(self, X: Genotypes) -> Genotypes:
        mates = gather(X, self.random.permutations((self.batch,)))
        return cross_and_mutate(mates, self.space, self.random, self.crossover_probability, self.mutation_probability)

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        known = np.isfinite(F).all(axis=2, keepdims=True)
        self._ideal = np.minimum(self._ideal, np.where(known, F, np.inf).min(axis=1))
        if self._X is not None:
            X, F = np.concatenate([self._X, X], axis=1), np.concatenate([self._F, F], axis=1)
        words = self.random.bits(F.shape[1:2])
        order = niched_survivors(F, self.batch, self._directions, self._ideal, words)
        self._X = X.reshape(-1, self.space.genes).take(order, axis=0)
        self._F = F.reshape(-1, self.objectives).take(order, axis=0)

    @property
    def population(self) -> tuple[Genotypes, NDArray[np.float64]] | None:
        return None if self._X is None else (self._X, self._F)


@cache
def reference_directions(
    objectives: int, divisions: int | None = None, population_size: int | None = None
) -> NDArray[np.float64]:
    """Reference directions of Das and Dennis, (h, objectives); parameters as for `NSGA3`.

    The inner of two layers is half as large as the outer one, around the same centre (Deb and Jain 2014, section V).

    Examples
    --------
    >>> [len(reference_directions(m)) for m in (2, 3, 5, 8, 10, 15)]
    [100, 91, 210, 156, 275, 135]
    """
    layers: tuple[int, ...]
    if divisions is not None:
        layers = (divisions,)
    elif population_size is not None:
        layers = (most_divisions(population_size, objectives),)
    else:
        layers = DIVISIONS.get(objectives, LAYERS if objectives <= 10 else LAYERS_OF_MANY)
    outer, *inner = (simplex_lattice(layer, objectives) for layer in layers)
    shrunk = [layer * INNER + (1 - INNER) / objectives for layer in inner]
    found = np.concatenate([outer, *shrunk])
    found.flags.writeable = False  # shared by all callers
    return found
