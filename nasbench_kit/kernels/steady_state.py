"""Steady-state selection by hypervolume, vectorised over runs: one point joins the members of each run, one leaves.

Source: Beume, Naujoks and Emmerich 2007 (EJOR 181(3)). Of the last non-dominated front, the point leaves that
contributes least to the front's hypervolume. It dominates no member, so that all ranks remain valid; only the newcomer
changes ranks.
"""

from __future__ import annotations

import itertools

import moocore
import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled
from nasbench_kit.kernels.hashing import mix

__all__ = ["after_joining", "join", "least_contributor"]


def after_joining(
    F: NDArray[np.float64], rank: NDArray[np.intp], order: NDArray[np.intp], words: NDArray[np.uint32]
) -> NDArray[np.intp]:
    """Let one point join the members of each run, and one leave, which may be the same: the new ``order``.

    Parameters
    ----------
    F : ndarray of float, shape (m, runs, points)
        Objective values, minimised; all infinite for failures.
    rank : ndarray of int, shape (runs, points)
        Non-domination ranks of the members, from 0; updated in place.
    order : ndarray of int, shape (runs, points)
        Positions of the members in lexicographic order of their objectives (with more than two objectives, in any
        order), and last that of the newcomer.
    words : ndarray of uint32, shape (runs,)
        Random words, which break ties between equal contributions.

    Returns
    -------
    ndarray of int, shape (runs, points)
        As ``order``; the last one is the position of the point that left.
    """
    runs, last = np.arange(len(order)), order.shape[1] - 1
    slot = order[:, last]
    if len(F) == 2 and enabled():
        after: NDArray[np.intp] = _after_joining_two(F, rank, order, words)
        return after
    join(F, rank, slot)
    places = np.arange(last + 1)
    if len(F) == 2:
        first, second = (values[runs, slot, np.newaxis] for values in F)
        before = np.count_nonzero((F[0] < first) | ((F[0] == first) & (F[1] < second)), axis=1)[:, np.newaxis]
        order = _taken(order, np.where(places == before, last, places - (places > before)))
    leaving = least_contributor(F, rank, order, words)
    left = order[runs, leaving]
    order = _taken(order, np.minimum(places + (places >= leaving[:, np.newaxis]), last))
    order[:, last] = left
    return order


