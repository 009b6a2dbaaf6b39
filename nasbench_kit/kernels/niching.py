"""Survival selection of NSGA-III, vectorised over runs: normalisation, association with directions, niching.

Source: Deb and Jain 2014 (IEEE TEC 18(4)), algorithms 1 to 4.
"""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled
from nasbench_kit.kernels.crowding import rank_and_crowding
from nasbench_kit.kernels.hashing import mix
from nasbench_kit.kernels.ranks import FEW_RUNS, known_points, lexicographic, ranks_of_sorted
from nasbench_kit.kernels.sorting import stable_order

__all__ = ["associate", "intercepts", "niched_survivors", "nondomination_ranks"]

OFF_AXIS = 1e6  # weight of the other objectives when the extreme point of an axis is sought (the paper's 1 / 10^-6)
FLAT = 1e-10  # determinant below which extreme points do not span a hyperplane; objectives are scaled to 0 ... 1
BLOCK = 2**16  # projections computed at a time, to stay in the cache
SIDE = 256  # points whose projections the compiled loop computes at a time


def niched_survivors(
    F: NDArray[np.float64],
    n: int,
    directions: NDArray[np.float64],
    ideal: NDArray[np.float64],
    words: NDArray[np.uint32],
) -> NDArray[np.intp]:
    """Members of each run that survive: all fronts that fit, and from the next one those in the emptiest niches.

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, m)
        Objective values, minimised; points with an infinite value are failures and come last.
    n : int
        Number of survivors per run, at most ``points``.
    directions : ndarray of float, shape (h, m)
        Reference directions.
    ideal : ndarray of float, shape (runs, m)
        Best value of each objective that each run has seen.
    words : ndarray of uint32, shape (runs, points)
        Random words, which break ties between niches and draw the members of niches that are not empty.

    Returns
    -------
    ndarray of int, shape (runs, n)
        Positions in ``F.reshape(-1, m)``, in no meaningful order.
    """
    runs, points, m = F.shape
    rank = nondomination_ranks(F, n)
    last = np.partition(rank, n - 1, axis=1)[:, n - 1 : n]
    known = known_points(F)
    T = np.zeros(F.shape)
    np.subtract(F, ideal[:, np.newaxis], out=T, where=known[..., np.newaxis])
    T /= intercepts(T, known & (rank == 0), known & (rank <= last))[:, np.newaxis]
    niche = np.full(runs * points, len(directions), dtype=np.intp)
    distance = np.empty(runs * points)
    members = np.flatnonzero(rank <= last)
    niche[members], distance[members] = associate(T.reshape(-1, m).take(members, axis=0), directions)
    # Niches are filled one by one, each time the emptiest one first. A candidate's level is the number of members that
    # its niche has before it is taken, so that taking the lowest levels, in random order within a level, is the same.
    candidate = rank == last
    level = np.where(rank < last, 0, 2 * points)
    of_run = niche.reshape(runs, points) + (np.arange(runs) * (len(directions) + 1))[:, np.newaxis]
    count = np.bincount(of_run[rank < last], minlength=runs * (len(directions) + 1))
    code = np.where(candidate, niche.reshape(runs, points), len(directions)).astype(np.uint64)
    code <<= np.uint64(32)
    code |= words
    order = stable_order(code, 32 + len(directions).bit_length())
    order = order[np.take_along_axis(candidate, order - (np.arange(runs) * points)[:, np.newaxis], axis=1)]
    niche, distance = of_run.reshape(-1).take(order), distance.take(order)
    starts = np.flatnonzero(_starts(niche))
    begins = np.repeat(starts, np.diff(starts, append=len(order)))
    within = np.arange(len(order)) - begins
    # only the first member of an empty niche is the nearest one, all others are drawn at random
    near = np.flatnonzero(distance == np.minimum.reduceat(distance, starts).take(np.cumsum(_starts(niche)) - 1))
    near = near[_starts(niche.take(near)) & (count.take(niche.take(near)) == 0)]
    ahead = np.zeros(len(order) + 1, dtype=np.intp)  # those that were before it move back
    ahead[begins.take(near)] += 1
    ahead[near] -= 1
    within += np.cumsum(ahead)[:-1]
    within[near] = 0
    level.reshape(-1)[order] = 1 + count.take(niche) + within
    # pack level, tie and position into one integer; the tie must not depend on the order within the niche
    place = points.bit_length()
    tie = mix(words.astype(np.uint64)) >> np.uint64(64 - min(61 - 2 * place, 32))
    key = level << min(61 - 2 * place, 32)
    key |= tie.astype(np.int64)
    key <<= place
    key |= np.arange(points)
    key.sort(axis=1)
    survivors: NDArray[np.intp] = (key[:, :n] & (2**place - 1)) + (np.arange(runs) * points)[:, np.newaxis]
    return survivors


