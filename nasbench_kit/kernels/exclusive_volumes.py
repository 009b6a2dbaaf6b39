"""The least exclusive volume of a front of three or more objectives: what only one of its points dominates.

A point's exclusive volume is that of its box up to a reference point, less what the others dominate of it. It is summed
up of boxes that no other point reaches: a box is split at the point that dominates most of it into what lies before
that point in the first objective, what lies before it in the second and not in the first, and so on, until no point is
left. All terms are positive, so that a sum that exceeds the least volume so far need not be continued.

The reference point is worse than the worst values of the front by as much as these differ from the best ones.
"""

from __future__ import annotations

import math

import moocore
import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import part

__all__ = ["exclusive_volume", "least_of_fronts", "scale", "tight_boxes"]

# Bound on the rounding of moocore's volumes as a share of the whole box; the largest found are 5e-13, from five objectives
ROUNDING = 1e-11


def least_of_fronts(F: NDArray[np.float64], twin: NDArray[np.bool_], bounds: NDArray[np.intp]) -> NDArray[np.intp]:
    """Indices of the points with the least exclusive volume of each front; several where these are equal.

    Parameters
    ----------
    F : ndarray of float, shape (m, k)
        Points of the fronts, one front after the other; none dominates another of its front.
    twin : ndarray of bool, shape (k,)
        Whether a point has the same values as another of its front. These have no exclusive volume.
    bounds : ndarray of int, shape (fronts + 1,)
        Where each front begins, and the end.

    Notes
    -----
    Volumes by moocore, whose rounding differs, tell which points may have the least one; `exclusive_volume`, as in
    compiled loops, decides among these.
    """
    sizes, starts = np.diff(bounds), bounds[:-1]
    with_twins = np.logical_or.reduceat(twin, starts)
    least = twin | np.repeat(sizes == 1, sizes)
    fronts = np.flatnonzero(~with_twins & (sizes > 1))
    if not len(fronts):
        return np.flatnonzero(least)
    kept = np.repeat(~with_twins & (sizes > 1), sizes)
    points, sizes = F[:, kept], sizes[fronts]
    begins = np.append(0, np.cumsum(sizes))
    # as `scale`, for all fronts at once
    low, high = np.minimum.reduceat(points, begins[:-1], axis=1), np.maximum.reduceat(points, begins[:-1], axis=1)
    exponent = np.frexp(high * 0.5 - low * 0.5)[1]
    unit = np.where(high > low, np.ldexp(1.0, -np.maximum(exponent, -1000)), 0.0)
    low, high = low * unit, high * unit
    top = np.where(unit > 0, high + (high - low), 1.0)
    points = points * np.repeat(unit, sizes, axis=1)
    shifted = np.ascontiguousarray((points - np.repeat(low, sizes, axis=1)).T)
    references = (top - low).T
    for i, front in enumerate(fronts.tolist()):
        begin, end = begins[i], begins[i + 1]
        volumes = moocore.hv_contributions(shifted[begin:end], ref=references[i])
        rounding = ROUNDING * references[i].prod()
        lowest = volumes.min()
        # a point that another dominates once rounded counts for nothing in moocore, but takes from the other's volume
        near = np.flatnonzero(volumes <= (lowest + rounding if lowest > rounding else np.inf))
        if len(near) > 1:
            near = _least_among(near, points[:, begin:end], top[:, i])
        least[starts[front] + near] = True
    return np.flatnonzero(least)


def _least_among(near: NDArray[np.intp], front: NDArray[np.float64], top: NDArray[np.float64]) -> NDArray[np.intp]:
    """Those of some points of a scaled front (m, n) that have the least exclusive volume, as compiled loops add it up."""
    m, n = front.shape
    inside, upper, others = np.empty(n, dtype=np.intp), np.empty((m, n)), np.empty((m, n))
    boxes = np.empty((2 + n * (m - 1), 2, m))
    exact = np.empty(len(near))
    for i, p in enumerate(near.tolist()):
        above = front > front[:, p, np.newaxis]
        upper[:, p] = np.where(above & (above.sum(axis=0) == 1), front, top[:, np.newaxis]).min(
            axis=1
        )  # as `tight_boxes`
        exact[i] = exclusive_volume(front, n, p, upper, np.inf, inside, others, boxes)
    least: NDArray[np.intp] = near[exact == exact.min()]
    return least


