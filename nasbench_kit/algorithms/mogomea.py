"""MO-GOMEA: gene-pool optimal mixing within clusters of the objective space, with an elitist archive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.linkage import linkage_tree, mutual_information
from nasbench_kit.algorithms.mixing import OptimalMixing, Runs
from nasbench_kit.algorithms.operators import gather
from nasbench_kit.spaces.space import Genotypes

__all__ = ["MOGOMEA", "balanced_clusters"]

IDLE = 2  # generations without a new point of the archive after which a population is given up
SWEEPS = 10  # of the clusters' means


@dataclass(kw_only=True)
class MOGOMEA(OptimalMixing):
    """Each cluster of the population has its linkage tree and donors; the clusters at the ends look at one objective alone.

    A trial is kept where it dominates its member, is as good, or is not dominated by anything that the run has found. A
    member that did not change, or after 1 + log10(n) generations without a new point of the archive, is mixed with members
    of the archive until it improves, or becomes one. Source: Luong, La Poutré and Bosman 2014, Multi-objective gene-pool
    optimal mixing evolutionary algorithms (GECCO), and Luong, La Poutré and Bosman 2018 (Swarm and Evolutionary
    Computation 40); interleaved populations of 8, 16, 32, ... members in 3, 4, 5, ... clusters as in the MacroNAS paper
    (arXiv 2004.08996). Ours is that a population is given up, with all smaller ones, when two of its generations in a row bring
    no new point.

    Parameters
    ----------
    first_population : int
        The size of the first population; each further one is twice as large.
    """

    many_objectives = True
    single_objective = False

    def _begin(self) -> None:
        super()._begin()
        runs, genes, m = self.runs, self.space.genes, self.objectives
        self._archive_X = np.zeros((runs, 16, genes), dtype=np.uint8)
        self._archive_F = np.full((runs, 16, m), np.inf)  # inf where there is none
        clusters = m + 1
        self._trees = np.zeros((runs, clusters, self._count_of_sets, genes), dtype=np.bool_)
        self._pools = np.zeros((runs, clusters, self.first_population), dtype=np.intp)  # members of each cluster
        self._pool_size = np.ones(runs, dtype=np.intp)
        self._alone = np.full((runs, clusters), -1)  # the only objective that a cluster looks at
        self._cluster_of = np.zeros((runs, self.first_population), dtype=np.intp)  # of each member
        self._objective = np.full(runs, -1)  # that of the member's cluster

    def _learn(self, runs: Runs, p: int) -> None:
        X, F = self._X[runs, self._places(p)], self._F[runs, self._places(p)]
        n, clusters = F.shape[1], self.objectives + 1 + p
        self._make_room(n, clusters)
        draws = self.random.of(runs, (2 + clusters * self.space.genes,))
        pools, own, ends = balanced_clusters(F, clusters, draws[:, 0])
        self._pool_size[runs] = pools.shape[2]
        self._pools[runs, :clusters, : pools.shape[2]] = pools
        self._cluster_of[runs, :n] = own
        self._alone[runs] = -1
        for objective in range(self.objectives):
            self._alone[runs, ends[:, objective]] = objective
        # all clusters of all runs at once
        members = gather(X, pools.reshape(len(runs), -1)).reshape(-1, pools.shape[2], self.space.genes)
        trees = linkage_tree(mutual_information(members, self._letters), draws[:, 2:].reshape(-1, self.space.genes))
        self._trees[runs, :clusters] = trees.reshape(len(runs), clusters, *trees.shape[1:])

    def _make_room(self, members: int, clusters: int) -> None:
        """Widen the tables of clusters for a larger population."""
        if self._cluster_of.shape[1] >= members and self._trees.shape[1] >= clusters:
            return
        for name, shape in (
            ("_trees", (clusters, self._count_of_sets, self.space.genes)),
            ("_pools", (clusters, members)),
            ("_alone", (clusters,)),
            ("_cluster_of", (members,)),
        ):
            table = getattr(self, name)
            wider = np.zeros((self.runs, *np.maximum(shape, table.shape[1:])), dtype=table.dtype)
            wider[tuple(slice(size) for size in table.shape)] = table
            setattr(self, name, wider)

    def _pool(self, runs: Runs, draws: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
        cluster = self._cluster_of[runs, self._i[runs]]
        self._objective[runs] = self._alone[runs, cluster]
        which = (draws * self._pool_size[runs][:, np.newaxis]).astype(np.intp)
        return self._trees[runs, cluster], np.take_along_axis(self._pools[runs, cluster], which, axis=1)

    # ---------------------------------------------------------------- what is kept

    def _note(self, x: Genotypes, f: NDArray[np.float64]) -> NDArray[np.bool_]:
        below = np.asarray((self._archive_F <= f[:, np.newaxis]).all(axis=2))
        covered = below.any(axis=1)
        enters = np.flatnonzero(~covered & np.isfinite(f).all(axis=1))
        worse = (self._archive_F[enters] >= f[enters][:, np.newaxis]).all(axis=2)
        run, place = np.nonzero(worse)
        self._archive_F[enters[run], place] = np.inf
        free = np.isinf(self._archive_F[enters, :, 0])
        if len(enters) and not free.any(axis=1).all():
            size = self._archive_F.shape[1]
            self._archive_F = np.concatenate([self._archive_F, np.full_like(self._archive_F, np.inf)], axis=1)
            self._archive_X = np.concatenate([self._archive_X, np.zeros_like(self._archive_X)], axis=1)
            free = np.concatenate([free, np.ones((len(enters), size), dtype=np.bool_)], axis=1)
        slot = free.argmax(axis=1)
        self._archive_F[enters, slot], self._archive_X[enters, slot] = f[enters], x[enters]
        better = np.zeros(self.runs, dtype=np.bool_)
        better[enters] = True
        return better

    def _alone_values(self, f: NDArray[np.float64]) -> NDArray[np.float64]:
        """The value of the only objective that each run's cluster looks at (of the first where it looks at all)."""
        values: NDArray[np.float64] = f[np.arange(self.runs), np.maximum(self._objective, 0)]
        return values

    def _not_worse(self, f: NDArray[np.float64], better: NDArray[np.bool_]) -> NDArray[np.bool_]:
        alone = self._alone_values(f) <= self._alone_values(self._f)
        as_good = np.logical_and.reduce(f <= self._f, axis=1)
        return np.where(self._objective >= 0, alone, as_good | better)

    def _improves(self, f: NDArray[np.float64], better: NDArray[np.bool_]) -> NDArray[np.bool_]:
        alone = self._alone_values(f) < self._alone_values(self._f)
        dominates = (f <= self._f).all(axis=1) & (f < self._f).any(axis=1)
        return np.where(self._objective >= 0, alone, dominates | better)

    def _outgrown(self, run: int, own: int) -> int:
        return own + 1 if self._stretch[run, own] >= IDLE else 0

    def _elite(self, runs: Runs, n: int) -> tuple[Genotypes, NDArray[np.float64]]:
        """Members of each archive at random; for a cluster of one objective the best in it."""
        F, row = self._archive_F[runs], np.arange(len(runs))
        there = np.isfinite(F[..., 0])
        # the members first, in the order of their places
        order = np.argsort(~there, axis=1, kind="stable")
        count = there.sum(axis=1)
        drawn = (self.random.of(runs, (n,)) * count[:, np.newaxis]).astype(np.intp)
        own = self._objective[runs]
        values = F[row, :, np.maximum(own, 0)]  # infinite where there is none
        place = np.where(
            own[:, np.newaxis] >= 0, values.argmin(axis=1)[:, np.newaxis], np.take_along_axis(order, drawn, axis=1)
        )
        known = (count > 0)[:, np.newaxis, np.newaxis]
        X, f = self._archive_X[runs[:, np.newaxis], place], F[row[:, np.newaxis], place]
        return np.where(known, X, self._x[runs][:, np.newaxis]), np.where(known, f, self._f[runs][:, np.newaxis])


