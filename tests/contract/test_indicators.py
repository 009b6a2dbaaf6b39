"""What every indicator owes: one suite over all of them."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from nasbench_kit.metrics import indicators
from nasbench_kit.metrics.named_indicators import INDICATORS

REFERENCE = np.array([[0.0, 1.0], [0.25, 0.5], [0.5, 0.25], [1.0, 0.0]])
NOT_COMPLIANT = ("igd", "gd")  # that is why IGD+ and GD+ exist (Ishibuchi et al. 2015)
# name -> the value for a set, and whether more is better
SETS = {
    "hypervolume": (lambda F: indicators.hypervolume(F, np.full(F.shape[1], 2.0)), True),
    "igd": (lambda F: indicators.igd(F, REFERENCE), False),
    "igd_plus": (lambda F: indicators.igd_plus(F, REFERENCE), False),
    "gd": (lambda F: indicators.gd(F, REFERENCE), False),
    "gd_plus": (lambda F: indicators.gd_plus(F, REFERENCE), False),
    "epsilon": (lambda F: indicators.epsilon(F, REFERENCE), False),
    "epsilon_multiplicative": (lambda F: indicators.epsilon_multiplicative(F + 1, REFERENCE + 1), False),
    "r2": (lambda F: indicators.r2(F, np.zeros(F.shape[1])), False),
}


def sets(rng, count=20):
    for _ in range(count):
        yield rng.random((int(rng.integers(1, 12)), 2)) * 1.5


@pytest.mark.parametrize("name", SETS)
def test_a_number_for_any_set(name):
    value, _ = SETS[name]
    for F in sets(np.random.default_rng(0)):
        found = value(F)
        assert isinstance(found, float)
        assert np.isfinite(found)


@pytest.mark.parametrize("name", SETS)
def test_order_and_copies_of_points_do_not_matter(name):
    value, _ = SETS[name]
    rng = np.random.default_rng(1)
    for F in sets(rng):
        shuffled = np.concatenate([F, F[:2]])[rng.permutation(len(F) + len(F[:2]))]
        assert value(shuffled) == pytest.approx(value(F), abs=1e-12)


@pytest.mark.parametrize("name", SETS)
def test_a_set_whose_every_point_is_better_is_not_worse(name):
    value, more = SETS[name]
    if name in NOT_COMPLIANT:
        pytest.skip("not Pareto-compliant")
    for F in sets(np.random.default_rng(2)):
        before, after = value(F), value(F * 0.9)
        assert after >= before - 1e-12 if more else after <= before + 1e-12


@pytest.mark.parametrize("name", SETS)
def test_unknown_values_are_refused(name):
    value, _ = SETS[name]
    with pytest.raises(ValueError, match="nan"):
        value(np.array([[0.5, np.nan]]))


@pytest.mark.parametrize("name", SETS)
def test_no_set_that_it_dominates_is_better_than_the_reference_set(name):
    value, more = SETS[name]
    best = value(REFERENCE)
    rng = np.random.default_rng(3)
    for F in sets(rng):
        dominated = value(REFERENCE[rng.integers(0, len(REFERENCE), len(F))] + F)
        assert dominated <= best if more else dominated >= best
    if not more and name != "r2":
        assert best == (name == "epsilon_multiplicative")  # 1, and 0 for the others


def test_every_named_indicator_is_here():
    assert set(INDICATORS) == set(SETS)
    for name, indicator in INDICATORS.items():
        assert indicator.maximise == SETS[name][1]


@pytest.mark.parametrize("name", indicators.__all__)
def test_every_public_function_has_a_docstring_with_shapes(name):
    found = getattr(indicators, name)
    if inspect.isfunction(found):
        assert "shape" in (found.__doc__ or ""), name
