"""Compiled loops that begin a generation of optimal mixing: clusters of a population, and their linkage trees.

They give the bits of `nasbench_kit.algorithms.operators.linkage` and of `balanced_clusters` in
`nasbench_kit.algorithms.mogomea`, which say what is computed; here it is computed for one run after the other, because
few runs begin a generation at the same step. A tree of 6 genes takes about 2 microseconds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import part
from nasbench_kit.kernels.mixing_rules import MIX, Rules, places, uniform

__all__ = ["SWEEPS", "begin_generation"]

SWEEPS = 20  # maximum number of k-means iterations


@part
def _information(X: Any, members: Any, logs: Any, counts: Any, information: Any) -> None:
    """Mutual information of all pairs of genes among some members; ``counts`` (values, values) is scratch space."""
    genes, values = X.shape[1], counts.shape[0]
    entropy = np.zeros(genes)
    for first in range(genes):
        for second in range(first, genes):
            counts[:] = 0
            for i in members:
                counts[X[i, first], X[i, second]] += 1
            if first == second:
                total = _sum_of_alleles(logs, counts, 0, True)
                entropy[first] = -total
            # in the order in which NumPy sums: alleles of the second gene first
            total = other = 0.0
            for a in range(values):
                total += _sum_of_alleles(logs, counts, a, False)
                other += _sum_of_alleles(logs, counts.T, a, False)
            information[first, second], information[second, first] = -total, -other
    for first in range(genes):
        for second in range(genes):
            information[first, second] = entropy[first] + entropy[second] - information[first, second]


@part
def _sum_of_alleles(logs: Any, counts: Any, row: int, diagonal: bool) -> float:
    """Sum of p log p over a row of counts, or over their diagonal, in the order of NumPy's ``sum``."""
    values = len(counts)
    whole = values - values % 8
    total = 0.0
    if whole:
        parts = np.empty(8)
        for i in range(whole):
            term = logs[counts[i, i] if diagonal else counts[row, i]]
            parts[i % 8] = term if i < 8 else parts[i % 8] + term
        total = ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]))
    for i in range(whole, values):
        total += logs[counts[i, i] if diagonal else counts[row, i]]
    return total


@part
def _tree(near: Any, size: Any, ties: Any, tree: Any) -> None:
    """Linkage tree of a similarity, which is modified in place; ``size`` (genes,) is scratch space."""
    genes = len(near)
    tree[:] = 0
    for gene in range(genes):
        tree[gene, gene] = 255
        size[gene] = 1.0
        for other in range(genes):
            near[gene, other] += 1e-9 * (ties[gene] + ties[other])
        near[gene, gene] = -np.inf
    slots = np.arange(genes)  # the latest set of each slot
    for joined in range(genes, 2 * genes - 2):
        first = second = 0
        for a in range(genes):
            for b in range(genes):
                if near[a, b] > near[first, second]:
                    first, second = a, b
        for gene in range(genes):
            tree[joined, gene] = tree[slots[first], gene] | tree[slots[second], gene]
        slots[first] = joined
        a_size, b_size = size[first], size[second]
        for gene in range(genes):
            mean = (a_size * near[first, gene] + b_size * near[second, gene]) / (a_size + b_size)
            near[first, gene] = near[gene, first] = mean
        near[first, first] = -np.inf
        near[second, :] = -np.inf
        near[:, second] = -np.inf
        size[first] += size[second]


@part
def _scaled(F: Any, points: Any) -> None:
    """Scale points (n, m) so that the best value is 0, the worst 1, and failures are 2."""
    n, m = F.shape
    for j in range(m):
        low, high = np.inf, -np.inf
        for i in range(n):
            if np.isfinite(F[i, j]):
                low, high = min(low, F[i, j]), max(high, F[i, j])
        span = high - low if high > low else 1.0
        for i in range(n):
            points[i, j] = (F[i, j] - low) / span if np.isfinite(F[i, j]) else 2.0


@part
def _distance(points: Any, i: int, means: Any, k: int) -> float:
    """Squared distance of a point from a mean."""
    total = 0.0
    for j in range(points.shape[1]):
        step = points[i, j] - means[k, j]
        total += step * step
    return total


