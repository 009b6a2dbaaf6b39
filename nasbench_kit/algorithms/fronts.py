"""Non-dominated sorting and crowding distances, over all runs at once.

With two objectives everything but the sorting is done on different points alone: a search has many that are equal.
"""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import NDArray

from nasbench_kit.graphs.hashing import mix
from nasbench_kit.sorting import order_by_two, take, whole_numbers

__all__ = ["rank_and_crowding"]


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
