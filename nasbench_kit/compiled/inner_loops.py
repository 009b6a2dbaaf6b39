"""The loops themselves. Importing this module needs Numba; `nasbench_kit.compiled.load` does it.

No loop rounds otherwise than NumPy: there is no ``fastmath``, and products are not fused with sums. Each names the code that it
stands in for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

Loop = TypeVar("Loop", bound=Callable[..., Any])


def _compiled(loop: Loop) -> Loop:
    options = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **options)(loop)  # type: ignore[no-any-return]
    except RuntimeError:  # no folder that may be written to: compiled anew in each process
        return numba.njit(**options)(loop)  # type: ignore[no-any-return]


@_compiled
def survival_keys(
    F: NDArray[np.float64],
    order: NDArray[np.intp],
    enough: int,
    ties: NDArray[np.uint32],
    crowding: int,
    tie: int,
    place: int,
) -> NDArray[np.int64]:
    """The numbers that `nasbench_kit.algorithms.nsga2.survivors` sorts, for two objectives.

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, 2)
    order : ndarray of int, shape (runs, points)
        Positions in ``F.reshape(-1, 2)``: each run's points by ascending objectives.
    enough : int
        Once a run has so many points ranked, those left in it share the next rank, and have no distance.
    ties : ndarray of uint32, shape (runs, points)
    crowding, tie, place : int
        Bits for the crowding distance, for the tie and for the place in the order, below those of the rank.

    Returns
    -------
    ndarray of int, shape (runs, points)
    """
    runs, points = order.shape
    values = F.reshape(-1, 2)
    keys = np.empty((runs, points), dtype=np.int64)
    along_first, along_second = np.empty(points), np.empty(points)
    begin = np.empty(points + 1, dtype=np.int64)  # where those points begin that are equal to the k-th different one
    first, second = np.empty(points), np.empty(points)  # of different points
    left, front = np.empty(points, dtype=np.int64), np.empty(points, dtype=np.int64)
    key = np.empty(points, dtype=np.int64)  # rank and distance
    unit, most = 2.0**crowding / 4, 3.0  # of a distance, of two objectives
    for run in range(runs):
        for i in range(points):
            along_first[i] = values[order[run, i], 0]
            along_second[i] = values[order[run, i], 1]
        k = 0
        begin[0] = 0
        for i in range(1, points):  # without a branch: which points are equal cannot be foreseen
            begin[k + 1] = i
            k += np.int64(along_first[i] != along_first[i - 1]) | np.int64(along_second[i] != along_second[i - 1])
        begin[k + 1] = points
        different = k + 1
        remaining = 0
        for k in range(different):
            first[k], second[k] = along_first[begin[k]], along_second[begin[k]]
            left[remaining] = k
            remaining += np.int64(np.isfinite(first[k] + second[k]))
        key[:] = ((points + 1) << crowding) - 1  # of those that are unknown
        rank = ranked = 0
        while remaining and ranked < enough:
            # a point is on this front where its second objective lies below that of every point before it
            lowest = np.inf
            members = others = 0
            for i in range(remaining):
                k = left[i]
                ahead = np.int64(second[k] < lowest)
                lowest = min(lowest, second[k])
                front[members] = left[others] = k
                members += ahead
                others += 1 - ahead
            remaining = others
            span_first = abs(first[front[members - 1]] - first[front[0]])
            span_second = abs(second[front[members - 1]] - second[front[0]])
            scale_first = 1 / span_first if span_first > 0 else 0.0
            scale_second = 1 / span_second if span_second > 0 else 0.0
            none = ((rank + 1) << crowding) - 1  # at no distance
            before = np.inf
            for i in range(members):
                k = front[i]
                after = np.inf
                if i + 1 < members:
                    after = abs(first[front[i + 1]] - first[k]) * scale_first
                    after += abs(second[front[i + 1]] - second[k]) * scale_second
                start, stop = begin[k], begin[k + 1]
                if stop - start == 1:
                    key[start] = none - np.int64(min(before + after, most) * unit)
                else:  # of equal points the first has a neighbour before it, the last has one after it
                    key[start:stop] = none
                    key[start] -= np.int64(min(before, most) * unit)
                    key[stop - 1] -= np.int64(min(after, most) * unit)
                before = after
                ranked += stop - start
            rank += 1
        for i in range(remaining):
            key[begin[left[i]] : begin[left[i] + 1]] = ((rank + 1) << crowding) - 1
        for i in range(points):
            keys[run, i] = (key[i] << tie | np.int64(ties[run, i] >> np.uint32(32 - tie))) << place | i
    return keys


@_compiled
def note_small(
    X: NDArray[np.uint8],
    weights: NDArray[np.int64],
    counted: NDArray[np.bool_],
    genotype_seen: NDArray[np.bool_],
    network_of_number: NDArray[np.int32],
    network_seen: NDArray[np.uint8],
    networks: NDArray[np.int64],
) -> NDArray[np.intp]:
    """`nasbench_kit.experiments.seen.Seen.note` where every genotype and every network has a flag.

    Parameters
    ----------
    X : ndarray of uint8, shape (runs, batch, genes)
    weights : ndarray of int, shape (genes,)
        Of the digits of a genotype's number.
    counted : ndarray of bool, shape (runs, batch) or (0, 0)
        Which to note; all where it is empty.
    genotype_seen : ndarray of bool, shape (runs, genotypes)
        Is changed.
    network_of_number : ndarray of int, shape (genotypes,)
    network_seen : ndarray of uint8, shape (runs, networks)
        Is changed.
    networks : ndarray of int, shape (runs,)
        How many each run has seen; is changed.

    Returns
    -------
    ndarray of int, shape (k,)
        Positions in (runs * batch) of the genotypes that are new.
    """
    runs, batch, genes = X.shape
    some = counted.size > 0
    chosen = np.empty(runs * batch, dtype=np.intp)
    k = 0
    for run in range(runs):
        for i in range(batch):
            number = 0
            for gene in range(genes):
                number += X[run, i, gene] * weights[gene]
            if genotype_seen[run, number] or (some and not counted[run, i]):
                continue
            genotype_seen[run, number] = True
            chosen[k] = run * batch + i
            k += 1
            network = network_of_number[number]
            networks[run] += 1 - network_seen[run, network]
            network_seen[run, network] = 1
    return chosen[:k].copy()


@_compiled
def flag_bits(
    run: NDArray[np.intp],
    network: NDArray[np.intp],
    flags: NDArray[np.uint8],
    networks: int,
    counts: NDArray[np.int64],
) -> None:
    """Set a bit for each run and network, and count for each run those that were not set; `Seen.note`.

    Parameters
    ----------
    run, network : ndarray of int, shape (k,)
    flags : ndarray of uint8
        Bit ``run * networks + network`` of these is the network's; is changed.
    networks : int
    counts : ndarray of int, shape (runs,)
        Is changed.
    """
    for i in range(len(run)):
        place = run[i] * networks + network[i]
        bit = np.uint8(1 << (place & 7))
        if not flags[place >> 3] & bit:
            flags[place >> 3] |= bit
            counts[run[i]] += 1
