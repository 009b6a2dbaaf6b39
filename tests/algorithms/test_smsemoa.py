"""SMS-EMOA: ranks that are kept up to date, and the least contributor, against moocore and the definition."""

from __future__ import annotations

import moocore
import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.kernels.steady_state import after_joining, least_contributor, members_of

RUNS, MEMBERS = 5, 14


@pytest.mark.parametrize("m", [2, 3, 4])
@pytest.mark.parametrize("grid", [0, 2, 9])
def test_one_joins_and_the_least_contributor_leaves(m, grid):
    rng = np.random.default_rng(10 * m + grid)

    def draw(n):
        points = rng.integers(0, grid, (m, RUNS, n)).astype(float) if grid else rng.random((m, RUNS, n))
        points[:, rng.random((RUNS, n)) < 0.1] = np.inf
        return points

    X = np.zeros((RUNS, MEMBERS, 3), dtype=np.uint8)
    members = members_of(X, np.moveaxis(draw(MEMBERS), 0, 2))
    _, F, rank, order, twins = members
    for step in range(40):
        x, f = np.full((RUNS, 3), step, dtype=np.uint8), draw(1)[..., 0].T
        new = order[:, -1].copy()
        after_joining(members, x, f, rng.integers(0, 2**32, RUNS, dtype=np.uint32))
        assert (members.X[np.arange(RUNS), new] == step).all()
        for run in range(RUNS):
            assert (F[:, run, new[run]] == f[run]).all()
            assert sorted(order[run]) == list(range(MEMBERS + 1))
            points, gone, kept = F[:, run].T, order[run, -1], order[run, :-1]
            known = np.isfinite(points[:, 0])
            expected = moocore.pareto_rank(points)
            expected[~known] = expected[known].max(initial=-1) + 1
            assert (rank[run] == expected).all()
            last = np.flatnonzero(expected == expected.max())
            assert gone in last
            if m > 2:
                alike = (points[kept][:, np.newaxis] == points[kept]).all(axis=2).sum(axis=1)
                assert (twins[run, kept] == alike - 1).all()
            else:  # sorted by objectives
                ascending = points[kept]
                assert (ascending == ascending[np.lexsort(ascending.T[::-1])]).all()
            if known[last].all():
                lost = contributions(points[last])
                assert lost[last.tolist().index(gone)] <= lost.min() + 1e-9


def contributions(front):
    """By the definition: what the hypervolume lacks without each point."""
    span = np.ptp(front, axis=0)
    scaled = (front - front.min(axis=0)) / np.where(span > 0, span, 1)
    # with two objectives, so far away that an end counts more than all else
    reference = np.full(front.shape[1], 2.0 if front.shape[1] > 2 else 1e3)
    whole = moocore.hypervolume(scaled, ref=reference)
    return np.array(
        [whole - moocore.hypervolume(np.delete(scaled, i, axis=0), ref=reference) for i in range(len(front))]
    )


def test_ends_of_a_front_of_two_objectives_stay():
    x = np.array([0.0, 1e-9, 0.5, 0.6, 1 - 1e-9, 1.0])
    F = np.stack([x, 1 - x])[:, np.newaxis]
    order = np.arange(6)[np.newaxis]
    rank = np.zeros((1, 6), dtype=np.intp)
    gone = []
    for _ in range(4):
        place = least_contributor(F, rank, order, rank, np.zeros(1, dtype=np.uint32))[0]
        gone.append(int(order[0, place]))
        rank[0, gone[-1]] = -1
    assert set(gone) == {1, 2, 3, 4}
    assert set(gone[:2]) == {1, 4}


def test_ties_are_drawn():
    F = np.tile(np.stack([[0.0, 1, 1, 1, 1, 2], [2.0, 1, 1, 1, 1, 0]])[:, np.newaxis], (1, 500, 1))
    words = np.random.default_rng(0).integers(0, 2**32, 500, dtype=np.uint32)
    order = np.tile(np.arange(6), (500, 1))
    ranks = np.zeros((500, 6), dtype=np.intp)
    place = least_contributor(F, ranks, order, ranks, words)
    counts = np.bincount(place, minlength=6)
    assert counts[[0, 5]].sum() == 0
    assert counts[1:5].min() > 80


def test_a_population_never_loses_hypervolume():
    """With a reference point so far away that the ends of a front count more than all else."""
    space = nk.space("nas-bench-macro")
    search = nk.SMSEMOA(population_size=12).start(space, runs=3, seed=1, objectives=2)
    reference, before = np.array([1e4, 1e4]), np.zeros(3)
    for _ in range(400):
        X = search.ask().astype(float)
        search.tell(np.stack([(X**2).sum(axis=2), ((2 - X) * np.arange(8)).sum(axis=2) / 2], axis=2))
        F = search.population[1]
        assert F.shape[1] == 12
        now = np.array([moocore.hypervolume(points, ref=reference) for points in F])
        assert (now >= before - 1e-9).all()
        before = now
    assert search.ask().shape == (3, 1, 8)


def test_settings():
    with pytest.raises(ValueError, match="SMSEMOA: population_size must be at least 2, not 1"):
        nk.SMSEMOA(population_size=1)
    space = nk.space("nb201")
    with pytest.raises(ValueError, match="initial has 13 genotypes per run, but the first population of SMSEMOA holds"):
        nk.SMSEMOA(population_size=12).start(space, objectives=2, initial=space.sample(13, 0))
