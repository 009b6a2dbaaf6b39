"""Truncation of SPEA2's archive, vectorised over runs: the points that are nearest to others are removed one by one.

Source: Zitzler, Laumanns and Thiele 2001 (TIK report 103), section 3.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled
from nasbench_kit.kernels.ranks import fresh_points, lexicographic
from nasbench_kit.kernels.sorting import stable_order, take

__all__ = ["squared_distances", "truncated"]


def squared_distances(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distances of points (m, ...) and (m, ...), which are broadcast against each other."""
    distance: NDArray[np.float64] = first[0] - second[0]
    np.square(distance, out=distance)
    for one, other in zip(first[1:], second[1:], strict=True):
        gap = one - other
        distance += np.square(gap, out=gap)
    return distance


def truncated(
    T: NDArray[np.float64], members: NDArray[np.bool_], n: int, words: NDArray[np.uint32]
) -> NDArray[np.intp]:
    """Remove members one by one, each time the one nearest to another, until ``n`` are left: (runs, n) positions.

    Ties are broken by the distance to the second nearest member, and so on. Equal points are treated together: first
    those with the most copies lose one, because a copy is a neighbour at distance 0.

    Parameters
    ----------
    T : ndarray of float, shape (m, runs, points)
        Scaled objectives.
    members : ndarray of bool, shape (runs, points)
        More than ``n`` in each run.
    n : int
    words : ndarray of uint32, shape (runs, points)
        Random words, which break ties that are left and decide which copies are removed.
    """
    m, runs, points = T.shape
    total = members.sum(axis=1)
    width = int(total.max())
    # members first, by objectives, and equal ones by their words
    by_word = stable_order(words.astype(np.uint64), 32)
    by_value, heights = lexicographic(np.stack([take(np.where(members, t, np.inf), by_word) for t in T], axis=2))
    order = take(by_word, by_value[:, :width]) - (np.arange(runs) * points)[:, np.newaxis]
    member = np.arange(width) < total[:, np.newaxis]
    leads = member & fresh_points(by_value, heights)[:, :width]
    different = leads.sum(axis=1)
    most = int(different.max())
    run, lead = np.nonzero(leads)
    group = np.cumsum(leads, axis=1) - 1
    number = group[run, lead]
    copies = np.zeros((runs, most), dtype=np.intp)
    np.add.at(copies, (np.nonzero(member)[0], group[member]), 1)
    apart = np.zeros((m, runs, most))
    apart[:, run, number] = T[:, run, order[run, lead]]
    tie = np.zeros((runs, most), dtype=np.uint32)
    tie[run, number] = np.take_along_axis(words, order, axis=1)[run, lead]
    if enabled():
        _remove_by_scans(copies, total - n, apart, tie)
    else:
        distance = squared_distances(apart[..., np.newaxis], apart[:, :, np.newaxis])
        there = copies > 0
        distance[~(there[:, :, np.newaxis] & there[:, np.newaxis])] = np.inf
        distance[:, np.arange(most), np.arange(most)] = np.inf
        _remove(copies, total - n, distance, tie)
    start = np.zeros(order.shape, dtype=np.intp)
    start[run, lead] = lead
    within = np.arange(width) - np.maximum.accumulate(start, axis=1)
    kept = member & (within < np.take_along_axis(copies, group, axis=1))
    left: NDArray[np.intp] = order[kept].reshape(runs, n)
    return left


def _remove(
    copies: NDArray[np.intp], excess: NDArray[np.intp], distance: NDArray[np.float64], tie: NDArray[np.uint32]
) -> None:
    """Reduce the numbers of copies (runs, k) of different points by the excess (runs,), in place; see `truncated`."""
    # As long as there are copies, those with the most lose one each, in whatever order. Only how many get the last
    # reduction depends on distances.
    low, high = np.zeros(len(copies), dtype=np.intp), copies.max(axis=1)
    while (high - low > 1).any():
        middle = (low + high) // 2
        enough = np.maximum(copies - middle[:, np.newaxis], 0).sum(axis=1) <= excess
        high, low = np.where(enough & (middle > 0), middle, high), np.where(enough & (middle > 0), low, middle)
    excess = excess - np.maximum(copies - high[:, np.newaxis], 0).sum(axis=1)
    np.minimum(copies, high[:, np.newaxis], out=copies)
    left = _Neighbours(copies, distance)
    while True:
        runs = np.flatnonzero(excess)
        if not len(runs):
            return
        tied = copies[runs] == copies[runs].max(axis=1, keepdims=True)
        gap = np.where(tied, left.nearest[runs], np.inf)
        row, point = np.nonzero(tied & (gap == gap.min(axis=1, keepdims=True)))
        if len(row) > len(runs):
            point = left.nearer(runs[row], point, tie)
        excess[runs] -= 1
        left.remove(runs, point)


