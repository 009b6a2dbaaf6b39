"""Non-dominated sorting and crowding distances, over all runs at once.

With two objectives everything but the sorting is done on different points alone: a search has many that are equal.
"""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import NDArray

from nasbench_kit.sorting import order_by_two, take, whole_numbers

__all__ = ["rank_and_crowding"]


def rank_and_crowding(
    F: NDArray[np.float64], enough: int | None = None
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """The points of each run by ascending objectives, with their domination ranks and crowding distances.

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, m)
        Objective values, minimised; points with an infinite one are unknown, and come after all others.
    enough : int, optional
        Once a run has so many points ranked, those left in it share the next rank, and have no distance.

    Returns
    -------
    order : ndarray of int, shape (runs, points)
        Positions in ``F.reshape(-1, m)``. Equal points stay in order.
    rank : ndarray of int, shape (runs, points)
        From 0, of the points in this order; those that are unknown come last, and have no distance.
    distance : ndarray of float, shape (runs, points)
        ``inf`` at both ends of a front in any objective; else the sum over objectives of the gap between a point's two
        neighbours, as a share of the front's range. Of equal points the first and the last are the neighbours of others.
        Source: Deb et al. 2002 (IEEE TEC 6(2)), section III-B.
    """
    if F.shape[2] == 2:
        return _of_two(F, F.shape[1] if enough is None else enough)
    return _of_many(F)


def _of_two(F: NDArray[np.float64], enough: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
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
    before, after = _gaps([objective.take(members) for objective in values], np.flatnonzero(starts))
    # of several equal points the first has a neighbour before it, the last has one after it, those between have none
    distance = np.zeros(runs * points)
    place, alone = leaders.take(members), alike.take(members) == 1
    distance[place] = before
    distance[place + alike.take(members) - 1] = np.where(alone, before + after, after)
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


def _gaps(
    objectives: list[NDArray[np.float64]], starts: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far it is to the neighbours before and after: the sum over objectives, each as a share of its front's range.

    Parameters
    ----------
    objectives : list of ndarrays of float, shape (k,)
        Of points front after front, each front in order.
    starts : ndarray of int
        Where each front begins.
    """
    ends = np.append(starts[1:], len(objectives[0])) - 1
    gap = np.zeros(len(objectives[0]))
    if not len(starts):  # no point has known objectives
        return gap, gap
    for values in objectives:
        span = np.abs(values[ends] - values[starts])
        scale = np.divide(1, span, out=np.zeros_like(span), where=span > 0)
        with np.errstate(over="ignore"):  # from one front to the next, where it is overwritten
            gap[1:] += np.abs(values[1:] - values[:-1]) * np.repeat(scale, ends - starts + 1)[1:]
    gap[starts] = np.inf
    after = np.append(gap[1:], np.inf)
    return gap, after


def _of_many(F: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Any number of objectives, a front at a time."""
    runs, points, m = F.shape
    order = np.lexsort(np.moveaxis(F, 2, 0)[::-1], axis=1) + (np.arange(runs) * points)[:, np.newaxis]
    F = F.reshape(-1, m).take(order, axis=0)
    unknown = np.isinf(F.max(axis=2))
    rank, distance = np.empty((runs, points), dtype=np.intp), np.zeros((runs, points))
    for run in range(runs):
        rank[run] = moocore.pareto_rank(F[run])
        rank[run][unknown[run]] = points
        for front in range(int(rank[run][~unknown[run]].max(initial=-1)) + 1):
            members = np.flatnonzero(rank[run] == front)
            for values in F[run, members].T:
                by_value = values.argsort(kind="stable")
                ascending, ends = values[by_value], by_value[[0, -1]]
                span = ascending[-1] - ascending[0]
                if span > 0:
                    distance[run, members[by_value[1:-1]]] += (ascending[2:] - ascending[:-2]) / span
                distance[run, members[ends]] = np.inf
    return order, rank, distance
