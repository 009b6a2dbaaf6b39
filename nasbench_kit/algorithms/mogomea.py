"""MO-GOMEA: gene-pool optimal mixing within clusters of the objective space, with an elitist archive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.mixing import OptimalMixing, Runs
from nasbench_kit.algorithms.operators.linkage import linkage_tree, mutual_information
from nasbench_kit.algorithms.operators.selection import gather
from nasbench_kit.errors import UnknownName
from nasbench_kit.kernels.linkage import SWEEPS
from nasbench_kit.kernels.mixing_rules import Rules
from nasbench_kit.metrics.indicators import most_hypervolume
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["MOGOMEA", "balanced_clusters"]


@dataclass(kw_only=True)
class MOGOMEA(OptimalMixing):
    """MO-GOMEA: multi-objective gene-pool optimal mixing within clusters, with an elitist archive.

    Each cluster of the population has its own linkage tree and donors. The clusters at the extremes of the front
    optimise a single objective. A trial is accepted if it weakly dominates its member or is a new point of the archive.
    Members that did not change undergo forced improvement: they are mixed with members of the archive until they
    improve, and are otherwise replaced by one. After a no-improvement stretch of more than 1 + log10(n) generations
    without a new archive point, this applies to all members. Interleaved populations of 8, 16, 32, ... members have 3,
    4, 5, ... clusters (with two objectives), as in the MacroNAS paper (arXiv 2004.08996).

    Source: Luong, La Poutré and Bosman 2014, Multi-objective gene-pool optimal mixing evolutionary algorithms (GECCO),
    and Luong, La Poutré and Bosman 2018 (Swarm and Evolutionary Computation 40). Two features are options of the
    authors' program: weak mutation, and abandoning a population once a larger one has, for each of its points, one that
    is at least as good.

    Parameters
    ----------
    first_population : int
        Size of the first population; each further population is twice as large.
    turns : int
        Generations of each population per generation of the next larger one.
    mutation : {"weak", "strong", "none"}
        Mutation probability of each gene copied from a donor: 1 / genes, 1 / size of the exchanged set, or 0. Without
        mutation, alleles lost by a population can only be recovered from the archive.
    archive_size : int, optional
        Maximum size of the elitist archive, which keeps the points that contribute most to the hypervolume; default:
        unlimited. If the archive is smaller than the front, dropped points count as new when they are found again.
    accept_archived : bool
        Whether mixing also accepts trials that merely equal a point of the archive, and hence are non-dominated, as the
        authors' program does. Our default is not to, because complete fronts are then found in fewer evaluations.
    """

    many_objectives = True
    single_objective = False

    mutation: Literal["weak", "strong", "none"] = "weak"
    archive_size: int | None = None
    accept_archived: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mutation not in ("weak", "strong", "none"):
            raise UnknownName("mutation of MOGOMEA", self.mutation, ["weak", "strong", "none"])
        self._require("archive_size", 2)

    @classmethod
    def macronas(cls) -> MOGOMEA:
        """Settings of the MacroNAS paper's program.

        There is no mutation, larger populations get their turns twice as often, and mixing accepts all trials that the
        archive does not dominate. The paper includes the all-identity network in the first population; pass it as
        ``initial`` to the search.
        """
        return cls(mutation="none", turns=2, accept_archived=True)

    def _chosen_rules(self) -> Rules:
        rate = 1 / self.space.genes if self.mutation == "weak" else 0.0
        return Rules(
            self.first_population,
            self.turns,
            self._others,
            self._samples,
            self.mutation != "none",
            rate,
            False,
            self.accept_archived,
        )

    def _cluster_count(self, p: int) -> int:
        return self.objectives + 1 + p

    def _pool_size(self, p: int) -> int:
        n = self.first_population << p
        return min(n, max(2, 2 * n // self._cluster_count(p)))

    def _taken(self, x: Genotypes, f: NDArray[np.float64]) -> None:
        super()._taken(x, f)
        if self.archive_size is not None:
            self._drop(np.flatnonzero(self._archive.count > self.archive_size), self.archive_size)

    def _learn(self, runs: Runs, p: int) -> None:
        X, F = self._populations.X[runs, self._places(p)], self._populations.F[runs, self._places(p)]
        n, clusters, genes = F.shape[1], self._cluster_count(p), self.space.genes
        draws = self.random.of(runs, (1 + n + clusters * genes,))
        pools, own, ends = balanced_clusters(F, clusters, draws[:, : 1 + n])
        size = pools.shape[2]
        self._clusters.pool_size[runs] = size
        self._clusters.pools[runs, :clusters, :size] = pools
        self._clusters.own[runs, :n] = own
        self._clusters.objective[runs] = -1
        for objective in range(self.objectives):
            self._clusters.objective[runs, ends[:, objective]] = objective
        # all clusters of all runs at once
        members = gather(X, pools.reshape(len(runs), -1)).reshape(-1, size, genes)
        trees = linkage_tree(mutual_information(members, self._alleles), draws[:, 1 + n :].reshape(-1, genes))
        self._clusters.trees[runs, :clusters] = trees.reshape(len(runs), clusters, *trees.shape[1:]) * np.uint8(255)

    def _pool(self, runs: Runs, draws: NDArray[np.float64]) -> tuple[Genotypes, NDArray[np.intp]]:
        cluster = self._clusters.own[runs, self._turn.member[runs]]
        self._clusters.current[runs] = self._clusters.objective[runs, cluster]
        which = (draws * self._clusters.pool_size[runs][:, np.newaxis]).astype(np.intp)
        return self._clusters.trees[runs, cluster], self._clusters.pools[
            runs[:, np.newaxis], cluster[:, np.newaxis], which
        ]

    # ---------------------------------------------------------------- acceptance and archive

    def _note(self, x: Genotypes, f: NDArray[np.float64]) -> NDArray[np.bool_]:
        values = np.ascontiguousarray(f.T)
        covers = np.logical_and.reduce(values[..., np.newaxis] >= self._archive.F, axis=0)
        place = covers.argmax(axis=1)
        better: NDArray[np.bool_] = ~covers[self._row, place]
        equal = np.logical_and.reduce(self._archive.F[:, self._row, place] == values, axis=0) > better
        if np.isinf(values).any():  # failed evaluations never enter the archive
            known = np.isfinite(values).all(axis=0)
            better &= known
            equal &= known
        self._archive.equalled[:] = equal
        same = np.flatnonzero(equal)
        if len(same):
            self._spread(same, place[same], x[same])
        enters = np.flatnonzero(better)
        if len(enters):
            self._enter(enters, x[enters], values[:, enters, np.newaxis])
        return better

    def _enter(self, runs: Runs, x: Genotypes, values: NDArray[np.float64]) -> None:
        """Add a new point to the archives of a subset of runs, and remove the points that it dominates."""
        F, X, room = self._archive.F[:, runs], self._archive.X[runs], self._archive.F.shape[2]
        left = np.arange(room) < self._archive.count[runs, np.newaxis]
        kept = left & ~(values <= F).all(axis=0)
        changed = np.flatnonzero((kept != left).any(axis=1))
        if len(changed):  # compact the remaining points
            order = np.argsort(~kept[changed], axis=1, kind="stable")
            X[changed] = gather(X[changed], order)
            F[:, changed] = np.where(kept[changed], F[:, changed], np.inf)
            F[:, changed] = np.take_along_axis(F[:, changed], order[np.newaxis], axis=2)
        size = kept.sum(axis=1)
        if size.max() == room:
            self._archive.grow(points=2 * room)
            self._arrays = None
        self._archive.F[:, runs, :room], self._archive.X[runs, :room] = F, X
        self._archive.F[:, runs, size], self._archive.X[runs, size] = values[..., 0], x
        self._archive.count[runs] = size + 1
        if self.archive_size is not None:
            self._drop(runs[size + 1 > self.archive_size], self.archive_size)

    def _drop(self, runs: Runs, size: int) -> None:
        """Remove the point with the least hypervolume contribution from overfull archives."""
        if not len(runs):
            return
        F = np.moveaxis(self._archive.F[:, runs, : size + 1], 0, 2)
        order = np.lexsort(np.moveaxis(F, 2, 0)[::-1], axis=1)
        F = gather(F, order)
        kept = most_hypervolume(F.reshape(-1, self.objectives), np.repeat(np.arange(len(runs)), size + 1), size)
        kept = kept.reshape(len(runs), size) - np.arange(len(runs))[:, np.newaxis] * (size + 1)
        self._archive.X[runs, :size] = gather(self._archive.X[runs], np.take_along_axis(order, kept, axis=1))
        self._archive.F[:, runs, :size] = np.moveaxis(gather(F, kept), 2, 0)
        self._archive.F[:, runs, size:] = np.inf
        self._archive.count[runs] = size

    def _spread(self, runs: Runs, place: NDArray[np.intp], x: Genotypes) -> None:
        """Of two genotypes with equal objective values, keep the one farther from the rest of the archive."""
        new = (self._archive.X[runs, place] != x).any(axis=1)
        runs, place, x = runs[new], place[new], x[new]
        if not len(runs):
            return
        X = self._archive.X[runs]
        row = np.arange(len(runs))
        others = np.arange(X.shape[1]) < self._archive.count[runs, np.newaxis]
        others[row, place] = False
        far = self.space.genes + 1
        old_distance, distance = (
            np.where(others, (point[:, np.newaxis] != X).sum(axis=2), far).min(axis=1) for point in (X[row, place], x)
        )
        farther = distance > old_distance
        self._archive.X[runs[farther], place[farther]] = x[farther]

    def _not_worse(self, f: NDArray[np.float64], better: NDArray[np.bool_]) -> NDArray[np.bool_]:
        lower = f <= self._member.f
        kept = np.logical_and.reduce(lower, axis=1) | better
        if self.accept_archived:
            kept |= self._archive.equalled
        return np.where(self._clusters.current >= 0, self._alone_of(lower), kept)

    def _improves(self, f: NDArray[np.float64], better: NDArray[np.bool_]) -> NDArray[np.bool_]:
        lower = f < self._member.f
        dominates = (f <= self._member.f).all(axis=1) & lower.any(axis=1)
        return np.where(self._clusters.current >= 0, self._alone_of(lower), dominates | better)

    def _alone_of(self, values: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Select from (runs, m) the values of each cluster's single objective (the first if it has none)."""
        alone: NDArray[np.bool_] = values[self._row, np.maximum(self._clusters.current, 0)]
        return alone

    def _given_up(self, run: int, own: int) -> Iterable[int]:
        F = self._populations.F[run, self._places(own)]

        def covered(p: int) -> bool:
            below = np.logical_and.reduce(self._populations.F[run, self._places(p), np.newaxis] >= F, axis=2)
            return bool(np.logical_or.reduce(below, axis=1).all())

        return [p for p in np.flatnonzero(self._populations.alive[run, :own]).tolist() if covered(p)]

    def _elite(self, runs: Runs, draws: NDArray[np.float64]) -> tuple[Genotypes, NDArray[np.float64]]:
        """Random members of each archive; for single-objective clusters, the best in that objective."""
        size, own = self._archive.count[runs, np.newaxis], self._clusters.current[runs]
        place = (draws * size).astype(np.intp)
        alone = np.flatnonzero(own >= 0)
        if len(alone):
            place[alone] = self._archive.F[own[alone], runs[alone]].argmin(axis=1)[:, np.newaxis]
        X = self._archive.X[runs[:, np.newaxis], place]
        F = np.moveaxis(self._archive.F[:, runs[:, np.newaxis], place], 0, 2)
        if not size.all():  # some archives are still empty
            known = (size > 0)[:, np.newaxis]
            X = np.where(known, X, self._member.x[runs, np.newaxis])
            F = np.where(known, F, self._member.f[runs, np.newaxis])
        return X, F


