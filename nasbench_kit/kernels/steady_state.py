"""Steady-state selection by hypervolume, vectorised over runs: one point joins the members of each run, one leaves.

Source: Beume, Naujoks and Emmerich 2007 (EJOR 181(3)). Of the last non-dominated front, the point leaves that
contributes least to the front's hypervolume. It dominates no member, so that all ranks remain valid; only the newcomer
changes ranks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled, part
from nasbench_kit.kernels.exclusive_volumes import exclusive_volume, least_of_fronts, scale, tight_box
from nasbench_kit.kernels.hashing import mix
from nasbench_kit.kernels.niching import nondomination_ranks
from nasbench_kit.kernels.ranks import known_points

__all__ = ["Members", "after_joining", "join", "least_contributor", "members_of"]


class Members(NamedTuple):
    """The members of all runs, and one free slot per run.

    Attributes
    ----------
    X : ndarray of uint8, shape (runs, n + 1, genes)
        Genotypes.
    F : ndarray of float, shape (m, runs, n + 1)
        Objective values, minimised; all infinite for failures. The objective axis comes first, so that comparisons are
        vectorised over all members of all runs.
    rank : ndarray of int, shape (runs, n + 1)
        Non-domination ranks of the members, from 0.
    order : ndarray of int, shape (runs, n + 1)
        Slots of the members: with two objectives in lexicographic order of these, with more in order of arrival. The
        last one is the free slot.
    twins : ndarray of int, shape (runs, n + 1)
        Number of other members with the same values, kept for three and more objectives.
    """

    X: NDArray[np.uint8]
    F: NDArray[np.float64]
    rank: NDArray[np.intp]
    order: NDArray[np.intp]
    twins: NDArray[np.intp]


def members_of(X: NDArray[np.uint8], F: NDArray[np.float64]) -> Members:
    """Members from genotypes (runs, n, genes) and their objective values (runs, n, m)."""
    runs, n, m = F.shape
    values = np.where(known_points(F), F.transpose(2, 0, 1), np.inf)
    members = Members(
        np.zeros((runs, n + 1, X.shape[2]), dtype=np.uint8),
        np.full((m, runs, n + 1), np.inf),
        np.full((runs, n + 1), -1, dtype=np.intp),
        np.broadcast_to(np.arange(n + 1), (runs, n + 1)).copy(),
        np.zeros((runs, n + 1), dtype=np.intp),
    )
    members.X[:, :n], members.F[:, :, :n] = X, values
    members.rank[:, :n] = nondomination_ranks(F)
    order = members.order[:, :n] = np.lexsort(values[::-1], axis=1)
    ascending = np.take_along_axis(values, order[np.newaxis], axis=2)
    group = np.cumsum(np.insert((ascending[:, :, 1:] != ascending[:, :, :-1]).any(axis=0), 0, True, axis=1)).reshape(
        runs, n
    )
    np.put_along_axis(members.twins, order, np.bincount(group.ravel())[group] - 1, axis=1)
    return members


def after_joining(members: Members, x: NDArray[np.uint8], f: NDArray[np.float64], words: NDArray[np.uint32]) -> None:
    """Let one point join the members of each run, and one leave, which may be the same; changes ``members`` in place.

    Parameters
    ----------
    members : Members
    x : ndarray of uint8, shape (runs, genes)
        Genotypes of the newcomers.
    f : ndarray of float, shape (runs, m)
        Their objective values; failures are infinite in any of them.
    words : ndarray of uint32, shape (runs,)
        Random words, which break ties between equal contributions.
    """
    X, F, rank, order, twins = members
    if enabled():
        if len(F) == 2:
            _after_joining_two(X, F, rank, order, x, f, words)
        else:
            _after_joining_many(X, F, rank, order, twins, x, f, words)
        return
    runs, last = np.arange(len(order)), order.shape[1] - 1
    slot = order[:, last]
    X[runs, slot] = x
    F[:, runs, slot] = np.where(np.isfinite(f).all(axis=1), f.T, np.inf)
    equal = join(F, rank, slot)
    if len(F) > 2:
        twins += equal
        twins[runs, slot] = equal.sum(axis=1)
    places = np.arange(last + 1)
    if len(F) == 2:
        first, second = (values[runs, slot, np.newaxis] for values in F)
        before = np.count_nonzero((F[0] < first) | ((F[0] == first) & (F[1] < second)), axis=1)[:, np.newaxis]
        order[:] = _taken(order, np.where(places == before, last, places - (places > before)))
    leaving = least_contributor(F, rank, order, twins, words)
    left = order[runs, leaving]
    if len(F) > 2:
        fewer = np.flatnonzero(twins[runs, left])
        twins[fewer] -= (F[:, fewer] == F[:, fewer, left[fewer], np.newaxis]).all(axis=0)
    order[:] = _taken(order, np.minimum(places + (places >= leaving[:, np.newaxis]), last))
    order[:, last] = left


def _taken(values: NDArray[np.intp], places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Values at some places of each run, like ``np.take_along_axis``, but in place and faster."""
    places += (np.arange(len(values)) * values.shape[1])[:, np.newaxis]
    return values.reshape(-1).take(places, mode="clip")


