"""Kernels of differential evolution: mutants by rand/1, and binomial crossover, from random words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled

__all__ = ["crossed", "mutants"]

Words = NDArray[np.uint32]


def mutants(pool: NDArray[np.float64], words: tuple[Words, Words, Words], factor: float) -> NDArray[np.float64]:
    """Mutants by rand/1: a vector of the pool plus the weighted difference of two others.

    Parameters
    ----------
    pool : ndarray of float, shape (runs, members, genes)
        Vectors, at least three per run.
    words : tuple of three ndarrays of uint32, each (runs, n)
        Random words that choose three different vectors.
    factor : float
        Weight of the difference.

    Returns
    -------
    ndarray of float, shape (runs, n, genes)
    """
    if enabled():
        found: NDArray[np.float64] = _mutants(pool, *words, factor)
        return found
    runs, members, genes = pool.shape
    a, b, c = ((drawn * ((members - i) * 2.0**-32)).astype(np.intp) for i, drawn in enumerate(words))
    b = b + (b >= a)
    for other in (np.minimum(a, b), np.maximum(a, b)):
        c = c + (c >= other)
    first = (np.arange(runs) * members)[:, np.newaxis]
    one, two, three = (pool.reshape(-1, genes).take(drawn + first, axis=0, mode="clip") for drawn in (a, b, c))
    return np.asarray(one + factor * (two - three))


def crossed(
    target: NDArray[np.float64],
    mutants: NDArray[np.float64],
    probability: float,
    coins: Words,
    forced: Words,
    anew: Words,
) -> NDArray[np.float64]:
    """Binomial crossover of one target per run with each of its mutants.

    Parameters
    ----------
    target : ndarray of float, shape (runs, genes)
    mutants : ndarray of float, shape (runs, n, genes)
    probability : float
        Probability of taking a component from the mutant. If none is taken, a random one is.
    coins, anew : ndarray of uint32, shape (runs, n * genes)
        Random words that decide which components are taken, and that replace components outside [0, 1].
    forced : ndarray of uint32, shape (runs, n)
        Random words that choose the component which is taken if no other one is.

    Returns
    -------
    ndarray of float, shape (runs, n, genes)
    """
    if enabled():
        trials: NDArray[np.float64] = _crossed(target, mutants, probability, coins, forced, anew)
        return trials
    shape, genes = mutants.shape, mutants.shape[2]
    taken = (coins * np.float64(2.0**-32)).reshape(shape) < probability
    one = (forced * (genes * 2.0**-32)).astype(np.intp)[..., np.newaxis] == np.arange(genes)
    taken |= one & ~taken.any(axis=2, keepdims=True)
    found = np.where(taken, mutants, target[:, np.newaxis])
    return np.where((found < 0) | (found > 1), (anew * np.float64(2.0**-32)).reshape(shape), found)


@compiled
def _mutants(
    pool: NDArray[np.float64], first: Words, second: Words, third: Words, factor: float
) -> NDArray[np.float64]:
    """Compiled version of `mutants`."""
    runs, members, genes = pool.shape
    n = first.shape[1]
    found = np.empty((runs, n, genes))
    for run in range(runs):
        for i in range(n):
            a = np.intp(first[run, i] * (members * 2.0**-32))
            b = np.intp(second[run, i] * ((members - 1) * 2.0**-32))
            c = np.intp(third[run, i] * ((members - 2) * 2.0**-32))
            b += b >= a
            c += c >= min(a, b)
            c += c >= max(a, b)
            for gene in range(genes):
                found[run, i, gene] = pool[run, a, gene] + factor * (pool[run, b, gene] - pool[run, c, gene])
    return found


@compiled
def _crossed(
    target: NDArray[np.float64],
    mutants: NDArray[np.float64],
    probability: float,
    coins: Words,
    forced: Words,
    anew: Words,
) -> NDArray[np.float64]:
    """Compiled version of `crossed`."""
    runs, n, genes = mutants.shape
    found = np.empty(mutants.shape)
    for run in range(runs):
        for i in range(n):
            some = False
            for gene in range(genes):
                taken = coins[run, i * genes + gene] * 2.0**-32 < probability
                some |= taken
                found[run, i, gene] = mutants[run, i, gene] if taken else target[run, gene]
            if not some:
                gene = np.intp(forced[run, i] * (genes * 2.0**-32))
                found[run, i, gene] = mutants[run, i, gene]
            for gene in range(genes):
                if found[run, i, gene] < 0 or found[run, i, gene] > 1:
                    found[run, i, gene] = anew[run, i * genes + gene] * 2.0**-32
    return found