def balanced_clusters(
    F: NDArray[np.float64], clusters: int, draws: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Balanced, overlapping clusters in the objective space (k-leader means).

    The first leader is the best point in a random objective; each further leader is the point farthest from all
    leaders. The leaders initialise k-means. Each cluster then takes the 2 n / k points nearest to its mean, first from
    its own points and then from the others.

    Parameters
    ----------
    F : ndarray of float, shape (runs, n, m)
        Objective values.
    clusters : int
        Number of clusters, k.
    draws : ndarray of float, shape (runs, 1 + n)
        Random numbers in [0, 1) that select the objective of the first leader, and a cluster for each point.

    Returns
    -------
    pools : ndarray of int, shape (runs, clusters, size)
        Members of each cluster.
    own : ndarray of int, shape (runs, n)
        A random cluster that contains each point, or the nearest cluster if none does.
    ends : ndarray of int, shape (runs, m)
        Cluster with the best mean in each objective.
    """
    runs, n, m = F.shape
    row, every = np.arange(runs), np.arange(clusters)
    points = _scaled(F)
    first = points[row, :, (draws[:, 0] * m).astype(np.intp)].argmin(axis=1)
    means = np.empty((runs, clusters, m))
    means[:, 0] = points[row, first]
    nearest = _distances(points, means[:, :1])[..., 0]
    for k in range(1, clusters):
        means[:, k] = points[row, nearest.argmax(axis=1)]
        if k < clusters - 1:
            nearest = np.minimum(nearest, _distances(points, means[:, k : k + 1])[..., 0])
    distance = _distances(points, means)
    own = distance.argmin(axis=2)
    slots = row[:, np.newaxis] * clusters
    for _ in range(SWEEPS):
        # sums in the order of the points, unlike those of a matrix product
        slot = (slots + own).ravel()
        count, *sums = (
            np.bincount(slot, weights, runs * clusters).reshape(runs, clusters)
            for weights in (None, *(points[..., j].ravel() for j in range(m)))
        )
        held = np.maximum(count, 1)
        for j, total in enumerate(sums):
            means[..., j] = np.where(count > 0, total / held, means[..., j])
        distance, before = _distances(points, means), own
        own = distance.argmin(axis=2)
        if (own == before).all():  # converged in all runs
            break
    size = min(n, max(2, 2 * n // clusters))
    distance[own[..., np.newaxis] == every] -= m * 10  # own points come first
    order = distance.argsort(axis=1, kind="stable")
    pools = order[:, :size].swapaxes(1, 2)
    # choose uniformly among the clusters that contain a point
    inside = np.zeros((runs, n, clusters), dtype=np.bool_)
    np.put_along_axis(inside, order[:, :size], True, axis=1)
    rank = np.cumsum(inside, axis=2)
    drawn = (draws[:, 1:] * rank[..., -1]).astype(np.intp)[..., np.newaxis]
    own = np.where(rank[..., -1] > 0, (rank > drawn).argmax(axis=2), own)
    return pools, own, means.argmin(axis=1)


def _scaled(F: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale points (runs, n, m) so that each run's best value is 0, its worst 1, and failures are 2."""
    finite = np.isfinite(F)
    if finite.all():
        low = F.min(axis=1, keepdims=True)
        span = F.max(axis=1, keepdims=True) - low
        return np.asarray((F - low) / np.where(span > 0, span, 1.0))
    low = np.where(finite, F, np.inf).min(axis=1, keepdims=True)
    high = np.where(finite, F, -np.inf).max(axis=1, keepdims=True)
    low, span = np.where(np.isfinite(low), low, 0.0), high - low
    scale = np.where(np.isfinite(span) & (span > 0), span, 1.0)
    return np.where(finite, (np.where(finite, F, low) - low) / scale, 2.0)


def _distances(points: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distances of points from means: (runs, n, clusters)."""
    distance = (points[:, :, np.newaxis, 0] - means[:, np.newaxis, :, 0]) ** 2
    for j in range(1, points.shape[2]):
        distance += (points[:, :, np.newaxis, j] - means[:, np.newaxis, :, j]) ** 2
    return distance
