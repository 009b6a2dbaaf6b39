"""A genetic algorithm for one objective."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators import gather, keep_valid, reset_genes, uniform_crossover
from nasbench_kit.spaces.space import Genotypes

__all__ = ["GeneticAlgorithm"]


@dataclass(kw_only=True)
class GeneticAlgorithm(Algorithm):
    """(mu + lambda) genetic algorithm: binary tournaments, uniform crossover, mutation to another letter.

    As many children as parents; the best of both survive. Source: Bäck, Fogel and Michalewicz 1997, Handbook of
    Evolutionary Computation, with the usual mutation probability of 1 / genes.

    Parameters
    ----------
    population_size : int
    crossover_probability : float
        With which a child has two parents instead of one.
    mutation_probability : float, optional
        With which a gene becomes another of its values; 1 / genes unless given.
    """

    population_size: int = 20
    crossover_probability: float = 0.9
    mutation_probability: float | None = None

    def __post_init__(self) -> None:
        if self.population_size < 2:
            raise ValueError("population_size is at least 2")

    @property
    def batch(self) -> int:
        return self.population_size

    def _begin(self) -> None:
        self._X: Genotypes | None = None
        self._F: NDArray[np.float64] = np.empty((self.runs, 0))

    def _ask(self) -> Genotypes:
        n = self.population_size
        if self._X is None:
            return self.random.sample(self.space, n)
        # The population is sorted: the lower of two positions wins its tournament.
        parents = self.random.integers(n, (2, 2, n)).min(axis=2)
        first, second = gather(self._X, parents[:, 0]), gather(self._X, parents[:, 1])
        crossed = self.random.random((n, 1)) < self.crossover_probability
        child = np.where(crossed, uniform_crossover(first, second, self.random), first)
        child = reset_genes(child, self.space, self.random, self.mutation_probability)
        return keep_valid(child, first, self.space)

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        values = F[..., 0]
        if self._X is not None:
            X, values = np.concatenate([self._X, X], axis=1), np.concatenate([self._F, values], axis=1)
        order = values.argsort(axis=1, kind="stable")[:, : self.population_size]
        self._X, self._F = gather(X, order), np.take_along_axis(values, order, axis=1)

    @property
    def population(self) -> tuple[Genotypes, NDArray[np.float64]] | None:
        return None if self._X is None else (self._X, self._F[..., np.newaxis])
