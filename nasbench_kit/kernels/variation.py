"""Kernels of variation: draws from random words, single-gene mutation with validity lookup, and tournaments."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled, part

__all__ = [
    "first_valid",
    "integers",
    "one_gene_changes",
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


def one_gene_changes(
    parents: Genotypes,
    slots: NDArray[np.uint32],
    coins: NDArray[np.uint32],
    table: tuple[NDArray[np.uint32], NDArray[np.intp]],
    changes: NDArray[np.intp],
    cardinalities: tuple[int, ...],
    validity: tuple[NDArray[np.int64], NDArray[np.bool_]] | None,
    is_valid: Callable[[Genotypes], NDArray[np.bool_]] | None,
) -> tuple[Genotypes, NDArray[np.intp]]:
    """Return the first valid child among several single-gene mutations of each parent.

    Parameters
    ----------
    parents : ndarray of uint8, shape (n, genes)
        Valid genotypes.
    slots, coins : ndarray of uint32, shape (n, attempts)
        Random words.
    table : tuple of ndarrays, each (k,)
        Alias table of the changes: ``stay`` and ``alias`` as for `outcomes`.
    changes : ndarray of int, shape (k, 2)
        Gene of each change, and the number of alleles by which it advances.
    cardinalities : tuple of int
        Number of alleles of each gene.
    validity : tuple of ndarrays, optional
        Weights and a lookup table: ``table[row @ weights]`` tells whether a row is valid. If None, the NumPy version is
        used.
    is_valid : callable, optional
        Validity of rows; None if all are valid.

    Returns
    -------
    children : ndarray of uint8, shape (n, genes)
    missing : ndarray of int
        Indices without a valid child, where the parent is returned.
    """
    if enabled() and validity is not None:
        values = np.array(cardinalities, dtype=np.int64)
        found: tuple[Genotypes, NDArray[np.intp]] = _mutate_one_gene(
            np.ascontiguousarray(parents), slots, coins, *table, changes, values, *validity
        )
        return found
    steps = np.zeros((len(changes), len(cardinalities)), dtype=np.uint8)
    steps[np.arange(len(changes)), changes[:, 0]] = changes[:, 1]
    return first_valid(
        parents, steps, lambda where: outcomes(slots[where], coins[where], *table), cardinalities, is_valid
    )


def first_valid(
    parents: Genotypes,
    steps: NDArray[np.uint8],
    drawn: Callable[[Any], NDArray[np.intp]],
    cardinalities: tuple[int, ...],
    is_valid: Callable[[Genotypes], NDArray[np.bool_]] | None,
) -> tuple[Genotypes, NDArray[np.intp]]:
    """Return the first valid child among several mutations of each parent, and the indices without one.

    Parameters
    ----------
    parents : ndarray of uint8, shape (n, genes)
        Valid genotypes, also returned where no child is valid.
    steps : ndarray of uint8, shape (k, genes)
        Mutations, as steps of each gene.
    drawn : callable
        Maps an index into (n, attempts) to the rows of ``steps`` to try.
    cardinalities : tuple of int
        Number of alleles of each gene.
    is_valid : callable, optional
        Validity of rows; None if all are valid.
    """
    child = stepped(parents, steps.take(drawn(np.s_[:, 0]), axis=0), cardinalities)
    if is_valid is None:
        return child, np.empty(0, dtype=np.intp)
    missing = np.flatnonzero(~is_valid(child))
    if not len(missing):
        return child, missing
    # most first attempts are valid; check all further attempts of the others at once
    parents = parents.take(missing, axis=0)
    others = stepped(parents[:, np.newaxis], steps.take(drawn(np.s_[missing, 1:]), axis=0), cardinalities)
    valid = is_valid(others.reshape(-1, len(cardinalities))).reshape(others.shape[:2])
    first = valid.argmax(axis=1)
    found = valid[np.arange(len(missing)), first]
    child[missing] = np.where(found[:, np.newaxis], others[np.arange(len(missing)), first], parents)
    return child, missing[~found]


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
def _mutate_one_gene(
    parents: NDArray[np.uint8],
    slots: NDArray[np.uint32],
    coins: NDArray[np.uint32],
    stay: NDArray[np.uint32],
    alias: NDArray[np.intp],
    changes: NDArray[np.intp],
    cardinalities: NDArray[np.int64],
    weights: NDArray[np.int64],
    valid: NDArray[np.bool_],
) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Compiled version of `one_gene_changes`.

    Parameters
    ----------
    parents : ndarray of uint8, shape (n, genes)
        Valid genotypes.
    slots, coins : ndarray of uint32, shape (n, attempts)
        Random words.
    stay, alias : ndarray, shape (k,)
        Alias table of the changes.
    changes : ndarray of int, shape (k, 2)
        Gene of each change, and the number of alleles by which it advances.
    cardinalities : ndarray of int, shape (genes,)
        Number of alleles of each gene.
    weights, valid : ndarray
        As given by ``space.validity``.

    Returns
    -------
    children : ndarray of uint8, shape (n, genes)
    missing : ndarray of int
        Indices without a valid child, where the parent is returned.
    """
    n, genes = parents.shape
    children = parents.copy()
    missing = np.empty(n, dtype=np.intp)
    without = 0
    scale = len(stay) * 2.0**-32
    for i in range(n):
        number = 0
        for gene in range(genes):
            number += parents[i, gene] * weights[gene]
        found = False
        for attempt in range(slots.shape[1]):
            slot = np.intp(slots[i, attempt] * scale)
            change = slot if coins[i, attempt] < stay[slot] else alias[slot]
            gene = changes[change, 0]
            old = np.int64(parents[i, gene])
            value = old + changes[change, 1]
            if value >= cardinalities[gene]:
                value -= cardinalities[gene]
            if valid[number + (value - old) * weights[gene]]:
                children[i, gene] = value
                found = True
                break
        missing[without] = i
        without += not found
    return children, missing[:without].copy()


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