def join(F: NDArray[np.float64], rank: NDArray[np.intp], slot: NDArray[np.intp]) -> NDArray[np.bool_]:
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

    Returns
    -------
    ndarray of bool, shape (runs, points)
        Which members have the newcomer's values.
    """
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
    return no_worse & no_better


def least_contributor(
    F: NDArray[np.float64],
    rank: NDArray[np.intp],
    order: NDArray[np.intp],
    twins: NDArray[np.intp],
    words: NDArray[np.uint32],
) -> NDArray[np.intp]:
    """Place in ``order`` of the point of each run that leaves: (runs,).

    Parameters
    ----------
    F : ndarray of float, shape (m, runs, points)
        Objective values, minimised; all infinite for failures.
    rank : ndarray of int, shape (runs, points)
        Non-domination ranks.
    order : ndarray of int, shape (runs, points)
        Positions of the points; with two objectives, in lexicographic order of these.
    twins : ndarray of int, shape (runs, points)
        Number of other points with the same values; with two objectives, not used.
    words : ndarray of uint32, shape (runs,)
        Random words, which break ties between equal contributions.

    Notes
    -----
    With two objectives, both ends of a front contribute infinitely much, and no reference point is needed. With more,
    the reference point is worse than the worst values of the front by as much as these differ from the best ones.
    Contributions are exact for any number of objectives; points that are equal contribute nothing.
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
    if len(F) == 2:
        adds = _of_two(values[0], values[1], run)
        least = np.flatnonzero(adds == np.repeat(np.minimum.reduceat(adds, starts), np.diff(bounds)))
    else:
        least = least_of_fronts(np.stack(values), twins.reshape(-1).take(at, mode="clip") > 0, bounds)
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


@part
def _level(
    F: NDArray[np.float64],
    rank: NDArray[np.intp],
    run: int,
    new: int,
    no_worse: NDArray[np.bool_],
    no_better: NDArray[np.bool_],
) -> int:
    """Rank of the newcomer of a run; sets which points are no worse, and no better."""
    m, _, points = F.shape
    for j in range(m):
        values, value = F[j, run], F[j, run, new]
        for i in range(points):
            no_worse[i] = (j == 0 or no_worse[i]) & (values[i] <= value)
            no_better[i] = (j == 0 or no_better[i]) & (values[i] >= value)
    no_worse[new] = no_better[new] = False
    level = 0
    for i in range(points):
        behind = rank[run, i] + 1 if no_worse[i] > no_better[i] else 0
        level = behind if behind > level else level
    return level


@part
def _push(
    F: NDArray[np.float64],
    rank: NDArray[np.intp],
    run: int,
    level: int,
    no_worse: NDArray[np.bool_],
    no_better: NDArray[np.bool_],
    moved: NDArray[np.intp],
    pushed: NDArray[np.intp],
) -> None:
    """Update the ranks of the members of a run that a newcomer of this rank pushes back, as `join` does."""
    m, _, points = F.shape
    count = 0
    for i in range(points):
        moved[count] = i
        count += (no_better[i] > no_worse[i]) & (rank[run, i] == level)
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


@part
def _arrives(
    X: NDArray[np.uint8], F: NDArray[np.float64], run: int, slot: int, x: NDArray[np.uint8], f: NDArray[np.float64]
) -> None:
    """Write the newcomer of a run into its free slot."""
    known = True
    for j in range(len(F)):
        known &= -np.inf < f[run, j] < np.inf
    for j in range(len(F)):
        F[j, run, slot] = f[run, j] if known else np.inf
    for gene in range(x.shape[1]):
        X[run, slot, gene] = x[run, gene]


@part
def _number(word: int, place: int) -> np.uint64:
    """The random number of a place, as `least_contributor` hashes it."""
    h = np.uint64(word) + (np.uint64(place) << np.uint64(32)) + np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ h >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ h >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return h ^ h >> np.uint64(31)


