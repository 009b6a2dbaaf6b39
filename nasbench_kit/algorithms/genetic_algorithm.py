"""Single-objective genetic algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators.crossover import one_point_crossover, two_point_crossover, unit_crossover
from nasbench_kit.algorithms.operators.mutation import reset_genes
from nasbench_kit.algorithms.operators.selection import gather, keep_valid, russian_roulette
from nasbench_kit.errors import UnknownName
from nasbench_kit.kernels.sorting import lowest, take
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["GeneticAlgorithm"]


@dataclass(kw_only=True)
class GeneticAlgorithm(Algorithm):
    """Genetic algorithm with configurable selection, crossover, mutation and survival.

    Each generation has as many children as parents. The defaults give a (mu + lambda) algorithm with binary
    tournaments, uniform crossover, mutation of each gene to another allele with probability 1 / genes, and survival of
    the best of parents and children. Source: Bäck, Fogel and Michalewicz 1997, Handbook of Evolutionary Computation.
    See `genetic_cnn` for the settings of Genetic CNN.

    Parameters
    ----------
    population_size : int
        Population size.
    selection : {"tournament", "roulette"}
        Tournament selection, or the fitness-proportional "Russian roulette" of Genetic CNN.
    tournament_size : int
        Number of members per tournament.
    crossover : str
        ``"uniform"``, ``"one_point"``, ``"two_point"``, or a unit of the space that is exchanged as a whole, e.g.
        ``"stage"``, ``"cell"``, ``"node"`` or ``"half"``.
    crossover_probability : float
        Probability that a pair is crossed.
    exchange_probability : float
        Probability that each gene or unit of a crossed pair is exchanged (uniform crossover and units).
    mutation_probability : float, optional
        Mutation probability of each gene; default: 1 / genes.
    mutant_probability : float
        Probability that a child is mutated at all.
    mutate_crossed : bool
        Whether children of crossed pairs are mutated too.
    survival : {"plus", "generational"}
        Keep the best of parents and children, or only the children.
    """

    population_size: int = 20
    selection: Literal["tournament", "roulette"] = "tournament"
    tournament_size: int = 2
    crossover: str = "uniform"
    crossover_probability: float = 0.9
    exchange_probability: float = 0.5
    mutation_probability: float | None = None
    mutant_probability: float = 1.0
    mutate_crossed: bool = True
    survival: Literal["plus", "generational"] = "plus"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("population_size", 2)
        self._require("tournament_size", 1, "population_size")
        for name in ("crossover", "exchange", "mutation", "mutant"):
            self._require(f"{name}_probability", 0, 1)
        for name, known in (("selection", ("tournament", "roulette")), ("survival", ("plus", "generational"))):
            if getattr(self, name) not in known:
                raise UnknownName(f"{name} of GeneticAlgorithm", getattr(self, name), known)

    @classmethod
    def genetic_cnn(cls) -> GeneticAlgorithm:
        """Settings of Genetic CNN (Xie and Yuille 2017, arXiv 1703.01513, algorithm 1 and section 4.1.1).

        Parents are selected by Russian roulette. Pairs are crossed with probability 0.2, exchanging each stage with
        probability 0.3. Children of other pairs are mutated with probability 0.8, flipping each bit with probability
        0.1. Children replace their parents.
        """
        return cls(
            population_size=20,
            selection="roulette",
            crossover="stage",
            crossover_probability=0.2,
            exchange_probability=0.3,
            mutation_probability=0.1,
            mutant_probability=0.8,
            mutate_crossed=False,
            survival="generational",
        )

    @property
    def batch(self) -> int:
        return self.population_size

    def _begin(self) -> None:
        self._X: Genotypes | None = None
        self._F: NDArray[np.float64] = np.empty((self.runs, 0))
        units = {"uniform": self.space.units["gene"], **self.space.units}
        points = ("one_point", "two_point")
        if self.crossover not in (*units, *points):
            raise UnknownName(f"crossover on {self.space.name}", self.crossover, [*units, *points])
        self._units = units.get(self.crossover)

    def _ask(self) -> Genotypes:
        n = self.population_size
        if self._X is None:
            return self._initial_sample(n)
        pairs = (n + 1) // 2
        mates = gather(self._X, self._selected(2 * pairs))
        crossed = self.random.random((pairs,)) < self.crossover_probability
        children = np.concatenate(self._crossed(mates[:, :pairs], mates[:, pairs:], crossed), axis=1)
        mutated = None
        if self.mutant_probability < 1 or not self.mutate_crossed:
            mutated = self.random.random((2 * pairs,)) < self.mutant_probability
            mutated &= self.mutate_crossed | ~np.concatenate([crossed, crossed], axis=1)
        children = reset_genes(children, self.space, self.random, self.mutation_probability, mutated)
        return keep_valid(children, mates, self.space)[:, :n]

    def _selected(self, n: int) -> NDArray[np.intp]:
        if self.selection == "roulette":
            return russian_roulette(self._F, n, self.random)
        # the population is sorted, so the lowest position wins
        drawn = self.random.integers(self.population_size, (self.tournament_size, n))
        won: NDArray[np.intp] = drawn.min(axis=1)
        return won

    def _crossed(self, first: Genotypes, second: Genotypes, where: NDArray[np.bool_]) -> tuple[Genotypes, Genotypes]:
        if self._units is not None:
            return unit_crossover(first, second, self._units, self.random, self.exchange_probability, where)
        if self.crossover == "one_point":
            return one_point_crossover(first, second, self.random, where)
        return two_point_crossover(first, second, self.random, where)

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        values = F[..., 0]
        if self._X is not None and self.survival == "plus":
            X, values = np.concatenate([self._X, X], axis=1), np.concatenate([self._F, values], axis=1)
        best = lowest(values, self.population_size)
        self._X, self._F = X.reshape(-1, self.space.genes).take(best, axis=0, mode="clip"), take(values, best)

    @property
    def population(self) -> tuple[Genotypes, NDArray[np.float64]] | None:
        return None if self._X is None else (self._X, self._F[..., np.newaxis])
