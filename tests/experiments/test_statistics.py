"""Tests, effect sizes and rankings of samples from known distributions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats

import nasbench_kit as nk
from nasbench_kit.experiments.statistics import TEST, compare_samples, holm, pairwise, summarise, vargha_delaney


@pytest.mark.parametrize("seed", range(5))
def test_a12_counts_pairs(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 6, 13).astype(float), rng.integers(1, 7, 9).astype(float)
    x[0] = y[0] = np.inf
    wins = np.mean([(a < b) + 0.5 * (a == b) for a in x for b in y])
    assert vargha_delaney(x, y) == pytest.approx(wins)
    assert vargha_delaney(y, x) == pytest.approx(1 - wins)


def test_what_is_better_in_nearly_all_pairs_is_not_called_worse():
    rng = np.random.default_rng(0)
    a = rng.normal(1, 0.02, 100)
    b = np.concatenate([rng.normal(0.5, 0.02, 95), rng.normal(12, 0.1, 5)])
    assert a.mean() < b.mean()
    frame = summarise({"a": a, "b": b}, maximise=False)
    assert frame.index.tolist() == ["b", "a"]
    assert frame["verdict"].tolist() == ["first", "worse"]
    assert frame.loc["b", "beats"] == pytest.approx(0.95)
    (row,) = pairwise({"a": a, "b": b}, maximise=False).itertuples()
    assert (row.a, row.b, row.better, row.test) == ("a", "b", "b", TEST)
    assert row.a12 == pytest.approx(0.05)
    assert row.difference == pytest.approx(a.mean() - b.mean())
    assert row.low < row.difference < row.high
    turned = pairwise({"a": -a, "b": -b}, maximise=True).iloc[0]
    assert (turned["better"], turned["p"]) == ("b", row.p)
    assert summarise({"a": a, "b": b}, maximise=True).index[0] == "a"


@pytest.mark.slow
def test_nine_equal_algorithms_seldom_differ():
    """At 5 %, in about that share of comparisons at most; a test against the sample's best finds a difference in 12 %."""
    rng = np.random.default_rng(1)
    for draw in (lambda: rng.exponential(size=(9, 15)), lambda: rng.poisson(0.7, (9, 30)) * 1.0):
        lowest = [holm([compare_samples(a, b) for a, b in itertools.combinations(draw(), 2)]).min() for _ in range(30)]
        assert np.mean(np.array(lowest) < 0.05) <= 0.08


@pytest.mark.slow
def test_the_test_holds_its_level_where_spreads_differ():
    """Mann-Whitney alone rejects in 9 %."""
    rng = np.random.default_rng(2)
    p = np.array([compare_samples(rng.normal(0, 1, 30), rng.normal(0, 10, 30)) for _ in range(1000)])
    assert 0.03 < (p < 0.05).mean() < 0.07


def test_p_is_the_larger_of_two_known_tests():
    rng = np.random.default_rng(3)
    x, y = rng.normal(0, 1, 40), rng.normal(0.5, 3, 30)
    known = scipy.stats.brunnermunzel(x, y).pvalue, scipy.stats.mannwhitneyu(x, y, method="asymptotic").pvalue
    assert compare_samples(x, y) == pytest.approx(max(known))
    # few runs: exact, with ties and without
    assert compare_samples([1, 2, 3], [4, 5, 6]) == pytest.approx(2 / 20)
    assert compare_samples([1, 1, 1], [2, 2, 2]) == pytest.approx(2 / 20)
    assert compare_samples(np.arange(20.0), np.arange(20.0) + 100) < 1e-6
    assert compare_samples([0.0] * 5, [0.0] * 5) == 1
    assert np.isnan(compare_samples([1.0], [2.0, 3.0]))


def test_holm():
    assert holm([0.01, 0.04, 0.03, np.nan]).tolist()[:3] == pytest.approx([0.03, 0.06, 0.06])
    assert np.isnan(holm([0.01, np.nan])[1])
    assert holm([0.9, 0.8]).tolist() == [1, 1]
    assert holm([]).tolist() == []


@pytest.mark.parametrize("failure", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("maximise", [False, True])
def test_failures_are_worse_than_any_value(failure, maximise):
    rng = np.random.default_rng(0)
    sign = -1 if maximise else 1
    a = np.concatenate([sign * rng.normal(1, 0.1, 10), np.full(90, failure)])
    b = sign * rng.normal(2, 0.1, 100)
    frame = summarise({"a": a, "b": b}, maximise=maximise)
    assert frame.index.tolist() == ["b", "a"]
    assert frame["n"].tolist() == [100, 10]
    assert frame["runs"].tolist() == [100, 100]
    assert frame["verdict"].tolist() == ["first", "worse"]
    assert frame.loc["a", "beats"] == pytest.approx(0.1)
    assert frame.loc["a", "median"] == sign * np.inf
    row = pairwise({"a": a, "b": b}, maximise=maximise).iloc[0]
    assert np.isnan([row["difference"], row["low"], row["high"]]).all()  # a mean without the failures would flatter
    assert row["better"] == "b"
    lost = summarise({"a": [failure] * 3, "b": [1.0, 2.0, 3.0]}, maximise=maximise)
    assert lost.index.tolist() == ["b", "a"]
    assert lost.loc["a", "n"] == 0
    assert np.isnan(lost.loc["a", "mean"])


def test_degenerate_samples():
    same = summarise({"a": [0.0] * 3, "b": [0.0] * 3}, maximise=False)
    assert same["rank"].tolist() == [1, 1]
    assert same["verdict"].tolist() == ["first", "n.s."]
    assert (same["low"] == 0).all()
    one = summarise({"a": [3.0], "b": [1.0]}, maximise=False)
    assert one["verdict"].tolist() == ["first", "one run"]
    assert one["p"].isna().all()
    assert one["sd"].isna().all()
    assert pairwise({"a": [3.0], "b": [1.0]}, maximise=False)["test"].tolist() == ["none: a single run"]
    alone = summarise({"a": [3.0, 4.0]}, maximise=False)
    assert alone["rank"].tolist() == [1]
    assert alone["beats"].isna().all()
    assert not len(pairwise({"a": [3.0, 4.0]}, maximise=False))


def test_a_baseline_takes_fewer_tests():
    rng = np.random.default_rng(5)
    samples = {name: rng.normal(place, 1, 30) for name, place in (("a", 0), ("b", 0.5), ("c", 0.6), ("d", -1.0))}
    every, against = pairwise(samples, maximise=False), pairwise(samples, maximise=False, baseline="a")
    assert len(every) == 6
    assert against[["a", "b"]].to_numpy().tolist() == [["b", "a"], ["c", "a"], ["d", "a"]]
    assert against["p"].tolist() == holm([compare_samples(samples[name], samples["a"]) for name in "bcd"]).tolist()
    frame = summarise(samples, maximise=False, baseline="a")
    assert frame.loc["a", "verdict"] == "baseline"
    assert frame.loc["d", "verdict"] == "better"
    with pytest.raises(nk.UnknownName, match="did you mean|unknown algorithm"):
        pairwise(samples, maximise=False, baseline="e")
