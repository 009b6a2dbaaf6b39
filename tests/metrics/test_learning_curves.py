"""Estimates from curves, and how well they order: against curves that are known in closed form, and against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

import nasbench_kit as nk
from nasbench_kit.benchmark.learning_curves import curve_agreement, curves
from nasbench_kit.metrics.learning_curves import last_value, mean_of_curve, power_law, training_speed
from nasbench_kit.metrics.rank_correlation import rank_agreement


def test_power_laws_are_continued():
    t = np.arange(1, 6)
    a, b, c = np.array([90.0, 99.0, 60.0]), np.array([40.0, 80.0, 0.0]), np.array([1.0, 0.5, 2.0])
    values = a[:, None] - b[:, None] * t ** -c[:, None]
    estimate = power_law(values, t, 50)
    np.testing.assert_allclose(estimate, a - b * 50.0**-c, atol=0.5)  # exponents are tried on a grid
    np.testing.assert_array_equal(power_law(values, t, 5), np.maximum(power_law(values, t, 5), values[:, -1]))


@pytest.mark.slow
def test_power_laws_stay_between_the_last_value_and_the_highest():
    rng = np.random.default_rng(0)
    values = np.clip(rng.normal(70, 20, (500, 6)), 0, 100)
    before = values.copy()
    estimate = power_law(values, [1, 2, 3, 5, 8, 9], 1e9)
    assert (values == before).all()
    assert (estimate >= values[:, -1]).all()
    assert (estimate <= 100).all()
    assert (power_law(values, range(1, 7), 1e9, highest=1000.0) > 100).any()
    falling = np.sort(values, axis=1)[:, ::-1]
    np.testing.assert_allclose(power_law(falling, range(1, 7), 100), falling.mean(axis=1).clip(falling[:, -1]))
    # one at a time is as all at once
    each = np.concatenate([power_law(row[None], [1, 2, 3, 5, 8, 9], 1e9) for row in values])
    np.testing.assert_allclose(each, estimate, rtol=1e-9)


def test_power_laws_of_few_epochs_and_of_unknown_values():
    assert power_law([[50.0]], [3], 9).tolist() == [50.0]
    assert power_law([[50.0, 70.0]], [1, 2], 4).tolist() == pytest.approx([80.0])  # 90 - 40 / t
    found = power_law([[50.0, np.nan, 70.0], [10.0, 10.0, 10.0]], [1, 2, 3], 9)
    assert np.isnan(found[0])
    assert found[1] == 10
    for epochs, final in (([1, 2], 9), ([1, 1, 2], 9), ([0, 1, 2], 9), ([1, 2, 3], 2)):
        with pytest.raises(ValueError, match="epochs must be ascending from 1"):
            power_law([[1.0, 2.0, 3.0]], epochs, final)
    with pytest.raises(ValueError, match=r"curves must have the shape \(n, epochs\)"):
        last_value([1.0, 2.0])


def test_simple_estimates():
    values = np.array([[1.0, 2.0, 6.0], [4.0, 4.0, 4.0]])
    assert last_value(values).tolist() == [6, 4]
    assert mean_of_curve(values).tolist() == [3, 4]
    assert training_speed(values).tolist() == [-9, -12]
    assert training_speed(values, last=1).tolist() == [-6, -4]
    with pytest.raises(ValueError, match="last must be at least 1"):
        training_speed(values, last=0)


def test_rank_agreement_is_that_of_scipy():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 20, 300).astype(float), rng.integers(0, 30, 300).astype(float)
    y += x
    expected = spearmanr(x, y).statistic, kendalltau(x, y).statistic
    assert rank_agreement(x, y) == pytest.approx(expected, abs=1e-12)
    more = np.concatenate([x, [np.nan, 5.0]]), np.concatenate([y, [3.0, np.nan]])
    assert rank_agreement(*more) == pytest.approx(expected, abs=1e-12)
    assert rank_agreement([-np.inf, 0, 1, np.inf], [1, 2, 3, 4]) == (1, 1)
    for degenerate in ([3.0, 3.0], [np.nan, 1.0]):
        assert np.isnan(rank_agreement(degenerate, [1.0, 2.0])).all()
    with pytest.raises(ValueError, match="must both have the shape"):
        rank_agreement([1.0], [1.0, 2.0])


def test_curves_and_their_agreement_on_the_bundled_table():
    bench = nk.open("nb201-digits")
    X = bench.architectures[:50]
    epochs, values = curves(bench, X, "valid_accuracy", until=3)
    assert epochs.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(values[:, 1], bench.query(X, "valid_accuracy", epochs=2))
    with pytest.raises(ValueError, match="has no params up to epoch"):
        curves(bench, X, "params")
    frame = curve_agreement(bench)
    assert len(frame) == 5 * 7
    last = frame[frame["estimator"] == "last value"].set_index("epochs")
    final = bench.query(bench.architectures, "valid_accuracy")
    half = bench.query(bench.architectures, "valid_accuracy", epochs=4)
    assert last.loc[4, "spearman"] == pytest.approx(spearmanr(half, final).statistic)
    assert last.loc[4, "share"] == 0.5
    assert np.isfinite(frame[["spearman", "kendall"]].to_numpy()).all()
