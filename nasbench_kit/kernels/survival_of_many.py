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
    low, high = np.empty((points, m)), np.empty((points, m))  # of each front
    # of each front, the points with the value that was seen last in one objective
    at = np.empty(points)
    before_it = np.empty(points)  # the value before; nan if there is none
    first, final = np.empty(points, dtype=np.int64), np.empty(points, dtype=np.int64)
    first_word, final_word = np.empty(points, dtype=np.uint64), np.empty(points, dtype=np.uint64)
    unit, most = 2.0**crowding / (m + 2), m + 1.0
    # the places of a point in all objectives but the first, in one integer with a spare bit above each: one subtraction compares all
    packed = (m - 1) * (place + 1) <= 63
    code = np.zeros(points, dtype=np.int64)
    spare = np.int64(0)
    if packed:
        for objective in range(1, m):
            spare |= np.int64(1) << (objective * (place + 1) - 1)
    for run in range(runs):
        fronts = 0
        before = -1  # the last point that is no failure
        for i in range(points):
            for objective in range(m):
                values[i, objective] = flat[order[run, i], objective]
        if packed:
            code[:] = 0
            for objective in range(1, m):
                height = np.int64(0)
                last = by_objective[objective, run, 0] - run * points
                for i in range(points):
                    p = by_objective[objective, run, i] - run * points
                    height += np.int64(values[p, objective] != values[last, objective])
                    code[p] |= height << ((objective - 1) * (place + 1))
                    last = p
        for i in range(points):
            known = True
            same = before >= 0
            for objective in range(m):
                known = known and np.isfinite(values[i, objective])
                same = same and values[i, objective] == values[before, objective]
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
                while packed and j >= 0 and ((code[i] | spare) - code[j]) & spare != spare:
                    j = earlier[j]
                while not packed and j >= 0:
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
                low[front], high[front] = values[i], values[i]
                fronts += 1
            earlier[i] = latest[front]
            latest[front] = i
            size[front] += 1
            rank[i] = front
            for objective in range(m):
                low[front, objective] = min(low[front, objective], values[i, objective])
                high[front, objective] = max(high[front, objective], values[i, objective])
        needed = ranked = 0  # fronts that have survivors
        while needed < fronts and ranked < enough:
            ranked += size[needed]
            needed += 1
        for objective in range(m):
            # Of points of a front with equal values, only the first and the last have a gap beside them. These are the ones with
            # the lowest and the highest hash of their words, as `mix` makes it.
            seed = (np.uint64(objective) << np.uint64(32)) + np.uint64(0x9E3779B97F4A7C15)
            first[:needed] = -1
            before_it[:needed] = np.nan
            for i in range(points + needed):
                p = np.int64(-1)
                if i < points:
                    p = by_objective[objective, run, i] - run * points
                    if rank[p] >= needed:
                        continue
                    front, value = rank[p], values[p, objective]
                    word = np.uint64(ties[run, p]) + seed
                    word = (word ^ word >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
                    word = (word ^ word >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
                    word ^= word >> np.uint64(31)
                    if first[front] >= 0 and value == at[front]:
                        if word < first_word[front]:
                            first[front], first_word[front] = p, word
                        if word >= final_word[front]:
                            final[front], final_word[front] = p, word
                        continue
                else:
                    front, value = i - points, np.inf
                if first[front] >= 0:  # the points before have all been seen
                    span = high[front, objective] - low[front, objective]
                    begins, ends = np.isnan(before_it[front]), p < 0
                    here = at[front]
                    if first[front] == final[front]:
                        if begins or ends:
                            distance[first[front]] = np.inf
                        elif span > 0:
                            distance[first[front]] += (value - before_it[front]) / span
                    else:
                        if begins:
                            distance[first[front]] = np.inf
                        elif span > 0:
                            distance[first[front]] += (here - before_it[front]) / span
                        if ends:
                            distance[final[front]] = np.inf
                        elif span > 0:
                            distance[final[front]] += (value - here) / span
                    before_it[front] = here
                if p >= 0:
                    first[front] = final[front] = p
                    first_word[front] = final_word[front] = word
                    at[front] = value
        for i in range(points):
            key = (rank[i] << crowding) + (1 << crowding) - 1 - np.int64(min(distance[i], most) * unit)
            keys[run, i] = (key << tie | np.int64(ties[run, i] >> np.uint32(32 - tie))) << place | i
    return keys
