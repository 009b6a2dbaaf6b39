"""MO-GOMEA: its clusters, its archive, and problems that linkage solves."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.algorithms.mogomea import balanced_clusters
from nasbench_kit.metrics.indicators import most_hypervolume, pareto_front
from nasbench_kit.spaces import Chain


def test_clusters_are_of_one_size_and_cover_the_front():
    rng = np.random.default_rng(0)
    angle = rng.random((3, 40)) * np.pi / 2
    F = np.stack([1 - np.cos(angle), 1 - np.sin(angle)], axis=2) * [1.0, 1000.0]
    pools, own, ends = balanced_clusters(F, 4, np.concatenate([[[0.0], [0.4], [0.9]], rng.random((3, 40))], axis=1))
    assert pools.shape == (3, 4, 20)
    assert all(len(set(pool.tolist())) == 20 for pool in pools.reshape(-1, 20))
    for run in range(3):
        assert set(own[run].tolist()) == {0, 1, 2, 3}
        assert len(set(ends[run].tolist())) == 2
        for objective in range(2):
            best = F[run, :, objective].argmin()
            assert best in pools[run, ends[run, objective]]
        for point in range(40):  # a point belongs to one of those that have it, if any has
            having = [k for k in range(4) if point in pools[run, k]]
            assert own[run, point] in having or not having
    many = np.array([balanced_clusters(F[:1], 4, rng.random((1, 41)))[1][0] for _ in range(60)])
    assert max(len(set(clusters.tolist())) for clusters in many.T) > 1


def test_clusters_of_points_that_are_not_known():
    F = np.full((2, 8, 2), np.inf)
    F[0, :4] = np.random.default_rng(0).random((4, 2))
    pools, own, _ = balanced_clusters(F, 3, np.zeros((2, 9)))
    assert pools.shape[2] == 5
    assert own.shape == (2, 8)


def lotz(X):
    """Leading ones against trailing zeroes: n + 1 points on the front."""
    leading = np.cumprod(X, axis=1).sum(axis=1)
    trailing = np.cumprod(1 - X[:, ::-1].astype(int), axis=1).sum(axis=1)
    n = X.shape[1]
    return np.stack([n - leading, n - trailing], axis=1)


def inverse_traps(X):
    """Deceptive towards zeroes in one objective, towards ones in the other: only exchanging whole blocks finds the front."""
    ones = X.reshape(len(X), -1, 5).sum(axis=2)
    return np.stack(
        [np.where(ones == 5, 0, 1 + ones).sum(axis=1), np.where(ones == 0, 0, 6 - ones).sum(axis=1)], axis=1
    )


def zeroes_and_ones(X):
    """No zeroes against no ones: every number of ones is on the front."""
    ones = X.sum(axis=1, dtype=int)
    return np.stack([X.shape[1] - ones, ones], axis=1)


def share_of_the_front(algorithm, function, genes, evaluations):
    """Over 10 runs."""
    problem = nk.FunctionProblem(function, Chain(genes, "01"), ["a", "b"], bounds=[[0, 0], [genes + 5, genes + 5]])
    found = nk.search(problem, algorithm, runs=10, evaluations=evaluations)
    step = 5 if function is inverse_traps else 1
    front = np.array([[1] * k + [0] * (genes - k) for k in range(0, genes + 1, step)], dtype=np.uint8)
    true = {tuple(f) for f in function(front).tolist()}
    assert len(true) == genes // step + 1
    return np.mean([len(true & {tuple(f) for f in found.archive(run)[1].tolist()}) / len(true) for run in range(10)])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "genes", "evaluations", "share", "ahead"),
    [
        (lotz, 10, 1000, 0.9, 0.0),
        (lotz, 20, 4000, 0.8, 0.05),
        (lotz, 30, 10_000, 0.75, 0.05),
        (zeroes_and_ones, 30, 1500, 0.9, 0.1),
        # blocks that only linkage keeps together
        (inverse_traps, 15, 2000, 0.8, 0.0),
        (inverse_traps, 25, 5000, 0.8, 0.2),
        (inverse_traps, 40, 12_000, 0.75, 0.2),
    ],
)
def test_more_of_the_front_than_nsga2_finds(function, genes, evaluations, share, ahead):
    """NSGA-II with the better of two populations for these budgets."""
    ours = share_of_the_front(nk.MOGOMEA(), function, genes, evaluations)
    theirs = max(share_of_the_front(nk.NSGA2(population_size=n), function, genes, evaluations) for n in (50, 100))
    assert ours >= share
    assert ours >= theirs + ahead


@pytest.mark.slow
def test_mutation_brings_back_what_a_population_has_lost():
    without, weak = (share_of_the_front(nk.MOGOMEA(mutation=kind), lotz, 15, 2000) for kind in ("none", "weak"))
    assert without + 0.1 < weak


def test_without_mutation_every_value_comes_from_a_donor():
    """A gene value that no member of the first population has never appears while that population has its turn."""
    algorithm = nk.MOGOMEA.macronas()
    assert algorithm.settings == {
        "first_population": 8,
        "turns": 2,
        "mutation": "none",
        "archive_size": None,
        "accept_archived": True,
    }
    for mutation in ("none", "weak"):
        algorithm = nk.MOGOMEA(mutation=mutation, turns=1000).start(Chain(10, "abcde"), runs=30, objectives=2)
        asked = []
        for _ in range(60):
            asked.append(algorithm.ask()[:, 0])
            algorithm.tell(inverse_traps(asked[-1] % 2)[:, None])
        X = np.array(asked)
        at_first = (X[:8, :, :, None] == np.arange(5)).any(axis=0)
        later = (X[8:, :, :, None] == np.arange(5)).any(axis=0)
        assert (later & ~at_first).any() == (mutation == "weak")


@pytest.mark.parametrize("accepts", [False, True])
def test_a_trial_as_good_as_a_point_of_the_archive(accepts):
    """It is on the front but neither dominates its member nor equals it, so that the setting alone decides."""
    algorithm = nk.MOGOMEA(accept_archived=accepts).start(Chain(6, "01"), runs=1, objectives=2)
    for x, f in (([0, 0, 0, 0, 0, 0], (1, 3)), ([1, 1, 1, 1, 1, 1], (3, 1))):
        algorithm._note(np.array([x], dtype=np.uint8), np.array([f], dtype=float))
    algorithm._member.f, algorithm._clusters.current[:] = np.array([[3.0, 1.0]]), -1
    for f, kept in (((1, 3), accepts), ((2, 4), False), ((2, 2), True), ((3, 1), True)):
        trial = np.array([[0, 0, 0, 0, 0, 1]], dtype=np.uint8), np.array([f], dtype=float)
        better = algorithm._note(*trial)
        assert algorithm._not_worse(trial[1], better)[0] == kept, f


def test_of_two_equal_points_the_archive_keeps_the_farther_one():
    algorithm = nk.MOGOMEA().start(Chain(6, "01"), runs=2, objectives=2)
    told = [([0, 0, 0, 0, 0, 0], (1, 2)), ([0, 0, 0, 0, 0, 1], (2, 1)), ([1, 1, 1, 0, 0, 1], (2, 1))]
    for x, f in told:
        better = algorithm._note(np.array([x, x], dtype=np.uint8), np.array([f, f], dtype=float))
    assert not better.any()  # but it is no new point
    assert {tuple(x) for x in algorithm._archive.X[0, :2].tolist()} == {(0, 0, 0, 0, 0, 0), (1, 1, 1, 0, 0, 1)}
    nearer = np.array([[0, 0, 0, 0, 1, 1]] * 2, dtype=np.uint8)
    assert not algorithm._note(nearer, np.array([[2.0, 1.0]] * 2)).any()
    assert tuple(algorithm._archive.X[1, 1].tolist()) == (1, 1, 1, 0, 0, 1)
    assert algorithm._note(nearer, np.array([[0.0, 0.0], [3.0, 3.0]])).tolist() == [True, False]
    assert algorithm._archive.count.tolist() == [1, 2]
    assert np.isinf(algorithm._archive.F[:, 0, 1:]).all()


def test_archives_are_what_is_not_dominated():
    """Against the recorder's archive, beyond the room that there is at first."""
    problem = nk.FunctionProblem(zeroes_and_ones, Chain(60, "01"), ["a", "b"], bounds=[[0, 0], [60, 60]])
    algorithm = nk.MOGOMEA().start(problem.space, runs=3, objectives=2)
    seen = []
    for _ in range(1500):
        X = algorithm.ask()[:, 0]
        seen.append(problem(X))
        algorithm.tell(seen[-1][:, None])
    for run, F in enumerate(np.array(seen).swapaxes(0, 1)):
        size = algorithm._archive.count[run]
        assert size > 16
        archive = algorithm._archive.F[:, run, :size].T
        assert np.array_equal(np.unique(archive, axis=0), np.unique(F, axis=0))
        assert (problem(algorithm._archive.X[run, :size]) == archive).all()


