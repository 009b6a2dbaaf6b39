"""Which points of a set no other point dominates, group by group."""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled

__all__ = ["first_fronts"]

MOST_CELLS = 256  # that the range of an objective is cut into


def first_fronts(F: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.intp]:
    """The positions of the different points that no point of their group dominates.

    Parameters
    ----------
    F : ndarray of float, shape (n, m)
        Minimised, without ``nan``; at least one point.
    group : ndarray of int, shape (n,)
        From 0 on.

    Returns
    -------
    ndarray of int, shape (k,)
        By group, then by ascending objectives; of equal points the first. O(n log n) for two objectives.
    """
    groups = int(group.max()) + 1
    if F.shape[1] == 2 and enabled():
        front: NDArray[np.intp] = _fronts_of_two(np.ascontiguousarray(F), group, groups)
        return front
    if F.shape[1] == 2 and len(F) >= 8 * groups:
        left = _not_far_behind(F, group)
        return left[_nondominated(F.take(left, axis=0), group.take(left))]
    return _nondominated(F, group)


def _not_far_behind(F: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.intp]:
    """The indices of points (n, 2) but for most of those that are dominated: what is left is far less to sort.

    The range of the first objective is cut into cells. A point is left out where one in a lower cell, which therefore
    has a lower first objective, has no higher second one.
    """
    low, high = float(F[:, 0].min()), float(F[:, 0].max())
    groups = int(group.max()) + 1
    cells = min(len(F) // groups, MOST_CELLS)
    scale = cells / (high - low) if high > low else 0.0
    if not (0 < scale < np.inf and F[:, 1].max() < np.inf):
        return np.arange(len(F))
    cell = ((F[:, 0] - low) * scale).astype(np.intp)  # the highest has one more for itself
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
        # Distinct points in ascending order are kept where the second objective falls below all before it. Ranks
        # that fall from group to group let one running minimum serve them all.
        rank = np.unique(sorted_F[:, 1], return_inverse=True)[1].astype(np.int64)
        key = rank - sorted_group * len(order)
        keep = np.ones(len(order), dtype=np.bool_)
        keep[1:] = key[1:] < np.minimum.accumulate(key)[:-1]
        return order[keep]
    bounds = np.flatnonzero(np.diff(sorted_group)) + 1
    keep = np.concatenate([moocore.is_nondominated(part) for part in np.split(sorted_F, bounds)])
    return order[keep]


def _lexicographic(F: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.intp]:
    """The stable order by group, then by ascending objectives."""
    if F.shape[1] != 2 or int(group.max()) >= 2**16:
        return np.lexsort((*F.T[::-1], group))
    # Complex numbers sort by their real, then their imaginary part; 16-bit integers have a radix sort: together a
    # third of lexsort's time.
    order = np.ascontiguousarray(F).view(np.complex128)[:, 0].argsort(kind="stable")
    return order[group[order].astype(np.uint16).argsort(kind="stable")]


@compiled
def _fronts_of_two(F: NDArray[np.float64], group: NDArray[np.int64], groups: int) -> NDArray[np.intp]:
    """`first_fronts` of two objectives: (n, 2) and (n,) to (k,).

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
