"""Non-dominated points of each group."""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled
from nasbench_kit.kernels.sorting import stable_order, whole_numbers

__all__ = ["first_fronts"]

MOST_CELLS = 256  # maximum number of bins for an objective


def first_fronts(F: NDArray[np.float64], group: NDArray[np.int64], settled: int = 0) -> NDArray[np.intp]:
    """Positions of the distinct non-dominated points of each group.

    Parameters
    ----------
    F : ndarray of float, shape (n, m)
        Objective values, minimised, without ``nan``; at least one point.
    group : ndarray of int, shape (n,)
        Group of each point, numbered from 0.
    settled : int
        The first points, as many as this, are known to be what this function returned for some points of their groups.

    Returns
    -------
    ndarray of int, shape (k,)
        Sorted by group, then by ascending objectives; of equal points, the first. O(n log n) for two objectives.
    """
    groups = int(group.max()) + 1
    if F.shape[1] > 1 and enabled():
        fronts = _fronts_of_two if F.shape[1] == 2 else _fronts_of_many
        front: NDArray[np.intp] = fronts(np.ascontiguousarray(F), *_by_group(group, groups), settled)
        return front
    if F.shape[1] == 2 and len(F) >= 8 * groups:
        left = _not_far_behind(F, group)
        return left[_nondominated(F.take(left, axis=0), group.take(left))]
    return _nondominated(F, group)


