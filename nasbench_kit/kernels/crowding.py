"""Non-dominated sorting, crowding distances and survival selection, vectorised over runs.

With two objectives, all steps but the sorting operate on distinct points only, because searches contain many equal
points.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled
from nasbench_kit.kernels.sorting import order_by_two, order_of_pairs, take, whole_numbers
from nasbench_kit.kernels.survival_of_many import rank_and_crowding_of_many, survival_keys_of_many

__all__ = ["rank_and_crowding", "survivors"]

CROWDING_BITS = 24  # precision of crowding distances


def survivors(F: NDArray[np.float64], n: int, ties: NDArray[np.uint32] | None = None) -> NDArray[np.intp]:
    """Best ``n`` points of each run by non-domination rank, then crowding distance, best first.

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, m)
        Objective values, minimised.
    n : int
        Number of survivors per run.
    ties : ndarray of uint32, shape (runs, points), optional
        Random words, for the points sorted by objectives. They determine which of several equal points get a crowding
        distance (see `rank_and_crowding`), and break ties between points of equal rank and distance (lower first).

    Returns
    -------
    ndarray of int, shape (runs, n)
        Positions in ``F.reshape(-1, m)``.
    """
    points, m = F.shape[1:]
    # pack rank, distance, tie and position into one integer, so that one sort orders by all of them
    place = points.bit_length()
    crowding = min(CROWDING_BITS, 63 - 2 * place)
    tie = min(63 - 2 * place - crowding, 32)
    if ties is None:
        ties = np.zeros(F.shape[:2], dtype=np.uint32)
    if enabled() and m == 2 and tie:
        order = order_of_pairs(F)
        key = _survival_keys(np.ascontiguousarray(F), order, n, ties, crowding, tie, place)
    elif enabled() and m > 2 and tie:
        order, key = survival_keys_of_many(F, n, ties, crowding, tie, place)
    else:
        order, rank, distance = rank_and_crowding(F, n, ties)
        # Distances are at most m, except at the ends of a front, where they are infinite. Steps of 2**-22 are below any
        # relevant difference and far above rounding errors.
        np.minimum(distance, m + 1, out=distance)
        distance *= 2.0**crowding / (m + 2)
        key = rank
        key <<= crowding
        key += 2**crowding - 1
        key -= distance.astype(np.int64)
        key <<= tie
        if tie:
            key |= (ties >> np.uint32(32 - tie)).astype(np.int64)
        key <<= place
        key |= np.arange(points)
    key.sort(axis=1)
    return np.take_along_axis(order, key[:, :n] & (2**place - 1), axis=1)


def rank_and_crowding(
    F: NDArray[np.float64], enough: int | None = None, words: NDArray[np.uint32] | None = None
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Sort the points of each run by objectives, and compute non-domination ranks and crowding distances.

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, m)
        Objective values, minimised; points with an infinite value are failures and come last.
    enough : int, optional
        Stop ranking a run after this many points; the remaining points share the next rank and have distance 0.
    words : ndarray of uint32, shape (runs, points), optional
        Random words, for the points in sorted order, which shuffle equal points.

    Returns
    -------
    order : ndarray of int, shape (runs, points)
        Positions in ``F.reshape(-1, m)``. The order is stable.
    rank : ndarray of int, shape (runs, points)
        Ranks of the sorted points, from 0; failures come last and have distance 0.
    distance : ndarray of float, shape (runs, points)
        ``inf`` at both ends of a front in any objective; otherwise the sum over objectives of the gap between a point's
        two neighbours, relative to the range of the front. The front is sorted for each objective with equal points in
        a new random order. Of equal points, only the first and the last therefore have a distinct neighbour or are at
        an end, and these are drawn anew for each objective. Source: Deb et al. 2002 (IEEE TEC 6(2)), section III-B, and
        the authors' program, whose sort is randomised.
    """
    if words is None:
        words = np.zeros(F.shape[:2], dtype=np.uint32)
    of = _of_two if F.shape[2] == 2 else rank_and_crowding_of_many
    return of(F, F.shape[1] if enough is None else enough, words)


