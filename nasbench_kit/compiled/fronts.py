"""Fronts and crowding distances of two objectives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.compiled.compiled_loop import compiled_loop

__all__ = ["nondominated", "survival_keys"]


@compiled_loop
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
    distances = np.empty(points)
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
            before_first = before_second = np.inf
            for i in range(members):
                k = front[i]
                after_first = after_second = np.inf
                if i + 1 < members:
                    after_first = abs(first[front[i + 1]] - first[k]) * scale_first
                    after_second = abs(second[front[i + 1]] - second[k]) * scale_second
                start, stop = begin[k], begin[k + 1]
                if stop - start == 1:
                    distance = before_first + after_first + before_second + after_second
                    key[start] = none - np.int64(min(distance, most) * unit)
                else:  # of equal points those that are drawn have neighbours, as `_ends` of the NumPy form draws them
                    count = stop - start
                    distances[start:stop] = 0.0
                    for objective in range(2):
                        word = np.int64(ties[run, stop - 1 if objective else start])
                        one = (word & 0xFFFF) * count >> 16
                        other = one - 1 - ((word >> 16) * (count - 1) >> 16)
                        if other < 0:
                            other += count
                        distances[start + one] += before_second if objective else before_first
                        distances[start + other] += after_second if objective else after_first
                    for j in range(start, stop):
                        key[j] = none - np.int64(min(distances[j], most) * unit)
                before_first, before_second = after_first, after_second
                ranked += stop - start
            rank += 1
        for i in range(remaining):
            key[begin[left[i]] : begin[left[i] + 1]] = ((rank + 1) << crowding) - 1
        for i in range(points):
            keys[run, i] = (key[i] << tie | np.int64(ties[run, i] >> np.uint32(32 - tie))) << place | i
    return keys


@compiled_loop
def nondominated(F: NDArray[np.float64], group: NDArray[np.int64], groups: int) -> NDArray[np.intp]:
    """`nasbench_kit.indicators.nondominated` of two objectives: (n, 2) and (n,) to (k,).

    Each group's front is kept in order while its points are looked at in turn: O(n log n), for most are dominated.
    """
    n = len(F)
    begin = np.zeros(groups + 1, dtype=np.intp)
    for i in range(n):
        begin[group[i] + 1] += 1
    for k in range(groups):
        begin[k + 1] += begin[k]
    members = np.empty(n, dtype=np.intp)  # group after group
    filled = begin[:-1].copy()
    for i in range(n):
        members[filled[group[i]]] = i
        filled[group[i]] += 1
    kept = np.empty(n, dtype=np.intp)
    total = 0
    for k in range(groups):
        size = 0  # the front is kept[total : total + size]
        for i in members[begin[k] : begin[k + 1]]:
            first, second = F[i, 0], F[i, 1]
            low, high = 0, size
            while low < high:  # how many of the front have no higher first objective
                middle = (low + high) // 2
                if F[kept[total + middle], 0] <= first:
                    low = middle + 1
                else:
                    high = middle
            if low and F[kept[total + low - 1], 1] <= second:
                continue
            # it takes the place of those that it dominates: one before it with the same first objective, and some behind it
            start = low
            if low and F[kept[total + low - 1], 0] == first:
                start -= 1
            stop = low
            while stop < size and F[kept[total + stop], 1] >= second:
                stop += 1
            if stop == start:
                for j in range(total + size, total + start, -1):
                    kept[j] = kept[j - 1]
            elif stop > start + 1:
                for j in range(total + stop, total + size):
                    kept[j - (stop - start - 1)] = kept[j]
            kept[total + start] = i
            size += 1 - (stop - start)
        total += size
    return kept[:total].copy()
