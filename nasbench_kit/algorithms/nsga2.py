"""NSGA-II: non-dominated sorting and crowding, over all runs at once."""

from __future__ import annotations

from dataclasses import dataclass

import moocore
import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators import gather, keep_valid, reset_genes, two_point_crossover
from nasbench_kit.sorting import stable_order
from nasbench_kit.spaces.space import Genotypes

__all__ = ["NSGA2", "crowding", "domination_rank", "survivors"]


CROWDING_BITS = 24  # to which crowding distances are rounded


@dataclass(kw_only=True)
class NSGA2(Algorithm):
    """Binary tournaments on rank and crowding, two-point crossover, mutation; the best of parents and children stay.

    Source: Deb et al. 2002 (IEEE TEC 6(2)), with the operators and settings of the MacroNAS paper (arXiv 2004.08996):
    population 100, two-point crossover with probability 1, each gene to another letter with probability 1 / genes.
    Duplicates are allowed, as there.

    Parameters
    ----------
    population_size : int
        Even.
    crossover_probability : float
    mutation_probability : float, optional
        Of each gene; 1 / genes unless given.
    """

    many_objectives = True
    single_objective = False

    population_size: int = 100
    crossover_probability: float = 1.0
    mutation_probability: float | None = None

    def __post_init__(self) -> None:
        if self.population_size < 2 or self.population_size % 2:
            raise ValueError(f"population_size is even and at least 2, not {self.population_size}")

    @property
    def batch(self) -> int:
        return self.population_size

    def _begin(self) -> None:
        self._X: Genotypes | None = None
        self._F: NDArray[np.float64] = np.empty((self.runs, 0, self.objectives))

    def _ask(self) -> Genotypes:
        n = self.population_size
        if self._X is None:
            return self._initial_sample(n)
        # Survivors are sorted by rank, then crowding: the lower of two positions wins its tournament. As in the authors'
        # own program every member takes part in two tournaments: the neighbours in two random orders.
        entered = self.random.permutations((2, n)).reshape(self.runs, 2 * n)
        mates = gather(self._X, np.minimum(entered[:, ::2], entered[:, 1::2]))
        crossed = None
        if self.crossover_probability < 1:
            crossed = self.random.random((n // 2,)) < self.crossover_probability
        children = np.concatenate(
            two_point_crossover(mates[:, : n // 2], mates[:, n // 2 :], self.random, crossed), axis=1
        )
        children = reset_genes(children, self.space, self.random, self.mutation_probability)
        return keep_valid(children, mates, self.space)

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        if self._X is not None:
            X, F = np.concatenate([self._X, X], axis=1), np.concatenate([self._F, F], axis=1)
        order = survivors(F, self.population_size, self.random.bits(F.shape[1:2]))
        self._X, self._F = gather(X, order), gather(F, order)

    @property
    def population(self) -> tuple[Genotypes, NDArray[np.float64]] | None:
        return None if self._X is None else (self._X, self._F)


def survivors(F: NDArray[np.float64], n: int, ties: NDArray[np.uint32] | None = None) -> NDArray[np.intp]:
    """The best ``n`` points of each run by domination rank, then crowding distance, best first.

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, m)
        Objective values, minimised.
    n : int
    ties : ndarray of uint32, shape (runs, points), optional
        Random words: of points of equal rank and distance the one with the lower word comes first; without them they
        stay in order of their objectives.

    Returns
    -------
    ndarray of int, shape (runs, n)
    """
    points, m = F.shape[1:]
    order, rank = domination_rank(F, enough=n)
    with np.errstate(invalid="ignore"):  # unknown objectives are infinite: last in rank, their distances do not matter
        distance = crowding(gather(F, order), rank)
        # Distances are at most m, but infinite at a front's ends. Steps of 2**-20 or less are below any difference that
        # matters, and far above rounding.
        steps = np.fmin(distance, m + 1) * (2.0**CROWDING_BITS / (m + 2))
    # rank, distance, tie and position side by side in one number: its sort sorts by all of them
    low = points.bit_length()
    high = 63 - low - CROWDING_BITS - low
    key = rank.astype(np.int64) << CROWDING_BITS
    key += (2**CROWDING_BITS - 1) - steps.astype(np.int64)
    key <<= max(high, 0)
    if ties is not None and high > 0:
        key |= ties >> np.uint32(max(32 - high, 0))
    key <<= low
    key |= np.arange(points)
    key.sort(axis=1)
    best = key[:, :n] & (2**low - 1)
    return gather(order, best)


def domination_rank(F: NDArray[np.float64], enough: int | None = None) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """The points of each run ordered by domination rank, and within a rank by ascending objectives.

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, m)
        Objective values, minimised.
    enough : int, optional
        Once a run has so many points ranked, those left in it share the next rank.

    Returns
    -------
    order : ndarray of int, shape (runs, points)
    rank : ndarray of int, shape (runs, points)
        The rank, from 0, of each point of ``order``.
    """
    points, m = F.shape[1:]
    if m == 2:
        order, rank = _rank_two(F, points if enough is None else enough)
    else:
        order = np.lexsort(np.moveaxis(F, 2, 0)[::-1], axis=1)
        sorted_F = gather(F, order)
        rank = np.stack([moocore.pareto_rank(run) for run in sorted_F]).astype(np.int32)
    # rank and position in one number: its sort is a stable sort by rank
    shift = points.bit_length()
    code = rank.astype(np.int32 if 2 * shift < 32 else np.int64) << shift
    code |= np.arange(points, dtype=code.dtype)
    code.sort(axis=1)
    return gather(order, code & (2**shift - 1)), (code >> shift).astype(np.int32)


def _rank_two(F: NDArray[np.float64], enough: int) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """The points of each run by ascending objectives, two of them, and their domination ranks: (runs, points) each."""
    runs, points = F.shape[:2]
    first, second = np.ascontiguousarray(F[..., 0]), np.ascontiguousarray(F[..., 1]).ravel()
    by_second = stable_order(second.reshape(runs, points))
    order = stable_order(first.ravel().take(by_second))
    # whole numbers in place of the second objective, equal where it is equal, and rising from run to run
    height = np.cumsum(_changes(second.take(by_second)), dtype=np.int32).take(order).ravel()
    order = by_second.ravel().take(order)
    # of equal points the first leads: it is ranked for all of them
    leads = _changes(first.ravel().take(order))
    leads[1:] |= height[1:] != height[:-1]
    leaders = np.flatnonzero(leads)
    followers = np.diff(leaders, append=runs * points)
    run = leaders // points
    known = np.isfinite(first.ravel().take(order.ravel().take(leaders))) & np.isfinite(
        second.take(order.ravel().take(leaders))
    )
    rank = np.repeat(_peel(height[leaders], run, followers, known, runs, enough), followers)
    return order - (np.arange(runs) * points)[:, np.newaxis], rank.reshape(runs, points)


def _changes(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where a value differs from the one before it in its row: (runs, points) to a flat array; true at each start."""
    flat = values.ravel()
    changes = np.ones(values.shape, dtype=np.bool_)
    np.not_equal(flat[1:], flat[:-1], out=changes.reshape(-1)[1:])
    changes[:, 0] = True
    return changes.reshape(-1)


def _peel(
    height: NDArray[np.int32],
    run: NDArray[np.intp],
    weight: NDArray[np.intp],
    known: NDArray[np.bool_],
    runs: int,
    enough: int,
) -> NDArray[np.int32]:
    """Domination ranks of different points, by run and ascending first objective, front by front.

    A point is on the first front where its second objective lies below that of every point before it.

    Parameters
    ----------
    height : ndarray of int, shape (k,)
        Whole numbers in place of the second objective.
    run : ndarray of int, shape (k,)
    weight : ndarray of int, shape (k,)
        How many points each stands for.
    known : ndarray of bool, shape (k,)
        The others come last.
    runs : int
    enough : int
        Once a run has so many points ranked, those left in it share the next rank.

    Returns
    -------
    ndarray of int, shape (k,)
    """
    # turned upside down, with every run above the one before it, so that one running maximum serves them all
    top = int(height.max()) + 1
    depth = run * (2 * top) - height
    rank = np.zeros(len(height), dtype=np.int32)
    left = np.flatnonzero(known)
    missing = np.full(runs, enough)
    fronts = 0
    while len(left):
        depth_left, fronts = depth.take(left), fronts + 1
        highest = np.maximum.accumulate(depth_left)
        behind = np.zeros(len(left), dtype=np.bool_)
        np.less_equal(depth_left[1:], highest[:-1], out=behind[1:])
        front = left[~behind]
        missing -= np.bincount(run.take(front), weights=weight.take(front), minlength=runs).astype(np.intp)
        left = left[behind]
        rank[left] = fronts
        left = left[missing.take(run.take(left)) > 0]
    rank[~known] = fronts + 1
    return rank


def crowding(F: NDArray[np.float64], rank: NDArray[np.int32]) -> NDArray[np.float64]:
    """The crowding distance of every point within its front.

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, m)
        Objective values, ordered as by `domination_rank`.
    rank : ndarray of int, shape (runs, points)

    Returns
    -------
    ndarray of float, shape (runs, points)
        ``inf`` at both ends of a front in any objective; else the sum over objectives of the gap between a point's two
        neighbours, as a share of the front's range. Source: Deb et al. 2002, section III-B.
    """
    runs, points, m = F.shape
    if m > 2:
        return _crowding_many(F, rank)
    starts = np.ones((runs, points), dtype=np.bool_)
    starts[:, 1:] = rank[:, 1:] != rank[:, :-1]
    first = np.flatnonzero(starts)  # of every front of every run, in the flat order
    last = np.append(first[1:], runs * points) - 1
    distance = np.zeros(runs * points)
    for objective in range(m):
        # along a front of two objectives the first ascends and the second descends
        values = F[..., objective].ravel()
        span = np.abs(values[last] - values[first])
        scale = np.divide(1, span, out=np.zeros_like(span), where=span > 0)
        distance[1:-1] += np.abs(values[2:] - values[:-2]) * np.repeat(scale, last - first + 1)[1:-1]
    distance[first] = np.inf
    distance[last] = np.inf
    return distance.reshape(runs, points)


def _crowding_many(F: NDArray[np.float64], rank: NDArray[np.int32]) -> NDArray[np.float64]:
    """`crowding` for any number of objectives, a front at a time."""
    distance = np.zeros(rank.shape)
    for run, run_rank in enumerate(rank):
        bounds = np.flatnonzero(np.diff(run_rank)) + 1
        for members in np.split(np.arange(rank.shape[1]), bounds):
            for values in F[run, members].T:
                order = values.argsort(kind="stable")
                ascending, ends = values[order], order[[0, -1]]
                span = ascending[-1] - ascending[0]
                if span > 0:
                    distance[run, members[order[1:-1]]] += (ascending[2:] - ascending[:-2]) / span
                distance[run, members[ends]] = np.inf
    return distance