def _of_two(
    F: NDArray[np.float64], enough: int, words: NDArray[np.uint32]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    runs, points = F.shape[:2]
    first, second = np.ascontiguousarray(F[..., 0]), np.ascontiguousarray(F[..., 1])
    first_code, first_bits = whole_numbers(first)
    second_code, second_bits = whole_numbers(second)
    order, along_first, along_second = order_by_two(first_code, first_bits, second_code, second_bits)
    along_first, along_second = along_first.ravel(), along_second.ravel()
    # the first of several equal points represents them all
    leads = np.ones((runs, points), dtype=np.bool_)
    leads.reshape(-1)[1:] = (along_first[1:] != along_first[:-1]) | (along_second[1:] != along_second[:-1])
    leads[:, 0] = True
    leaders = np.flatnonzero(leads)
    alike = np.append(leaders[1:], runs * points) - leaders
    run = leaders // points
    at = order.ravel().take(leaders)
    values = [take(objective, at) for objective in (first, second)]
    height = along_second.take(leaders)
    if second_bits + runs.bit_length() > 62:
        height = np.unique(height, return_inverse=True)[1].astype(np.uint64)
        second_bits = len(height).bit_length()
    # negated, and offset so that every run lies above the previous one; one running maximum then serves all runs
    depth = ((run + 1) << second_bits) - height.view(np.int64)
    known = np.isfinite(values[0] + values[1])
    rank, fronts = _peel(depth, run, alike, known, runs, enough)
    members = np.concatenate([*fronts, np.empty(0, dtype=np.intp)])
    starts = np.ones(len(members), dtype=np.bool_)
    member_run = run.take(members)
    starts[1:] = member_run[1:] != member_run[:-1]
    starts[np.cumsum([0, *map(len, fronts[:-1])])[: len(members)]] = True
    first_of_front = np.flatnonzero(starts)
    distance = np.zeros(runs * points)
    begin, count = leaders.take(members), alike.take(members)
    for objective, drawn_by in zip(values, (begin, begin + count - 1), strict=True):
        one, other = _ends(count, words.reshape(-1).take(drawn_by))
        before, after = _gaps(objective.take(members), first_of_front)
        distance[begin + one] += before
        distance[begin + other] += after
    return order, np.repeat(rank, alike).reshape(runs, points), distance.reshape(runs, points)


def _peel(
    depth: NDArray[np.int64],
    run: NDArray[np.intp],
    alike: NDArray[np.intp],
    known: NDArray[np.bool_],
    runs: int,
    enough: int,
) -> tuple[NDArray[np.intp], list[NDArray[np.intp]]]:
    """Non-domination ranks of distinct points, sorted by run and first objective, by peeling off fronts.

    A point is on the first front if its second objective is below that of every earlier point.

    Parameters
    ----------
    depth : ndarray of int, shape (k,)
        Negated second objective, offset so that every run lies above the previous one.
    run : ndarray of int, shape (k,)
        Run of each point.
    alike : ndarray of int, shape (k,)
        Number of equal points that each point represents.
    known : ndarray of bool, shape (k,)
        False for failures, which come last.
    runs : int
        Number of runs.
    enough : int
        Stop ranking a run after this many points; the remaining points share the next rank.

    Returns
    -------
    rank : ndarray of int, shape (k,)
        Rank of each point.
    fronts : list of ndarrays of int
        Points of each front, in order.
    """
    rank = np.zeros(len(depth), dtype=np.intp)
    missing = np.full(runs, enough)
    fronts: list[NDArray[np.intp]] = []
    left = np.flatnonzero(known)
    while len(left):
        depth_left = depth.take(left)
        ahead = np.ones(len(left), dtype=np.bool_)
        np.greater(depth_left[1:], np.maximum.accumulate(depth_left)[:-1], out=ahead[1:])
        front = left.compress(ahead)
        left = left.compress(~ahead)
        fronts.append(front)
        rank[left] = len(fronts)
        missing -= np.bincount(run.take(front), weights=alike.take(front), minlength=runs).astype(np.intp)
        unfinished = missing > 0
        if not unfinished.any():
            break
        if not unfinished.all():
            left = left.compress(unfinished.take(run.take(left)))
    rank[~known] = len(fronts) + 1
    return rank, fronts


def _ends(count: NDArray[np.intp], word: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw the first and last of ``count`` equal points by the halves of a random word; 0 and 0 for one point."""
    first = (word & np.uint32(0xFFFF)) * count >> 16
    last = first - 1 - ((word >> np.uint32(16)) * (count - 1) >> 16)
    return first, np.where(last < 0, last + count, last)


def _gaps(values: NDArray[np.float64], starts: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gaps to the previous and next neighbours, relative to the range of the front; ``inf`` at its ends.

    Parameters
    ----------
    values : ndarray of float, shape (k,)
        One objective of the points of all fronts, concatenated; each front is sorted.
    starts : ndarray of int
        Start of each front.
    """
    gap = np.zeros(len(values) + 1)
    if len(starts):  # otherwise all points are failures
        ends = np.append(starts[1:], len(values)) - 1
        span = np.abs(values[ends] - values[starts])
        scale = np.divide(1, span, out=np.zeros_like(span), where=span > 0)
        with np.errstate(over="ignore"):  # gaps between fronts may overflow, and are overwritten
            np.abs(np.subtract(values[1:], values[:-1], out=gap[1:-1]), out=gap[1:-1])
            gap[:-1] *= np.repeat(scale, ends - starts + 1)
        gap[starts] = gap[-1] = np.inf
    return gap[:-1], gap[1:]


@compiled
def _survival_keys(
    F: NDArray[np.float64],
    order: NDArray[np.intp],
    enough: int,
    ties: NDArray[np.uint32],
    crowding: int,
    tie: int,
    place: int,
) -> NDArray[np.int64]:
    """Compute the integers that `survivors` sorts, for two objectives (compiled).

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, 2)
    order : ndarray of int, shape (runs, points)
        Positions in ``F.reshape(-1, 2)`` of the points of each run, sorted by objectives.
    enough : int
        Stop ranking a run after this many points; the remaining points share the next rank and have distance 0.
    ties : ndarray of uint32, shape (runs, points)
        Random words.
    crowding, tie, place : int
        Numbers of bits of the crowding distance, the tie-breaker and the place, below those of the rank.

    Returns
    -------
    ndarray of int, shape (runs, points)
    """
    runs, points = order.shape
    values = F.reshape(-1, 2)
    keys = np.empty((runs, points), dtype=np.int64)
    along_first, along_second = np.empty(points), np.empty(points)
    begin = np.empty(points + 1, dtype=np.int64)  # start of the points equal to the k-th distinct one
    first, second = np.empty(points), np.empty(points)  # of distinct points
    left, front = np.empty(points, dtype=np.int64), np.empty(points, dtype=np.int64)
    distances = np.empty(points)
    key = np.empty(points, dtype=np.int64)  # rank and distance
    unit, most = 2.0**crowding / 4, 3.0  # of a distance with two objectives
    for run in range(runs):
        for i in range(points):
            along_first[i] = values[order[run, i], 0]
            along_second[i] = values[order[run, i], 1]
        k = 0
        begin[0] = 0
        for i in range(1, points):  # branch-free, because equality is unpredictable
            begin[k + 1] = i
            k += np.int64(along_first[i] != along_first[i - 1]) | np.int64(along_second[i] != along_second[i - 1])
        begin[k + 1] = points
        different = k + 1
        remaining = 0
        for k in range(different):
            first[k], second[k] = along_first[begin[k]], along_second[begin[k]]
            left[remaining] = k
            remaining += np.int64(np.isfinite(first[k] + second[k]))
        key[:] = ((points + 1) << crowding) - 1  # of failures
        rank = ranked = 0
        while remaining and ranked < enough:
            # a point is on this front if its second objective is below that of every earlier point
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
            none = ((rank + 1) << crowding) - 1  # at distance 0
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
                else:  # draw the first and last of equal points, like `_ends` of the NumPy version
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
