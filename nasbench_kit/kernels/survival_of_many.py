"""Non-domination ranks and crowding distances for three objectives and more; see `crowding` for what they are."""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled
from nasbench_kit.kernels.hashing import mix
from nasbench_kit.kernels.sorting import stable_order, take, whole_numbers

__all__ = ["rank_and_crowding_of_many", "survival_keys_of_many"]


def rank_and_crowding_of_many(
    F: NDArray[np.float64], words: NDArray[np.uint32]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """`crowding.rank_and_crowding` for any number of objectives, one front at a time."""
    runs, points, m = F.shape
    order, _ = _orders(F)
    F = F.reshape(-1, m).take(order, axis=0)
    unknown = np.isinf(F.max(axis=2))
    # equal words give equal hashes, so that equal points then keep their order
    among_equals = [mix(words.astype(np.uint64) + (np.uint64(objective) << np.uint64(32))) for objective in range(m)]
    rank, distance = np.empty((runs, points), dtype=np.intp), np.zeros((runs, points))
    for run in range(runs):
        rank[run] = moocore.pareto_rank(F[run])
        rank[run][unknown[run]] = points
        for front in range(int(rank[run][~unknown[run]].max(initial=-1)) + 1):
            members = np.flatnonzero(rank[run] == front)
            for values, among in zip(F[run, members].T, among_equals, strict=True):
                by_value = np.lexsort((among[run, members], values))
                ascending, ends = values[by_value], by_value[[0, -1]]
                span = ascending[-1] - ascending[0]
                if span > 0:
                    distance[run, members[by_value[1:-1]]] += (ascending[2:] - ascending[:-2]) / span
                distance[run, members[ends]] = np.inf
    return order, rank, distance


def survival_keys_of_many(
    F: NDArray[np.float64], enough: int, ties: NDArray[np.uint32], crowding: int, tie: int, place: int
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """The integers that `crowding.survivors` sorts, by compiled loops.

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, m)
    enough : int
        Points that survive; the crowding of fronts beyond them is not computed.
    ties : ndarray of uint32, shape (runs, points)
        Random words.
    crowding, tie, place : int
        Numbers of bits of the crowding distance, the tie-breaker and the place, below those of the rank.

    Returns
    -------
    order : ndarray of int, shape (runs, points)
        Positions in ``F.reshape(-1, m)``, sorted by objectives.
    keys : ndarray of int, shape (runs, points)
    """
    order, by_objective = _orders(F)
    return order, _keys(np.ascontiguousarray(F), order, by_objective, enough, ties, crowding, tie, place)


def _orders(F: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The lexicographic order, and that of each objective.

    Returns
    -------
    order : ndarray of int, shape (runs, points)
        Positions in ``F.reshape(-1, m)``, by the first objective, then the second, and so on. The order is stable.
    by_objective : ndarray of int, shape (m, runs, points)
        Positions in ``order.ravel()``, by one objective, and among equal values in this order.
    """
    runs, points, m = F.shape
    codes = [whole_numbers(np.ascontiguousarray(F[..., objective])) for objective in range(m)]
    order = stable_order(*codes[-1])
    for code, bits in codes[-2::-1]:
        order = take(order, stable_order(take(code, order), bits))
    by_objective = np.empty((m, runs, points), dtype=np.intp)
    by_objective[0] = np.arange(runs * points).reshape(runs, points)
    for objective in range(1, m):
        code, bits = codes[objective]
        by_objective[objective] = stable_order(take(code, order), bits)
    return order, by_objective


@compiled
def _keys(
    F: NDArray[np.float64],
    order: NDArray[np.intp],
    by_objective: NDArray[np.intp],
    enough: int,
    ties: NDArray[np.uint32],
    crowding: int,
    tie: int,
    place: int,
) -> NDArray[np.int64]:
    """Compiled part of `survival_keys_of_many`."""
    runs, points, m = F.shape
    flat = F.reshape(-1, m)
    keys = np.empty((runs, points), dtype=np.int64)
    values = np.empty((points, m))  # in lexicographic order
    rank = np.empty(points, dtype=np.int64)
    latest = np.empty(points, dtype=np.int64)  # of each front, the last member
    earlier = np.empty(points, dtype=np.int64)  # the member of the same front before this one; -1 if there is none
    size = np.empty(points, dtype=np.int64)  # of each front
    distance = np.empty(points)
    along = np.empty(points, dtype=np.int64)
    among = np.empty(points, dtype=np.uint64)
    lowest, highest = np.empty(points), np.empty(points)  # of each front, in one objective
    one, other = np.empty(points, dtype=np.int64), np.empty(points, dtype=np.int64)  # its last two members
    unit, most = 2.0**crowding / (m + 2), m + 1.0
    for run in range(runs):
        fronts = 0
        before = -1  # the last point that is no failure
        for i in range(points):
            known = True
            same = before >= 0
            for objective in range(m):
                value = flat[order[run, i], objective]
                values[i, objective] = value
                known = known and np.isfinite(value)
                same = same and value == values[before, objective]
            distance[i] = 0.0
            if not known:
                rank[i] = points
                continue
            if same:
                rank[i] = rank[before]
                size[rank[i]] += 1
                before = i
                continue
            before = i
            front = 0
            while front < fronts:
                # only earlier points can dominate this one, and their first objective is not higher
                j = latest[front]
                while j >= 0:
                    objective = 1
                    while objective < m and values[j, objective] <= values[i, objective]:
                        objective += 1
                    if objective == m:
                        break
                    j = earlier[j]
                if j < 0:
                    break
                front += 1
            if front == fronts:
                latest[front] = -1
                size[front] = 0
                fronts += 1
            earlier[i] = latest[front]
            latest[front] = i
            size[front] += 1
            rank[i] = front
        needed = ranked = 0  # fronts that have survivors
        while needed < fronts and ranked < enough:
            ranked += size[needed]
            needed += 1
        for objective in range(m):
            # the points of these fronts by this objective; equal values by a hash of their words, as `mix` makes it
            members = 0
            for i in range(points):
                p = by_objective[objective, run, i] - run * points
                if rank[p] >= needed:
                    continue
                word = np.uint64(ties[run, p]) + (np.uint64(objective) << np.uint64(32)) + np.uint64(0x9E3779B97F4A7C15)
                word = (word ^ word >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
                word = (word ^ word >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
                word ^= word >> np.uint64(31)
                value = values[p, objective]
                k = members
                while k > 0 and values[along[k - 1], objective] == value and among[k - 1] > word:
                    along[k], among[k] = along[k - 1], among[k - 1]
                    k -= 1
                along[k], among[k] = p, word
                members += 1
            one[:needed] = -1
            other[:needed] = -1
            for k in range(members):
                p = along[k]
                front = rank[p]
                if one[front] < 0:
                    lowest[front] = values[p, objective]
                    distance[p] = np.inf
                highest[front] = values[p, objective]
                one[front] = p
            one[:needed] = -1
            for k in range(members):
                p = along[k]
                front = rank[p]
                span = highest[front] - lowest[front]
                if other[front] >= 0 and span > 0:
                    gap = values[p, objective] - values[other[front], objective]
                    distance[one[front]] += gap / span
                other[front], one[front] = one[front], p
            for front in range(needed):
                distance[one[front]] = np.inf
        for i in range(points):
            key = (rank[i] << crowding) + (1 << crowding) - 1 - np.int64(min(distance[i], most) * unit)
            keys[run, i] = (key << tie | np.int64(ties[run, i] >> np.uint32(32 - tie))) << place | i
    return keys
