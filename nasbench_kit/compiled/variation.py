"""Random draws, and a mutation with its look-up of what is valid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.compiled.compiled_loop import compiled_loop

__all__ = ["integers", "mutate_one_gene", "outcomes", "winners"]


@compiled_loop
def integers(words: NDArray[np.uint64], used: int, count: int, high: int) -> NDArray[np.intp]:
    """`nasbench_kit.algorithms.streams.Streams.integers` below the same number: (runs, count).

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


@compiled_loop
def outcomes(
    first: NDArray[np.uint32], second: NDArray[np.uint32], stay: NDArray[np.uint32], alias: NDArray[np.intp]
) -> NDArray[np.intp]:
    """`nasbench_kit.algorithms.letters.AliasTable.outcomes` of flat arrays: (n,) twice to (n,)."""
    outcome = np.empty(len(first), dtype=np.intp)
    scale = len(stay) * 2.0**-32
    for i in range(len(first)):
        slot = np.intp(first[i] * scale)
        outcome[i] = slot if second[i] < stay[slot] else alias[slot]
    return outcome


@compiled_loop
def mutate_one_gene(
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
    """The first valid child of each parent's draws, as in `nasbench_kit.algorithms.operators.mutate_one_gene`.

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


@compiled_loop
def winners(quality: NDArray[np.float64], drawn: NDArray[np.intp]) -> NDArray[np.intp]:
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
