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
from nasbench_kit.kernels.truncation import squared_distances, truncated

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
        best[some] = truncated(_scaled(F[some]), fitness[some] < 1, n, words[some])
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
            distance = squared_distances(T[:, some // points], T.reshape(len(T), -1)[:, some, np.newaxis])
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
