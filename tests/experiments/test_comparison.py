"""Statistics, comparison tables and pictures."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.experiments.budget import Budget
from nasbench_kit.experiments.comparing import compare, default_objective
from nasbench_kit.experiments.comparison_figure import plot_comparison
from nasbench_kit.experiments.curves import anytime, clock_points, mean_curve


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


def test_a_comparison_says_what_it_compares(comparison):
    assert repr(comparison).startswith(f"<comparison of {len(comparison.results)} algorithms on <problem ")
    assert all(name in repr(comparison) for name in comparison.results)


def test_algorithms_of_one_kind_are_told_apart(bench):
    problem = bench.problem("valid_accuracy")
    algorithms = [nk.RegularizedEvolution(), nk.RegularizedEvolution(population_size=50)]
    found = compare(problem, algorithms, runs=2, evaluations=60)
    assert list(found.results) == ["RegularizedEvolution", "RegularizedEvolution(population_size=50)"]


def test_equal_algorithms_are_independent_samples(bench):
    problem = bench.problem("valid_accuracy", seed="mean")
    found = compare(problem, [nk.RandomSearch()] * 3, runs=20, evaluations=30, seed=5)
    assert list(found.results) == ["RandomSearch", "RandomSearch (2)", "RandomSearch (3)"]
    finals = [found.final(result) for result in found.results.values()]
    assert all((a != b).any() for a, b in itertools.combinations(finals, 2))
    seeds = [result.seed for result in found.results.values()]
    assert seeds[0] == 5
    assert len(set(seeds)) == 3
    again = nk.search(problem, nk.RandomSearch(), runs=20, evaluations=30, seed=seeds[2])
    assert (again.incumbent_values == found.results["RandomSearch (3)"].incumbent_values).all()
    own = compare(problem, {"b": nk.RandomSearch(), "a": nk.LocalSearch()}, runs=2, evaluations=30)
    assert list(own.results) == ["b", "a"]


@pytest.mark.parametrize("clock", ["evaluations", "simulated_seconds"])
def test_regrets_are_those_of_the_incumbents_without_noise(bench, clock):
    problem = bench.problem("valid_accuracy", epochs=4)
    assert problem.noisy
    found = compare(problem, [nk.RandomSearch(), nk.LocalSearch()], runs=10, evaluations=300, clock=clock)
    best = 100 - np.nanmax(bench.query(bench.architectures, "valid_accuracy", epochs=4))
    for result in found.results.values():
        truth = 100 - bench.query(result.incumbents, "valid_accuracy", epochs=4) - best
        np.testing.assert_allclose(found.final(result), truth)
        assert (result.incumbent_values - best != truth).any()  # the lucky trial by which it was chosen
        assert (found.regret(result) >= 0).all()
        np.testing.assert_array_equal(found.regret(result)[np.r_[np.diff(result.rows["run"]) > 0, True]], truth)
    assert (found.table()["low"] >= 0).all()


def test_pairs_and_table_say_the_same(bench):
    algorithms = [nk.RandomSearch(), nk.RegularizedEvolution(), nk.LocalSearch()]
    found = compare(bench.problem("valid_accuracy"), algorithms, runs=10, evaluations=100)
    table, pairs = found.table(), found.pairwise()
    assert len(pairs) == 3
    first = table.index[0]
    for name in table.index[1:]:
        (row,) = pairs[
            pairs[["a", "b"]].isin([name]).any(axis=1) & pairs[["a", "b"]].isin([first]).any(axis=1)
        ].itertuples()
        assert row.p == table.loc[name, "p"]
        assert abs(row.difference) == pytest.approx(abs(table.loc[name, "mean"] - table.loc[first, "mean"]))
    against = found.table("RandomSearch")
    assert against.loc["RandomSearch", "verdict"] == "baseline"
    with pytest.raises(nk.UnknownName):
        found.pairwise("NSGA2")


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("clock", ["evaluations", "unique_networks"])
def test_the_curves_end_where_the_table_does(bench, many, clock):
    problem = bench.problem(["valid_accuracy", "params"] if many else "valid_accuracy")
    algorithms = [nk.RandomSearch(), nk.NSGA2(population_size=10) if many else nk.LocalSearch()]
    found = compare(problem, algorithms, runs=12, evaluations=100, clock=clock)
    points = clock_points(list(found.results.values()), clock)
    table = found.table()
    for name, result in found.results.items():
        values = result.rows["hypervolume"] if many else found.regret(result)
        curve = mean_curve(anytime(result, values, clock, points), points)
        row = table.loc[name]
        assert (curve.mean[-1], curve.low[-1], curve.high[-1]) == pytest.approx((row["mean"], row["low"], row["high"]))
        if not many:
            values = result.trace_of("test_accuracy")
            curve = mean_curve(anytime(result, values, clock, points), points)
            assert curve.low[-1] == pytest.approx(row["test_accuracy_low"])


@pytest.mark.slow
def test_a_function_is_compared_by_its_value(bench, tmp_path):
    function = nk.FunctionProblem(lambda X: (X != 3).sum(axis=1) + 1.0, bench.space)
    found = compare(function, {"mine": nk.RandomSearch(), "theirs": nk.LocalSearch()}, runs=6, evaluations=60)
    assert (found.measure, found.optimum, found.report) == ("f", None, None)
    table = found.table()
    for name, result in found.results.items():
        assert table.loc[name, "mean"] == pytest.approx(result.incumbent_values.mean())
        assert (found.final(result) >= 1).all()
    assert plot_comparison(found, tmp_path / "f.png").stat().st_size > 10_000
    bounded = nk.FunctionProblem(lambda X: (X != 3).sum(axis=1) + 1.0, bench.space, bounds=[[1], [7]])
    found = compare(bounded, [nk.RandomSearch(), nk.LocalSearch()], runs=6, evaluations=60)
    assert found.measure == "f regret"
    for result in found.results.values():
        assert (found.final(result) == result.incumbent_values - 1).all()
    wrong = nk.FunctionProblem(lambda X: (X != 3).sum(axis=1) + 1.0, bench.space, bounds=[[5], [7]])
    with pytest.raises(ValueError, match="better than the optimum given by the bounds, 5"):
        compare(wrong, [nk.LocalSearch()], runs=6, evaluations=60).table()
    with pytest.raises(ValueError, match="metric of a table"):
        compare(bounded, [nk.RandomSearch()], report=("digits", "test_accuracy", None))
    with pytest.raises(TypeError, match="problem must come from"):
        compare(lambda X: X, [nk.RandomSearch()])


def test_a_function_of_several_objectives_is_compared_between_its_bounds(bench, tmp_path):
    def function(X):
        return np.stack([(X != 3).sum(axis=1), (X != 2).sum(axis=1), X[:, 0]], axis=1)

    names = ["a", "b", "c"]
    bounded = nk.FunctionProblem(function, bench.space, names, bounds=[[0] * 3, [6, 6, 4]])
    found = compare(bounded, [nk.RandomSearch(), nk.NSGA2(population_size=10)], runs=4, evaluations=100)
    assert found.front_hypervolume() is None
    assert plot_comparison(found, tmp_path / "f.png").stat().st_size > 10_000
    with pytest.raises(ValueError, match="which needs bounds"):
        compare(nk.FunctionProblem(function, bench.space, names), [nk.NSGA2()])


@pytest.mark.slow
def test_runs_that_fail_are_shown(bench, tmp_path):
    function = nk.FunctionProblem(lambda X: np.where(X[:, 0] < 4, np.nan, X.sum(axis=1)), bench.space)
    found = compare(function, {"few": nk.RandomSearch(), "many": nk.RandomSearch()}, runs=10, evaluations=3)
    table = found.table()
    assert (table["n"] > 0).all()
    assert (table["n"] < 10).all()
    assert (table["runs"] == 10).all()
    assert plot_comparison(found, tmp_path / "f.png").stat().st_size > 10_000
    nothing = nk.FunctionProblem(lambda X: np.full(len(X), np.nan), bench.space)
    lost = compare(nothing, [nk.RandomSearch(), nk.LocalSearch()], runs=3, evaluations=5)
    assert lost.table()["n"].tolist() == [0, 0]
    assert lost.table()["verdict"].tolist() == ["first", "n.s."]
    assert plot_comparison(lost, tmp_path / "g.png").exists()


def test_the_budget_is_kept_in_words(bench):
    found = compare(
        bench.problem("valid_accuracy"), [nk.RandomSearch()], runs=2, simulated_seconds=100, evaluations=2000
    )
    assert str(found.budget) == "2,000 evaluations or 100 simulated seconds"
    assert str(Budget(unique_networks=1)) == "1 unique network"
    assert str(Budget()) == "1,000 evaluations"
    assert str(Budget(simulated_seconds=0.5, generations=3)) == "0.5 simulated seconds or 3 generations"


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


@pytest.mark.slow
@pytest.mark.parametrize("clock", ["evaluations", "unique_networks", "simulated_seconds"])
@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_pictures_of_one_objective(bench, tmp_path, clock, suffix):
    problem = bench.problem("valid_accuracy", epochs=4)
    comparison = compare(problem, [nk.RandomSearch(), nk.LocalSearch()], runs=8, evaluations=80, clock=clock)
    path = plot_comparison(comparison, tmp_path / f"a.{suffix}")
    start = path.read_bytes()[:8]
    assert start == b"\x89PNG\r\n\x1a\n" if suffix == "png" else start.startswith(b"<?xml")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.slow
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
    with pytest.raises(ValueError, match="not as .xyz"):
        plot_comparison(finals, tmp_path / "finals.xyz")
    with pytest.raises(nk.WriteError, match="no folder"):
        plot_comparison(finals, tmp_path / "no" / "finals.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(nk.WriteError, match=r"folder\.png is a folder; give a file name"):
        plot_comparison(finals, tmp_path / "folder.png")


def test_at_most_six_are_drawn_unless_asked_for(bench):
    problem = bench.problem("valid_accuracy", epochs=4)
    algorithms = {f"search {i}": nk.RandomSearch() for i in range(8)}
    comparison = compare(problem, algorithms, runs=3, evaluations=20)
    shown = [text.get_text() for text in comparison.plot().legends[0].get_texts()]
    final = {name: np.median(comparison.final(result)) for name, result in comparison.results.items()}
    assert shown == sorted(final, key=final.__getitem__)[:6]
    figure = comparison.plot(algorithms=["search 7", "search 0"])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["search 7", "search 0"]
    assert "2 of 8\u00a0algorithms" in figure.get_suptitle()
    with pytest.raises(ValueError, match="no algorithms to draw"):
        comparison.plot(algorithms=[])
    with pytest.raises(nk.UnknownName, match="search 0"):
        comparison.plot(algorithms=["search 9"])
    with pytest.raises(ValueError, match="front needs several objectives"):
        comparison.plot("front")


@pytest.mark.parametrize("objectives", [["valid_accuracy", "params"], ["valid_accuracy", "params", "training_time"]])
def test_fronts_show_every_pair_of_objectives(bench, objectives):
    comparison = compare(
        bench.problem(objectives), [nk.NSGA2(population_size=10), nk.RandomSearch()], runs=3, evaluations=60
    )
    figure = comparison.plot("front")
    panels = [axes for axes in figure.axes if axes.axison]
    assert len(panels) == {2: 1, 3: 4}[len(objectives)]
    exact = comparison.problem.front()[1]
    assert panels[0].lines[0].get_xdata().tolist() == exact[:, 1].tolist()
    assert panels[0].lines[0].get_ydata().tolist() == (100 - exact[:, 0]).tolist()
    assert panels[0].get_xlabel() == "params"


def test_a_weak_network_does_not_squeeze_a_front():
    from nasbench_kit.experiments.front_panel import near

    assert near(np.array([10.0, 84.5, 85.0, 89.0, 90.0, 91.0])).tolist() == [False] + [True] * 5
    assert near(np.array([10.0, 90.0])).all()
    assert near(np.full(9, 3.0)).all()
