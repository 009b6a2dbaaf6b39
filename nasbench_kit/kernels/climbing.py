"""Kernels of local search: a step of every run, and the neighbours that runs do not know yet, in random order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled
from nasbench_kit.kernels.hash_sets import SPREAD, HashSets
from nasbench_kit.kernels.sorting import repeats

__all__ = ["ordered_unknown", "step"]

LAST = np.uint32(2**32 - 1)  # sorts behind all others


def ordered_unknown(
    known: HashSets,
    runs: NDArray[np.intp],
    names: NDArray[np.uint64],
    sought: NDArray[np.bool_] | None,
    order: NDArray[np.uint32],
    distinct: bool,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of those neighbours that a run does not know, in random order.

    Parameters
    ----------
    known : HashSets
        Names of what each run has evaluated.
    runs : ndarray of int, shape (k,)
        Runs, each at most once.
    names : ndarray of uint64, shape (k, width)
        Names of the neighbours.
    sought : ndarray of bool, shape (k, width), optional
        Which neighbours are valid; default: all.
    order : ndarray of uint32, shape (k, width)
        Random words that determine the order.
    distinct : bool
        Whether to leave out neighbours whose name equals that of an earlier one.

    Returns
    -------
    places : ndarray of int, shape (k, width)
        Positions among the neighbours; the first ones are those sought.
    count : ndarray of int, shape (k,)
        Number of those sought.
    """
    if sought is None:
        sought = np.ones(names.shape, dtype=np.bool_)
    if enabled():
        found: tuple[NDArray[np.intp], NDArray[np.intp]] = _ordered_unknown(
            known.table, known.shift, runs, names, sought, order, distinct
        )
        return found
    sought = sought & ~known.holds(runs, names)
    places = np.where(sought, np.minimum(order, LAST - np.uint32(1)), LAST).argsort(axis=1, kind="stable")
    if distinct:
        left = np.take_along_axis(sought, places, axis=1)
        left &= ~repeats(np.take_along_axis(names, places, axis=1))
        places = np.take_along_axis(places, (~left).argsort(axis=1, kind="stable"), axis=1)
        return places, left.sum(axis=1)
    return places, sought.sum(axis=1)


def step(
    starts: NDArray[np.bool_],
    X: NDArray[np.uint8],
    F: NDArray[np.float64],
    count: NDArray[np.intp],
    position: NDArray[np.intp],
    best_X: NDArray[np.uint8],
    best_F: NDArray[np.float64],
    told_X: NDArray[np.uint8],
    told_F: NDArray[np.float64],
    first: bool,
) -> NDArray[np.intp]:
    """Take one evaluation of each run into account; everything but ``count`` and what was told is updated in place.

    Parameters
    ----------
    starts : ndarray of bool, shape (runs,)
        Whether the evaluation is of a random start; on return, whether the next one is to be.
    X : ndarray of uint8, shape (runs, genes)
        Current genotypes.
    F : ndarray of float, shape (runs,)
        Their values.
    count, position : ndarray of int, shape (runs,)
        Number of neighbours, and of those that have been evaluated; the latter is 0 at a start.
    best_X : ndarray of uint8, shape (runs, genes)
        Best evaluated neighbours.
    best_F : ndarray of float, shape (runs,)
        Their values; infinite if there are none.
    told_X : ndarray of uint8, shape (runs, genes)
        Genotypes that have been evaluated: starts, or neighbours.
    told_F : ndarray of float, shape (runs,)
        Their values.
    first : bool
        Whether to move to the first neighbour that is better, rather than to the best of all.

    Returns
    -------
    ndarray of int
        The runs whose current genotype is a new one.
    """
    if enabled():
        settled: NDArray[np.intp] = _step(starts, X, F, count, position, best_X, best_F, told_X, told_F, first)
        return settled
    begun = starts.copy()
    going = ~begun
    better = np.flatnonzero(going & (told_F < best_F))
    best_X[better], best_F[better] = told_X[better], told_F[better]
    position += going
    done = going & (position == count)
    moves = going & (best_F < F)
    if not first:
        moves &= done
    starts[:] = done & ~moves
    begun, moved = np.flatnonzero(begun), np.flatnonzero(moves)
    X[begun], F[begun] = told_X[begun], told_F[begun]
    X[moved], F[moved] = best_X[moved], best_F[moved]
    changed = np.concatenate([begun, moved])
    position[changed], best_F[changed] = 0, np.inf
    position[starts] = 0
    return changed


@compiled
def _step(
    starts: NDArray[np.bool_],
    X: NDArray[np.uint8],
    F: NDArray[np.float64],
    count: NDArray[np.intp],
    position: NDArray[np.intp],
    best_X: NDArray[np.uint8],
    best_F: NDArray[np.float64],
    told_X: NDArray[np.uint8],
    told_F: NDArray[np.float64],
    first: bool,
) -> NDArray[np.intp]:
    """Compiled version of `step`."""
    runs = len(starts)
    settled = np.empty(runs, dtype=np.intp)
    k = 0
    for run in range(runs):
        if starts[run]:
            starts[run] = False
            X[run] = told_X[run]
            F[run] = told_F[run]
        else:
            if told_F[run] < best_F[run]:
                best_X[run] = told_X[run]
                best_F[run] = told_F[run]
            position[run] += 1
            done = position[run] == count[run]
            if not best_F[run] < F[run]:
                if done:
                    starts[run] = True
                    position[run] = 0
                continue
            if not (done or first):
                continue
            X[run] = best_X[run]
            F[run] = best_F[run]
        position[run] = 0
        best_F[run] = np.inf
        settled[k] = run
        k += 1
    return settled[:k].copy()


@compiled
def _ordered_unknown(
    table: NDArray[np.uint64],
    shift: int,
    runs: NDArray[np.intp],
    names: NDArray[np.uint64],
    sought: NDArray[np.bool_],
    order: NDArray[np.uint32],
    distinct: bool,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Compiled version of `ordered_unknown`."""
    k, width = names.shape
    slots = table.shape[1]
    places = np.zeros((k, width), dtype=np.intp)
    count = np.zeros(k, dtype=np.intp)
    for i in range(k):
        run = runs[i]
        n = 0
        for j in range(width):
            if not sought[i, j]:
                continue
            stored = names[i, j] + np.uint64(1)
            if stored == 0:
                stored = np.uint64(1)
            slot = np.int64((stored * SPREAD) >> np.uint64(shift))
            while table[run, slot] != 0 and table[run, slot] != stored:
                slot = (slot + 1) & (slots - 1)
            if table[run, slot] == stored:
                continue
            # insertion sort
            at = n
            while at and order[i, places[i, at - 1]] > order[i, j]:
                places[i, at] = places[i, at - 1]
                at -= 1
            places[i, at] = j
            n += 1
        if distinct:
            kept = 0
            for a in range(n):
                name = names[i, places[i, a]]
                again = False
                for b in range(kept):
                    if names[i, places[i, b]] == name:
                        again = True
                        break
                if not again:
                    places[i, kept] = places[i, a]
                    kept += 1
            n = kept
        count[i] = n
    return places, count
