"""Ranks from sets of bits are those of the definition, and points are sorted as by lexsort."""

from __future__ import annotations

import moocore
import numpy as np
import pytest

from nasbench_kit.kernels import ranks
from nasbench_kit.kernels.domination import first_fronts
from nasbench_kit.kernels.ranks import dominators, known_points, lexicographic, ranks_of_sorted

KINDS = {
    "uniform": lambda rng, shape: rng.random(shape),
    "few": lambda rng, shape: rng.integers(0, 3, shape) * 0.1,
    "one objective alike": lambda rng, shape: np.concatenate([np.ones((*shape[:2], 1)), rng.random(shape)[..., 1:]], 2),
    "in a row": lambda rng, shape: np.repeat(rng.random((*shape[:2], 1)), shape[2], axis=2),
    "failures": lambda rng, shape: np.where(rng.random(shape) < 0.1, np.inf, rng.random(shape).round(1)),
    "failures alone": lambda rng, shape: np.full(shape, np.inf),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1, 3), (4, 2, 4), (5, 64, 3), (5, 65, 2), (3, 150, 4), (2, 40, 12)])
@pytest.mark.parametrize("few", [0, 100])  # without and with moocore
def test_ranks_are_those_of_the_definition(kind, shape, few, monkeypatch):
    monkeypatch.setattr(ranks, "FEW_RUNS", few)
    F = KINDS[kind](np.random.default_rng(0), shape)
    runs, points, m = shape
    order, heights = lexicographic(F)
    expected = [np.lexsort(values.T[::-1]) + run * points for run, values in enumerate(F)]
    assert (order == expected).all()
    assert (heights == np.moveaxis((F[:, :, np.newaxis] >= F[:, np.newaxis]).sum(axis=2) - 1, 2, 0)).all()
    known = known_points(F).ravel()[order]
    whole = ranks_of_sorted(order, heights, known)
    half = ranks_of_sorted(order, heights, known, max(points // 2, 1))
    for run in range(runs):
        values = F.reshape(-1, m)[order[run]]
        assert (whole[run, ~known[run]] == points).all()
        assert (half[run, ~known[run]] == points).all()
        if known[run].any():
            assert (whole[run, known[run]] == moocore.pareto_rank(values[known[run]])).all()
            last = np.sort(whole[run])[max(points // 2, 1) - 1]
            assert (half[run, whole[run] <= last] == whole[run, whole[run] <= last]).all()
            assert (half[run, whole[run] > last] > last).all()


def test_dominators_are_sets_of_bits():
    F = np.random.default_rng(0).integers(0, 4, (3, 70, 3)).astype(np.float64)
    order, heights = lexicographic(F)
    sets = dominators(order, heights)
    for run in range(3):
        values = F.reshape(-1, 3)[order[run]]
        no_worse = (values[:, np.newaxis] <= values).all(axis=2)
        expected = no_worse & ~no_worse.T
        for i in range(70):
            bits = [(int(sets[j // 64, run, i]) >> (j % 64)) & 1 for j in range(70)]
            assert bits == expected[:, i].tolist()


@pytest.mark.parametrize("m", [2, 3, 4])
def test_what_is_settled_changes_nothing(m):
    rng = np.random.default_rng(0)
    F, group = rng.integers(0, 9, (300, m)).astype(np.float64), rng.integers(0, 7, 300)
    settled = first_fronts(F[:200], group[:200])
    mixed = np.append(settled, np.arange(200, 300))
    expected = first_fronts(F[mixed], group[mixed])
    assert (first_fronts(F[mixed], group[mixed], len(settled)) == expected).all()
    assert (F[mixed[expected]] == F[first_fronts(F, group)]).all()