def balanced_clusters(
    F: NDArray[np.float64], clusters: int, draws: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Clusters of equal size in the objective space that overlap by half: k-leader means.

    The first leader is the best point in one objective, each further one the point farthest from all leaders; means follow. Each
    cluster takes the 2 n / k points nearest to its mean.

    Parameters
    ----------
    F : ndarray of float, shape (runs, n, m)
    clusters : int
    draws : ndarray of float, shape (runs,)
        Random numbers in [0, 1): which objective the first leader is best in.

    Returns
    -------
    pools : ndarray of int, shape (runs, clusters, size)
        The members of each cluster.
    own : ndarray of int, shape (runs, n)
        The cluster nearest to each point.
    ends : ndarray of int, shape (runs, m)
        The cluster whose mean is the best in each objective.
    """
    runs, n, m = F.shape
    row = np.arange(runs)
    finite = np.isfinite(F)
    low = np.where(finite, F, np.inf).min(axis=1, keepdims=True)
    high = np.where(finite, F, -np.inf).max(axis=1, keepdims=True)
    span = high - low
    scale = np.where(np.isfinite(span) & (span > 0), span, 1.0)
    points = np.where(finite, (np.where(finite, F, 0.0) - np.where(np.isfinite(low), low, 0.0)) / scale, 2.0)
    first = points[row, :, (draws * m).astype(np.intp)].argmin(axis=1)
    means = np.empty((runs, clusters, m))
    means[:, 0] = points[row, first]
    nearest = ((points - means[:, :1]) ** 2).sum(axis=2)
    for k in range(1, clusters):
        means[:, k] = points[row, nearest.argmax(axis=1)]
        nearest = np.minimum(nearest, ((points - means[:, k : k + 1]) ** 2).sum(axis=2))
    for _ in range(SWEEPS):
        own = _distances(points, means).argmin(axis=2)
        member = own[:, np.newaxis] == np.arange(clusters)[:, np.newaxis]  # (runs, clusters, n)
        count = member.sum(axis=2, keepdims=True)
        means = np.where(count > 0, (member @ points) / np.maximum(count, 1), means)
    distance = _distances(points, means)
    size = min(n, max(2, -(-2 * n // clusters)))
    pools = distance.argsort(axis=1, kind="stable")[:, :size].swapaxes(1, 2)
    return pools, distance.argmin(axis=2), means.argmin(axis=1)


def _distances(points: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distances of points from means: (runs, n, clusters)."""
    return np.asarray(((points[:, :, np.newaxis] - means[:, np.newaxis]) ** 2).sum(axis=3))