def _taken(values: NDArray[np.intp], places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Values at some places of each run, like ``np.take_along_axis``, but in place and faster."""
    places += (np.arange(len(values)) * values.shape[1])[:, np.newaxis]
    return values.reshape(-1).take(places, mode="clip")


def join(F: NDArray[np.float64], rank: NDArray[np.intp], slot: NDArray[np.intp]) -> None:
    """Rank a newcomer in each run, and update the ranks of the members that it pushes back.

    A member's rank is one more than the highest rank of those that dominate it. A member is therefore pushed back by
    one if it is dominated by a member, or by the newcomer, that has just got its rank.

    Parameters
    ----------
    F : ndarray of float, shape (m, runs, points)
        Objective values, minimised; all infinite for failures.
    rank : ndarray of int, shape (runs, points)
        Non-domination ranks of the members, from 0; those of the newcomers are set.
    slot : ndarray of int, shape (runs,)
        Positions of the newcomers.
    """
    if enabled():
        _join(F, rank, slot)
        return
    runs = np.arange(len(slot))
    new = F[:, runs, slot]
    no_worse, no_better = np.ones(rank.shape, dtype=np.bool_), np.ones(rank.shape, dtype=np.bool_)
    for values, value in zip(F, new, strict=True):
        no_worse &= values <= value[:, np.newaxis]
        no_better &= values >= value[:, np.newaxis]
    no_worse[runs, slot] = False
    no_better[runs, slot] = False
    level = np.where(no_worse > no_better, rank, -1).max(axis=1) + 1
    rank[runs, slot] = level
    run, moved = np.nonzero((no_better > no_worse) & (rank == level[:, np.newaxis]))
    while len(run):
        rank[run, moved] += 1
        # members of the rank into which others were moved, and those
        row, behind = np.nonzero(rank[run] == rank[run, moved, np.newaxis])
        origin, pusher = run[row], moved[row]
        dominated = np.ones(len(row), dtype=np.bool_)
        equal = np.ones(len(row), dtype=np.bool_)
        for values in F:
            one, other = values[origin, pusher], values[origin, behind]
            dominated &= one <= other
            equal &= one == other
        pushed = np.zeros(rank.shape, dtype=np.bool_)
        dominated &= ~equal
        pushed[origin[dominated], behind[dominated]] = True
        run, moved = np.nonzero(pushed)


@compiled
def _join(F: NDArray[np.float64], rank: NDArray[np.intp], slot: NDArray[np.intp]) -> None:
    """Compiled version of `join`."""
    m, runs, points = F.shape
    moved, pushed = np.empty(points, dtype=np.intp), np.empty(points, dtype=np.intp)
    no_worse, no_better = np.empty(points, dtype=np.bool_), np.empty(points, dtype=np.bool_)
    for run in range(runs):
        new = slot[run]
        no_worse[:] = True
        no_better[:] = True
        for objective in range(m):
            values, value = F[objective, run], F[objective, run, new]
            for i in range(points):
                no_worse[i] &= values[i] <= value
                no_better[i] &= values[i] >= value
        level = 0
        for i in range(points):
            level = max(level, rank[run, i] + 1 if no_worse[i] and not no_better[i] else 0)
        rank[run, new] = level
        count = 0
        for i in range(points):
            if no_better[i] and not no_worse[i] and rank[run, i] == level:
                moved[count] = i
                count += 1
        while count:
            level += 1
            further = 0
            for i in range(points):
                if rank[run, i] != level:
                    continue
                for k in range(count):
                    below = True
                    for objective in range(m):
                        below = below and F[objective, run, moved[k]] <= F[objective, run, i]
                    if below:  # they differ, since equal points have equal ranks
                        pushed[further] = i
                        further += 1
                        break
            for k in range(count):
                rank[run, moved[k]] = level
            moved, pushed = pushed, moved
            count = further


@compiled
def _after_joining_two(
    F: NDArray[np.float64], rank: NDArray[np.intp], order: NDArray[np.intp], words: NDArray[np.uint32]
) -> NDArray[np.intp]:
    """Compiled version of `after_joining` for two objectives: one walk along the sorted members ranks all of them."""
    runs, points = order.shape
    after = np.empty((runs, points), dtype=np.intp)
    front = np.empty(points, dtype=np.intp)
    lowest = np.empty(points + 1)  # of each rank, the second objective of what has joined it so far
    for run in range(runs):
        first, second, slots, ranks = F[0, run], F[1, run], after[run], rank[run]
        new = order[run, points - 1]
        before = 0
        for i in range(points):
            before += np.intp(first[i] < first[new]) | np.intp(first[i] == first[new]) & np.intp(
                second[i] < second[new]
            )
        level = 0
        for i in range(before):
            slots[i] = order[run, i]
            level = max(level, ranks[slots[i]] + 1 if second[slots[i]] <= second[new] else 0)
        slots[before] = new
        ranks[new] = level
        lowest[:] = np.inf
        lowest[level] = second[new]
        for i in range(before + 1, points):
            p = order[run, i - 1]
            slots[i] = p
            old = ranks[p]
            differs = first[p] > first[new] or second[p] > second[new]
            if lowest[old] <= second[p] and lowest[old] < np.inf and differs:
                ranks[p] += 1
                lowest[old + 1] = min(lowest[old + 1], second[p])
        worst = ranks.max()
        size = 0
        for i in range(points):
            front[size] = i
            size += np.intp(ranks[slots[i]] == worst)
        leaving = 0
        least, number = np.inf, ~np.uint64(0)
        for k in range(size):
            adds = np.inf  # at the ends
            if 0 < k < size - 1:
                left, here, right = slots[front[k - 1]], slots[front[k]], slots[front[k + 1]]
                adds = (first[right] - first[here]) * (second[left] - second[here])
                if np.isnan(adds):  # failures
                    adds = 0.0
            if adds <= least:
                # of equal ones, the lowest of random numbers, as `mix` hashes them
                h = np.uint64(words[run]) + (np.uint64(front[k]) << np.uint64(32)) + np.uint64(0x9E3779B97F4A7C15)
                h = (h ^ h >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
                h = (h ^ h >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
                h ^= h >> np.uint64(31)
                if adds < least or h < number:
                    leaving, least, number = front[k], adds, h
        left = slots[leaving]
        for i in range(leaving, points - 1):
            slots[i] = slots[i + 1]
        slots[points - 1] = left
    return after


def least_contributor(
    F: NDArray[np.float64], rank: NDArray[np.intp], order: NDArray[np.intp], words: NDArray[np.uint32]
) -> NDArray[np.intp]:
    """Place in ``order`` of the point of each run that leaves: (runs,).

    Parameters
    ----------
    F : ndarray of float, shape (m, runs, points)
        Objective values, minimised; all infinite for failures.
    rank : ndarray of int, shape (runs, points)
        Non-domination ranks.
    order : ndarray of int, shape (runs, points)
        Positions of the points in lexicographic order of the objectives.
    words : ndarray of uint32, shape (runs,)
        Random words, which break ties between equal contributions.

    Notes
    -----
    With two objectives, both ends of a front contribute infinitely much, and no reference point is needed. With more,
    the reference point is worse than the worst values of the front by as much as these differ from the best ones.
    Contributions are exact, computed by moocore for three and more objectives.
    """
    runs, points = rank.shape
    order = order + (np.arange(runs) * points)[:, np.newaxis]
    ranks = rank.reshape(-1).take(order, mode="clip")
    flat = np.flatnonzero(ranks == ranks.max(axis=1, keepdims=True))
    run, place = flat // points, flat % points
    at = order.reshape(-1).take(flat, mode="clip")
    values = [objective.reshape(-1).take(at, mode="clip") for objective in F]
    starts = np.flatnonzero(np.append(True, run[1:] != run[:-1]))
    bounds = np.append(starts, len(run))
    adds = _of_two(values[0], values[1], run) if len(F) == 2 else _of_many(np.stack(values, axis=1), bounds)
    least = np.flatnonzero(adds == np.repeat(np.minimum.reduceat(adds, starts), np.diff(bounds)))
    run, place = run[least], place[least]
    # the lowest of random numbers, hashed from the run's word and the place
    number = mix(words[run] + (place.astype(np.uint64) << np.uint64(32)))
    drawn = np.lexsort((number, run))
    chosen: NDArray[np.intp] = place[drawn[np.append(True, run[1:] != run[:-1])]]
    return chosen


def _of_two(first: NDArray[np.float64], second: NDArray[np.float64], run: NDArray[np.intp]) -> NDArray[np.float64]:
    """Hypervolume contributions of the points of fronts sorted by run and first objective."""
    adds = np.full(len(run), np.inf)
    inner = np.flatnonzero(run[2:] == run[:-2]) + 1
    with np.errstate(invalid="ignore"):
        adds[inner] = (first[inner + 1] - first[inner]) * (second[inner - 1] - second[inner])
    adds[np.isnan(adds)] = 0.0  # failures
    return adds


def _of_many(F: NDArray[np.float64], bounds: NDArray[np.intp]) -> NDArray[np.float64]:
    """Hypervolume contributions of the points of some fronts: (k, m) to (k,)."""
    adds = np.zeros(len(F))
    for begin, end in itertools.pairwise(bounds):
        front = F[begin:end]
        if len(front) == 1 or np.isinf(front[0]).any():
            continue
        low, high = front.min(axis=0), front.max(axis=0)
        scaled = (front - low) / np.where(high > low, high - low, 1.0)
        adds[begin:end] = moocore.hv_contributions(scaled, ref=np.full(F.shape[1], 2.0))
    return adds
