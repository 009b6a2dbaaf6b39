"""Indicators against a front: their definitions, written out, and moocore."""

from __future__ import annotations

import math

import moocore
import numpy as np
import pytest

from nasbench_kit.metrics import indicators
from nasbench_kit.metrics.front_indicators import simplex_weights
from nasbench_kit.metrics.named_indicators import INDICATORS, group_indicator


def distance(a, b):
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))


def worse(a, r):
    """How far a set's point is from a front's, by the objectives in which it is worse."""
    return math.sqrt(sum(max(x - y, 0.0) ** 2 for x, y in zip(a, r, strict=True)))


def tchebycheff(a, weights):
    return max(w * x for w, x in zip(weights, a, strict=True))


DEFINITIONS = {
    "igd": lambda A, R: np.mean([min(distance(a, r) for a in A) for r in R]),
    "igd_plus": lambda A, R: np.mean([min(worse(a, r) for a in A) for r in R]),
    "gd": lambda A, R: np.mean([min(distance(a, r) for r in R) for a in A]),
    "gd_plus": lambda A, R: np.mean([min(worse(a, r) for r in R) for a in A]),
    "epsilon": lambda A, R: max(min((a - r).max() for a in A) for r in R),
    "epsilon_multiplicative": lambda A, R: max(min((a / r).max() for a in A) for r in R),
}


@pytest.mark.parametrize("m", [2, 3])
@pytest.mark.parametrize("name", DEFINITIONS)
def test_by_definition(name, m):
    rng = np.random.default_rng(m)
    for _ in range(5):
        A, R = (rng.random((int(rng.integers(1, 9)), m)) + 0.01 for _ in range(2))
        expected = DEFINITIONS[name](A, R)
        assert getattr(indicators, name)(A, R) == pytest.approx(expected, rel=1e-12)
        assert INDICATORS[name].function(A, R) == pytest.approx(expected, rel=1e-12)


def test_r2_by_definition():
    rng = np.random.default_rng(0)
    A = rng.random((6, 2))
    share = (np.arange(20_000) + 0.5) / 20_000
    fine = np.stack([share, 1 - share], axis=1)
    expected = (fine[:, np.newaxis] * A).max(axis=2).min(axis=1).mean()
    assert indicators.r2(A, [0, 0]) == pytest.approx(expected, rel=1e-5)
    assert indicators.r2(A, [0, 0]) == pytest.approx(moocore.r2_exact(A, ref=[0, 0]), rel=1e-12)
    assert indicators.r2(A, [0, 0], fine) == pytest.approx(expected, rel=1e-12)
    B = rng.random((150, 3))  # more points than are processed at once
    weights = simplex_weights(3)
    expected = np.mean([min(tchebycheff(b, w) for b in B) for w in weights[::50]])
    assert indicators.r2(B + 5, [5, 5, 5], weights[::50]) == pytest.approx(expected)
    assert indicators.r2(B, [0, 0, 0]) == indicators.r2(B, [0, 0, 0], weights)
    # what is better than the ideal point counts as equal to it
    assert indicators.r2([[-3.0, 0.5]], [0, 0]) == indicators.r2([[0.0, 0.5]], [0, 0]) == pytest.approx(0.25)


def test_weights_form_the_largest_lattice():
    for m, count in ((1, 1), (2, 1000), (3, 990), (4, 969), (6, 792), (40, 820), (50, 50)):
        weights = simplex_weights(m)
        assert weights.shape == (count, m), m
        np.testing.assert_allclose(weights.sum(axis=1), 1.0)
        assert len(np.unique(weights, axis=0)) == count


@pytest.mark.parametrize("m", [2, 3])
@pytest.mark.parametrize("name", [name for name in INDICATORS if name != "hypervolume"])
def test_fronts_of_different_sizes_at_once(name, m):
    rng = np.random.default_rng(7)
    F, group = rng.random((60, m)) + 0.1, np.sort(rng.choice([0, 1, 3], 60))
    kept = indicators.nondominated(F, group)
    F, group, front = F[kept], group[kept], rng.random((9, m)) * 0.5 + 0.05
    before = F.copy()
    values = group_indicator(INDICATORS[name], F, group, 5, front)
    assert values[[2, 4]].tolist() == [np.inf, np.inf]
    for run in (0, 1, 3):
        against = np.zeros(m) if name == "r2" else front
        assert values[run] == pytest.approx(getattr(indicators, name)(F[group == run], against), rel=1e-12)
    assert (before == F).all()


@pytest.mark.parametrize("m", [2, 3])
def test_contributions_are_what_a_group_loses(m):
    rng = np.random.default_rng(1)
    F, group = np.round(rng.random((40, m)), 1), rng.integers(0, 3, 40)
    ref = np.full(m, 0.8)
    adds = indicators.hypervolume_contributions(F, group, ref)
    for run in range(3):
        own = np.flatnonzero(group == run)
        front = {tuple(F[i]) for i in own[moocore.is_nondominated(F[own], keep_weakly=True)]}
        whole = indicators.hypervolume(F[own], ref)
        for i in own:
            others = [point for point in front if point != tuple(F[i])]
            alone = tuple(F[i]) in front and sum(tuple(F[j]) == tuple(F[i]) for j in own) == 1
            lost = whole - (indicators.hypervolume(others, ref) if others else 0.0)
            assert adds[i] == pytest.approx(lost if alone else 0.0, abs=1e-12)
    assert indicators.hypervolume_contributions(F[:0], group[:0], ref).tolist() == []


def test_bad_input_is_named():
    one, two = np.array([[1.0, 2.0]]), np.zeros(1, dtype=np.int64)
    with pytest.raises(ValueError, match="give front="):
        group_indicator(INDICATORS["igd"], one, two, 1)
    with pytest.raises(ValueError, match=r"shape \(1, 3\), expected \(k, 2\)"):
        group_indicator(INDICATORS["igd"], one, two, 1, np.zeros((1, 3)))
    with pytest.raises(ValueError, match="use group_hypervolume"):
        group_indicator(INDICATORS["hypervolume"], one, two, 1, one)
    for F, front in ((one - 1, one), (one, one - 1)):
        with pytest.raises(ValueError, match="above 0"):
            group_indicator(INDICATORS["epsilon_multiplicative"], F, two, 1, front)
        with pytest.raises(ValueError, match="above 0"):
            indicators.epsilon_multiplicative(F, front)
    for F, front in (([[1.0, 2.0]], [[1.0]]), (np.empty((0, 2)), [[1.0, 2.0]])):
        with pytest.raises(ValueError, match="of at least one point each"):
            indicators.gd(F, front)
    with pytest.raises(ValueError, match=r"weights \(w, 2\) are expected"):
        indicators.r2(one, [0, 0], [[1.0]])
    with pytest.raises(ValueError, match="with sum 1 each"):
        indicators.r2(one, [0, 0], [[1.0, 1.0]])
    with pytest.raises(ValueError, match=r"has the shape \(3,\), expected \(2,\)"):
        indicators.r2(one, [0, 0, 0])
