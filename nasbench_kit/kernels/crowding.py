"""Non-dominated sorting and crowding distances, over all runs at once, and who survives by them.

With two objectives everything but the sorting is done on different points alone: a search has many that are equal.
"""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled
from nasbench_kit.kernels.hashing import mix
from nasbench_kit.kernels.sorting import order_by_two, order_of_pairs, take, whole_numbers

__all__ = ["rank_and_crowding", "survivors"]

CROWDING_BITS = 24  # to which crowding distances are rounded


def survivors(F: NDArray[np.float64], n: int, ties: NDArray[np.uint32] | None = None) -> NDArray[np.intp]:
    """The best ``n`` points of each run by domination rank, then crowding distance, best first.

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, m)
        Objective values, minimised.
    n : int
    ties : ndarray of uint32, shape (runs, points), optional
        Random words, of the points in order of their objectives. They draw which of equal points have neighbours at a
        distance (see `rank_and_crowding`); and of points of equal rank and distance the one with the lower word comes first.

    Returns
    -------
    ndarray of int, shape (runs, n)
        Positions in ``F.reshape(-1, m)``.
    """
    points, m = F.shape[1:]
    # rank, distance, tie and position side by side in one number: its sort sorts by all of them
    place = points.bit_length()
    crowding = min(CROWDING_BITS, 63 - 2 * place)
    tie = min(63 - 2 * place - crowding, 32)
    if ties is None:
        ties = np.zeros(F.shape[:2], dtype=np.uint32)
    if enabled() and m == 2 and tie:
        order = order_of_pairs(F)
        key = _survival_keys(np.ascontiguousarray(F), order, n, ties, crowding, tie, place)
    else:
        order, rank, distance = rank_and_crowding(F, n, ties)
        # Distances are at most m, but infinite at a front's ends. Steps of 2**-22 are below any difference that matters,
        # and far above rounding.
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
    """The points of each run by ascending objectives, with their domination ranks and crowding distances.

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, m)
        Objective values, minimised; points with an infinite one are unknown, and come after all others.
    enough : int, optional
        Once a run has so many points ranked, those left in it share the next rank, and have no distance.
    words : ndarray of uint32, shape (runs, points), optional
        Random words of the points in their order: they draw where each of several equal points stands among them.

    Returns
    -------
    order : ndarray of int, shape (runs, points)
        Positions in ``F.reshape(-1, m)``. Equal points stay in order.
    rank : ndarray of int, shape (runs, points)
        From 0, of the points in this order; those that are unknown come last, and have no distance.
    distance : ndarray of float, shape (runs, points)
        ``inf`` at both ends of a front in any objective; else the sum over objectives of the gap between a point's two
        neighbours, as a share of the front's range. The front is sorted anew for each objective, equal points each time in
        another random order: only the first and the last of them have a neighbour at a distance, or are at an end, and which
        ones these are is drawn for each objective. Source: Deb et al. 2002 (IEEE TEC 6(2)), section III-B, and the
        authors' program, whose sort is a randomised one.
    """
    if words is None:
        words = np.zeros(F.shape[:2], dtype=np.uint32)
    if F.shape[2] == 2:
        return _of_two(F, F.shape[1] if enough is None else enough, words)
    return _of_many(F, words)


def _of_two(
    F: NDArray[np.float64], enough: int, words: NDArray[np.uint32]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    runs, points = F.shape[:2]
    first, second = np.ascontiguousarray(F[..., 0]), np.ascontiguousarray(F[..., 1])
    first_code, first_bits = whole_numbers(first)
    second_code, second_bits = whole_numbers(second)
    order, along_first, along_second = order_by_two(first_code, first_bits, second_code, second_bits)
    along_first, along_second = along_first.ravel(), along_second.ravel()
    # of equal points the first leads: what is found for it holds for them all
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
    # turned upside down, with every run above the one before it, so that one running maximum serves them all
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
    """Domination ranks of different points, by run and ascending first objective, front by front.

    A point is on the first front where its second objective lies below that of every point before it.

    Parameters
    ----------
    depth : ndarray of int, shape (k,)
        How low the second objective is; every run lies above the one before it.
    run : ndarray of int, shape (k,)
    alike : ndarray of int, shape (k,)
        How many points each stands for.
    known : ndarray of bool, shape (k,)
        The others come last.
    runs : int
    enough : int
        Once a run has so many points ranked, those left in it share the next rank.

    Returns
    -------
    rank : ndarray of int, shape (k,)
    fronts : list of ndarrays of int
        The points of each front, in order.
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
    """Of ``count`` equal points the two that are next to others, drawn by the halves of a random word; 0 and 0 of one."""
    first = (word & np.uint32(0xFFFF)) * count >> 16
    last = first - 1 - ((word >> np.uint32(16)) * (count - 1) >> 16)
    return first, np.where(last < 0, last + count, last)


def _gaps(values: NDArray[np.float64], starts: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far it is to the neighbours before and after, as a share of the front's range; ``inf`` beyond its ends.

    Parameters
    ----------
    values : ndarray of float, shape (k,)
        One objective of points front after front, each front in order.
    starts : ndarray of int
        Where each front begins.
    """
    gap = np.zeros(len(values) + 1)
    if len(starts):  # else no point has known objectives
        ends = np.append(starts[1:], len(values)) - 1
        span = np.abs(values[ends] - values[starts])
        scale = np.divide(1, span, out=np.zeros_like(span), where=span > 0)
        with np.errstate(over="ignore"):  # from one front to the next, where it is overwritten
            np.abs(np.subtract(values[1:], values[:-1], out=gap[1:-1]), out=gap[1:-1])
            gap[:-1] *= np.repeat(scale, ends - starts + 1)
        gap[starts] = gap[-1] = np.inf
    return gap[:-1], gap[1:]


def _of_many(
    F: NDArray[np.float64], words: NDArray[np.uint32]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Any number of objectives, a front at a time."""
    runs, points, m = F.shape
    order = np.lexsort(np.moveaxis(F, 2, 0)[::-1], axis=1) + (np.arange(runs) * points)[:, np.newaxis]
    F = F.reshape(-1, m).take(order, axis=0)
    unknown = np.isinf(F.max(axis=2))
    # where the words are all equal, so are these: equal points then stay in order
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
    """The numbers that `survivors` sorts, for two objectives.

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
