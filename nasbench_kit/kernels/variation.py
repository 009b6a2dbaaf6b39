"""Kernels of variation: draws from random words, steps of alleles, and tournaments."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled, part

__all__ = [
    "integers",
    "outcomes",
    "permutation",
    "permutations",
    "scaled",
    "stepped",
    "winners",
]

Genotypes = NDArray[np.uint8]

FEW = 32  # maximum length of a permutation for which an insertion sort is fastest


def integers(words: NDArray[np.uint64], used: int, count: int, high: int) -> NDArray[np.intp]:
    """Uniform integers in 0 ... high - 1, one per random 32-bit word, on little-endian machines: (runs, count).

    Parameters
    ----------
    words : ndarray of uint64, shape (runs, n)
        Random words.
    used : int
        Number of words of each run that have been consumed.
    count, high : int
        Number of integers to draw, and their exclusive upper bound.
    """
    if enabled():
        drawn: NDArray[np.intp] = _integers(words, used, count, high)
        return drawn
    block = np.ascontiguousarray(words[:, used : used + -(-count // 2)]).view(np.uint32)[:, :count]
    return (block * (high * 2.0**-32)).astype(np.intp)


def scaled(words: NDArray[np.uint32], cardinalities: tuple[int, ...]) -> Genotypes:
    """Uniform alleles, one per random word: (runs, n, genes) to (runs, n, genes)."""
    alleles: Genotypes = (words * _scales(cardinalities)).astype(np.uint8)
    return alleles


@cache
def _scales(cardinalities: tuple[int, ...]) -> NDArray[np.float64]:
    return np.array(cardinalities) * 2.0**-32


def permutations(words: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Random permutations of 0 ... n - 1 from random words: (..., n) to (..., n).

    The sort keys differ in their low bits. There are no ties, which sorts may break differently on different processors.
    """
    n = words.shape[-1]
    low = n.bit_length()
    if enabled() and n <= FEW:
        drawn: NDArray[np.intp] = _permutations(words.reshape(-1, n), low)
        return drawn.reshape(words.shape)
    keys = (words & np.uint32(2**32 - 2**low)) | np.arange(n, dtype=np.uint32)
    keys.sort(axis=-1)
    return (keys & np.uint32(2**low - 1)).astype(np.intp)


def outcomes(
    first: NDArray[np.uint32], second: NDArray[np.uint32], stay: NDArray[np.uint32], alias: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Map pairs of random words to outcomes of an alias table: (...) and (...) to (...).

    Parameters
    ----------
    first, second : ndarray of uint32
        Random words.
    stay : ndarray of uint32, shape (k,)
        The outcome is the slot selected by ``first`` if ``second`` is below this value.
    alias : ndarray of int, shape (k,)
        The outcome otherwise.
    """
    if enabled():
        found: NDArray[np.intp] = _outcomes(first.reshape(-1), second.reshape(-1), stay, alias)
        return found.reshape(first.shape)
    slot = (first * np.float64(len(stay) * 2.0**-32)).astype(np.intp)
    return np.where(second < stay.take(slot, mode="clip"), slot, alias.take(slot, mode="clip"))


def winners(quality: NDArray[np.float64], drawn: NDArray[np.intp]) -> NDArray[np.intp]:
    """Winner of each tournament (lowest, first of ties): (runs, members) and (runs, n, size) to (runs, n)."""
    if enabled():
        won: NDArray[np.intp] = _winners(quality, drawn)
        return won
    (runs, members), (_, n, size) = quality.shape, drawn.shape
    flat = drawn + (np.arange(runs) * members)[:, np.newaxis, np.newaxis]
    best = quality.reshape(-1).take(flat, mode="clip").argmin(axis=2)
    first: NDArray[np.intp] = drawn.reshape(-1).take(best + (np.arange(runs * n) * size).reshape(runs, n), mode="clip")
    return first


def stepped(X: Genotypes, steps: NDArray[np.uint8], cardinalities: tuple[int, ...]) -> Genotypes:
    """Compute ``(X + steps) % cardinalities``: (..., n, genes) and (..., n, genes) to (..., n, genes)."""
    if max(cardinalities) > 128:
        return ((X.astype(np.uint16) + steps) % np.array(cardinalities, dtype=np.uint16)).astype(np.uint8)
    child = X + steps
    # If a gene is below its cardinality, the unsigned difference wraps around to a large number. Concatenated genotypes
    # give rows that are long enough for SIMD.
    rows = child.reshape(*child.shape[:-2], -1)
    cardinality = _repeated(cardinalities, child.shape[-2])
    wrapped: Genotypes = np.minimum(rows, rows - cardinality).reshape(child.shape)
    return wrapped


@cache
def _repeated(cardinalities: tuple[int, ...], n: int) -> NDArray[np.uint8]:
    return np.tile(np.array(cardinalities, dtype=np.uint8), n)


@compiled
def _integers(words: NDArray[np.uint64], used: int, count: int, high: int) -> NDArray[np.intp]:
    """Compiled version of `integers`."""
    runs = len(words)
    drawn = np.empty((runs, count), dtype=np.intp)
    scale = high * 2.0**-32
    low = np.uint64(2**32 - 1)
    for run in range(runs):
        for i in range(count // 2):
            word = words[run, used + i]
            drawn[run, 2 * i] = np.intp((word & low) * scale)
            drawn[run, 2 * i + 1] = np.intp((word >> np.uint64(32)) * scale)
        if count % 2:
            drawn[run, count - 1] = np.intp((words[run, used + count // 2] & low) * scale)
    return drawn


@compiled
def _permutations(words: NDArray[np.uint32], low: int) -> NDArray[np.intp]:
    """Compiled version of `permutations`: (rows, n) to (rows, n)."""
    rows, n = words.shape
    drawn = np.empty((rows, n), dtype=np.intp)
    for row in range(rows):
        permutation(words[row], low, drawn[row])
    return drawn


@part
def permutation(words: NDArray[np.uint32], low: int, drawn: NDArray[np.intp]) -> None:
    """One of `permutations` by insertion sort: (n,) to (n,), in place; ``low`` is the bit length of n."""
    for i in range(len(words)):
        key = words[i] >> low
        at = i
        while at and words[drawn[at - 1]] >> low > key:
            drawn[at] = drawn[at - 1]
            at -= 1
        drawn[at] = i


@compiled
def _outcomes(
    first: NDArray[np.uint32], second: NDArray[np.uint32], stay: NDArray[np.uint32], alias: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Compiled version of `outcomes` for flat arrays: (n,) and (n,) to (n,)."""
    outcome = np.empty(len(first), dtype=np.intp)
    scale = len(stay) * 2.0**-32
    for i in range(len(first)):
        slot = np.intp(first[i] * scale)
        outcome[i] = slot if second[i] < stay[slot] else alias[slot]
    return outcome


@compiled
def _winners(quality: NDArray[np.float64], drawn: NDArray[np.intp]) -> NDArray[np.intp]:
    """Compiled version of `winners`: (runs, members) and (runs, n, size) to (runs, n)."""
    runs, n, size = drawn.shape
    won = np.empty((runs, n), dtype=np.intp)
    for run in range(runs):
        for i in range(n):
            best = drawn[run, i, 0]
            for j in range(1, size):
                other = drawn[run, i, j]
                if quality[run, other] < quality[run, best]:
                    best = other
            won[run, i] = best
    return won
