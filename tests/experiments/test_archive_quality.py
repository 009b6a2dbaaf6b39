"""Indicators of results, traces and comparisons, by name."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.experiments.comparisons import Comparisons
from nasbench_kit.metrics import indicators
from nasbench_kit.metrics.named_indicators import INDICATORS
from nasbench_kit.report.content import comparison_content

OBJECTIVES = ["valid_accuracy", "params"]


def expected(name, F, front):
    """An indicator of one archive, by the functions of a single set."""
    low, high = front.min(axis=0), front.max(axis=0)
    scaled, scaled_front = (F - low) / (high - low), (front - low) / (high - low)
    if name == "hypervolume":
        return indicators.hypervolume(scaled, [1.1] * len(low))
    if name == "r2":
        return indicators.r2(scaled, np.zeros(len(low)))
    if name == "epsilon_multiplicative":
        return indicators.epsilon_multiplicative(F, front)
    return getattr(indicators, name)(scaled, scaled_front)


@pytest.mark.parametrize("seed", ["mean", "random"])
@pytest.mark.parametrize("objectives", [OBJECTIVES, [*OBJECTIVES, "flops"]])
def test_results_and_traces_have_them(bench, objectives, seed, tmp_path):
    problem = bench.problem(objectives, seed=seed)
    plain = nk.search(problem, nk.NSGA2(population_size=10), runs=3, evaluations=60)
    result = nk.search(problem, nk.NSGA2(population_size=10), runs=3, evaluations=60, indicators=list(INDICATORS))
    assert (result.archive_X == plain.archive_X).all()
    assert list(plain.trace) == list(result.trace)[: len(plain.trace.columns)]
    loaded = nk.load_result(result.save(tmp_path / "result.h5"))
    assert loaded == result
    front = problem.front()[1]
    ends = result.trace.groupby("run").last()
    for name in INDICATORS:
        values = plain.indicator(name)
        for run in range(3):
            F = problem(plain.archive(run)[0])  # without the noise of the trials that the search saw
            F = F[indicators.nondominated(F, np.zeros(len(F), dtype=np.int64))]
            assert values[run] == pytest.approx(expected(name, F, front))
        np.testing.assert_array_equal(values, ends[name])
        np.testing.assert_array_equal(values, loaded.indicator(name))
        np.testing.assert_array_equal(values, plain.indicator(name, front))
    parts = [
        nk.search(problem, nk.NSGA2(population_size=10), runs=n, first_run=f, evaluations=60, indicators=["r2"])
        for f, n in ((0, 1), (1, 2))
    ]
    assert (nk.merge(parts).trace["r2"] == result.trace["r2"]).all()


def test_contributions_of_members(bench):
    problem = bench.problem(OBJECTIVES, seed="mean")
    result = nk.search(problem, nk.NSGA2(population_size=10), runs=2, evaluations=100)
    ref = problem.bounds[1] * 2
    for run in range(2):
        F = result.archive(run)[1]
        adds = result.hypervolume_contributions(run, ref)
        whole = indicators.hypervolume(F, ref)
        for i in range(len(F)):
            assert adds[i] == pytest.approx(whole - indicators.hypervolume(np.delete(F, i, axis=0), ref))
        scaled = result.hypervolume_contributions(run)
        assert (scaled > 0).any()
        assert scaled.sum() <= result.hypervolume()[run]
    with pytest.raises(ValueError, match="not both"):
        result.hypervolume_contributions(0, ref, scale="table")
    noisy = nk.search(bench.problem(OBJECTIVES, seed="random"), nk.NSGA2(population_size=10), evaluations=100)
    assert (noisy.hypervolume_contributions(0) >= 0).all()
    assert len(noisy.hypervolume_contributions(0)) == len(noisy.archive(0)[0])


def test_comparisons_are_by_any(bench, tmp_path):
    problem = bench.problem(OBJECTIVES)
    algorithms = [nk.NSGA2(population_size=10), nk.RandomSearch()]
    comparison = nk.compare(problem, algorithms, runs=4, evaluations=60, indicators="igd_plus")
    by = comparison.by("igd_plus")
    assert (by.measure, comparison.measure) == ("igd_plus", "hypervolume")
    values = {name: result.indicator("igd_plus") for name, result in comparison.results.items()}
    table = by.table()
    assert table["mean"].to_dict() == pytest.approx({name: own.mean() for name, own in values.items()})
    first, second = table.index
    assert table["beats"][first] >= table["beats"][second]
    assert (values[first] < values[second].mean()).mean() > 0.5  # lower is better
    assert by.by("hypervolume").table().equals(comparison.table())
    page = comparison_content(by)
    several = Comparisons({"a": comparison, "b": comparison}).by("igd_plus").ranks()
    assert list(several.index) == [first, second]
    curve = page["curves"][0]["panels"][0]
    assert page["command"].endswith("--indicator igd_plus")
    assert page["caption"][0].startswith("IGD+: mean distance")
    assert (curve["name"], curve["log"]) == ("IGD+", True)
    assert by.plot("anytime").axes[0].get_ylabel() == "IGD+"
    with pytest.raises(ValueError, match="traces do not have epsilon: .* indicators='epsilon'"):
        comparison.by("epsilon").plot("anytime")
    assert comparison.by("epsilon").table()["mean"].notna().all()  # the archives are there
    loaded = nk.load_comparison(comparison.save(tmp_path / "comparison.h5"))
    assert loaded.by("igd_plus").pairwise().equals(by.pairwise())


def test_what_cannot_be_measured_is_refused_before_the_search(bench):
    two = bench.problem(OBJECTIVES)
    with pytest.raises(nk.UnknownName, match="igd_plus"):
        nk.search(two, nk.RandomSearch(), indicators="igd+")
    with pytest.raises(ValueError, match="for several objectives"):
        nk.search(bench.problem("valid_accuracy"), nk.RandomSearch(), indicators="igd")
    function = nk.FunctionProblem(
        lambda X: X[:, 1:3].astype(float) - 1, bench.space, ["a", "b"], bounds=[[-1, -1], [3, 3]]
    )
    with pytest.raises(ValueError, match="known for tables only"):
        nk.search(function, nk.RandomSearch(), indicators="igd")
    unbounded = nk.FunctionProblem(lambda X: X[:, 1:3].astype(float) - 1, bench.space, ["a", "b"])
    with pytest.raises(ValueError, match="pass bounds="):
        nk.search(unbounded, nk.RandomSearch(), indicators="r2")
    found = nk.search(function, nk.RandomSearch(), runs=2, evaluations=20, indicators="r2")
    np.testing.assert_array_equal(found.trace.groupby("run")["r2"].last(), found.indicator("r2"))
    with pytest.raises(ValueError, match="known for tables only"):
        found.indicator("igd")
    assert (found.indicator("igd", front=[[-1.0, -1.0]]) >= 0).all()
    with pytest.raises(ValueError, match="above 0"):
        found.indicator("epsilon_multiplicative", front=[[-1.0, -1.0]])
    with pytest.raises(ValueError, match=r"of shape \(k, 2\) without nan"):
        found.indicator("igd", front=[[1.0, 2.0, 3.0]])
    alone = nk.search(unbounded, nk.RandomSearch(), runs=2, evaluations=20)
    assert (alone.indicator("gd", front=[[-1.0, 0.0], [0.0, -1.0]]) >= 0).all()  # scaled by that front


def test_runs_that_find_nothing_are_the_worst(bench):
    def function(X):
        return np.full((len(X), 2), np.inf)

    problem = nk.FunctionProblem(function, bench.space, ["a", "b"], [[0, 0], [4, 4]])
    lost = nk.search(problem, nk.RandomSearch(), runs=2, evaluations=10, indicators="r2")
    assert lost.indicator("r2").tolist() == [np.inf, np.inf]
    assert lost.indicator("igd", front=[[0.0, 0.0]]).tolist() == [np.inf, np.inf]
    assert np.isinf(lost.trace["r2"]).all()
