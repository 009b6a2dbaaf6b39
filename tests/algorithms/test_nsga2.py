"""Non-dominated sorting and crowding against moocore and the definition."""

from __future__ import annotations

import moocore
import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.algorithms.nsga2 import NSGA2, survivors
from nasbench_kit.kernels.crowding import rank_and_crowding
from nasbench_kit.spaces import Chain


@pytest.mark.parametrize("m", [2, 3])
@pytest.mark.parametrize("seed", range(10))
def test_ranks_are_moocores(m, seed):
    rng = np.random.default_rng(seed)
    points = int(rng.integers(2, 70))
    F = rng.integers(0, int(rng.integers(2, 14)), (5, points, m)) * 0.1 - seed % 2
    order, rank, _ = rank_and_crowding(F)
    for run in range(5):
        assert sorted(order[run]) == list(range(run * points, (run + 1) * points))
        assert (np.lexsort(F[run].T[::-1]) + run * points == order[run]).all()
        assert (moocore.pareto_rank(F[run])[order[run] - run * points] == rank[run]).all()
    _, some, _ = rank_and_crowding(F, enough=points // 2)
    for run in range(5):
        last = np.sort(rank[run])[max(points // 2 - 1, 0)]
        assert (np.minimum(rank[run], last + 1) == np.minimum(some[run], last + 1)).all()


def slow_crowding(F):
    """Deb et al. 2002, section III-B, one front at a time."""
    distance = np.zeros(len(F))
    for values in F.T:
        order = np.argsort(values, kind="stable")
        span = values[order[-1]] - values[order[0]]
        distance[order[0]] = distance[order[-1]] = np.inf
        if span > 0:
            distance[order[1:-1]] += (values[order[2:]] - values[order[:-2]]) / span
    return distance


@pytest.mark.parametrize("m", [2, 3])
def test_crowding_is_the_definition(m):
    F = np.random.default_rng(1).random((4, 60, m))
    order, rank, distance = rank_and_crowding(F)
    for run in range(4):
        for front in range(rank[run].max() + 1):
            members = order[run][rank[run] == front]
            expected = slow_crowding(F.reshape(-1, m)[members])
            np.testing.assert_allclose(distance[run][rank[run] == front], expected)


@pytest.mark.parametrize("m", [2, 3])
def test_every_extreme_of_each_objective_is_at_an_infinite_distance(m):
    """Where an extreme has copies, each objective's sort puts one of them at the end: as a rule not the same one."""
    ends = np.eye(m) * 3
    F = np.tile(np.concatenate([np.repeat(3 - ends, 10, axis=0), np.ones((1, m))]), (300, 1, 1))
    words = np.random.default_rng(0).integers(0, 2**32, F.shape[:2], dtype=np.uint32)
    order, _, distance = rank_and_crowding(F, words=words)
    sorted_F = F.reshape(-1, m)[order]
    infinite = np.isinf(distance)
    per_run = infinite.sum(axis=1)
    assert (per_run >= m).all()
    assert per_run.max() == 2 * m
    # two objectives: each extreme is an end of both, at a copy of ten each
    copies = infinite[(sorted_F == sorted_F.max(axis=1, keepdims=True)).any(axis=2)]
    assert copies.any()
    if m == 2:
        assert abs(per_run.mean() - 2 * (2 - 1 / 10)) < 0.1
        counts = infinite.sum(axis=0)[[*range(10), *range(11, 21)]]
        assert counts.min() > 300 * 0.19 / 2  # any copy may be at the end
        assert not infinite[:, 10].any()


def test_equal_points_share_the_gaps_to_their_neighbours():
    """All gaps of a front are assigned to some point: the crowding of a group of copies adds up to that of a single point."""
    rng = np.random.default_rng(2)
    F = np.stack([np.arange(8.0), (8 - np.arange(8.0)) ** 2], axis=1)[np.repeat(np.arange(8), 6)]
    words = rng.integers(0, 2**32, (500, len(F)), dtype=np.uint32)
    order, _, distance = rank_and_crowding(np.tile(F, (500, 1, 1)), words=words)
    groups = distance.reshape(500, 8, 6)
    alone = rank_and_crowding(F[np.newaxis, ::6])[2][0]
    np.testing.assert_allclose(groups.sum(axis=2)[:, 1:-1], np.tile(alone[1:-1], (500, 1)))
    assert (np.count_nonzero(groups[:, 1:-1], axis=2) <= 4).all()
    assert np.count_nonzero(groups[:, 1:-1], axis=2).max() == 4
    assert (order == np.arange(500)[:, None] * 48 + np.arange(48)).all()


def evaluations_to_the_front(algorithm, runs):
    """Evaluations until a run has seen all of OneMinMax's front: every number of ones among 20."""
    algorithm.start(Chain(20, "01"), runs=runs, objectives=2)
    seen, needed, told = np.zeros((runs, 21), dtype=bool), np.zeros(runs), 0
    while not needed.all():
        X = algorithm.ask()
        ones = X.sum(axis=2, dtype=int)
        algorithm.tell(np.stack([20 - ones, ones], axis=2))
        for column in ones.T:
            told += 1
            seen[np.arange(runs), column] = True
            needed[(needed == 0) & seen.all(axis=1)] = told
    return needed


@pytest.mark.slow
def test_as_many_evaluations_to_a_front_as_the_authors_program():
    """Which needs 3,642 +- 177; with one infinite copy of each extreme it was 4,715."""
    assert evaluations_to_the_front(NSGA2(), 200).mean() < 4200


@pytest.mark.parametrize("seed", range(20))
def test_many_runs_are_ranked_as_one_is(seed):
    """Values that do not fit into one word together with the run number."""
    rng = np.random.default_rng(seed)
    F = rng.normal(size=(33, 41, 2)) * 10.0 ** rng.integers(-30, 30, (33, 41, 2))
    F[rng.random((33, 41)) < 0.1] = np.inf
    order, rank, distance = rank_and_crowding(F, enough=20)
    for run in range(33):
        alone = rank_and_crowding(F[run : run + 1], enough=20)
        assert (alone[0][0] + run * 41 == order[run]).all()
        unknown = np.isinf(F[run]).any(axis=1)[alone[0][0]]
        assert (alone[1][0] == rank[run])[~unknown].all()
        assert rank[run][unknown].min(initial=99) > rank[run][~unknown].max()
        assert (alone[2][0] == distance[run]).all()


@pytest.mark.parametrize("m", [2, 3])
def test_survivors_are_the_best_by_rank_then_crowding(m):
    F = np.random.default_rng(2).random((6, 80, m))
    best = survivors(F, 40)
    for run in range(6):
        rank = moocore.pareto_rank(F[run])
        chosen, left = best[run] - 80 * run, np.setdiff1d(np.arange(80), best[run] - 80 * run)
        assert len(set(chosen.tolist())) == 40
        assert rank[chosen].max() <= rank[left].min()
        last = rank[chosen].max()
        front = np.flatnonzero(rank == last)
        distance = dict(zip(front.tolist(), slow_crowding(F[run][front]).tolist(), strict=True))
        inside = [distance[i] for i in chosen.tolist() if rank[i] == last]
        outside = [distance[i] for i in left.tolist() if rank[i] == last]
        assert not outside or min(inside) >= max(outside) - 1e-12


def test_unknown_values_come_last():
    F = np.array([[[1.0, 1.0], [np.inf, np.inf], [2.0, 0.5], [3.0, 3.0], [np.inf, np.inf]]])
    assert set(survivors(F, 3)[0].tolist()) == {0, 2, 3}


def test_settings():
    with pytest.raises(ValueError, match="even"):
        NSGA2(population_size=7)


def test_ties_are_broken_by_random_words():
    F = np.ones((1, 8, 2))
    F[0, [0, -1]] = [[0.0, 2.0], [2.0, 0.0]]  # without copies: the ends of the front
    words = np.random.default_rng(3).integers(0, 2**32, (40, 8), dtype=np.uint32)
    for word in words:
        kept = survivors(F, 8, word[np.newaxis])[0].tolist()
        assert kept[:2] == sorted([0, 7], key=lambda i: word[i])
        none = kept[6:]  # of six copies at most four have a neighbour at a distance
        assert none == sorted(none, key=lambda i: word[i])
    assert len({tuple(survivors(F, 8, word[np.newaxis])[0].tolist()) for word in words}) > 30
    assert survivors(F, 8)[0].tolist() == [0, 7, 1, 6, 2, 3, 4, 5]


def test_a_population_of_failures_alone():
    F = np.full((2, 6, 2), np.inf)
    F[1, 3] = 1.0  # the other run has one point
    assert survivors(F, 4).tolist()[1][0] == 9
    assert len(set(survivors(F[:1], 4)[0].tolist())) == 4
    unknown = nk.FunctionProblem(lambda X: np.full((len(X), 2), np.inf), nk.space("nas-bench-macro"), ["a", "b"])
    result = nk.search(unknown, nk.NSGA2(population_size=4), runs=2, evaluations=20)
    assert len(result.archive(1)[0]) == 0
