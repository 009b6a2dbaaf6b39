"""Fitness and environmental selection of SPEA2, vectorised over runs.

Source: Zitzler, Laumanns and Thiele 2001 (TIK report 103), sections 3.1 and 3.2.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

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
    best = np.lexsort((words, fitness), axis=1)[:, :n]
    crowded = np.flatnonzero((fitness < 1).sum(axis=1) > n)
    together = max(BLOCKS // points**2, 1)
    for begin in range(0, len(crowded), together):
        some = crowded[begin : begin + together]
        best[some] = _truncated(_scaled(F[some]), fitness[some] < 1, n, words[some])
    return best + (np.arange(runs) * points)[:, np.newaxis], np.take_along_axis(fitness, best, axis=1)


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
    runs, points = F.shape[:2]
    raw = np.zeros((runs, points))
    together = max(BLOCK // points**2, 1)
    height = max(BLOCK // (together * points), 1)
    exact = np.float32 if points**2 < 2**24 else np.float64
    for begin in range(0, runs, together):
        some = slice(begin, begin + together)
        values = np.ascontiguousarray(np.moveaxis(F[some], 2, 0))
        values[:, ~np.isfinite(values).all(axis=0)] = np.inf
        for first in range(0, points, height):
            mine, others = values[:, :, first : first + height, np.newaxis], values[:, :, np.newaxis]
            no_worse, no_better = mine[0] <= others[0], mine[0] >= others[0]
            for one, other in zip(mine[1:], others[1:], strict=True):
                no_worse &= one <= other
                no_better &= one >= other
            dominates = no_worse > no_better
            strength = dominates.view(np.uint8).sum(axis=2, dtype=np.uint32)
            # a matrix product of whole numbers is exact, in whatever order it is summed up
            raw[some] += (strength[:, np.newaxis].astype(exact) @ dominates.astype(exact))[:, 0]
    wanted = np.ones(raw.shape, dtype=np.bool_)
    if enough is not None and enough < points:
        wanted = raw <= np.partition(raw, enough - 1, axis=1)[:, enough - 1 : enough]
    k = min(math.isqrt(points), points - 1)  # points themselves are their own nearest ones
    T = np.ascontiguousarray(np.moveaxis(_scaled(F), 2, 0))
    # the density of equal points is computed once
    run, point = np.nonzero(wanted)
    at = T[:, run, point]
    order = np.lexsort((*at, run))
    leads = np.ones(len(order), dtype=np.bool_)
    leads[1:] = (np.diff(run[order]) > 0) | (np.diff(at[:, order], axis=1) != 0).any(axis=0)
    lead_run, lead = run[order[leads]], at[:, order[leads], np.newaxis]
    density = np.empty(len(lead_run))
    step = max(BLOCK // points, 1)
    for begin in range(0, len(density), step):
        rows = slice(begin, begin + step)
        distance = _squared_distances(T[:, lead_run[rows]], lead[:, rows])
        distance.partition(k, axis=1)
        density[rows] = 1 / (np.sqrt(distance[:, k]) + 2)
    raw[run[order], point[order]] += density[np.cumsum(leads) - 1]
    return raw


def _scaled(F: NDArray[np.float64]) -> NDArray[np.float64]:
    """Objectives scaled to 0 ... 1 within each run; failures are far away."""
    known = np.isfinite(F).all(axis=2, keepdims=True)
    low = np.where(known, F, np.inf).min(axis=1, keepdims=True)
    span = np.where(known, F, -np.inf).max(axis=1, keepdims=True) - low
    T = np.full(F.shape, FAR)
    np.subtract(F, low, out=T, where=known)
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
    T : ndarray of float, shape (runs, points, m)
        Scaled objectives.
    members : ndarray of bool, shape (runs, points)
        More than ``n`` in each run.
    n : int
    words : ndarray of uint32, shape (runs, points)
        Random words, which break ties that are left and decide which copies are removed.
    """
    total = members.sum(axis=1)
    width = int(total.max())
    order = np.lexsort((words, *np.moveaxis(T, 2, 0)[::-1], ~members), axis=1)[:, :width]
    points = np.take_along_axis(T, order[..., np.newaxis], axis=1)
    member = np.arange(width) < total[:, np.newaxis]
    leads = member.copy()
    leads[:, 1:] &= (points[:, 1:] != points[:, :-1]).any(axis=2)
    different = leads.sum(axis=1)
    most = int(different.max())
    run, lead = np.nonzero(leads)
    group = np.cumsum(leads, axis=1) - 1
    number = group[run, lead]
    copies = np.zeros((len(T), most), dtype=np.intp)
    np.add.at(copies, (np.nonzero(member)[0], group[member]), 1)
    apart = np.zeros((T.shape[2], len(T), most))
    apart[:, run, number] = points[run, lead].T
    tie = np.zeros((len(T), most), dtype=np.uint32)
    tie[run, number] = np.take_along_axis(words, order, axis=1)[run, lead]
    distance = _squared_distances(apart[..., np.newaxis], apart[:, :, np.newaxis])
    there = copies > 0
    distance[~(there[:, :, np.newaxis] & there[:, np.newaxis])] = np.inf
    distance[:, np.arange(most), np.arange(most)] = np.inf
    _remove(copies, total - n, distance, tie)
    start = np.zeros(order.shape, dtype=np.intp)
    start[run, lead] = lead
    within = np.arange(width) - np.maximum.accumulate(start, axis=1)
    kept = member & (within < np.take_along_axis(copies, group, axis=1))
    left: NDArray[np.intp] = order[kept].reshape(len(T), n)
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