@part
def scale(front: NDArray[np.float64], n: int, top: NDArray[np.float64]) -> None:
    """Scale the first n points of a front (m, points) by powers of two, which is exact, and set the reference point.

    The range of each objective becomes 1 to 2, so that no product of differences overflows. An objective that is the
    same for all points becomes 0.
    """
    for j in range(len(front)):
        low = high = front[j, 0]
        for i in range(1, n):
            value = front[j, i]
            low = value if value < low else low
            high = value if value > high else high
        unit = 0.0
        if high > low:
            exponent = math.frexp(high * 0.5 - low * 0.5)[1]
            unit = math.ldexp(1.0, -max(exponent, -1000))
        for i in range(n):
            front[j, i] *= unit
        top[j] = high * unit + (high * unit - low * unit) if unit else 1.0


@part
def tight_boxes(
    front: NDArray[np.float64],
    n: int,
    top: NDArray[np.float64],
    upper: NDArray[np.float64],
    above: NDArray[np.intp],
) -> None:
    """Set the upper ends (m, points) of the smallest boxes that hold the exclusive volumes of the first n points.

    A point that is worse than another in one objective alone bounds the other's box there. The boxes of all points are
    compared with one point after the other: there are no branches, and the loops are vectorised.
    """
    m = len(front)
    for j in range(m):
        for p in range(n):
            upper[j, p] = top[j]
    for i in range(n):
        for p in range(n):
            above[p] = 0
        for j in range(m):
            value = front[j, i]
            for p in range(n):
                above[p] += value > front[j, p]
        for j in range(m):
            value = front[j, i]
            for p in range(n):
                bounds = (above[p] == 1) & (value > front[j, p]) & (value < upper[j, p])
                upper[j, p] = value if bounds else upper[j, p]


@part
def exclusive_volume(
    front: NDArray[np.float64],
    n: int,
    p: int,
    upper: NDArray[np.float64],
    limit: float,
    inside: NDArray[np.intp],
    others: NDArray[np.float64],
    boxes: NDArray[np.float64],
) -> float:
    """Exclusive volume of point p of the first n of a front (m, points), or any number above ``limit`` if it exceeds that.

    Parameters
    ----------
    front : ndarray of float, shape (m, points)
    n, p : int
    upper : ndarray of float, shape (m, points)
        From `tight_boxes`.
    limit : float
    inside, others, boxes : ndarray
        Working space: (points,), (m, points), and (2 + points (m - 1), 2, m).
    """
    m = len(front)
    for i in range(n):
        inside[i] = 1
    inside[p] = 0
    for j in range(m):
        end = upper[j, p]
        for i in range(n):
            inside[i] &= front[j, i] < end
    count = 0
    for i in range(n):
        if inside[i]:
            for j in range(m):
                others[j, count] = front[j, i]
            count += 1
    for j in range(m):
        boxes[0, 0, j], boxes[0, 1, j] = front[j, p], upper[j, p]
    depth, total = 1, 0.0
    while depth and total <= limit:
        depth -= 1
        best, most = -1, -1.0
        for i in range(count):
            share = 1.0
            for j in range(m):
                low, high = boxes[depth, 0, j], boxes[depth, 1, j]
                value = others[j, i]
                if value >= high:
                    share = -1.0
                    break
                share *= high - (value if value > low else low)
            if share > most:
                best, most = i, share
        if best < 0:
            share = 1.0
            for j in range(m):
                share *= boxes[depth, 1, j] - boxes[depth, 0, j]
            total += share
            continue
        # what lies before the point in an objective is a box of its own; the rest is split further, and the last rest is
        # what the point dominates
        for j in range(m):
            value = others[j, best]
            if value > boxes[depth, 0, j]:
                for k in range(m):
                    boxes[depth + 1, 0, k], boxes[depth + 1, 1, k] = boxes[depth, 0, k], boxes[depth, 1, k]
                boxes[depth, 1, j] = value
                boxes[depth + 1, 0, j] = value
                depth += 1
    return total
