"""MO-GOMEA: gene-pool optimal mixing within clusters of the objective space, with an elitist archive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.mixing import OptimalMixing, Runs
from nasbench_kit.algorithms.operators.linkage import linkage_tree, mutual_information
from nasbench_kit.algorithms.operators.operators import gather
from nasbench_kit.errors import UnknownName
from nasbench_kit.metrics.indicators import most_hypervolume
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["MOGOMEA", "balanced_clusters"]

SWEEPS = 20  # of the clusters' means, at most


@dataclass(kw_only=True)
class MOGOMEA(OptimalMixing):
    """Each cluster of the population has its linkage tree and donors; the clusters at the ends look at one objective alone.

    A trial is kept where it dominates its member, is as good, or is a new point of the archive of all that the run has found.
    A member that did not change, or after 1 + log10(n) generations without a new point of the archive, is mixed with members
    of the archive until it improves, or becomes one. Interleaved populations of 8, 16, 32, ... members are in 3, 4, 5, ...
    clusters as in the MacroNAS paper (arXiv 2004.08996). Source: Luong, La Poutré and Bosman 2014, Multi-objective gene-pool
    optimal mixing evolutionary algorithms (GECCO), and Luong, La Poutré and Bosman 2018 (Swarm and Evolutionary
    Computation 40). Weak mutation, and that a population is given up once a larger one has a point at least as good as each of
    its own, are options of the authors' program.

    Parameters
    ----------
    first_population : int
        The size of the first population; each further one is twice as large.
    turns : int
        Generations of a population for each one of the next larger population.
    mutation : {"weak", "strong", "none"}
        With which probability each gene that comes from a donor is another one: 1 / genes, 1 / the size of the set that is
        exchanged, or 0. Without mutation, what a population has lost can only come back from the archive.
    archive_size : int, optional
        The elitist archive holds at most so many points, those that add the most hypervolume; all unless given. With fewer
        than the front has, points that were dropped count as new when they come again.
    accept_archived : bool
        Whether mixing also keeps a trial that is only as good as some point of the archive, as the authors' program does:
        it is not dominated. The default is ours: without, whole fronts take fewer evaluations.
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
        """The settings of the MacroNAS paper's program.

        No mutation, larger populations twice as soon, and mixing keeps what no point of the archive dominates. The paper puts
        the all-identity network into the first population: that is ``initial`` of a search.
        """
        return cls(mutation="none", turns=2, accept_archived=True)

    def _begin(self) -> None:
        runs, genes, m = self.runs, self.space.genes, self.objectives
        # members first, then free places, whose values are infinite; objectives first: a minimum over them is then a vector
        # operation over all members of all runs
        self._archive_X = np.zeros((runs, 16, genes), dtype=np.uint8)
        self._archive_F = np.full((m, runs, 16), np.inf)
        self._archive_size = np.zeros(runs, dtype=np.intp)
        self._row = np.arange(runs)
        self._archived = np.zeros(runs, dtype=np.bool_)  # whether the last trial equals a point of the archive
        super()._begin()
        clusters = m + 1
        self._trees: Genotypes = np.zeros((runs, clusters, self._masks.shape[1], genes), dtype=np.uint8)
        self._pools = np.zeros((runs, clusters, 1), dtype=np.intp)  # members of each cluster
        self._pool_size = np.ones(runs, dtype=np.intp)
        self._alone = np.full((runs, clusters), -1)  # the only objective that a cluster looks at
        self._cluster_of = np.zeros((runs, 1), dtype=np.intp)  # of each member
        self._objective = np.full(runs, -1)  # that of the member's cluster

    def _learn(self, runs: Runs, p: int) -> None:
        X, F = self._X[runs, self._places(p)], self._F[runs, self._places(p)]
        n, clusters, genes = F.shape[1], self.objectives + 1 + p, self.space.genes
        self._make_room(n, clusters)
        draws = self.random.of(runs, (1 + n + clusters * genes,))
        pools, own, ends = balanced_clusters(F, clusters, draws[:, : 1 + n])
        size = pools.shape[2]
        self._pool_size[runs] = size
        self._pools[runs, :clusters, :size] = pools
        self._cluster_of[runs, :n] = own
        self._alone[runs] = -1
        for objective in range(self.objectives):
            self._alone[runs, ends[:, objective]] = objective
        # all clusters of all runs at once
        members = gather(X, pools.reshape(len(runs), -1)).reshape(-1, size, genes)
        trees = linkage_tree(mutual_information(members, self._letters), draws[:, 1 + n :].reshape(-1, genes))
        self._trees[runs, :clusters] = trees.reshape(len(runs), clusters, *trees.shape[1:]) * np.uint8(255)

    def _make_room(self, members: int, clusters: int) -> None:
        """Widen the tables of clusters for a larger population."""
        if self._cluster_of.shape[1] >= members and self._trees.shape[1] >= clusters:
            return
        for name, shape in (
            ("_trees", (clusters, *self._trees.shape[2:])),
            ("_pools", (clusters, members)),
            ("_alone", (clusters,)),
            ("_cluster_of", (members,)),
        ):
            table = getattr(self, name)
            wider = np.zeros((self.runs, *np.maximum(shape, table.shape[1:])), dtype=table.dtype)
            wider[tuple(slice(size) for size in table.shape)] = table
            setattr(self, name, wider)

    def _pool(self, runs: Runs, draws: NDArray[np.float64]) -> tuple[Genotypes, NDArray[np.intp]]:
        cluster = self._cluster_of[runs, self._i[runs]]
        self._objective[runs] = self._alone[runs, cluster]
        which = (draws * self._pool_size[runs][:, np.newaxis]).astype(np.intp)
        return self._trees[runs, cluster], self._pools[runs[:, np.newaxis], cluster[:, np.newaxis], which]

    def _mutation_rate(self, masks: Genotypes) -> float | NDArray[np.float64]:
        if self.mutation == "strong":
            return 1 / np.maximum(np.count_nonzero(masks, axis=2, keepdims=True), 1)
        return 1 / self.space.genes if self.mutation == "weak" else 0.0

    # ---------------------------------------------------------------- what is kept

    def _note(self, x: Genotypes, f: NDArray[np.float64]) -> NDArray[np.bool_]:
        values = np.ascontiguousarray(f.T)
        covers = np.logical_and.reduce(self._archive_F <= values[..., np.newaxis], axis=0)
        place = covers.argmax(axis=1)
        better: NDArray[np.bool_] = ~covers[self._row, place]
        equal = np.logical_and.reduce(self._archive_F[:, self._row, place] == values, axis=0) > better
        if np.isinf(values).any():  # what is not known is never a point of the archive
            known = np.isfinite(values).all(axis=0)
            better &= known
            equal &= known
        self._archived = equal
        same = np.flatnonzero(equal)
        if len(same):
            self._spread(same, place[same], x[same])
        enters = np.flatnonzero(better)
        if len(enters):
            self._enter(enters, x[enters], values[:, enters, np.newaxis])
        return better

    def _enter(self, runs: Runs, x: Genotypes, values: NDArray[np.float64]) -> None:
        """Put a new point into the archive of some runs, and take out those that it dominates."""
        F, X, room = self._archive_F[:, runs], self._archive_X[runs], self._archive_F.shape[2]
        left = np.arange(room) < self._archive_size[runs, np.newaxis]
        kept = left & ~(values <= F).all(axis=0)
        changed = np.flatnonzero((kept != left).any(axis=1))
        if len(changed):  # move what stays to the front
            order = np.argsort(~kept[changed], axis=1, kind="stable")
            X[changed] = gather(X[changed], order)
            F[:, changed] = np.where(kept[changed], F[:, changed], np.inf)
            F[:, changed] = np.take_along_axis(F[:, changed], order[np.newaxis], axis=2)
        size = kept.sum(axis=1)
        if size.max() == room:
            self._archive_F = np.concatenate([self._archive_F, np.full_like(self._archive_F, np.inf)], axis=2)
            self._archive_X = np.concatenate([self._archive_X, np.zeros_like(self._archive_X)], axis=1)
        self._archive_F[:, runs, :room], self._archive_X[runs, :room] = F, X
        self._archive_F[:, runs, size], self._archive_X[runs, size] = values[..., 0], x
        self._archive_size[runs] = size + 1
        if self.archive_size is not None:
            self._drop(runs[size + 1 > self.archive_size], self.archive_size)

    def _drop(self, runs: Runs, size: int) -> None:
        """Take the point that adds the least hypervolume out of archives that have one too many."""
        if not len(runs):
            return
        F = np.moveaxis(self._archive_F[:, runs, : size + 1], 0, 2)
        order = np.lexsort(np.moveaxis(F, 2, 0)[::-1], axis=1)
        F = gather(F, order)
        kept = most_hypervolume(F.reshape(-1, self.objectives), np.repeat(np.arange(len(runs)), size + 1), size)
        kept = kept.reshape(len(runs), size) - np.arange(len(runs))[:, np.newaxis] * (size + 1)
        self._archive_X[runs, :size] = gather(self._archive_X[runs], np.take_along_axis(order, kept, axis=1))
        self._archive_F[:, runs, :size] = np.moveaxis(gather(F, kept), 2, 0)
        self._archive_F[:, runs, size:] = np.inf
        self._archive_size[runs] = size

    def _spread(self, runs: Runs, place: NDArray[np.intp], x: Genotypes) -> None:
        """Of two genotypes with the same objective values keep the one that is farther from the rest of the archive."""
        new = (self._archive_X[runs, place] != x).any(axis=1)
        runs, place, x = runs[new], place[new], x[new]
        if not len(runs):
            return
        X = self._archive_X[runs]
        row = np.arange(len(runs))
        others = np.arange(X.shape[1]) < self._archive_size[runs, np.newaxis]
        others[row, place] = False
        far = self.space.genes + 1
        old_distance, distance = (
            np.where(others, (point[:, np.newaxis] != X).sum(axis=2), far).min(axis=1) for point in (X[row, place], x)
        )
        farther = distance > old_distance
        self._archive_X[runs[farther], place[farther]] = x[farther]

    def _not_worse(self, f: NDArray[np.float64], better: NDArray[np.bool_]) -> NDArray[np.bool_]:
        lower = f <= self._f
        kept = np.logical_and.reduce(lower, axis=1) | better
        if self.accept_archived:
            kept |= self._archived
        return np.where(self._objective >= 0, self._alone_of(lower), kept)

    def _improves(self, f: NDArray[np.float64], better: NDArray[np.bool_]) -> NDArray[np.bool_]:
        lower = f < self._f
        dominates = (f <= self._f).all(axis=1) & lower.any(axis=1)
        return np.where(self._objective >= 0, self._alone_of(lower), dominates | better)

    def _alone_of(self, values: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Of (runs, m) what belongs to the only objective that each run's cluster looks at (the first where it looks at all)."""
        alone: NDArray[np.bool_] = values[self._row, np.maximum(self._objective, 0)]
        return alone

    def _given_up(self, run: int, own: int) -> Iterable[int]:
        F = self._F[run, self._places(own)]

        def covered(p: int) -> bool:
            below = np.logical_and.reduce(self._F[run, self._places(p), np.newaxis] >= F, axis=2)
            return bool(np.logical_or.reduce(below, axis=1).all())

        return [p for p in np.flatnonzero(self._alive[run, :own]).tolist() if covered(p)]

    def _elite(self, runs: Runs, draws: NDArray[np.float64]) -> tuple[Genotypes, NDArray[np.float64]]:
        """Members of each archive at random; for a cluster of one objective the best in it."""
        size, own = self._archive_size[runs, np.newaxis], self._objective[runs]
        place = (draws * size).astype(np.intp)
        alone = np.flatnonzero(own >= 0)
        if len(alone):
            place[alone] = self._archive_F[own[alone], runs[alone]].argmin(axis=1)[:, np.newaxis]
        X = self._archive_X[runs[:, np.newaxis], place]
        F = np.moveaxis(self._archive_F[:, runs[:, np.newaxis], place], 0, 2)
        if not size.all():  # nothing is known yet
            known = (size > 0)[:, np.newaxis]
            X, F = np.where(known, X, self._x[runs, np.newaxis]), np.where(known, F, self._f[runs, np.newaxis])
        return X, F


def balanced_clusters(
    F: NDArray[np.float64], clusters: int, draws: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Clusters of equal size in the objective space that overlap by half: k-leader means.

    The first leader is the best point in one objective, each further one the point farthest from all leaders; means follow. Each
    cluster takes 2 n / k points: those nearest to its mean among its own, then among the others.

    Parameters
    ----------
    F : ndarray of float, shape (runs, n, m)
    clusters : int
    draws : ndarray of float, shape (runs, 1 + n)
        Random numbers in [0, 1): which objective the first leader is best in, and which of its clusters each point belongs to.

    Returns
    -------
    pools : ndarray of int, shape (runs, clusters, size)
        The members of each cluster.
    own : ndarray of int, shape (runs, n)
        One of the clusters that each point is a member of; the nearest where there is none.
    ends : ndarray of int, shape (runs, m)
        The cluster whose mean is the best in each objective.
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
    for _ in range(SWEEPS):
        member = own[:, np.newaxis] == every[:, np.newaxis]  # (runs, clusters, n)
        count = member.sum(axis=2, keepdims=True)
        means = np.where(count > 0, (member @ points) / np.maximum(count, 1), means)
        distance, before = _distances(points, means), own
        own = distance.argmin(axis=2)
        if (own == before).all():  # further sweeps would change no run
            break
    size = min(n, max(2, 2 * n // clusters))
    distance[own[..., np.newaxis] == every] -= m * 10  # farther than any point is
    order = distance.argsort(axis=1, kind="stable")
    pools = order[:, :size].swapaxes(1, 2)
    # of the clusters that have a point, each is as likely
    inside = np.zeros((runs, n, clusters), dtype=np.bool_)
    np.put_along_axis(inside, order[:, :size], True, axis=1)
    rank = np.cumsum(inside, axis=2)
    drawn = (draws[:, 1:] * rank[..., -1]).astype(np.intp)[..., np.newaxis]
    own = np.where(rank[..., -1] > 0, (rank > drawn).argmax(axis=2), own)
    return pools, own, means.argmin(axis=1)


def _scaled(F: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (runs, n, m) with each run's best value as 0, its worst as 1, and unknown ones as 2."""
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
