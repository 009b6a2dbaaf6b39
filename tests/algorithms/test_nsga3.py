"""NSGA-III: directions, normalisation, association and niching against the paper's own, sequential procedure."""

from __future__ import annotations

import moocore
import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.algorithms.nsga3 import reference_directions
from nasbench_kit.kernels import niching
from nasbench_kit.kernels.niching import associate, intercepts, niched_survivors, nondomination_ranks


@pytest.mark.parametrize(("objectives", "published"), [(3, 91), (5, 210), (8, 156), (10, 275), (15, 135)])
def test_directions_are_the_published_ones(objectives, published):
    """Deb and Jain 2014, table I."""
    directions = reference_directions(objectives)
    assert directions.shape == (published, objectives)
    assert len(np.unique(directions.round(9), axis=0)) == published
    np.testing.assert_allclose(directions.sum(axis=1), 1)
    assert set(directions.max(axis=1).round(6)) >= {1.0}
    size = nk.NSGA3().start(nk.space("nb201"), objectives=objectives).ask().shape[1]
    assert size == {91: 92, 210: 212, 156: 156, 275: 276, 135: 136}[published]


def test_directions_follow_the_settings():
    assert len(reference_directions(2, None, 50)) == 50
    assert len(reference_directions(3, None, 100)) == 91
    assert len(reference_directions(3, 4, 100)) == 15
    assert nk.NSGA3(divisions=4).start(nk.space("nb201"), objectives=3).ask().shape[1] == 16
    assert nk.NSGA3(population_size=20).start(nk.space("nb201"), objectives=3).ask().shape[1] == 20


@pytest.mark.parametrize("m", [2, 3, 4])
def test_association_is_by_perpendicular_distance(monkeypatch, m):
    N = np.random.default_rng(m).random((3000, m))
    directions = reference_directions(m, 7)
    along = N @ directions.T / (directions**2).sum(axis=1)
    distance = ((N[:, np.newaxis] - along[..., np.newaxis] * directions) ** 2).sum(axis=2)
    nearest, squared = associate(N, directions)
    np.testing.assert_allclose(squared, distance.min(axis=1), atol=1e-14)
    assert (nearest == distance.argmin(axis=1)).all()
    assert associate(np.zeros((1, m)), directions)[1] == 0
    monkeypatch.setattr(niching, "BLOCK", 500)  # in many steps
    assert (associate(N, directions)[0] == nearest).all()


def test_intercepts_are_those_of_the_hyperplane():
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(3), 40)
    weights[:3] = np.eye(3)
    expected = np.array([2.0, 3e6, 0.04])
    T = np.concatenate([weights * expected, weights * expected * 1.5])[np.newaxis]
    first = np.arange(80)[np.newaxis] < 40
    np.testing.assert_allclose(intercepts(T, first, np.ones_like(first)), expected[np.newaxis])
    # without the corners, the extreme points span a hyperplane that meets the axes elsewhere
    T = T[:, 3:40]
    first = np.ones(T.shape[:2], dtype=bool)
    met = intercepts(T, first, first)[0]
    assert (met <= T[0].max(axis=0) + 1e-12).all()  # not beyond the worst value
    # no hyperplane: one point, or points on a line
    line = np.linspace(0, 1, 5)[:, np.newaxis] * [1.0, -1, 0] + [0, 1, 2]
    all_five = np.ones((1, 5), dtype=bool)
    np.testing.assert_allclose(intercepts(line[np.newaxis], all_five, all_five), [[1, 1, 2]])
    assert (intercepts(np.zeros((1, 1, 3)), all_five[:, :1], all_five[:, :1]) == 1).all()


def one_by_one(niche, distance, counts, k, rng):
    """Niching as in algorithm 4: the candidates that are taken, and the count of each one's niche before."""
    counts, left, taken, levels = counts.copy(), list(range(len(niche))), [], []
    for _ in range(k):
        open_niches = np.unique(niche[left])
        emptiest = open_niches[counts[open_niches] == counts[open_niches].min()]
        chosen = rng.choice(emptiest)
        members = [i for i in left if niche[i] == chosen]
        one = min(members, key=lambda i: distance[i]) if counts[chosen] == 0 else rng.choice(members)
        taken.append(one)
        levels.append(counts[chosen])
        counts[chosen] += 1
        left.remove(one)
    return taken, levels


