"""Compiled loops that begin a generation of optimal mixing: clusters of a population, and their linkage trees.

They give the bits of `nasbench_kit.algorithms.operators.linkage` and of `balanced_clusters` in
`nasbench_kit.algorithms.mogomea`, which say what is computed; here it is computed for one run after the other, because
few runs begin a generation at the same step. A tree of 6 genes takes about 2 microseconds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nasbench_kit.kernels.compiling import part
from nasbench_kit.kernels.mixing_rules import uniform

__all__ = ["SWEEPS", "learn"]

SWEEPS = 20  # maximum number of k-means iterations


@part
def _information(
    run: int, begin: int, k: int, size: int, p: int, X: Any, pools: Any, logs: Any, counts: Any, information: Any
) -> None:
    """Mutual information of all pairs of genes in a run's cluster; ``counts`` (values, values) is scratch space.

    The diagonal holds the entropy of each gene.
    """
    genes, values = X.shape[2], counts.shape[0]
    for first in range(genes):
        for second in range(first, genes):
            for a in range(values):
                for b in range(values):
                    counts[a, b] = 0
            for i in range(size):
                member = begin + pools[run, k, i]
                counts[X[run, member, first], X[run, member, second]] += 1
            if first == second:
                information[first, first] = -_sum_of_alleles(p, logs, counts, 0, 1, 1)
                continue
            # in the order in which NumPy sums: alleles of the second gene first
            total = other = 0.0
            for a in range(values):
                total += _sum_of_alleles(p, logs, counts, a, 0, 1)
                other += _sum_of_alleles(p, logs, counts, a, 1, 0)
            information[first, second], information[second, first] = -total, -other
    for first in range(genes):
        for second in range(genes):
            if first != second:
                both = information[first, first] + information[second, second]
                information[first, second] = both - information[first, second]


@part
def _sum_of_alleles(p: int, logs: Any, counts: Any, a: int, down: int, right: int) -> float:
    """Sum of p log p over row ``a`` of counts, over a column, or over the diagonal, in the order of NumPy's ``sum``."""
    values = len(counts)
    row = 0 if down else a
    column = 0 if right else a
    total = 0.0
    if values < 8:
        for i in range(values):
            total += logs[p, counts[row + down * i, column + right * i]]
        return total
    whole = values - values % 8
    parts = np.zeros(8)
    for i in range(whole):
        parts[i % 8] += logs[p, counts[row + down * i, column + right * i]]
    total = ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]))
    for i in range(whole, values):
        total += logs[p, counts[row + down * i, column + right * i]]
    return float(total)


@part
def _tree(run: int, k: int, state: int, drawn: int, near: Any, size: Any, slots: Any, trees: Any) -> None:
    """Linkage tree of a run's cluster, from a similarity that is modified in place; ``size`` and ``slots`` are scratch.

    Ties are broken by the random numbers of the run's stream after ``drawn``.
    """
    genes = len(near)
    for joined in range(trees.shape[2]):
        for gene in range(genes):
            trees[run, k, joined, gene] = 255 if joined == gene else 0
    for gene in range(genes):
        size[gene] = uniform(state, drawn + gene)
    for gene in range(genes):
        for other in range(genes):
            near[gene, other] += 1e-9 * (size[gene] + size[other])
        near[gene, gene] = -np.inf
        slots[gene] = gene  # the latest set of each slot
    size[:] = 1.0
    for joined in range(genes, 2 * genes - 2):
        first = second = 0
        for a in range(genes):
            for b in range(genes):
                if near[a, b] > near[first, second]:
                    first, second = a, b
        for gene in range(genes):
            trees[run, k, joined, gene] = trees[run, k, slots[first], gene] | trees[run, k, slots[second], gene]
        slots[first] = joined
        for gene in range(genes):
            mean = (size[first] * near[first, gene] + size[second] * near[second, gene]) / (size[first] + size[second])
            near[first, gene] = near[gene, first] = mean
        near[first, first] = -np.inf
        for gene in range(genes):
            near[second, gene] = near[gene, second] = -np.inf
        size[first] += size[second]


@part
def _scaled(run: int, begin: int, F: Any, points: Any) -> None:
    """Scale points (n, m) so that the best value is 0, the worst 1, and failures are 2."""
    n, m = points.shape
    for j in range(m):
        low, high = np.inf, -np.inf
        for i in range(n):
            value = F[run, begin + i, j]
            if np.isfinite(value):
                low, high = min(low, value), max(high, value)
        span = high - low if high > low else 1.0
        for i in range(n):
            value = F[run, begin + i, j]
            points[i, j] = (value - low) / span if np.isfinite(value) else 2.0


@part
def _distance(points: Any, i: int, means: Any, k: int) -> float:
    """Squared distance of a point from a mean."""
    total = 0.0
    for j in range(points.shape[1]):
        step = points[i, j] - means[k, j]
        total += step * step
    return total


