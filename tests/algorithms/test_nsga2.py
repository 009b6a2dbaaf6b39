"""Non-dominated sorting and crowding against moocore and the definition."""

from __future__ import annotations

import moocore
import numpy as np
import pytest

from nasbench_kit.algorithms.nsga2 import NSGA2, crowding, domination_rank, survivors


@pytest.mark.parametrize("m", [2, 3])
@pytest.mark.parametrize("seed", range(10))
def test_ranks_are_moocores(m, seed):
    rng = np.random.default_rng(seed)
    points = int(rng.integers(2, 70))
    F = rng.integers(0, int(rng.integers(2, 14)), (5, points, m)).astype(float)
    order, rank = domination_rank(F)
    for run in range(5):
        assert sorted(order[run]) == list(range(points))
        assert (moocore.pareto_rank(F[run])[order[run]] == rank[run]).all()
        assert (np.diff(rank[run]) >= 0).all()


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
    order, rank = domination_rank(F)
    F = np.take_along_axis(F, order[..., None], axis=1)
    distance = crowding(F, rank)
    for run in range(4):
        for front in range(rank[run].max() + 1):
            members = rank[run] == front
            np.testing.assert_allclose(distance[run, members], slow_crowding(F[run, members]))


@pytest.mark.parametrize("m", [2, 3])
def test_survivors_are_the_best_by_rank_then_crowding(m):
    F = np.random.default_rng(2).random((6, 80, m))
    best = survivors(F, 40)
    for run in range(6):
        rank = moocore.pareto_rank(F[run])
        chosen, left = best[run], np.setdiff1d(np.arange(80), best[run])
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