def nondomination_ranks(F: NDArray[np.float64], enough: int | None = None) -> NDArray[np.intp]:
    """Non-domination ranks from 0: (runs, points, m) to (runs, points); failures are behind all other points of a run.

    If ``enough`` is given, ranks beyond the first ``enough`` points of a run may be too low, but are higher than those
    of these points.
    """
    known = known_points(F)
    rank = np.empty(known.shape, dtype=np.intp)
    if F.shape[2] > 2 and len(F) < FEW_RUNS and not enabled():
        for of_run, values in zip(rank, F, strict=True):
            of_run[:] = moocore.pareto_rank(values)
    else:
        if F.shape[2] == 2 and not enabled():
            order, sorted_rank, _ = rank_and_crowding(F, enough)
        else:
            order, heights = lexicographic(F)
            sorted_rank = ranks_of_sorted(order, heights, known.reshape(-1).take(order), enough)
        rank.reshape(-1)[order] = sorted_rank
    behind = np.where(known, rank, -1).max(axis=1, keepdims=True) + 1
    return np.where(known, rank, behind)


def intercepts(T: NDArray[np.float64], first: NDArray[np.bool_], members: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Where the hyperplane through the extreme points of each run meets the axes: (runs, m).

    Parameters
    ----------
    T : ndarray of float, shape (runs, points, m)
        Objective values minus the ideal point.
    first : ndarray of bool, shape (runs, points)
        Points of the first front, among which the extreme points are sought.
    members : ndarray of bool, shape (runs, points)
        Points of all fronts that are considered.

    Returns
    -------
    ndarray of float
        Positive. The paper leaves three cases open. If there is no hyperplane, or it does not meet all axes, the worst
        values of the first front are returned. No intercept is beyond the worst value of the members. An objective in
        which the first front is constant has the worst value of the members.
    """
    runs, _, m = T.shape
    worst = np.where(members[..., np.newaxis], T, 0.0).max(axis=1)
    worst = np.where(worst > 0, worst, 1.0)
    span = np.where(first[..., np.newaxis], T, 0.0).max(axis=1)
    span = np.where(span > 0, span, worst)
    extreme = np.empty((runs, m, m))
    for axis in range(m):
        achieved = T[..., axis].copy()
        for other in range(m):
            if other != axis:
                np.maximum(achieved, OFF_AXIS * T[..., other], out=achieved)
        extreme[:, axis] = T[np.arange(runs), np.where(first, achieved, np.inf).argmin(axis=1)]
    extreme /= span[:, np.newaxis]
    extreme[np.abs(np.linalg.det(extreme)) < FLAT] = np.eye(m)
    plane = np.linalg.solve(extreme, np.ones((runs, m, 1)))[..., 0]
    meets = (plane > 0).all(axis=1, keepdims=True)
    met = span / np.where(meets, plane, 1.0)
    return np.minimum(met, worst)


def associate(N: NDArray[np.float64], directions: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Nearest reference direction of each point, and the squared perpendicular distance to it: (k, m) to (k,) and (k,).

    Of equally near directions, the first is returned.
    """
    unit = directions / np.sqrt((directions**2).sum(axis=1, keepdims=True))
    if N.shape[1] == 2:
        # the directions are sorted by angle, so that bisectors separate them
        middle = unit[1:] + unit[:-1]
        total = N.sum(axis=1)
        share = np.divide(N[:, 0], total, out=np.zeros(len(N)), where=total > 0)
        nearest = np.searchsorted(middle[:, 0] / middle.sum(axis=1), share)
    elif enabled():
        nearest = _longest_projections(np.ascontiguousarray(N.T), unit)
    else:
        # The nearest direction is that with the longest projection. Not a matrix product, whose rounding may depend on
        # the number of points.
        nearest = np.empty(len(N), dtype=np.intp)
        step = max(BLOCK // len(unit), 1)
        for begin in range(0, len(N), step):
            block = N[begin : begin + step]
            projection = block[:, :1] * unit[:, 0]
            for objective in range(1, N.shape[1]):
                projection += block[:, objective : objective + 1] * unit[:, objective]
            nearest[begin : begin + step] = projection.argmax(axis=1)
    rest = N.copy()
    along = np.zeros(len(N))
    chosen = unit[nearest]
    for values, parts in zip(N.T, chosen.T, strict=True):
        along += values * parts
    rest -= along[:, np.newaxis] * chosen
    return nearest, np.square(rest, out=rest).sum(axis=1)


@compiled
def _longest_projections(N: NDArray[np.float64], unit: NDArray[np.float64]) -> NDArray[np.intp]:
    """The unit vector (h, m) on which the projection of each point (m, k) is longest, of several the first: (k,)."""
    m, k = N.shape
    nearest = np.zeros(k, dtype=np.intp)
    longest, projection = np.empty(SIDE), np.empty(SIDE)
    where = np.empty(SIDE, dtype=np.intp)
    for begin in range(0, k, SIDE):
        size = min(SIDE, k - begin)
        longest[:] = -np.inf
        for direction in range(len(unit)):
            part = unit[direction, 0]
            for i in range(size):
                projection[i] = N[0, begin + i] * part
            for objective in range(1, m):
                part = unit[direction, objective]
                for i in range(size):
                    projection[i] += N[objective, begin + i] * part
            for i in range(size):
                longer = projection[i] > longest[i]
                longest[i] = projection[i] if longer else longest[i]
                where[i] = direction if longer else where[i]
        nearest[begin : begin + size] = where[:size]
    return nearest


def _starts(group: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether each element of a sorted array is the first of its value."""
    starts = np.ones(len(group), dtype=np.bool_)
    starts[1:] = group[1:] != group[:-1]
    return starts
