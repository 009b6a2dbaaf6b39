"""SPEA2: fitness, filling up and truncation against the definition."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.kernels import strength
from nasbench_kit.kernels.strength import strength_fitness, strength_survivors


def slow_fitness(F, T):
    """Zitzler et al. 2001, section 3.1, one pair at a time."""
    n = len(F)
    dominates = np.array([[(a <= b).all() and (a < b).any() for b in F] for a in F])
    strength = dominates.sum(axis=1)
    raw = np.array([strength[dominates[:, i]].sum() for i in range(n)])
    distance = np.sqrt(((T[:, np.newaxis] - T) ** 2).sum(axis=2))
    k = min(int(np.sqrt(n)), n - 1)
    nearest = np.array([np.sort(np.delete(distance[i], i))[k - 1] for i in range(n)])
    return raw + 1 / (nearest + 2)


def slow_truncation(T, members, n):
    """Section 3.2: remove the member whose sorted distances to the others come first."""
    members = list(members)
    squared = ((T[:, np.newaxis] - T) ** 2).sum(axis=2)
    while len(members) > n:
        distances = [sorted(squared[i, j] for j in members if j != i) for i in members]
        del members[distances.index(min(distances))]
    return members


def scaled(F):
    return (F - F.min(axis=0)) / np.ptp(F, axis=0)


@pytest.mark.parametrize("m", [2, 3])
@pytest.mark.parametrize("copies", [1, 4])
def test_survivors_are_those_of_the_definition(m, copies):
    rng = np.random.default_rng(10 * m + copies)
    for n in (5, 20, 31):
        F = rng.random((6, 36, m))
        F[:3] = 1 - F[:3] / np.sqrt((F[:3] ** 2).sum(axis=2, keepdims=True))  # all on one front
        F = F[:, rng.permutation(np.arange(36) // copies)]
        words = rng.integers(0, 2**32, F.shape[:2], dtype=np.uint32)
        order, fitness = strength_survivors(F, n, words)
        whole = strength_fitness(F)
        for run in range(6):
            expected = slow_fitness(F[run], scaled(F[run]))
            np.testing.assert_allclose(whole[run], expected)
            kept = order[run] - 36 * run
            assert len(set(kept.tolist())) == n
            np.testing.assert_allclose(fitness[run], expected[kept])
            front = np.flatnonzero(expected < 1)
            if len(front) <= n:
                np.testing.assert_allclose(np.sort(expected[kept]), np.sort(expected)[:n])
            else:  # which copies are left is drawn
                left = F[run][slow_truncation(scaled(F[run]), front, n)]
                np.testing.assert_array_equal(np.unique(F[run][kept], axis=0), np.unique(left, axis=0))
                np.testing.assert_array_equal(F[run][kept][np.lexsort(F[run][kept].T)], left[np.lexsort(left.T)])


def test_ties_go_on_to_further_neighbours():
    """On a grid, many distances are equal: lists of distances decide, counting all copies."""
    rng = np.random.default_rng(4)
    for _ in range(30):
        x = rng.choice(16, 9, replace=False)[rng.integers(0, 9, 24)]
        x[:2] = 0, 16
        F = np.stack([x, 16 - x], axis=1) / 16
        n = int(rng.integers(5, 23))
        order, _ = strength_survivors(F[np.newaxis], n, rng.integers(0, 2**32, (1, 24), dtype=np.uint32))
        assert is_reachable(F, range(24), set(order[0].tolist()))


def is_reachable(F, members, kept):
    """Whether some choice among members with equal distances leaves the kept ones (points matter, not their copies)."""
    states, left = {tuple(sorted(F[list(members), 0]))}, len(members)
    target = tuple(sorted(F[list(kept), 0]))
    while left > len(kept):
        following = set()
        for state in states:
            x = np.array(state)
            distances = [sorted(np.delete(np.abs(x - one), i)) for i, one in enumerate(x)]
            least = min(distances)
            following |= {tuple(np.delete(x, i)) for i, found in enumerate(distances) if found == least}
        states, left = following, left - 1
    return target in states


@pytest.mark.parametrize("block", [1, 90, 2000])
def test_blocks_change_nothing(monkeypatch, block):
    """However few pairs of points are compared at a time."""
    F = np.random.default_rng(6).integers(0, 30, (7, 40, 3)) * 0.1
    F[:, ::9] = np.inf
    words = np.random.default_rng(7).integers(0, 2**32, (7, 40), dtype=np.uint32)
    whole, some = strength_fitness(F), strength_survivors(F, 12, words)
    monkeypatch.setattr(strength, "BLOCK", block)
    monkeypatch.setattr(strength, "BLOCKS", block)
    assert (strength_fitness(F) == whole).all()
    for ours, expected in zip(strength_survivors(F, 12, words), some, strict=True):
        assert (ours == expected).all()


def test_unknown_values_come_last():
    F = np.array([[[1.0, 1.0], [np.inf, 0.0], [2.0, 0.5], [3.0, 3.0], [np.inf, np.inf]]])
    words = np.arange(5, dtype=np.uint32)[np.newaxis]
    assert set(strength_survivors(F, 3, words)[0][0].tolist()) == {0, 2, 3}
    order, fitness = strength_survivors(np.full((2, 6, 2), np.inf), 4, np.zeros((2, 6), dtype=np.uint32))
    assert len(set(order[0].tolist())) == 4
    assert np.isfinite(fitness).all()


def test_archives_of_another_size():
    search = nk.SPEA2(population_size=10, archive_size=25).start(nk.space("nb201"), runs=2, objectives=2)
    sizes = []
    for _ in range(4):
        X = search.ask()
        assert X.shape[1] == 10
        search.tell(np.stack([X.sum(axis=2), -1.0 * X.sum(axis=2)], axis=2))
        sizes.append(search.population[0].shape[1])
    assert sizes == [10, 20, 25, 25]


def test_settings():
    with pytest.raises(ValueError, match="SPEA2: population_size must be even, not 7"):
        nk.SPEA2(population_size=7)
    with pytest.raises(ValueError, match="SPEA2: archive_size must be at least 1, not 0"):
        nk.SPEA2(archive_size=0)
