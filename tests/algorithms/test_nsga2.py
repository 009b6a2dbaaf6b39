"""Non-dominated sorting and crowding against moocore and the definition."""

from __future__ import annotations

import moocore
import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.algorithms.fronts import rank_and_crowding
from nasbench_kit.algorithms.nsga2 import NSGA2, survivors


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
@pytest.mark.parametrize("values", [5, 10**6])
def test_crowding_is_the_definition(m, values):
    """Also of equal points, which are each other's neighbours."""
    F = np.random.default_rng(1).integers(0, values, (4, 60, m)) / 7
    order, rank, distance = rank_and_crowding(F)
    for run in range(4):
        for front in range(rank[run].max() + 1):
            members = order[run][rank[run] == front]
            expected = slow_crowding(F.reshape(-1, m)[members])
            if m == 2:
                # equal points of a front of two lie side by side in either objective: from both ends
                expected = crowding_of_two(F.reshape(-1, m)[members])
            np.testing.assert_allclose(distance[run][rank[run] == front], expected)


def crowding_of_two(F):
    """The same for a front in order of its first objective, which is that of its second from the other end."""
    distance = np.zeros(len(F))
    for values in F.T:
        span = abs(values[-1] - values[0])
        if span > 0:
            distance[1:-1] += abs(values[2:] - values[:-2]) / span
    distance[[0, -1]] = np.inf
    return distance


@pytest.mark.parametrize("seed", range(20))
def test_many_runs_are_ranked_as_one_is(seed):
    """Values whose bits, with the number of the run, leave no room in one word."""
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
    F = np.zeros((1, 6, 2))  # the first and the last of equal points are the ends of their front
    words = np.array([[5, 0, 2, 3, 1, 4], [0, 3, 1, 2, 5, 4]], dtype=np.uint32) << np.uint32(29)
    assert survivors(F, 4, words[:1])[0].tolist() == [5, 0, 1, 4]
    assert survivors(F, 4, words[1:])[0].tolist() == [0, 5, 2, 3]
    assert survivors(F, 4)[0].tolist() == [0, 5, 1, 2]


def test_a_population_of_failures_alone():
    F = np.full((2, 6, 2), np.inf)
    F[1, 3] = 1.0  # the other run knows one point
    assert survivors(F, 4).tolist()[1][0] == 9
    assert len(set(survivors(F[:1], 4)[0].tolist())) == 4
    unknown = nk.FunctionProblem(lambda X: np.full((len(X), 2), np.inf), nk.space("nas-bench-macro"), ["a", "b"])
    result = nk.search(unknown, nk.NSGA2(population_size=4), runs=2, evaluations=20)
    assert len(result.archive(1)[0]) == 0