@part
def _nearest(k: int, distance: Any, order: Any) -> None:
    """The points nearest to a mean, in stable order: as many as there is room for in ``order``."""
    size, count = len(order), 0
    for i in range(distance.shape[1]):
        if count == size:
            if not distance[k, i] < distance[k, order[size - 1]]:
                continue
            count -= 1
        place = count
        while place > 0 and distance[k, order[place - 1]] > distance[k, i]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = i
        count += 1


@part
def _cluster(run: int, begin: int, state: int, F: Any, points: Any, means: Any, distance: Any, own: Any) -> None:
    """Scaled points (n, m) of a run's population, and the means, distances and points of clusters by k-means."""
    (count, n), m = distance.shape, points.shape[1]
    _scaled(run, begin, F, points)
    objective, far = np.intp(uniform(state, 0) * m), 0
    for i in range(n):
        own[i] = -1
        distance[0, i] = np.inf  # from the nearest leader
        if points[i, objective] < points[far, objective]:
            far = i
    for k in range(count):
        for j in range(m):
            means[k, j] = points[far, j]
        far = 0
        for i in range(n):
            distance[0, i] = min(distance[0, i], _distance(points, i, means, k))
            if distance[0, i] > distance[0, far]:
                far = i
    held, sums = np.empty(count, dtype=np.intp), np.empty((count, m))
    for sweep in range(SWEEPS + 1):
        changed = False
        for i in range(n):
            best = 0
            for k in range(count):
                distance[k, i] = _distance(points, i, means, k)
                if distance[k, i] < distance[best, i]:
                    best = k
            changed = changed or own[i] != best
            own[i] = best
        if not changed or sweep == SWEEPS:
            break
        held[:], sums[:] = 0, 0.0
        for i in range(n):
            held[own[i]] += 1
            for j in range(m):
                sums[own[i], j] += points[i, j]
        for k in range(count):
            if held[k]:
                for j in range(m):
                    means[k, j] = sums[k, j] / held[k]


@part
def _pools(
    run: int, begin: int, end: int, count: int, state: int, F: Any, pools: Any, objective_of: Any, own_cluster: Any
) -> int:
    """Balanced clusters of a run's population, and the size of their pools."""
    n, m = end - begin, F.shape[2]
    points, means, distance = np.empty((n, m)), np.empty((count, m)), np.empty((count, n))
    own = np.empty(n, dtype=np.intp)
    _cluster(run, begin, state, F, points, means, distance, own)
    size = min(n, max(2, 2 * n // count))
    order = np.empty(size, dtype=np.intp)
    inside = np.zeros((n, count), dtype=np.bool_)
    for i in range(n):
        distance[own[i], i] -= m * 10  # own points come first
    for k in range(count):
        _nearest(k, distance, order)
        for i in range(size):
            pools[run, k, i] = order[i]
            inside[order[i], k] = True
    # choose uniformly among the clusters that contain a point
    for i in range(n):
        containing = 0
        for k in range(count):
            containing += inside[i, k]
        own_cluster[run, i] = own[i]
        drawn = np.intp(uniform(state, 1 + i) * containing)
        for k in range(count):
            if inside[i, k]:
                if drawn == 0:
                    own_cluster[run, i] = k
                drawn -= 1
    for k in range(objective_of.shape[1]):
        objective_of[run, k] = -1
    for j in range(m):
        best = 0
        for k in range(count):
            if means[k, j] < means[best, j]:
                best = k
        objective_of[run, best] = j
    return size


@part
def learn(
    run: int,
    begin: int,
    end: int,
    p: int,
    states: Any,
    others: Any,
    logs: Any,
    X: Any,
    F: Any,
    trees: Any,
    pools: Any,
    objective_of: Any,
    own_cluster: Any,
) -> int:
    """Cluster population ``p`` of a run, learn the clusters' linkage trees, and return the size of their pools.

    With one objective, the population is a single cluster. Other arguments are as in
    `nasbench_kit.kernels.optimal_mixing`.
    """
    genes, m, n = X.shape[2], F.shape[2], end - begin
    values = 1
    for gene in range(genes):
        values = max(values, others[gene] + 1)
    counts = np.empty((values, values), dtype=np.intp)
    near, sizes, slots = np.empty((genes, genes)), np.empty(genes), np.empty(genes, dtype=np.intp)
    count, size, drawn = 1, n, 0
    if m > 1:
        count, drawn = m + 1 + p, 1 + n
        size = _pools(run, begin, end, count, states[run], F, pools, objective_of, own_cluster)
    for k in range(count):
        _information(run, begin, k, size, p, X, pools, logs, counts, near)
        _tree(run, k, states[run], drawn, near, sizes, slots, trees)
        drawn += genes
    states[run] += np.uint64(drawn) * np.uint64(0x9E3779B97F4A7C15)
    return size