@compiled
def _remove_by_scans(
    copies: NDArray[np.intp], excess: NDArray[np.intp], apart: NDArray[np.float64], tie: NDArray[np.uint32]
) -> None:
    """Compiled version of `_remove`, given the points (m, runs, k): scans of distances instead of sorting them."""
    m, runs, _ = apart.shape
    most = copies.shape[1]
    distance = np.empty((most, most))
    nearest = np.empty(most)
    chosen = np.empty(most, dtype=np.intp)
    count, further = np.empty(most, dtype=np.intp), np.empty(most)
    for run in range(runs):
        left = copies[run]
        size = 0
        while size < most and left[size]:
            size += 1
        low, high = 0, left.max()
        rest = excess[run]
        while high - low > 1:
            middle = (low + high) // 2
            removed = 0
            for k in range(size):
                removed += max(left[k] - middle, 0)
            if removed <= rest:
                high = middle
            else:
                low = middle
        for k in range(size):
            rest -= max(left[k] - high, 0)
            left[k] = min(left[k], high)
        if rest == 0:
            continue
        nearest[:] = np.inf
        for k in range(size):
            row = distance[k, :size]
            row[:] = 0.0
            for objective in range(m):
                values = apart[objective, run, :size]
                for j in range(size):
                    row[j] += (values[j] - values[k]) * (values[j] - values[k])
            row[k] = np.inf
            for j in range(size):
                nearest[j] = row[j] if row[j] < nearest[j] else nearest[j]
        while rest:
            rest -= 1
            high, gap = 0, np.inf
            for k in range(size):
                high = max(high, left[k])
            for k in range(size):
                gap = min(gap, nearest[k] if left[k] == high else np.inf)
            found = 0
            for k in range(size):
                chosen[found] = k
                found += np.intp(left[k] == high and nearest[k] == gap)
            # Compare the sorted distances to all copies that are left. All are equal up to those at this gap, of which the one that
            # has most comes first; then the one with the next smallest distance.
            while found > 1 and gap < np.inf:
                for c in range(found):
                    row = distance[chosen[c]]
                    some, after = 0, np.inf
                    for j in range(size):
                        some += left[j] if row[j] == gap else 0
                        after = row[j] if gap < row[j] < after else after
                    count[c], further[c] = some, after
                greatest, gap = count[:found].max(), np.inf
                for c in range(found):
                    gap = min(gap, further[c] if count[c] == greatest else np.inf)
                kept = 0
                for c in range(found):
                    if count[c] == greatest and further[c] == gap:
                        chosen[kept] = chosen[c]
                        kept += 1
                found = kept
            point = chosen[0]
            for c in range(1, found):
                point = chosen[c] if tie[run, chosen[c]] < tie[run, point] else point
            left[point] -= 1
            if left[point]:
                continue
            nearest[point] = np.inf
            for k in range(size):
                gone = distance[k, point]
                distance[k, point] = np.inf
                if left[k] and gone == nearest[k]:
                    nearest[k] = distance[k, :size].min()


