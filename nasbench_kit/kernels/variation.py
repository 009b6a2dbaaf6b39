"""The inner steps of variation: draws from words, mutation of one gene with its look-up of what is valid, tournaments."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled

__all__ = ["first_valid", "integers", "one_gene_changes", "outcomes", "stepped", "winners"]

Genotypes = NDArray[np.uint8]


def integers(words: NDArray[np.uint64], used: int, count: int, high: int) -> NDArray[np.intp]:
    """Uniform in 0 ... high - 1, one for each random 32-bit word, on a little-endian machine: (runs, count).

    Parameters
    ----------
    words : ndarray of uint64, shape (runs, n)
    used : int
        How many words of each run are used up.
    count, high : int
    """
    if enabled():
        drawn: NDArray[np.intp] = _integers(words, used, count, high)
        return drawn
    block = np.ascontiguousarray(words[:, used : used + -(-count // 2)]).view(np.uint32)[:, :count]
    return (block * (high * 2.0**-32)).astype(np.intp)


def outcomes(
    first: NDArray[np.uint32], second: NDArray[np.uint32], stay: NDArray[np.uint32], alias: NDArray[np.intp]
) -> NDArray[np.intp]:
    """The outcomes of pairs of random words by an alias table: (...) twice to (...).

    Parameters
    ----------
    first, second : ndarray of uint32
    stay : ndarray of uint32, shape (k,)
        The outcome is the slot that ``first`` falls into where ``second`` is below this.
    alias : ndarray of int, shape (k,)
        Otherwise it is the slot's alias.
    """
    if enabled():
        found: NDArray[np.intp] = _outcomes(first.reshape(-1), second.reshape(-1), stay, alias)
        return found.reshape(first.shape)
    slot = (first * np.float64(len(stay) * 2.0**-32)).astype(np.intp)
    return np.where(second < stay.take(slot, mode="clip"), slot, alias.take(slot, mode="clip"))


def winners(quality: NDArray[np.float64], drawn: NDArray[np.intp]) -> NDArray[np.intp]:
    """The first of the best of each tournament, less being better: (runs, members) and (runs, n, size) to (runs, n)."""
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
    """The first valid child of each parent's draws.

    Parameters
    ----------
    parents : ndarray of uint8, shape (n, genes)
        Valid ones.
    slots, coins : ndarray of uint32, shape (n, attempts)
        Random words.
    table : tuple of ndarrays, each (k,)
        ``stay`` and ``alias`` of the changes, as `outcomes` takes them.
    changes : ndarray of int, shape (k, 2)
        A gene, and how many values it moves on.
    cardinalities : tuple of int
    validity : tuple of ndarrays, optional
        Weights and a table: ``table[row @ weights]`` is whether a row is valid. Without one the NumPy form is used.
    is_valid : callable, optional
        Which rows are valid; None where all are.

    Returns
    -------
    children : ndarray of uint8, shape (n, genes)
    missing : ndarray of int
        Which of them have no valid child among their draws, and are their parents.
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
    """The first valid child of each genotype's draws, (n, genes); and which have none and are their parents.

    Parameters
    ----------
    parents : ndarray of uint8, shape (n, genes)
    steps : ndarray of uint8, shape (k, genes)
    drawn : callable
        An index of (n, attempts) to the rows of ``steps`` that are tried there, for each genotype in turn.
    cardinalities : tuple of int
    is_valid : callable, optional
        Which rows are valid; None where all are.
    """
    child = stepped(parents, steps.take(drawn(np.s_[:, 0]), axis=0), cardinalities)
    if is_valid is None:
        return child, np.empty(0, dtype=np.intp)
    missing = np.flatnonzero(~is_valid(child))
    if not len(missing):
        return child, missing
    # most are valid at once: all further draws of the others are looked at together
    parents = parents.take(missing, axis=0)
    others = stepped(parents[:, np.newaxis], steps.take(drawn(np.s_[missing, 1:]), axis=0), cardinalities)
    valid = is_valid(others.reshape(-1, len(cardinalities))).reshape(others.shape[:2])
    first = valid.argmax(axis=1)
    found = valid[np.arange(len(missing)), first]
    child[missing] = np.where(found[:, np.newaxis], others[np.arange(len(missing)), first], parents)
    return child, missing[~found]


def stepped(X: Genotypes, steps: NDArray[np.uint8], cardinalities: tuple[int, ...]) -> Genotypes:
    """``(X + steps) % cardinalities``: (..., n, genes) twice to (..., n, genes)."""
    if max(cardinalities) > 128:
        return ((X.astype(np.uint16) + steps) % np.array(cardinalities, dtype=np.uint16)).astype(np.uint8)
    child = X + steps
    # Where a gene is below its cardinality the difference wraps around to a large number. Genotypes side by side make
    # rows long enough for SIMD.
    rows = child.reshape(*child.shape[:-2], -1)
    cardinality = _repeated(cardinalities, child.shape[-2])
    wrapped: Genotypes = np.minimum(rows, rows - cardinality).reshape(child.shape)
    return wrapped


@cache
def _repeated(cardinalities: tuple[int, ...], n: int) -> NDArray[np.uint8]:
    return np.tile(np.array(cardinalities, dtype=np.uint8), n)


@compiled
def _integers(words: NDArray[np.uint64], used: int, count: int, high: int) -> NDArray[np.intp]:
    """`integers` below the same number: (runs, count).

    Parameters
    ----------
    words : ndarray of uint64, shape (runs, n)
    used : int
        How many words of each run are used up.
    count, high : int
    """
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
def _outcomes(
    first: NDArray[np.uint32], second: NDArray[np.uint32], stay: NDArray[np.uint32], alias: NDArray[np.intp]
) -> NDArray[np.intp]:
    """`outcomes` of flat arrays: (n,) twice to (n,)."""
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
    """The first valid child of each parent's draws, as in `one_gene_changes`.

    Parameters
    ----------
    parents : ndarray of uint8, shape (n, genes)
        Valid ones.
    slots, coins : ndarray of uint32, shape (n, attempts)
        Random words.
    stay, alias : ndarray, shape (k,)
        Of the `AliasTable` of the changes.
    changes : ndarray of int, shape (k, 2)
        A gene, and how many values on it goes.
    cardinalities : ndarray of int, shape (genes,)
    weights, valid : ndarray
        As ``space.validity`` has them.

    Returns
    -------
    children : ndarray of uint8, shape (n, genes)
    missing : ndarray of int
        Which of them have no valid child among their draws, and are their parents.
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
    """The first of the best of each tournament: (runs, members) and (runs, n, size) to (runs, n)."""
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