def and_unequal_pairs(X):
    return np.column_stack([zeroes_and_ones(X), (X[:, ::2] != X[:, 1::2]).sum(axis=1)])


@pytest.mark.parametrize(("function", "objectives"), [(zeroes_and_ones, 2), (and_unequal_pairs, 3)])
@pytest.mark.slow
def test_a_bounded_archive_keeps_what_adds_most(function, objectives):
    """Every step equals pruning the union of the old archive and the new point; both extremes stay."""
    problem = nk.FunctionProblem(function, Chain(12, "01"), [*"abc"[:objectives]])
    algorithm = nk.MOGOMEA(archive_size=5).start(problem.space, runs=4, objectives=objectives)
    archives = [np.empty((0, objectives))] * 4
    full = 0
    for _ in range(400):
        X = algorithm.ask()[:, 0]
        F = problem(X)
        algorithm.tell(F[:, None])
        for run in range(4):
            together = np.unique(np.concatenate([archives[run], F[run : run + 1]]), axis=0)
            front = together[pareto_front(together)]
            kept = front[most_hypervolume(front, np.zeros(len(front), dtype=np.int64), 5)]
            size = algorithm._archive.count[run]
            found = algorithm._archive.F[:, run, :size].T
            assert np.array_equal(np.unique(found, axis=0), np.unique(kept, axis=0))
            assert (problem(algorithm._archive.X[run, :size]) == found).all()
            archives[run] = kept
            full += len(front) > 5
    assert full > 20


def test_wrong_settings():
    with pytest.raises(ValueError, match="archive_size must be at least 2, not 1"):
        nk.MOGOMEA(archive_size=1)
    with pytest.raises(nk.UnknownName, match="did you mean 'strong'"):
        nk.MOGOMEA(mutation="stron")
    with pytest.raises(ValueError, match="turns must be at least 1"):
        nk.MOGOMEA(turns=0)


def test_three_objectives_and_a_space_with_rules():
    space = nk.space("nb101")
    targets = space.sample(3, 1)
    problem = nk.FunctionProblem(
        lambda X: (X[:, None] != targets).sum(axis=2), space, ["a", "b", "c"], bounds=[[0] * 3, [26] * 3]
    )
    found = nk.search(problem, nk.MOGOMEA(), runs=3, evaluations=1500)
    random = nk.search(problem, nk.RandomSearch(), runs=3, evaluations=1500)
    assert found.hypervolume().mean() > random.hypervolume().mean()
