"""Kernels that change one gene of genotypes to another allele such that they stay valid, by look-up of their validity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled, part
from nasbench_kit.kernels.variation import outcomes, stepped

__all__ = ["first_valid", "mutated_winners", "one_gene_changes"]

Genotypes = NDArray[np.uint8]


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
    n = len(parents)
    children = np.empty(parents.shape, dtype=np.uint8)
    missing = np.empty(n, dtype=np.intp)
    without = 0
    for i in range(n):
        found = _change(parents, i, slots, coins, i, stay, alias, changes, cardinalities, weights, valid, children)
        missing[without] = i
        without += not found
    return children, missing[:without].copy()


@part
def _change(
    parents: NDArray[np.uint8],
    parent: int,
    slots: NDArray[np.uint32],
    coins: NDArray[np.uint32],
    i: int,
    stay: NDArray[np.uint32],
    alias: NDArray[np.intp],
    changes: NDArray[np.intp],
    cardinalities: NDArray[np.int64],
    weights: NDArray[np.int64],
    valid: NDArray[np.bool_],
    children: NDArray[np.uint8],
) -> bool:
    """Make child ``i`` of a parent by the first valid one of several changes; returns whether there is one."""
    number = 0
    for gene in range(parents.shape[1]):
        children[i, gene] = parents[parent, gene]
        number += parents[parent, gene] * weights[gene]
    scale = len(stay) * 2.0**-32
    for attempt in range(slots.shape[1]):
        slot = np.intp(slots[i, attempt] * scale)
        change = slot if coins[i, attempt] < stay[slot] else alias[slot]
        gene = changes[change, 0]
        old = np.int64(parents[parent, gene])
        value = old + changes[change, 1]
        if value >= cardinalities[gene]:
            value -= cardinalities[gene]
        if valid[number + (value - old) * weights[gene]]:
            children[i, gene] = value
            return True
    return False


@compiled
def mutated_winners(
    members: NDArray[np.uint8],
    quality: NDArray[np.float64],
    words: NDArray[np.uint32],
    size: int,
    attempts: int,
    stay: NDArray[np.uint32],
    alias: NDArray[np.intp],
    changes: NDArray[np.intp],
    cardinalities: NDArray[np.int64],
    weights: NDArray[np.int64],
    valid: NDArray[np.bool_],
    children: NDArray[np.uint8],
    missing: NDArray[np.intp],
) -> int:
    """One tournament with replacement in each run, and `one_gene_changes` of its winner, in one loop.

    Parameters
    ----------
    members : ndarray of uint8, shape (runs * members, genes)
        Genotypes, run by run.
    quality : ndarray of float, shape (runs, members)
        Smaller is better; of equal members, the one drawn first wins.
    words : ndarray of uint32, shape (runs, k)
        Random words: ``size`` for the tournament, ``attempts`` slots and as many coins; each begins at an even place.
    size, attempts : int
        Members of a tournament, and the largest number of changes to try.
    stay, alias, changes, cardinalities, weights, valid
        As in `_mutate_one_gene`.
    children : ndarray of uint8, shape (runs, genes)
        Written in place.
    missing : ndarray of int, shape (runs,)
        Runs without a valid child, where the parent is returned; written in place.

    Returns
    -------
    int
        The number of those runs.
    """
    runs, count = quality.shape
    first = size + size % 2
    second = first + attempts + attempts % 2
    slots, coins = words[:, first : first + attempts], words[:, second : second + attempts]
    without = 0
    scale = count * 2.0**-32
    for run in range(runs):
        best, lowest = 0, np.inf
        for i in range(size):
            drawn = np.intp(words[run, i] * scale)
            value = quality[run, drawn]
            better = value < lowest or i == 0
            best, lowest = drawn if better else best, value if better else lowest
        parent = run * count + best
        if not _change(
            members, parent, slots, coins, run, stay, alias, changes, cardinalities, weights, valid, children
        ):
            missing[without] = run
            without += 1
    return without
