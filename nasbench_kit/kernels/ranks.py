"""Non-domination ranks for any number of objectives, vectorised over runs.

Values are replaced by their places among the sorted values of their objective, which are small integers. The points that
dominate a point are then the intersection of sets of bits, one set per objective: O(m n**2 / 64) for n points.
"""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled
from nasbench_kit.kernels.sorting import bits_and_shift, heights_of_columns, stable_order, take, whole_numbers

__all__ = ["FEW_RUNS", "TOGETHER", "dominators", "fresh_points", "known_points", "lexicographic", "ranks_of_sorted"]

# points per run beyond which moocore is as fast, with and without compiled loops, and sets of bits take too much memory
MOST_POINTS = {True: 4096, False: 1024}
FEW_RUNS = 8  # below which moocore is faster than NumPy's calls
WORD = 64  # bits of a word of a set
TOGETHER = (
    4096  # values of several objectives up to which they are sorted together: few are bound by calls, many by the cache
)


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
        For each objective and point, the number of points of the run with a lower or equal value, minus one.
    """
    points, m = F.shape[1:]
    place = points.bit_length()
    heights = heights_of_columns(F) if enabled() and F.size else _heights(F)
    # sort by as many objectives at a time as fit into a word, from the last ones to the first ones
    together = max((WORD - place) // place, 1)
    order = None
    for end in range(m, 0, -together):
        begin = max(end - together, 0)
        code = heights[begin].astype(np.uint64)
        for objective in range(begin + 1, end):
            code <<= np.uint64(place)
            code |= heights[objective].view(np.uint64)
        bits = (end - begin) * place
        order = stable_order(code, bits) if order is None else take(order, stable_order(take(code, order), bits))
    assert order is not None
    return order, heights


def _heights(F: NDArray[np.float64]) -> NDArray[np.intp]:
    """The heights that `lexicographic` returns, without compiled loops."""
    runs, points, m = F.shape
    heights = np.empty((m, runs, points), dtype=np.intp)
    columns = np.moveaxis(F, 2, 0)
    places = np.arange(points)
    together = max(TOGETHER // max(runs * points, 1), 1)
    for start in range(0, m, together):
        values = np.ascontiguousarray(columns[start : start + together]).reshape(-1, points)
        code, bits = whole_numbers(values) if together == 1 or not values.size else _whole_columns(values, runs)
        by_value = stable_order(code, bits)
        ascending = take(code, by_value)
        ends = np.full(values.shape, points - 1)
        ends[:, :-1] = np.where(ascending[:, 1:] != ascending[:, :-1], places[:-1], points)
        last_of_equals = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
        heights[start : start + together].reshape(-1)[by_value.reshape(-1)] = last_of_equals.reshape(-1)
    return heights


def _whole_columns(values: NDArray[np.float64], rows: int) -> tuple[NDArray[np.uint64], int]:
    """`whole_numbers` for each column by itself, one after the other: (columns * rows, n)."""
    code = whole_numbers(values)[0].reshape(-1, rows * values.shape[1])
    code -= code.min(axis=1, keepdims=True)
    bits, shifts = zip(*map(bits_and_shift, np.bitwise_or.reduce(code, axis=1).tolist()), strict=True)
    code >>= np.array(shifts, dtype=np.uint64)[:, np.newaxis]
    return code.reshape(values.shape), max(bits)


def fresh_points(order: NDArray[np.intp], heights: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which of the sorted points differ from the one before, or are the first: (runs, points)."""
    fresh = np.zeros(order.shape, dtype=np.bool_)
    fresh[:, 0] = True
    for height in heights:
        ascending = take(height, order)
        fresh[:, 1:] |= ascending[:, 1:] != ascending[:, :-1]
    return fresh


