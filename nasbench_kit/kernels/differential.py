"""Kernels of differential evolution: mutants by rand/1, and binomial crossover, from random words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, part

__all__ = ["TRIPLE", "compete", "crossed", "evolve", "mutants", "requests"]

Words = NDArray[np.uint32]

TRIPLE = 3  # vectors that a mutation by rand/1 combines
FILLED = TRIPLE + 1  # size to which a smaller pool of parents is filled
UNIT = 2.0**-32


def requests(count: int, attempts: int, genes: int) -> tuple[int, ...]:
    """Numbers of random words that trials take from each call: mutants that fill a pool of ``count``, mutants, crossover."""
    fill = (FILLED - count,) * TRIPLE if count < TRIPLE else ()
    return *fill, attempts, attempts, attempts, attempts * genes, attempts, attempts * genes


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
    shape, genes = mutants.shape, mutants.shape[2]
    taken = (coins * np.float64(2.0**-32)).reshape(shape) < probability
    one = (forced * (genes * 2.0**-32)).astype(np.intp)[..., np.newaxis] == np.arange(genes)
    taken |= one & ~taken.any(axis=2, keepdims=True)
    found = np.where(taken, mutants, target[:, np.newaxis])
    return np.where((found < 0) | (found > 1), (anew * np.float64(2.0**-32)).reshape(shape), found)


@compiled
def evolve(
    V: NDArray[np.float64],
    order: NDArray[np.intp],
    lower: int,
    count: int,
    target: int,
    words: Words,
    attempts: int,
    factor: float,
    probability: float,
    cardinalities: NDArray[np.int64],
    weights: NDArray[np.int64],
    valid: NDArray[np.bool_],
    trials: NDArray[np.float64],
    X: NDArray[np.uint8],
) -> None:
    """Make a trial vector for one member of each run, and its genotype: `mutants` and `crossed` in one loop.

    Parameters
    ----------
    V : ndarray of float, shape (runs, members, genes)
        The vectors of all subpopulations, one after the other.
    order : ndarray of int, shape (runs, members)
        Members of each subpopulation from best to worst, numbered within it.
    lower, count : int
        The first member of the subpopulation that parents come from, and how many of its best may become parents. Fewer than
        `TRIPLE` are joined by mutants of all members, so that there are `FILLED`.
    target : int
        The member that the trial will compete with, numbered from the first one of all.
    words : ndarray of uint32, shape (runs, k)
        Random words, in the order of `requests`.
    attempts : int
        Number of trials; the first valid one is taken, and the target itself if there is none.
    factor, probability : float
        As of `mutants` and `crossed`.
    cardinalities : ndarray of int, shape (genes,)
        Number of alleles of each gene.
    weights, valid : ndarray
        ``space.validity``.
    trials, X : ndarray, shapes (runs, genes) and (runs, 1, genes)
        The trials and their genotypes, written in place.
    """
    runs, members, genes = V.shape
    fill = FILLED - count if count < TRIPLE else 0
    size = count + fill
    pool = np.empty((FILLED, genes))
    # where the words of each request begin
    mutant = TRIPLE * (fill + fill % 2)
    step = attempts + attempts % 2
    coins = mutant + TRIPLE * step
    forced = coins + attempts * genes + attempts * genes % 2
    anew = forced + step
    for run in range(runs):
        vectors, best = V[run], order[run]
        if fill:
            for k in range(count):
                pool[k] = vectors[lower + best[lower + k]]
            for k in range(fill):
                at = fill + fill % 2
                a, b, c = _three(members, words[run, k], words[run, at + k], words[run, 2 * at + k])
                for gene in range(genes):
                    pool[count + k, gene] = vectors[a, gene] + factor * (vectors[b, gene] - vectors[c, gene])
        found = False
        for i in range(attempts):
            a, b, c = _three(
                size, words[run, mutant + i], words[run, mutant + step + i], words[run, mutant + 2 * step + i]
            )
            if fill:
                one, two, three = pool[a], pool[b], pool[c]
            else:
                one, two, three = (
                    vectors[lower + best[lower + a]],
                    vectors[lower + best[lower + b]],
                    vectors[lower + best[lower + c]],
                )
            only = np.intp(words[run, forced + i] * (genes * UNIT))
            for gene in range(genes):
                if words[run, coins + i * genes + gene] * UNIT < probability:
                    only = -1
            place = 0
            for gene in range(genes):
                word = i * genes + gene
                value = vectors[target, gene]
                if gene == only or words[run, coins + word] * UNIT < probability:
                    value = one[gene] + factor * (two[gene] - three[gene])
                if value < 0 or value > 1:
                    value = words[run, anew + word] * UNIT
                trials[run, gene] = value
                X[run, 0, gene] = _allele(value, cardinalities[gene])
                place += X[run, 0, gene] * weights[gene]
            found = valid[place]
            if found:
                break
        if not found:
            for gene in range(genes):
                trials[run, gene] = vectors[target, gene]
                X[run, 0, gene] = _allele(vectors[target, gene], cardinalities[gene])


@compiled
def compete(
    V: NDArray[np.float64],
    F: NDArray[np.float64],
    order: NDArray[np.intp],
    first: int,
    turn: int,
    trials: NDArray[np.float64],
    values: NDArray[np.float64],
) -> None:
    """Replace a member of each run by its trial where that is no worse.

    Parameters
    ----------
    V, F : ndarray of float, shapes (runs, members, genes) and (runs, members)
        The vectors and values of all subpopulations, updated in place.
    order : ndarray of int, shape (runs, members)
        Members of each subpopulation from best to worst, numbered within it; updated in place.
    first, turn : int
        The first member of the subpopulation, and the member of it that competes.
    trials : ndarray of float, shape (runs, genes)
        The trials.
    values : ndarray of float, shape (runs, 1, 1)
        Their values.
    """
    for run in range(len(V)):
        value = values[run, 0, 0]
        if not value <= F[run, first + turn]:
            continue
        V[run, first + turn] = trials[run]
        F[run, first + turn] = value
        place = first
        while order[run, place] != turn:
            place += 1
        while place > first:
            before = order[run, place - 1]
            other = F[run, first + before]
            if other < value or (other == value and before < turn):
                break
            order[run, place] = before
            place -= 1
        order[run, place] = turn


@part
def _three(members: int, first: np.uint32, second: np.uint32, third: np.uint32) -> tuple[np.intp, np.intp, np.intp]:
    """Three different members, chosen by random words."""
    a = np.intp(first * (members * UNIT))
    b = np.intp(second * ((members - 1) * UNIT))
    c = np.intp(third * ((members - 2) * UNIT))
    b += b >= a
    c += c >= min(a, b)
    c += c >= max(a, b)
    return a, b, c


@part
def _allele(value: float, cardinality: int) -> np.uint8:
    """The gene value that a component of a vector stands for."""
    return np.uint8(min(value * cardinality, cardinality - 1.0))
