"""NSGA-II: non-dominated sorting and crowding, over all runs at once."""

from __future__ import annotations

from dataclasses import dataclass

import moocore
import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators import gather, keep_valid, reset_genes, two_point_crossover
from nasbench_kit.spaces.space import Genotypes

__all__ = ["NSGA2", "crowding", "domination_rank", "survivors"]


TIE = 1e-7  # below any difference in crowding that matters, far above rounding


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
        parents = self.random.permutations((2, n)).reshape(self.runs, n, 2).min(axis=2)
        mates = gather(self._X, parents)
        first, second = mates[:, : n // 2], mates[:, n // 2 :]
        children = np.concatenate(two_point_crossover(first, second, self.random, self.crossover_probability), axis=1)
        children = reset_genes(children, self.space, self.random, self.mutation_probability)
        return keep_valid(children, mates, self.space)

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        if self._X is not None:
            X, F = np.concatenate([self._X, X], axis=1), np.concatenate([self._F, F], axis=1)
        order = survivors(F, self.population_size, self.random.permutations(F.shape[1:2]))
        self._X, self._F = gather(X, order), gather(F, order)

    @property
    def population(self) -> tuple[Genotypes, NDArray[np.float64]] | None:
        return None if self._X is None else (self._X, self._F)


def survivors(F: NDArray[np.float64], n: int, ties: NDArray[np.intp] | None = None) -> NDArray[np.intp]:
    """The best ``n`` points of each run by domination rank, then crowding distance, best first.

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, m)
        Objective values, minimised.
    n : int
    ties : ndarray of int, shape (runs, points), optional
        A permutation that orders points of equal rank and distance; else they stay in order of their objectives.

    Returns
    -------
    ndarray of int, shape (runs, n)
    """
    order, rank = domination_rank(F, enough=n)
    with np.errstate(invalid="ignore"):  # unknown objectives are infinite: last in rank, their distances do not matter
        distance = crowding(gather(F, order), rank)
    # Distances are at most m, but infinite at a front's ends: ranks 2 m + 2 apart keep the fronts in order.
    m = F.shape[2]
    quality = rank * (2.0 * m + 2) - np.minimum(np.nan_to_num(distance, copy=False, posinf=np.inf), m + 1)
    points = F.shape[1]
    quality += (TIE / points) * (np.arange(points) if ties is None else ties)
    return np.take_along_axis(order, quality.argsort(axis=1)[:, :n], axis=1)


def domination_rank(F: NDArray[np.float64], enough: int | None = None) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """The points of each run ordered by domination rank, and within a rank by ascending objectives.

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, m)
        Objective values, minimised.
    enough : int, optional
        Once every run has so many points ranked, those left share the next rank.

    Returns
    -------
    order : ndarray of int, shape (runs, points)
    rank : ndarray of int, shape (runs, points)
        The rank, from 0, of each point of ``order``.
    """
    points, m = F.shape[1:]
    if m == 2:
        # complex numbers sort by their real part, then by their imaginary part
        order = np.ascontiguousarray(F).view(np.complex128)[..., 0].argsort(axis=1, kind="stable")
        rank = _peel(gather(F, order), points if enough is None else enough)
    else:
        order = np.lexsort(np.moveaxis(F, 2, 0)[::-1], axis=1)
        sorted_F = gather(F, order)
        rank = np.stack([moocore.pareto_rank(run) for run in sorted_F]).astype(np.int32)
    # rank and position in one number: its sort is a stable sort by rank
    shift = points.bit_length()
    code = (rank.astype(np.int32 if 2 * shift < 32 else np.int64) << shift) | np.arange(points)
    code.sort(axis=1)
    return np.take_along_axis(order, code & ((1 << shift) - 1), axis=1), (code >> shift).astype(np.int32)


def _peel(F: NDArray[np.float64], enough: int) -> NDArray[np.int32]:
    """Domination ranks of points (runs, points, 2) in ascending order, front by front: (runs, points).

    A point is on the first front where its second objective lies below that of every point before it. The work is
    laid out with the runs innermost, so that a running minimum is one vector operation a point.
    """
    first, second = np.ascontiguousarray(F[..., 0].T), np.ascontiguousarray(F[..., 1].T)
    points, runs = first.shape
    repeated = np.zeros((points, runs), dtype=np.bool_)  # equal to the point before: ranked as that one is
    repeated[1:] = (first[1:] == first[:-1]) & (second[1:] == second[:-1])
    leader = np.maximum.accumulate(np.where(repeated, 0, np.arange(points)[:, np.newaxis]), axis=0)
    led = np.bincount((leader * runs + np.arange(runs)).ravel(), minlength=points * runs).reshape(points, runs)
    left = np.where(repeated, np.inf, second)
    unranked = ~np.isinf(left)
    rank = np.zeros((points, runs), dtype=np.int32)
    ranked = np.zeros(runs, dtype=np.intp)
    lowest = np.empty_like(left)
    fronts = 0
    while unranked.any() and (ranked < enough).any():
        np.minimum.accumulate(left, axis=0, out=lowest)
        front = unranked.copy()
        front[1:] &= left[1:] < lowest[:-1]
        unranked ^= front
        left[front] = np.inf
        rank += unranked
        ranked += (led * front).sum(axis=0)
        fronts += 1
    rank[np.isinf(second)] = fronts + 1  # unknown objectives come last
    return np.ascontiguousarray(np.take_along_axis(rank, leader, axis=0).T)


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