@compiled
def _after_joining_two(
    X: NDArray[np.uint8],
    F: NDArray[np.float64],
    rank: NDArray[np.intp],
    order: NDArray[np.intp],
    x: NDArray[np.uint8],
    f: NDArray[np.float64],
    words: NDArray[np.uint32],
) -> None:
    """Compiled version of `after_joining` for two objectives: one walk along the sorted members ranks all of them."""
    runs, points = order.shape
    slots = np.empty(points, dtype=np.intp)
    front = np.empty(points, dtype=np.intp)
    lowest = np.empty(points + 1)  # of each rank, the second objective of what has joined it so far
    for run in range(runs):
        new = order[run, points - 1]
        _arrives(X, F, run, new, x, f)
        first, second, ranks = F[0, run], F[1, run], rank[run]
        before = level = 0
        ranks[new] = -1
        for i in range(points):
            less = np.intp(first[i] < first[new]) | np.intp(first[i] == first[new]) & np.intp(second[i] < second[new])
            before += less
            behind = (ranks[i] + 1) * (less & np.intp(second[i] <= second[new]))
            level = behind if behind > level else level
        if level > ranks.max():  # alone in the last front
            ranks[new] = level
            continue
        for i in range(before):
            slots[i] = order[run, i]
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
                h = _number(words[run], front[k])
                if adds < least or h < number:
                    leaving, least, number = front[k], adds, h
        for i in range(leaving):
            order[run, i] = slots[i]
        for i in range(leaving, points - 1):
            order[run, i] = slots[i + 1]
        order[run, points - 1] = slots[leaving]


@compiled
def _after_joining_many(
    X: NDArray[np.uint8],
    F: NDArray[np.float64],
    rank: NDArray[np.intp],
    order: NDArray[np.intp],
    twins: NDArray[np.intp],
    x: NDArray[np.uint8],
    f: NDArray[np.float64],
    words: NDArray[np.uint32],
) -> None:
    """Compiled version of `after_joining` for three and more objectives."""
    m, runs, points = F.shape
    no_worse, no_better = np.empty(points, dtype=np.bool_), np.empty(points, dtype=np.bool_)
    moved, pushed, places = np.empty((3, points), dtype=np.intp)
    volume, top = np.empty(points), np.empty(m)
    front, upper, others = np.empty((3, m, points))
    boxes = np.empty((2 + points * (m - 1), 2, m))
    for run in range(runs):
        slots = order[run]
        new = slots[points - 1]
        _arrives(X, F, run, new, x, f)
        rank[run, new] = -1
        twins[run, new] = 0
        level = _level(F, rank, run, new, no_worse, no_better)
        alone = level > rank[run].max()
        rank[run, new] = level
        if alone:  # in the last front
            continue
        _push(F, rank, run, level, no_worse, no_better, moved, pushed)
        alike = 0
        for i in range(points):
            alike += no_worse[i] & no_better[i]
        if alike:
            for i in range(points):
                twins[run, i] += no_worse[i] & no_better[i]
            twins[run, new] = alike
        worst = rank[run].max()
        size = several = 0
        for i in range(points):
            places[size] = i
            last = np.intp(rank[run, slots[i]] == worst)
            size += last
            several |= last & np.intp(twins[run, slots[i]] > 0)
        least = 0.0
        if several or size == 1:
            for i in range(size):
                volume[i] = twins[run, slots[places[i]]] == 0 and size > 1
        else:
            for j in range(m):
                for i in range(size):
                    front[j, i] = F[j, run, slots[places[i]]]
            scale(front, size, top)
            for i in range(size):
                volume[i] = tight_box(front, size, i, top, upper, moved)
            start = int(volume[:size].argmin())  # probably among the least
            least = exclusive_volume(front, size, start, upper, np.inf, moved, others, boxes)
            for i in range(size):
                volume[i] = exclusive_volume(front, size, i, upper, least, moved, others, boxes)
                least = min(least, volume[i])
        leaving, number = places[0], ~np.uint64(0)
        for i in range(size):
            if volume[i] == least:
                h = _number(words[run], places[i])
                if h <= number:
                    leaving, number = places[i], h
        left = slots[leaving]
        if twins[run, left]:
            for i in range(points):
                alike = 1
                for j in range(m):
                    alike &= F[j, run, i] == F[j, run, left]
                twins[run, i] -= alike
        for i in range(leaving, points - 1):
            slots[i] = slots[i + 1]
        slots[points - 1] = left
