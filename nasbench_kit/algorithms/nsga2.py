"""NSGA-II, over all runs at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.fronts import rank_and_crowding
from nasbench_kit.algorithms.operators import gather, keep_valid, reset_genes, two_point_crossover
from nasbench_kit.spaces.space import Genotypes

__all__ = ["NSGA2", "survivors"]


CROWDING_BITS = 24  # to which crowding distances are rounded


@dataclass(kw_only=True)
class NSGA2(Algorithm):
    """Binary tournaments on rank and crowding, two-point crossover, mutation; the best of parents and children stay.

    Source: Deb et al. 2002 (IEEE TEC 6(2)), with the operators and settings of the MacroNAS paper (arXiv 2004.08996):
    population 100, two-point crossover with probability 1, each gene to another letter with probability 1 / genes.
    Duplicates are allowed, as there.

    Parameters
    ----------
    population_size : int
        Even.
    crossover_probability : float
    mutation_probability : float, optional
        Of each gene; 1 / genes unless given.
    """

    many_objectives = True
    single_objective = False

    population_size: int = 100
    crossover_probability: float = 1.0
    mutation_probability: float | None = None

    def __post_init__(self) -> None:
        if self.population_size < 2 or self.population_size % 2:
            raise ValueError(f"population_size is even and at least 2, not {self.population_size}")

    @property
    def batch(self) -> int:
        return self.population_size

    def _begin(self) -> None:
        self._X: Genotypes | None = None
        self._F: NDArray[np.float64] = np.empty((self.runs, 0, self.objectives))

    def _ask(self) -> Genotypes:
        n = self.population_size
        if self._X is None:
            return self._initial_sample(n)
        # Survivors are sorted by rank, then crowding: the lower of two positions wins its tournament. As in the authors'
        # own program every member takes part in two tournaments: the neighbours in two random orders.
        entered = self.random.permutations((2, n)).reshape(self.runs, 2 * n)
        mates = gather(self._X, np.minimum(entered[:, ::2], entered[:, 1::2]))
        crossed = None
        if self.crossover_probability < 1:
            crossed = self.random.random((n // 2,)) < self.crossover_probability
        children = np.concatenate(
            two_point_crossover(mates[:, : n // 2], mates[:, n // 2 :], self.random, crossed), axis=1
        )
        children = reset_genes(children, self.space, self.random, self.mutation_probability)
        return keep_valid(children, mates, self.space)

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        if self._X is not None:
            X, F = np.concatenate([self._X, X], axis=1), np.concatenate([self._F, F], axis=1)
        order = survivors(F, self.population_size, self.random.bits(F.shape[1:2]))
        self._X = X.reshape(-1, self.space.genes).take(order, axis=0)
        self._F = F.reshape(-1, self.objectives).take(order, axis=0)

    @property
    def population(self) -> tuple[Genotypes, NDArray[np.float64]] | None:
        return None if self._X is None else (self._X, self._F)


def survivors(F: NDArray[np.float64], n: int, ties: NDArray[np.uint32] | None = None) -> NDArray[np.intp]:
    """The best ``n`` points of each run by domination rank, then crowding distance, best first.

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, m)
        Objective values, minimised.
    n : int
    ties : ndarray of uint32, shape (runs, points), optional
        Random words: of points of equal rank and distance the one with the lower word comes first; without them they
        stay in order of their objectives.

    Returns
    -------
    ndarray of int, shape (runs, n)
        Positions in ``F.reshape(-1, m)``.
    """
    points, m = F.shape[1:]
    order, rank, distance = rank_and_crowding(F, enough=n)
    # rank, distance, tie and position side by side in one number: its sort sorts by all of them
    place = points.bit_length()
    crowding = min(CROWDING_BITS, 63 - 2 * place)
    tie = min(63 - 2 * place - crowding, 32)
    # Distances are at most m, but infinite at a front's ends. Steps of 2**-22 are below any difference that matters, and
    # far above rounding.
    steps = (np.minimum(distance, m + 1) * (2.0**crowding / (m + 2))).astype(np.int64)
    key = (rank << crowding) + (2**crowding - 1 - steps)
    key <<= tie
    if ties is not None and tie:
        key |= ties >> np.uint32(32 - tie)
    key <<= place
    key |= np.arange(points)
    key.sort(axis=1)
    return gather(order, key[:, :n] & (2**place - 1))
