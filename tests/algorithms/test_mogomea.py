"""MO-GOMEA: its clusters, its archive, and problems that linkage solves."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.algorithms.mogomea import balanced_clusters
from nasbench_kit.spaces import Chain


def test_clusters_are_of_one_size_and_cover_the_front():
    rng = np.random.default_rng(0)
    angle = rng.random((3, 40)) * np.pi / 2
    F = np.stack([1 - np.cos(angle), 1 - np.sin(angle)], axis=2) * [1.0, 1000.0]
    pools, own, ends = balanced_clusters(F, 4, np.array([0.0, 0.4, 0.9]))
    assert pools.shape == (3, 4, 20)
    assert all(len(set(pool.tolist())) == 20 for pool in pools.reshape(-1, 20))
    for run in range(3):
        assert set(own[run].tolist()) == {0, 1, 2, 3}
        assert len(set(ends[run].tolist())) == 2
        for objective in range(2):
            best = F[run, :, objective].argmin()
            assert best in pools[run, ends[run, objective]]
            assert own[run, best] == ends[run, objective]


def test_clusters_of_points_that_are_not_known():
    F = np.full((2, 8, 2), np.inf)
    F[0, :4] = np.random.default_rng(0).random((4, 2))
    pools, own, _ = balanced_clusters(F, 3, np.zeros(2))
    assert pools.shape[2] == 6
    assert own.shape == (2, 8)


def lotz(X):
    """Leading ones against trailing zeroes: n + 1 points on the front."""
    leading = np.cumprod(X, axis=1).sum(axis=1)
    trailing = np.cumprod(1 - X[:, ::-1].astype(int), axis=1).sum(axis=1)
    n = X.shape[1]
    return np.stack([n - leading, n - trailing], axis=1)


def inverse_traps(X):
    """Deceptive towards zeroes in one objective, towards ones in the other: mixing blocks as wholes gives the front."""
    ones = X.reshape(len(X), -1, 5).sum(axis=2)
    return np.stack(
        [np.where(ones == 5, 0, 1 + ones).sum(axis=1), np.where(ones == 0, 0, 6 - ones).sum(axis=1)], axis=1
    )


@pytest.mark.parametrize(
    ("function", "genes", "points", "evaluations"), [(lotz, 14, 15, 6000), (inverse_traps, 25, 6, 12_000)]
)
def test_whole_fronts_are_found(function, genes, points, evaluations):
    problem = nk.FunctionProblem(function, Chain(genes, "01"), ["a", "b"], bounds=[[0, 0], [genes + 5, genes + 5]])
    found = nk.search(problem, nk.MOGOMEA(), runs=10, evaluations=evaluations)
    true = {(a, b) for a, b in function(front_of(function, genes)).tolist()}
    assert len(true) == points

    def share(result):
        return np.mean([len(true & {tuple(f) for f in result.archive(run)[1].tolist()}) / points for run in range(10)])

    assert share(found) > 0.9
    if function is inverse_traps:  # which need linkage
        nsga2 = nk.search(problem, nk.NSGA2(population_size=50), runs=10, evaluations=evaluations)
        assert share(nsga2) < 0.7


def front_of(function, genes):
    if function is lotz:
        return np.array([[1] * k + [0] * (genes - k) for k in range(genes + 1)], dtype=np.uint8)
    return np.array([[1] * 5 * k + [0] * (genes - 5 * k) for k in range(genes // 5 + 1)], dtype=np.uint8)


def test_three_objectives_and_a_space_with_rules():
    space = nk.space("nb101")
    targets = space.sample(3, 1)
    problem = nk.FunctionProblem(
        lambda X: (X[:, None] != targets).sum(axis=2), space, ["a", "b", "c"], bounds=[[0] * 3, [26] * 3]
    )
    found = nk.search(problem, nk.MOGOMEA(), runs=3, evaluations=1500)
    random = nk.search(problem, nk.RandomSearch(), runs=3, evaluations=1500)
    assert found.hypervolume().mean() > random.hypervolume().mean()
