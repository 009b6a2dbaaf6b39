"""GOMEA: the linkage it learns, and a problem that only linkage solves."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.cluster.hierarchy
import scipy.spatial.distance
import scipy.stats

import nasbench_kit as nk
from nasbench_kit.algorithms.operators import linkage
from nasbench_kit.algorithms.operators.linkage import linkage_tree, mutual_information
from nasbench_kit.algorithms.streams import Streams
from nasbench_kit.spaces import Chain


def test_mutual_information_by_the_definition():
    X = np.random.default_rng(0).integers(0, 3, (2, 40, 5), dtype=np.uint8)
    X[:, :, 4] = X[:, :, 0]
    found = mutual_information(X, 3)
    for run in range(2):
        for a in range(5):
            for b in range(5):
                joint = np.histogram2d(X[run, :, a], X[run, :, b], bins=3, range=[[0, 3], [0, 3]])[0] / 40
                independent = joint.sum(axis=1)[:, None] * joint.sum(axis=0)
                expected = scipy.stats.entropy(joint.ravel(), independent.ravel())
                assert found[run, a, b] == pytest.approx(expected, abs=1e-6)


def test_mutual_information_a_few_populations_at_a_time(monkeypatch):
    X = np.random.default_rng(1).integers(0, 3, (7, 20, 4), dtype=np.uint8)
    at_once = mutual_information(X, 3)
    monkeypatch.setattr(linkage, "AT_ONCE", 2 * (4 * 3) ** 2)
    np.testing.assert_array_equal(mutual_information(X, 3), at_once)


def test_trees_are_those_of_scipy():
    rng = np.random.default_rng(0)
    similarity = rng.random((6, 9, 9))
    similarity = (similarity + similarity.swapaxes(1, 2)) / 2
    sets = linkage_tree(similarity, np.zeros((6, 9)))
    for run in range(6):
        distance = scipy.spatial.distance.squareform(1 - similarity[run], checks=False)
        merged = scipy.cluster.hierarchy.linkage(distance, "average")
        members = [{i} for i in range(9)]
        for a, b, *_ in merged:
            members.append(members[int(a)] | members[int(b)])
        assert [set(np.flatnonzero(row).tolist()) for row in sets[run]] == members[:-1]


def test_ties_are_broken_at_random():
    sets = linkage_tree(np.ones((50, 4, 4)), np.random.default_rng(0).random((50, 4)))
    assert len({row.tobytes() for row in sets[:, 4]}) > 3
    assert linkage_tree(np.ones((1, 1, 1)), np.zeros((1, 1))).tolist() == [[[True]]]
    assert linkage_tree(np.ones((1, 2, 2)), np.zeros((1, 2))).tolist() == [[[True, False], [False, True]]]


def test_numbers_of_runs_that_do_not_keep_step():
    many, one = Streams(3, 5), Streams(3, 1, first_run=2)
    many.of(np.array([0, 4]), (3,))
    first = many.of(np.array([1, 2]), (2, 3))
    assert (first[1] == one.of(np.array([0]), (2, 3))[0]).all()
    assert (many.of(np.array([2]), (1000,)) == one.of(np.array([0]), (1000,))).all()
    draws = many.of(np.arange(5), (20_000,)).ravel()
    assert scipy.stats.kstest(draws, "uniform").pvalue > 1e-3


def traps(X):
    """Deceptive blocks of five bits: all ones is best, but everything else leads to zeroes."""
    ones = X.reshape(len(X), -1, 5).sum(axis=2)
    return np.where(ones == 5, 0, 1 + ones).sum(axis=1)


@pytest.mark.slow
@pytest.mark.parametrize(("blocks", "evaluations"), [(3, 4000), (5, 10_000)])
def test_traps(blocks, evaluations):
    problem = nk.FunctionProblem(traps, Chain(5 * blocks, "01"))
    found = nk.search(problem, nk.GOMEA(), runs=15, evaluations=evaluations)
    assert (found.incumbent_values == 0).mean() >= 0.8
    other = nk.search(problem, nk.GeneticAlgorithm(population_size=50), runs=10, evaluations=evaluations)
    assert (other.incumbent_values == 0).mean() <= 0.5


def test_constrained_spaces():
    space = nk.space("nb101")
    target = space.sample(1, 9)[0]
    problem = nk.FunctionProblem(lambda X: (target != X).sum(axis=1), space)
    found = nk.search(problem, nk.GOMEA(), runs=4, evaluations=600)
    assert space.is_valid(found.incumbents).all()
    assert (
        found.incumbent_values.mean()
        < nk.search(problem, nk.RandomSearch(), runs=4, evaluations=600).incumbent_values.mean()
    )


def test_a_space_that_is_soon_exhausted():
    problem = nk.FunctionProblem(lambda X: X.sum(axis=1), Chain(2, "ab"))
    found = nk.search(problem, nk.GOMEA(), runs=3, evaluations=500)
    assert (found.incumbent_values == 0).all()
    with pytest.raises(ValueError, match="at least 2"):
        nk.GOMEA(first_population=1)
