"""Steady-state selection by hypervolume, vectorised over runs: one point joins the members of each run, one leaves.

Source: Beume, Naujoks and Emmerich 2007 (EJOR 181(3)). Of the last non-dominated front, the point leaves that
contributes least to the front's hypervolume. It dominates no member, so that all ranks remain valid; only the newcomer
changes ranks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import enabled
from nasbench_kit.kernels.exclusive_volumes import least_of_fronts
from nasbench_kit.kernels.hashing import mix
from nasbench_kit.kernels.niching import nondomination_ranks
from nasbench_kit.kernels.ranks import known_points
from nasbench_kit.kernels.steady_state_loops import after_joining_many, after_joining_two

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
            after_joining_two(X, F, rank, order, x, f, words)
        else:
            after_joining_many(X, F, rank, order, twins, x, f, words)
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
