"""Differential evolution on vectors in [0, 1] that stand for genotypes, all runs at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.streams import Streams
from nasbench_kit.kernels.differential import crossed, mutants
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["genes_of", "mutant_vectors", "trial_vectors", "vectors_of"]


def genes_of(V: NDArray[np.float64], space: Space) -> Genotypes:
    """Genotypes of vectors (..., genes): the number of the interval, of as many equal ones as there are gene values."""
    cardinalities = np.array(space.cardinalities)
    X: Genotypes = np.minimum(V * cardinalities, cardinalities - 1).astype(np.uint8)
    return X


def vectors_of(X: Genotypes, space: Space, random: Streams) -> NDArray[np.float64]:
    """Vectors (runs, n, genes) of genotypes, uniform within their intervals: the inverse of `genes_of`."""
    inside = random.random(X.shape[1:]) + 2.0**-33  # clear of both ends, where division rounds
    V: NDArray[np.float64] = (X + inside) / np.array(space.cardinalities)
    return V


def mutant_vectors(pool: NDArray[np.float64], n: int, factor: float, random: Streams) -> NDArray[np.float64]:
    """``n`` mutants by rand/1: three different vectors of a pool (runs, members, genes), combined: (runs, n, genes)."""
    return mutants(pool, (random.words(n), random.words(n), random.words(n)), factor)


def trial_vectors(
    target: NDArray[np.float64], mutants: NDArray[np.float64], probability: float, random: Streams
) -> NDArray[np.float64]:
    """Binomial crossover of one target per run with each of its mutants.

    Parameters
    ----------
    target : ndarray of float, shape (runs, genes)
    mutants : ndarray of float, shape (runs, n, genes)
    probability : float
        Probability of taking a component from the mutant. If none is taken, a random one is.
    random : Streams

    Returns
    -------
    ndarray of float, shape (runs, n, genes)
        Components outside [0, 1] are replaced by uniform ones.
    """
    n, genes = mutants.shape[1:]
    coins, forced, anew = random.words(n * genes), random.words(n), random.words(n * genes)
    return crossed(target, mutants, probability, coins, forced, anew)