@pytest.mark.parametrize("m", [2, 3])
def test_niches_are_filled_as_one_by_one(m):
    rng = np.random.default_rng(m)
    directions = reference_directions(m, 4 if m == 3 else 11)
    for _ in range(15):
        F = rng.integers(0, 9, (1, 40, m)) + 0.1 * rng.random((1, 40, m))
        F[0, rng.random(40) < 0.1] = np.inf
        ideal = F.min(axis=1)
        rank = nondomination_ranks(F)[0]
        known = np.isfinite(F[0]).all(axis=1)
        assert (rank[known] == moocore.pareto_rank(F[0][known])).all()
        n = int(rng.integers(4, 34))
        words = rng.integers(0, 2**32, (1, 40), dtype=np.uint32)
        kept = niched_survivors(F, n, directions, ideal, words)[0]
        assert len(set(kept.tolist())) == n
        last = np.sort(rank)[n - 1]
        before, at = np.flatnonzero(rank < last), np.flatnonzero(rank == last)
        assert set(before) <= set(kept)
        if not known[at].all():
            continue
        T = F - ideal[:, np.newaxis]
        T[0, ~known] = 0
        N = (T / intercepts(T, (known & (rank == 0))[np.newaxis], (known & (rank <= last))[np.newaxis]))[0]
        niche, distance = associate(N, directions)
        counts = np.bincount(niche[before], minlength=len(directions))
        _, levels = one_by_one(niche[at], distance[at], counts, n - len(before), rng)
        ours = [i for i in at if i in kept]
        found = []
        for one in set(niche[ours]):
            here = [i for i in ours if niche[i] == one]
            found += [counts[one] + i for i in range(len(here))]
            if counts[one] == 0:
                assert min(distance[here]) == min(distance[i] for i in at if niche[i] == one)
        assert sorted(found) == sorted(levels)


def test_niching_draws_as_often_as_one_by_one():
    """One front; 8 of 16 are taken, by all orders of ties."""
    rng = np.random.default_rng(5)
    angle = np.sort(rng.random(16)) ** 3 * np.pi / 2  # denser at one end
    F = 1 - np.stack([np.cos(angle), np.sin(angle)], axis=1)
    directions, runs = reference_directions(2, 4), 4000
    ideal = np.tile(F.min(axis=0), (runs, 1))
    words = rng.integers(0, 2**32, (runs, 16), dtype=np.uint32)
    kept = niched_survivors(np.tile(F, (runs, 1, 1)), 8, directions, ideal, words) % 16
    ours = np.bincount(kept.ravel(), minlength=16) / runs
    T = F[np.newaxis] - F.min(axis=0)
    front = np.ones((1, 16), dtype=bool)
    niche, distance = associate(T[0] / intercepts(T, front, front), directions)
    theirs = np.zeros(16)
    for _ in range(1000):
        theirs[one_by_one(niche, distance, np.zeros(5, dtype=int), 8, rng)[0]] += 1 / 1000
    assert 0.05 < theirs.min() < 0.9
    assert abs(ours - theirs).max() < 5 * np.sqrt(0.25 / 1000)


def test_a_run_with_no_values_at_all():
    F = np.full((2, 6, 3), np.inf)
    F[1, 3] = 1.0
    words = np.arange(12, dtype=np.uint32).reshape(2, 6)
    ideal = np.array([[np.inf] * 3, [1.0] * 3])
    kept = niched_survivors(F, 4, reference_directions(3, 4), ideal, words)
    assert len(set(kept[0].tolist())) == 4
    assert 9 in kept[1]


def test_settings():
    with pytest.raises(ValueError, match="NSGA3: population_size must be even, not 7"):
        nk.NSGA3(population_size=7)
    with pytest.raises(nk.UnknownName, match="unknown duplicates 'none' of NSGA3"):
        nk.NSGA3(duplicates="none")
    assert (nk.NSGA3().divisions, nk.NSGA3().batch) == (None, 100)
