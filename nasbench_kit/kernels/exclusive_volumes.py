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

__all__ = ["exclusive_volume", "least_exclusive", "scale", "tight_boxes"]


def least_exclusive(points: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices of the points of a front with the least exclusive volume; several if these are equal.

    Parameters
    ----------
    points : ndarray of float, shape (n, m)
        Finite values without duplicates, none of which dominates another.

    Notes
    -----
    Volumes by moocore, whose rounding differs, tell which points may have the least one; `exclusive_volume`, as in
    compiled loops, decides among these.
    """
    n, m = points.shape
    front, top = np.ascontiguousarray(points.T), np.empty(m)
    scale(front, n, top)
    low = front.min(axis=1)
    volumes = moocore.hv_contributions((front - low[:, np.newaxis]).T, ref=top - low)
    # coordinates are at most 4; sums of n terms, each of n differences, are rounded
    rounding = 4.0**m * n**2 * np.finfo(np.float64).eps
    least: NDArray[np.intp] = np.flatnonzero(volumes <= volumes.min() + rounding)
    if len(least) == 1:
        return least
    upper, volume, work = np.empty((m, n)), np.empty(n), workspace(m, n)
    tight_boxes(front, n, top, upper, volume, work[0])
    exact = np.array([exclusive_volume(front, n, p, upper, np.inf, *work) for p in least.tolist()])
    tied: NDArray[np.intp] = least[exact == exact.min()]
    return tied


def workspace(m: int, n: int) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """Arrays in which the volumes of a front of at most n points are computed."""
    return np.empty(n, dtype=np.intp), np.empty((m, n)), np.empty((2 + n * (m - 1), 2, m))


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
    volume: NDArray[np.float64],
    above: NDArray[np.intp],
) -> None:
    """Upper ends (m, points) of the smallest boxes with the exclusive volumes of n points, and the boxes' volumes.

    A point that is worse than another in one objective alone bounds the other's box there.
    """
    m = len(front)
    for p in range(n):
        for j in range(m):
            upper[j, p] = top[j]
        for i in range(n):
            above[i] = 0
        for j in range(m):
            own = front[j, p]
            for i in range(n):
                above[i] += front[j, i] > own
        for i in range(n):
            if above[i] == 1:
                for j in range(m):
                    if front[j, i] > front[j, p]:
                        upper[j, p] = min(upper[j, p], front[j, i])
        volume[p] = 1.0
        for j in range(m):
            volume[p] *= upper[j, p] - front[j, p]


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
        A `workspace`.
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