def known_points(F: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points are no failures, that is finite in all objectives: (runs, points, m) to (runs, points)."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(F.sum()):
            return np.ones(F.shape[:2], dtype=np.bool_)
    known: NDArray[np.bool_] = np.isfinite(F).all(axis=2)
    return known


def ranks_of_sorted(
    order: NDArray[np.intp], heights: NDArray[np.intp], known: NDArray[np.bool_], enough: int | None = None
) -> NDArray[np.intp]:
    """Non-domination ranks from 0 of the sorted points of each run: (runs, points).

    Parameters
    ----------
    order : ndarray of int, shape (runs, points)
    heights : ndarray of int, shape (m, runs, points)
        From `lexicographic`.
    known : ndarray of bool, shape (runs, points)
        For the sorted points, False for failures, whose rank is the number of points.
    enough : int, optional
        Ranks beyond the first points of a run, as many as this, may be too low, but are higher than those of these points.
    """
    runs, points = known.shape
    wanted = points if enough is None else enough
    if points > MOST_POINTS[enabled()] or (runs < FEW_RUNS and not enabled()):
        return _ranks_by_moocore(order, heights, known)
    if enabled():
        rank: NDArray[np.intp] = _ranks(order, heights, known, wanted)
        return rank
    return _peeled(dominators(order, heights), known, wanted)


def _ranks_by_moocore(order: NDArray[np.intp], heights: NDArray[np.intp], known: NDArray[np.bool_]) -> NDArray[np.intp]:
    """`ranks_of_sorted` of one run at a time, without sets of bits."""
    rank = np.full(known.shape, known.shape[1], dtype=np.intp)
    for run, is_known in enumerate(known):
        some = order[run, is_known]
        rank[run, is_known] = moocore.pareto_rank(heights.reshape(len(heights), -1)[:, some].T.astype(np.float64))
    return rank


def dominators(order: NDArray[np.intp], heights: NDArray[np.intp]) -> NDArray[np.uint64]:
    """The points that dominate each of the sorted points, as sets of bits: (words, runs, points).

    Bit i of a set, which is bit i % 64 of word i // 64, stands for the i-th sorted point of the run. The arrays are those
    from `lexicographic`.
    """
    runs, points = order.shape
    words = -(-points // WORD)
    places = np.arange(points)
    starts = (np.arange(runs) * points)[:, np.newaxis]
    bits = np.zeros((words, points), dtype=np.uint64)
    bits[places // WORD, places] = np.uint64(1) << (places % WORD).astype(np.uint64)
    # only points that are sorted before a point and differ from it can dominate it
    first_equal = np.maximum.accumulate(np.where(fresh_points(order, heights), places, 0), axis=1)
    sets: NDArray[np.uint64] = (np.cumsum(bits, axis=1) - bits).take(first_equal, axis=1)
    for values in heights[1:]:
        height = take(values, order)
        ascending = stable_order(height.view(np.uint64), points.bit_length()) - starts
        last = height + starts
        for word in range(words):
            # of the points with the lowest values so far; no two have the same bit, so that the sum is the union
            lowest = np.cumsum(bits[word].take(ascending), axis=1)
            sets[word] &= take(lowest, last)
    return sets


def _peeled(sets: NDArray[np.uint64], known: NDArray[np.bool_], enough: int) -> NDArray[np.intp]:
    """`ranks_of_sorted` by peeling off fronts, given `dominators`."""
    runs, points = known.shape
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
def _ranks(
    order: NDArray[np.intp], heights: NDArray[np.intp], known: NDArray[np.bool_], enough: int
) -> NDArray[np.intp]:
    """Compiled version of `ranks_of_sorted`: intersect sets of bits, then peel off fronts of distinct points.

    Inner loops run over points, for which they are vectorised.
    """
    m, runs, points = heights.shape
    rank = np.full((runs, points), points, dtype=np.intp)
    position = np.empty(points, dtype=np.intp)
    fresh = np.empty(points, dtype=np.bool_)  # whether a point differs from the one before
    number = np.empty(points, dtype=np.intp)  # of each point, its distinct point
    at = np.empty(points + 1, dtype=np.intp)  # of each distinct point, the position of the first of the equal points
    copies = np.empty(points + 1, dtype=np.intp)
    sets = np.empty(((points + 63) // 64, points), dtype=np.uint64)  # the points that dominate each distinct point
    own = np.empty((m, points), dtype=np.uint32)  # the height of each distinct point
    lowest = np.empty(points, dtype=np.uint64)  # the points that are not higher
    left = np.empty(len(sets), dtype=np.uint64)
    behind = np.empty(points, dtype=np.uint64)
    level = np.empty(points, dtype=np.intp)
    one = np.uint64(1)
    for run in range(runs):
        for i in range(points):
            position[i] = order[run, i] - run * points
        fresh[:] = False
        fresh[0] = True
        for objective in range(m):
            height = heights[objective, run]
            for i in range(1, points):
                fresh[i] |= height[position[i]] != height[position[i - 1]]
        different = 0
        copies[:] = 0
        for i in range(points):
            if known[run, i]:
                at[different] = position[i]
                different += np.intp(fresh[i])
                copies[different - 1] += 1
                number[i] = different - 1
        words = (different + 63) // 64
        for objective in range(1, m):
            for k in range(different):
                own[objective, k] = heights[objective, run, at[k]]
        for word in range(words):
            # the points before it; parts of arrays, since loops from other places than 0 are not vectorised
            begin = 64 * word
            some = sets[word, begin:different]
            some[:] = ~np.uint64(0)
            for k in range(min(64, len(some))):
                some[k] = (one << np.uint64(k)) - one
            for objective in range(1, m):
                height = own[objective, begin:different]
                lowest[:] = 0
                for k in range(min(64, len(some))):
                    lowest[height[k]] |= one << np.uint64(k)
                union = np.uint64(0)
                for i in range(points):
                    union |= lowest[i]
                    lowest[i] = union
                for k in range(len(some)):
                    some[k] &= lowest[height[k]]
            left[word] = ~np.uint64(0)
        level[:] = 0
        fronts = ranked = 0
        while ranked < enough:
            behind[:different] = 0
            for word in range(words):
                some, others = sets[word, 64 * word : different], behind[64 * word : different]
                for k in range(len(some)):
                    others[k] |= some[k] & left[word]
            left[:words] = 0
            added = 0
            for k in range(different):
                ahead = behind[k] == 0 and level[k] == fronts
                added += copies[k] if ahead else 0
                level[k] += np.intp(behind[k] != 0)
                left[k // 64] |= np.uint64(behind[k] != 0) << np.uint64(k & 63)
            if not added:
                break
            ranked += added
            fronts += 1
        for i in range(points):
            if known[run, i]:
                rank[run, i] = level[number[i]]
    return rank
