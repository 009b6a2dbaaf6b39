"""Non-domination ranks for any number of objectives, vectorised over runs.

Values are replaced by their places among the sorted values of their objective, which are small integers. The points that
dominate a point are then the intersection of sets of bits, one set per objective: O(m n**2 / 64) for n points.
"""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled
from nasbench_kit.kernels.sorting import stable_order, take, whole_numbers

__all__ = ["dominators", "lexicographic", "ranks_of_sorted"]

MOST_POINTS = 4096  # points per run beyond which sets of bits take too much memory, and moocore is as fast
WORD = 64  # bits of a word of a set


def lexicographic(F: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Sort the points of each run by objectives, and find the place of each value among those of its objective.

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, m)
        Objective values without ``nan``.

    Returns
    -------
    order : ndarray of int, shape (runs, points)
        Positions in ``F.reshape(-1, m)``, by the first objective, then the second, and so on. The order is stable.
    heights : ndarray of int, shape (m, runs, points)
        For each of the sorted points and each objective, the number of points of the run with a lower or equal value,
        minus one.
    """
    runs, points, m = F.shape
    heights = np.empty((m, runs, points), dtype=np.intp)
    places = np.arange(points)
    ends = np.empty((runs, points), dtype=np.intp)
    for objective in range(m):
        code, bits = whole_numbers(np.ascontiguousarray(F[..., objective]))
        by_value = stable_order(code, bits)
        ascending = take(code, by_value)
        ends[:, :-1] = np.where(ascending[:, 1:] != ascending[:, :-1], places[:-1], points)
        ends[:, -1] = points - 1
        last_of_equals = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
        heights[objective].reshape(-1)[by_value.reshape(-1)] = last_of_equals.reshape(-1)
    # sort by as many objectives at a time as fit into a word, from the last ones to the first ones
    place = points.bit_length()
    together = max((WORD - place) // place, 1)
    order = None
    for end in range(m, 0, -together):
        begin = max(end - together, 0)
        code = np.zeros((runs, points), dtype=np.uint64)
        for objective in range(begin, end):
            code <<= np.uint64(place)
            code |= heights[objective].view(np.uint64)
        bits = (end - begin) * place
        order = stable_order(code, bits) if order is None else take(order, stable_order(take(code, order), bits))
    assert order is not None
    return order, heights.reshape(m, -1).take(order.reshape(-1), axis=1).reshape(heights.shape)


def ranks_of_sorted(heights: NDArray[np.intp], known: NDArray[np.bool_], enough: int | None = None) -> NDArray[np.intp]:
    """Non-domination ranks from 0 of the points of each run, sorted as by `lexicographic`: (runs, points).

    Parameters
    ----------
    heights : ndarray of int, shape (m, runs, points)
        From `lexicographic`.
    known : ndarray of bool, shape (runs, points)
        False for failures, whose rank is the number of points.
    enough : int, optional
        Stop ranking a run after this many points; the remaining points share the next rank.
    """
    points = known.shape[1]
    wanted = points if enough is None else enough
    if points > MOST_POINTS:
        return _ranks_by_moocore(heights, known)
    if enabled():
        rank: NDArray[np.intp] = _ranks(heights, known)
        return rank
    return _peeled(heights, known, wanted)


def _ranks_by_moocore(heights: NDArray[np.intp], known: NDArray[np.bool_]) -> NDArray[np.intp]:
    """`ranks_of_sorted` of one run at a time, without sets of bits."""
    rank = np.full(known.shape, known.shape[1], dtype=np.intp)
    for run, is_known in enumerate(known):
        rank[run, is_known] = moocore.pareto_rank(heights[:, run, is_known].T.astype(np.float64))
    return rank


def dominators(heights: NDArray[np.intp]) -> NDArray[np.uint64]:
    """The points that dominate each point, as sets of bits: (m, runs, points) to (words, runs, points).

    Bit i of a set, which is bit i % 64 of word i // 64, stands for the i-th sorted point of the run.
    """
    _, runs, points = heights.shape
    words = -(-points // WORD)
    places = np.arange(points)
    starts = (np.arange(runs) * points)[:, np.newaxis]
    bits = np.zeros((words, points), dtype=np.uint64)
    bits[places // WORD, places] = np.uint64(1) << (places % WORD).astype(np.uint64)
    # only points that are sorted before a point and differ from it can dominate it
    fresh = np.zeros((runs, points), dtype=np.bool_)
    for height in heights:
        fresh[:, 1:] |= height[:, 1:] != height[:, :-1]
    first_equal = np.maximum.accumulate(np.where(fresh, places, 0), axis=1)
    sets: NDArray[np.uint64] = (np.cumsum(bits, axis=1) - bits).take(first_equal, axis=1)
    for height in heights[1:]:
        ascending = stable_order(height.view(np.uint64), points.bit_length()) - starts
        last = height + starts
        for word in range(words):
            # of the points with the lowest values so far; no two have the same bit, so that the sum is the union
            lowest = np.cumsum(bits[word].take(ascending), axis=1)
            sets[word] &= take(lowest, last)
    return sets


def _peeled(heights: NDArray[np.intp], known: NDArray[np.bool_], enough: int) -> NDArray[np.intp]:
    """`ranks_of_sorted` by peeling off fronts."""
    runs, points = known.shape
    sets = dominators(heights)
    rank = np.full((runs, points), points, dtype=np.intp)
    left = known.copy()
    missing = np.minimum(np.count_nonzero(known, axis=1), enough)
    packed = np.zeros((runs, len(sets) * WORD // 8), dtype=np.uint8)
    fronts = 0
    while True:
        rank[left] = fronts
        left[missing <= 0] = False
        if not left.any():
            return rank
        packed[:, : -(-points // 8)] = np.packbits(left, axis=1, bitorder="little")
        words = packed.view("<u8").T.astype(np.uint64)[:, :, np.newaxis]
        behind = sets[0] & words[0]
        for word in range(1, len(sets)):
            behind |= sets[word] & words[word]
        stay = left & (behind != 0)
        missing -= np.count_nonzero(left, axis=1) - np.count_nonzero(stay, axis=1)
        left = stay
        fronts += 1


@compiled
def _ranks(heights: NDArray[np.intp], known: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Compiled version of `ranks_of_sorted`: intersect sets of bits, then search the front of one distinct point at a time."""
    m, runs, points = heights.shape
    rank = np.full((runs, points), points, dtype=np.intp)
    words = (points + 63) // 64
    number = np.empty(points, dtype=np.intp)  # of each point, its distinct point; -1 for failures
    lead = np.empty(points, dtype=np.intp)  # of each distinct point, the first of the equal points
    sets = np.empty((points, words), dtype=np.uint64)  # the points that dominate each distinct point
    fronts = np.empty((points, words), dtype=np.uint64)
    lowest = np.empty(words, dtype=np.uint64)
    head = np.empty(points, dtype=np.intp)  # of each height, the first distinct point in a linked list
    tail = np.empty(points, dtype=np.intp)  # the list's next one
    front = np.empty(points, dtype=np.intp)
    for run in range(runs):
        different = 0
        for i in range(points):
            number[i] = -1
            if known[run, i]:
                fresh = i == 0
                for objective in range(m):
                    fresh = fresh or heights[objective, run, i] != heights[objective, run, i - 1]
                if fresh:
                    lead[different] = i
                    different += 1
                number[i] = different - 1
        for k in range(different):  # the points before it
            for word in range(k // 64 + 1):
                sets[k, word] = ~np.uint64(0)
            sets[k, k // 64] = (np.uint64(1) << np.uint64(k % 64)) - np.uint64(1)
        for objective in range(1, m):
            head[:] = -1
            for k in range(different):
                height = heights[objective, run, lead[k]]
                tail[k] = head[height]
                head[height] = k
            lowest[:] = 0
            for height in range(points):
                k = head[height]
                while k >= 0:
                    lowest[k // 64] |= np.uint64(1) << np.uint64(k % 64)
                    k = tail[k]
                k = head[height]
                while k >= 0:
                    for word in range(k // 64 + 1):
                        sets[k, word] &= lowest[word]
                    k = tail[k]
        used = 0
        for k in range(different):
            # if a front dominates a point, so do all fronts before it: bisect
            low, high = 0, used
            while low < high:
                middle = (low + high) // 2
                some = np.uint64(0)
                for word in range(k // 64 + 1):
                    some |= sets[k, word] & fronts[middle, word]
                if some:
                    low = middle + 1
                else:
                    high = middle
            if low == used:
                fronts[used, :] = 0
                used += 1
            fronts[low, k // 64] |= np.uint64(1) << np.uint64(k % 64)
            front[k] = low
        for i in range(points):
            if number[i] >= 0:
                rank[run, i] = front[number[i]]
    return rank