def _not_far_behind(F: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.intp]:
    """Indices of points (n, 2) after discarding most dominated ones, which leaves far fewer points to sort.

    The range of the first objective is divided into cells. A point is discarded if a point in a lower cell, which has a
    lower first objective, does not have a higher second objective.
    """
    low, high = float(F[:, 0].min()), float(F[:, 0].max())
    groups = int(group.max()) + 1
    cells = min(len(F) // groups, MOST_CELLS)
    scale = cells / (high - low) if high > low else 0.0
    if not (0 < scale < np.inf and F[:, 1].max() < np.inf):
        return np.arange(len(F))
    cell = ((F[:, 0] - low) * scale).astype(np.intp)  # the maximum falls into an extra cell
    cell += group * (cells + 2)
    lowest = np.full(groups * (cells + 2), np.inf)
    np.minimum.at(lowest, cell + 1, F[:, 1])
    before = np.minimum.accumulate(lowest.reshape(groups, -1), axis=1)
    return np.flatnonzero(F[:, 1] < before.ravel().take(cell, mode="clip"))


def _nondominated(F: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.intp]:
    """`first_fronts` by sorting."""
    order = _lexicographic(F, group)
    sorted_F, sorted_group = F[order], group[order]
    fresh = np.ones(len(order), dtype=np.bool_)
    fresh[1:] = (sorted_group[1:] != sorted_group[:-1]) | (sorted_F[1:] != sorted_F[:-1]).any(axis=1)
    order, sorted_F, sorted_group = order[fresh], sorted_F[fresh], sorted_group[fresh]
    if F.shape[1] == 1:
        first = np.ones(len(order), dtype=np.bool_)
        first[1:] = sorted_group[1:] != sorted_group[:-1]
        return order[first]
    if F.shape[1] == 2:
        # Distinct points in ascending order are kept if their second objective is below all previous ones. Ranks that
        # decrease from group to group allow one running minimum for all groups.
        rank = np.unique(sorted_F[:, 1], return_inverse=True)[1].astype(np.int64)
        key = rank - sorted_group * len(order)
        keep = np.ones(len(order), dtype=np.bool_)
        keep[1:] = key[1:] < np.minimum.accumulate(key)[:-1]
        return order[keep]
    if np.isinf(sorted_F).any():  # moocore drops some of the points that have an infinite objective
        sorted_F = np.stack([np.unique(f, return_inverse=True)[1] for f in sorted_F.T], axis=1).astype(np.float64)
    bounds = np.flatnonzero(np.diff(sorted_group)) + 1
    keep = np.concatenate([moocore.is_nondominated(part) for part in np.split(sorted_F, bounds)])
    return order[keep]


def _lexicographic(F: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.intp]:
    """Stable order by group, then by ascending objectives."""
    if F.shape[1] != 2 or int(group.max()) >= 2**16:
        # by the last objective first, as a stable sort of integers for each, which takes a third of the time of lexsort
        by: NDArray[np.intp] = np.arange(len(F))
        for values in (*F.T[::-1], group):
            code, bits = whole_numbers(values.take(by).astype(np.float64)[np.newaxis])
            by = by.take(stable_order(code, bits)[0])
        return by
    # Complex numbers sort by real, then imaginary part, and 16-bit integers by radix sort; together this takes a third
    # of the time of lexsort.
    order = np.ascontiguousarray(F).view(np.complex128)[:, 0].argsort(kind="stable")
    return order[group[order].astype(np.uint16).argsort(kind="stable")]


@compiled
def _by_group(group: NDArray[np.int64], groups: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Points sorted by group, (n,), and where each group begins among them, (groups + 1,): a counting sort."""
    n = len(group)
    begin = np.zeros(groups + 1, dtype=np.intp)
    for i in range(n):
        begin[group[i] + 1] += 1
    for k in range(groups):
        begin[k + 1] += begin[k]
    members = np.empty(n, dtype=np.intp)  # sorted by group
    filled = begin[:-1].copy()
    for i in range(n):
        members[filled[group[i]]] = i
        filled[group[i]] += 1
    return members, begin


@compiled
def _fronts_of_two(
    F: NDArray[np.float64], members: NDArray[np.intp], begin: NDArray[np.intp], settled: int
) -> NDArray[np.intp]:
    """Compiled version of `first_fronts` for two objectives, given points by group: (n, 2) to (k,).

    Points are inserted one by one into the sorted front of their group: O(n log n), since most are dominated.
    """
    n = len(F)
    kept = np.empty(n, dtype=np.intp)
    total = 0
    for k in range(len(begin) - 1):
        size = 0  # the front is kept[total : total + size]
        for i in members[begin[k] : begin[k + 1]]:
            if i < settled:
                kept[total + size] = i
                size += 1
                continue
            first, second = F[i, 0], F[i, 1]
            low, high = 0, size
            while low < high:  # count front points with a first objective that is not higher
                middle = (low + high) // 2
                if F[kept[total + middle], 0] <= first:
                    low = middle + 1
                else:
                    high = middle
            if low and F[kept[total + low - 1], 1] <= second:
                continue
            # replace the points that it dominates: one before it with the same first objective, and some after it
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


@compiled
def _fronts_of_many(
    F: NDArray[np.float64], members: NDArray[np.intp], begin: NDArray[np.intp], settled: int
) -> NDArray[np.intp]:
    """Compiled version of `first_fronts` for any number of objectives, given points by group: (n, m) to (k,).

    Points are inserted one by one into the front of their group. What excluded a point is moved to the front's begin, since it
    probably excludes the next one, too. O(n k m) for fronts of k points. They are sorted in the end (Shell 1959, "A high-speed
    sorting procedure").
    """
    n, m = F.shape
    kept = np.empty(n, dtype=np.intp)
    total = 0
    for k in range(len(begin) - 1):
        size = 0
        front = kept[total:]  # its first `size` points
        for i in members[begin[k] : begin[k + 1]]:
            place = 0 if i >= settled else size
            while place < size:
                objective = 0
                while objective < m and F[front[place], objective] <= F[i, objective]:
                    objective += 1
                if objective == m:  # it dominates the new point, or equals it
                    break
                place += 1
            if place < size:
                front[0], front[place] = front[place], front[0]
                continue
            place = 0 if i >= settled else size
            while place < size:
                objective = 0
                while objective < m and F[front[place], objective] >= F[i, objective]:
                    objective += 1
                if objective == m:  # the new point dominates it
                    size -= 1
                    front[place] = front[size]
                else:
                    place += 1
            front[size] = i
            size += 1
        gap = 1
        while 9 * gap < size:
            gap = 3 * gap + 1
        while gap:
            for place in range(gap, size):
                i, at = front[place], place
                while at >= gap:
                    j = front[at - gap]
                    objective = 0
                    while objective < m - 1 and F[j, objective] == F[i, objective]:
                        objective += 1
                    if F[j, objective] < F[i, objective]:
                        break
                    front[at] = j
                    at -= gap
                front[at] = i
            gap //= 3
        total += size
    return kept[:total].copy()
