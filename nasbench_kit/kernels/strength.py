"""Fitness and environmental selection of SPEA2, vectorised over runs.

Source: Zitzler, Laumanns and Thiele 2001 (TIK report 103), sections 3.1 and 3.2.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled
from nasbench_kit.kernels.ranks import fresh_points, known_points, lexicographic
from nasbench_kit.kernels.sorting import stable_order, take, whole_numbers

__all__ = ["strength_fitness", "strength_survivors"]

BLOCK = 2**17  # pairs of points compared at a time, to stay in the cache
BLOCKS = 2**23  # pairs of points in memory during truncation
FAR = 10.0  # scaled objectives of failures, far from all other points, which are within 0 ... 1


def strength_survivors(
    F: NDArray[np.float64], n: int, words: NDArray[np.uint32]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Archive of each run: the non-dominated points, truncated or filled up with the best dominated ones.

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, m)
        Objective values, minimised; points with an infinite value are failures and come last.
    n : int
        Number of survivors per run, at most ``points``.
    words : ndarray of uint32, shape (runs, points)
        Random words, which break ties.

    Returns
    -------
    order : ndarray of int, shape (runs, n)
        Positions in ``F.reshape(-1, m)``.
    fitness : ndarray of float, shape (runs, n)
        Fitness of the survivors, see `strength_fitness`.
    """
    runs, points = F.shape[:2]
    fitness = strength_fitness(F, n)
    by_word = stable_order(words.astype(np.uint64), 32)
    code, bits = whole_numbers(fitness)
    starts = (np.arange(runs) * points)[:, np.newaxis]
    best = take(by_word, stable_order(take(code, by_word), bits)[:, :n]) - starts
    crowded = np.flatnonzero((fitness < 1).sum(axis=1) > n)
    together = max(BLOCKS // points**2, 1)
    for begin in range(0, len(crowded), together):
        some = crowded[begin : begin + together]
        best[some] = _truncated(_scaled(F[some]), fitness[some] < 1, n, words[some])
    return best + starts, np.take_along_axis(fitness, best, axis=1)


def strength_fitness(F: NDArray[np.float64], enough: int | None = None) -> NDArray[np.float64]:
    """Fitness of each point within its run, lower is better: (runs, points, m) to (runs, points).

    The raw fitness is the sum of the strengths of all points that dominate a point, where a point's strength is the
    number of points that it dominates; it is 0 for non-dominated points. The density, below 1, is added:
    1 / (d + 2), where d is the distance to the k-th nearest point and k the square root of the number of points.
    Distances are those of objectives scaled by their ranges within the run, which the paper leaves open.

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, m)
        Objective values, minimised; points with an infinite value are failures.
    enough : int, optional
        Number of points per run whose fitness is needed; the density of those that are certainly worse is left out.
    """
    points = F.shape[1]
    known = known_points(F)
    order, heights = lexicographic(np.where(known[..., np.newaxis], F, np.inf))
    raw: NDArray[np.float64] = (_raw_fitness if enabled() else _raw_fitness_by_pairs)(order, heights)
    wanted = np.ones(raw.shape, dtype=np.bool_)
    if enough is not None and enough < points:
        wanted = raw <= np.partition(raw, enough - 1, axis=1)[:, enough - 1 : enough]
    k = min(math.isqrt(points), points - 1)  # points themselves are their own nearest ones
    T = _scaled(F)
    # the density of equal points, which are sorted side by side, is computed once
    sorted_wanted = take(wanted, order)
    leading = fresh_points(order, heights) & sorted_wanted
    leads = order[leading]
    density = np.empty(len(leads))
    step = max(BLOCK // points, 1)
    for begin in range(0, len(leads), step):
        some = leads[begin : begin + step]
        if enabled():
            distance: NDArray[np.float64] = _distances(T, some)
        else:
            distance = _squared_distances(T[:, some // points], T.reshape(len(T), -1)[:, some, np.newaxis])
        distance.partition(k, axis=1)
        density[begin : begin + step] = 1 / (np.sqrt(distance[:, k]) + 2)
    number = np.cumsum(leading) - 1
    raw.reshape(-1)[order[sorted_wanted]] += density[number[sorted_wanted.reshape(-1)]]
    return raw


def _raw_fitness_by_pairs(order: NDArray[np.intp], heights: NDArray[np.intp]) -> NDArray[np.float64]:
    """The raw fitness of `strength_fitness`, given `lexicographic`: (runs, points)."""
    runs, points = order.shape
    raw = np.empty((runs, points))
    # numbers of the same order that are as short as possible
    levels = heights.astype(np.min_scalar_type(points - 1))
    exact = np.float32 if points**2 < 2**24 else np.float64
    together = max(BLOCK // points**2, 1)
    height = max(BLOCK // (together * points), 1)
    for begin in range(0, runs, together):
        values = levels[:, begin : begin + together]
        raw[begin : begin + together] = 0
        for first in range(0, points, height):
            mine, others = values[:, :, first : first + height, np.newaxis], values[:, :, np.newaxis]
            no_worse, no_better = mine[0] <= others[0], mine[0] >= others[0]
            for one, other in zip(mine[1:], others[1:], strict=True):
                no_worse &= one <= other
                no_better &= one >= other
            dominates = no_worse > no_better
            strength = np.count_nonzero(dominates, axis=2)
            # a matrix product of whole numbers is exact, in whatever order it is summed up
            raw[begin : begin + together] += (strength[:, np.newaxis].astype(exact) @ dominates.astype(exact))[:, 0]
    return raw


@compiled
def _raw_fitness(order: NDArray[np.intp], heights: NDArray[np.intp]) -> NDArray[np.float64]:
    """Compiled version of `_raw_fitness_by_pairs`."""
    m, runs, points = heights.shape
    raw = np.empty((runs, points))
    values = np.empty((m, points), dtype=np.int32)
    dominated = np.empty(points, dtype=np.int32)
    sums = np.empty(points, dtype=np.int64)
    for run in range(runs):
        for objective in range(m):
            for i in range(points):
                values[objective, i] = heights[objective, run, order[run, i] - run * points]
        sums[:] = 0
        behind = points  # the number of points from the first one that is sorted behind and differs
        for i in range(points - 1, -1, -1):
            if i + 1 < points:
                equal = True
                for objective in range(m):
                    equal = equal and values[objective, i] == values[objective, i + 1]
                behind = behind if equal else points - i - 1
            else:
                behind = 0
            some = dominated[points - behind :]
            some[:] = 1
            for objective in range(1, m):
                value, others = values[objective, i], values[objective, points - behind :]
                for j in range(behind):
                    some[j] &= np.int32(value <= others[j])
            strength = np.int32(0)
            for j in range(behind):
                strength += some[j]
            added = sums[points - behind :]
            for j in range(behind):
                added[j] += strength * some[j]
        for i in range(points):
            raw[run, order[run, i] - run * points] = sums[i]
    return raw


@compiled
def _distances(T: NDArray[np.float64], some: NDArray[np.intp]) -> NDArray[np.float64]:
    """Squared distances of some points, by flat positions, from all points of their run: (m, runs, n) and (k,) to (k, n)."""
    m, _, points = T.shape
    distances = np.empty((len(some), points))
    for row in range(len(some)):
        run, point = some[row] // points, some[row] % points
        here = distances[row]
        for j in range(points):
            gap = T[0, run, j] - T[0, run, point]
            here[j] = gap * gap
        for objective in range(1, m):
            for j in range(points):
                gap = T[objective, run, j] - T[objective, run, point]
                here[j] += gap * gap
    return distances


def _scaled(F: NDArray[np.float64]) -> NDArray[np.float64]:
    """Objectives scaled to 0 ... 1 within each run; failures are far away: (runs, points, m) to (m, runs, points)."""
    values, known = np.ascontiguousarray(F.transpose(2, 0, 1)), known_points(F)
    if known.all():
        low = values.min(axis=2, keepdims=True)
        span = values.max(axis=2, keepdims=True) - low
    else:
        low = np.where(known, values, np.inf).min(axis=2, keepdims=True)
        span = np.where(known, values, -np.inf).max(axis=2, keepdims=True) - low
    T = np.full(values.shape, FAR)
    np.subtract(values, low, out=T, where=known)
    np.divide(T, np.where(span > 0, span, 1.0), out=T, where=known)
    return T


def _squared_distances(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distances of points (m, ...) and (m, ...), which are broadcast against each other."""
    distance: NDArray[np.float64] = first[0] - second[0]
    np.square(distance, out=distance)
    for one, other in zip(first[1:], second[1:], strict=True):
        gap = one - other
        distance += np.square(gap, out=gap)
    return distance


def _truncated(
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
        distance = _squared_distances(apart[..., np.newaxis], apart[:, :, np.newaxis])
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
    """Reduce the numbers of copies (runs, k) of different points by the excess (runs,), in place; see `_truncated`."""
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