@part
def _lowest(values: Any, order: Any, spare: Any) -> None:
    """Stable order of values (merge sort); ``spare`` is scratch space."""
    n = len(values)
    for i in range(n):
        order[i] = i
    width = 1
    while width < n:
        for begin in range(0, n, 2 * width):
            middle, end = min(begin + width, n), min(begin + 2 * width, n)
            a, b = begin, middle
            for place in range(begin, end):
                if a < middle and (b == end or values[order[a]] <= values[order[b]]):
                    spare[place] = order[a]
                    a += 1
                else:
                    spare[place] = order[b]
                    b += 1
        order[:] = spare
        width *= 2


@part
def _clusters(F: Any, run: int, state: Any, clusters: Any, count: int) -> int:
    """Balanced clusters of a run's population, and the size of their pools."""
    n, m = F.shape
    points, means = np.empty((n, m)), np.empty((count, m))
    _scaled(F, points)
    objective, first = np.intp(uniform(state, 0) * m), 0
    for i in range(n):
        if points[i, objective] < points[first, objective]:
            first = i
    means[0] = points[first]
    nearest = np.full(n, np.inf)
    for k in range(1, count):
        far = 0
        for i in range(n):
            nearest[i] = min(nearest[i], _distance(points, i, means, k - 1))
            if nearest[i] > nearest[far]:
                far = i
        means[k] = points[far]
    distance = np.empty((count, n))
    own, held, sums = np.full(n, -1), np.empty(count, dtype=np.intp), np.empty((count, m))
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
    size = min(n, max(2, 2 * n // count))
    order, spare = np.empty(n, dtype=np.intp), np.empty(n, dtype=np.intp)
    inside = np.zeros((n, count), dtype=np.bool_)
    for i in range(n):
        distance[own[i], i] -= m * 10  # own points come first
    for k in range(count):
        _lowest(distance[k], order, spare)
        for i in range(size):
            clusters.pools[run, k, i] = order[i]
            inside[order[i], k] = True
    # choose uniformly among the clusters that contain a point
    for i in range(n):
        containing = 0
        for k in range(count):
            containing += inside[i, k]
        clusters.own[run, i] = own[i]
        drawn = np.intp(uniform(state, 1 + i) * containing)
        for k in range(count):
            if inside[i, k]:
                if drawn == 0:
                    clusters.own[run, i] = k
                drawn -= 1
    clusters.objective[run] = -1
    for j in range(m):
        best = 0
        for k in range(count):
            if means[k, j] < means[best, j]:
                best = k
        clusters.objective[run, best] = j
    return size  # type: ignore[no-any-return]


@part
def begin_generation(
    run: int,
    populations: Any,
    turn: Any,
    clusters: Any,
    states: NDArray[np.uint64],
    rules: Rules,
    logs: NDArray[np.float64],
) -> None:
    """Cluster a run's population, learn the clusters' linkage trees, and begin a generation; arguments as of `advance`."""
    now = turn.each[run]
    genes, m = populations.X.shape[2], populations.F.shape[2]
    alleles = rules.others.max() + 1
    counts = np.empty((alleles, alleles), dtype=np.intp)
    near, ties, sizes = np.empty((genes, genes)), np.empty(genes), np.empty(genes)
    p = now.population
    begin, end = places(rules.first_population, p)
    n = end - begin
    X = populations.X[run, begin:end]
    count, size, drawn = 1, n, 0
    if m > 1:
        count, drawn = m + 1 + p, 1 + n
        size = _clusters(populations.F[run, begin:end], run, states[run], clusters, count)
    clusters.each[run].pool_size = size
    for k in range(count):
        for gene in range(genes):
            ties[gene] = uniform(states[run], drawn)
            drawn += 1
        _information(X, clusters.pools[run, k, :size], logs[p], counts, near)
        _tree(near, sizes, ties, clusters.trees[run, k])
    states[run] += np.uint64(drawn) * np.uint64(0x9E3779B97F4A7C15)
    patience, power = 1, 10  # 1 + log10(n), rounded down
    while power <= n:
        patience, power = patience + 1, 10 * power
    now.impatient = populations.stretch[run, p] > patience
    now.place, now.end, now.member = begin, end, 0
    now.improved = False
    now.tried = False
    now.phase = MIX