class _Neighbours:
    """For each of some points, with copies, the other points that are left, by ascending distance.

    Parameters
    ----------
    copies : ndarray of int, shape (runs, k)
        Copies of each point that are left; changed in place.
    distance : ndarray of float, shape (runs, k, k)
        Distances between points; infinite on the diagonal and for points that do not exist.
    """

    def __init__(self, copies: NDArray[np.intp], distance: NDArray[np.float64]) -> None:
        runs, k = copies.shape
        self.copies = copies
        self._points = np.zeros((runs, k, k + 1), dtype=np.intp)  # with an end that is infinitely far
        self._points[:, :, :-1] = distance.argsort(axis=2, kind="stable")
        self._distances = np.full((runs, k, k + 1), np.inf)
        self._distances[:, :, :-1] = np.take_along_axis(distance, self._points[:, :, :-1], axis=2)
        self._place = np.zeros((runs, k), dtype=np.intp)  # of the nearest point that is left
        self.nearest = self._distances[:, :, 0].copy()

    def remove(self, run: NDArray[np.intp], point: NDArray[np.intp]) -> None:
        """Remove one copy of a point from each of some runs."""
        self.copies[run, point] -= 1
        gone = self.copies[run, point] == 0
        run, point = run[gone], point[gone]
        self.nearest[run, point] = np.inf
        at = np.take_along_axis(self._points[run], self._place[run][..., np.newaxis], axis=2)[..., 0]
        row, other = np.nonzero((at == point[:, np.newaxis]) & (self.nearest[run] < np.inf))
        run = run[row]
        self._place[run, other] = self._onward(run, other, self._place[run, other])
        self.nearest[run, other] = self._distances[run, other, self._place[run, other]]

    def nearer(self, run: NDArray[np.intp], point: NDArray[np.intp], tie: NDArray[np.uint32]) -> NDArray[np.intp]:
        """Of some points of each run, the one whose sorted distances to all copies that are left come first.

        Parameters
        ----------
        run : ndarray of int, shape (n,)
            Ascending.
        point : ndarray of int, shape (n,)
            Points that are equally near to their nearest neighbours.
        tie : ndarray of uint32, shape (runs, k)
            Of points with the same distances, the one with the lowest word is taken.

        Returns
        -------
        ndarray of int
            One point for each of the runs.
        """
        found = np.empty(len(self.copies), dtype=np.intp)
        wanted = run[np.append(True, run[1:] != run[:-1])]
        place = self._place[run, point]
        copies = self._copies_at(run, point, place)
        while True:
            starts = np.flatnonzero(np.append(True, run[1:] != run[:-1]))
            sizes = np.diff(np.append(starts, len(run)))
            found[run[starts]] = point[starts]
            undecided = np.repeat(sizes > 1, sizes)
            run, point, place, copies = run[undecided], point[undecided], place[undecided], copies[undecided]
            if not len(run):
                winners: NDArray[np.intp] = found[wanted]
                return winners
            sizes = sizes[sizes > 1]
            starts = np.cumsum(sizes) - sizes
            # all have the same distances so far, and here: go on by as many copies as each of them has
            copies -= np.repeat(np.minimum.reduceat(copies, starts), sizes)
            passed = copies == 0
            place[passed] = self._onward(run[passed], point[passed], place[passed] + 1)
            copies[passed] = self._copies_at(run[passed], point[passed], place[passed])
            distance = self._distances[run, point, place]
            # points that have no further neighbours have the same distances throughout
            key = np.where(np.isinf(distance), tie[run, point].astype(np.int64) << 31 | point, -1)
            ahead = distance == np.repeat(np.minimum.reduceat(distance, starts), sizes)
            key[~ahead] = 2**63 - 1
            ahead &= key == np.repeat(np.minimum.reduceat(key, starts), sizes)
            run, point, place, copies = run[ahead], point[ahead], place[ahead], copies[ahead]

    def _copies_at(self, run: NDArray[np.intp], point: NDArray[np.intp], place: NDArray[np.intp]) -> NDArray[np.intp]:
        copies: NDArray[np.intp] = self.copies[run, self._points[run, point, place]]
        return copies

    def _onward(self, run: NDArray[np.intp], point: NDArray[np.intp], place: NDArray[np.intp]) -> NDArray[np.intp]:
        """Places of the next neighbours that are left, from the given places on."""
        behind = np.arange(len(place))
        while len(behind):
            r, p, at = run[behind], point[behind], place[behind]
            gone = (self.copies[r, self._points[r, p, at]] == 0) & (self._distances[r, p, at] < np.inf)
            behind = behind[gone]
            place[behind] += 1
        return place
