"""Statistics, comparison tables and pictures."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import nasbench_kit as nk
from nasbench_kit.experiments.comparison import compare, default_objective
from nasbench_kit.experiments.plot import anytime, plot_comparison
from nasbench_kit.experiments.statistics import mean_interval, summarise


def test_summary_of_known_samples():
    rng = np.random.default_rng(0)
    samples = {"good": rng.normal(1, 0.1, 50), "same": rng.normal(1.01, 0.1, 50), "bad": rng.normal(2, 0.1, 50)}
    frame = summarise(samples, maximise=False)
    assert frame.index[0] in ("good", "same")
    assert frame.index[2] == "bad"
    assert frame["rank"].tolist() == [1, 2, 3]
    assert frame["worse"].tolist() == [False, False, True]
    assert np.isnan(frame["p"].iloc[0])
    raw = scipy.stats.mannwhitneyu(samples["bad"], samples[frame.index[0]]).pvalue
    assert frame["p"].iloc[2] >= raw
    assert summarise(samples, maximise=True).index[0] == "bad"


def test_summary_of_degenerate_samples():
    frame = summarise({"a": [0.0, 0.0, 0.0], "b": [0.0, 0.0, 0.0]}, maximise=False)
    assert frame["rank"].tolist() == [1, 1]
    assert frame["p"].iloc[1] == 1
    one = summarise({"a": [3.0]}, maximise=False)
    assert one["mean"].tolist() == [3.0]
    lost = summarise({"a": [np.inf, 1.0, 2.0], "b": [np.inf, np.inf, np.inf]}, maximise=False)
    assert lost.index.tolist() == ["a", "b"]
    assert lost["mean"].iloc[0] == 1.5


def test_mean_interval():
    low, high = mean_interval([1.0, 2.0, 3.0, 4.0])
    expected = scipy.stats.ttest_1samp([1.0, 2.0, 3.0, 4.0], 0).confidence_interval(0.95)
    assert (low, high) == pytest.approx((expected.low, expected.high))
    assert mean_interval([2.0, 2.0]) == (2.0, 2.0)
    assert np.isnan(mean_interval([1.0])).all()


@pytest.fixture
def comparison(bench):
    return compare(
        bench.problem("valid_accuracy", epochs=4),
        [nk.RandomSearch(), nk.RegularizedEvolution()],
        runs=8,
        evaluations=80,
    )


def test_comparison_table(bench, comparison):
    table = comparison.table()
    assert set(table.index) == {"RandomSearch", "RegularizedEvolution"}
    best = 100 - bench.query(bench.architectures, "valid_accuracy", epochs=4).max()
    for name, result in comparison.results.items():
        assert table.loc[name, "mean"] == pytest.approx((comparison.problem(result.incumbents)[:, 0] - best).mean())
        assert table.loc[name, "test_accuracy"] == pytest.approx(result.best("test_accuracy").mean())
        assert table.loc[name, "evaluations"] == 80


def test_algorithms_of_one_kind_are_told_apart(bench):
    problem = bench.problem("valid_accuracy")
    algorithms = [nk.RegularizedEvolution(), nk.RegularizedEvolution(population_size=50)]
    found = compare(problem, algorithms, runs=2, evaluations=60)
    assert len(found.results) == 2
    assert any("population_size=50" in name for name in found.results)


def test_default_objective():
    assert default_objective(["params", "test_accuracy", "valid_accuracy"]) == "valid_accuracy"
    assert default_objective(["params", "test_accuracy"]) == "test_accuracy"
    assert default_objective(["params"]) == "params"


def test_anytime_values_are_the_traces(comparison):
    result = comparison.results["RandomSearch"]
    values = comparison.regret(result)
    points = np.array([0.5, 1, 7, 10, 80, 200.0])
    table = anytime(result, values, "evaluations", points)
    assert np.isnan(table[:, 0]).all()
    for run in range(8):
        rows = result.rows["run"] == run
        when, what = result.rows["evaluations"][rows], values[rows]
        for column, point in enumerate(points[1:], start=1):
            assert table[run, column] == what[when <= point][-1]


@pytest.mark.parametrize("clock", ["evaluations", "unique_networks", "simulated_seconds"])
@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_pictures_of_one_objective(comparison, tmp_path, clock, suffix):
    path = plot_comparison(comparison, tmp_path / f"a.{suffix}", clock=clock)
    start = path.read_bytes()[:8]
    assert start == b"\x89PNG\r\n\x1a\n" if suffix == "png" else start.startswith(b"<?xml")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_pictures_of_two_objectives_and_of_test_selection(bench, tmp_path):
    many = compare(
        bench.problem(["valid_accuracy", "params"]), [nk.RandomSearch(), nk.NSGA2()], runs=4, evaluations=300
    )
    assert plot_comparison(many, tmp_path / "many.png").stat().st_size > 10_000
    with pytest.warns(nk.TestSelectionWarning):
        problem = bench.problem("test_accuracy")
    finals = compare(problem, [nk.RandomSearch(), nk.LocalSearch()], runs=4, evaluations=100)
    assert finals.report is None
    assert plot_comparison(finals, tmp_path / "finals.png").stat().st_size > 10_000
    with pytest.raises(nk.StoreError, match="not as .xyz"):
        plot_comparison(finals, tmp_path / "finals.xyz")
    with pytest.raises(nk.StoreError, match="no folder"):
        plot_comparison(finals, tmp_path / "no" / "finals.png")
