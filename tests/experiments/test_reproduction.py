"""Recipes on the bundled table and on made-up ones: results, comparisons with published figures, and errors."""

from __future__ import annotations

import contextlib
import pickle
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats

import nasbench_kit as nk
from nasbench_kit.experiments.facts import FACTS, Column
from nasbench_kit.experiments.published_figure import PublishedFigure, Tolerance, beside_published
from nasbench_kit.experiments.published_order import beside_order
from nasbench_kit.experiments.statistics import compare_samples
from nasbench_kit.metrics.indicators import hypervolume, igd
from nasbench_kit.store import MetricColumn, Table, write_store
from tests.conftest import made_up_table
from tests.experiments.test_recipe_file import TEXT, training

CURVES = "cifar10-curves"


@pytest.fixture
def recipe(tmp_path):
    """A function that writes `TEXT`, with replacements, and gives the file's path."""

    def written(*replacements, more=""):
        text = TEXT
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "mine.toml"
        path.write_text(text + more)
        return path

    return written


def test_figures_are_those_of_the_searches(recipe):
    found = nk.reproduce(recipe())
    table = found.table()
    assert table["algorithm"].tolist() == ["", "REA", "random"]
    bench = nk.open("nb201-digits")
    algorithm = nk.RegularizedEvolution(population_size=20, mutation="node")
    problem = bench.problem("valid_accuracy", epochs=4)
    values = nk.search(problem, algorithm, runs=8, evaluations=60, seed=0).best("test_accuracy")
    row = table.iloc[1]
    assert (row["ours"], row["ours_sd"], row["n"]) == (values.mean(), values.std(ddof=1), 8)
    assert row["difference_sd"] == pytest.approx((values.mean() - 96.5) / 0.5)
    welch = scipy.stats.ttest_ind_from_stats(values.mean(), values.std(ddof=1), 8, 96.5, 0.5, 10, equal_var=False)
    assert (row["test"], row["p"]) == ("Welch's t", welch.pvalue)
    error = np.sqrt(values.var(ddof=1) / 8 + 0.25 / 10)
    assert row["standard_error"] == pytest.approx(error)
    assert row["allowed"] == pytest.approx(max(0.5 * 0.5 + 0.005, 1.96 * error))
    best = bench.query(bench.architectures, "test_accuracy").max()
    assert table.iloc[0]["ours"] == best
    comparison = found.comparison()
    assert list(comparison.results) == ["REA", "random"]
    assert comparison.report == ("digits", "test_accuracy", None)
    assert found.comparison("0") is comparison
    with pytest.raises(nk.UnknownName, match="unknown search 'digits' of mine"):
        found.comparison("digits")


def test_the_same_seed_gives_the_same_table(recipe):
    path, told = recipe(), []
    first = nk.reproduce(path, progress=lambda name, share: told.append((name, share))).table()
    pd.testing.assert_frame_equal(first, nk.reproduce(path).table())
    assert not first.equals(nk.reproduce(path, seed=1).table())
    assert nk.reproduce(path, runs=3).table()["n"].tolist() == [0, 3, 3]
    assert {name for name, _ in told} == {"REA", "random"}
    with pytest.raises(ValueError, match="runs must be at least 2"):
        nk.reproduce(path, runs=1)
    with pytest.raises(ValueError, match="seed must be a non-negative integer, not -1"):
        nk.reproduce(path, seed=-1)
    with pytest.raises(TypeError, match="runs must be an integer"):
        nk.reproduce(path, runs=2.5)


def test_the_verdict_is_by_size():
    figure, within = PublishedFigure(70.0, 1.0, 2), Tolerance("sd", 0.25)
    near = np.tile([69.2, 71.2], 5000)  # 0.2 above: significantly, but not by much
    row = beside_published(near, figure, within, 500)
    assert row["p"] < 1e-3
    assert row["verdict"] == "agrees"
    assert beside_published(near + 0.1, figure, within, 500)["verdict"] == "differs"
    assert beside_published((near + 0.1)[:10], figure, within, 500)["verdict"] == "agrees"  # few runs cannot tell
    assert beside_published(np.append(near, np.nan), figure, within, 500)["verdict"] == "differs"
    none = beside_published(np.array([np.nan, np.nan]), figure, within, 500)
    assert (none["n"], none["verdict"]) == (0, "differs")
    alone = beside_published(near, PublishedFigure(70, None, 0), Tolerance("relative", 0.01), None)
    assert (alone["test"], alone["verdict"]) == ("", "agrees")
    assert np.isnan(alone["p"])
    assert np.isnan(alone["difference_sd"])
    assert alone["allowed"] == pytest.approx(0.7 + 0.5)


def test_passed_is_what_the_verdicts_say(recipe):
    best = nk.open("nb201-digits").query(nk.open("nb201-digits").architectures, "test_accuracy").max()
    right = ("published = 98.0", f"published = {best:.1f}")
    wide = ("within = { sd = 0.5 }", "within = { absolute = 5 }")
    found = nk.reproduce(recipe(right, wide))
    assert found.passed
    assert set(found.table()["verdict"]) == {"agrees"}
    wrong = nk.reproduce(recipe(("published = 98.0", "published = 12.5"), wide))
    assert wrong.table()["verdict"].tolist() == ["differs", "agrees", "agrees"]
    assert not wrong.passed


def test_ranks_and_clocks(recipe):
    more = """
[[search]]
name = "to the best"
objective = "valid_accuracy"
dataset = "digits"
trial = "mean"
algorithms = "random"
evaluations = 200_000
target = "best"
runs = 4
[[search.report]]
label = "evaluations"
quantity = "evaluations"
within = { relative = 0.9 }
published.random = 15_000
[[search.report]]
label = "rank"
quantity = "rank"
metric = "valid_accuracy"
within = { absolute = 0 }
published.random = 1
"""
    found = nk.reproduce(recipe(more=more))
    table = found.table().set_index("quantity")
    assert table.loc["rank", "ours"] == 1
    assert table.loc["rank", "ours_sd"] == 0
    assert table.loc["rank", "verdict"] == "agrees"
    evaluations = found.comparison("to the best").results["random"].evaluations
    assert table.loc["evaluations", "ours"] == evaluations.mean()
    with pytest.raises(nk.UnknownName, match="Available: 0, to the best"):
        found.comparison()
    # a run that does not get there is no figure
    few = nk.reproduce(recipe(more=more.replace("200_000", "5").replace("absolute = 0", "absolute = 1e6")))
    row = few.table().set_index("quantity").loc["evaluations"]
    assert (row["n"], row["verdict"]) == (0, "differs")
    assert row["why"] == "4 of 4 runs did not reach the target"


def test_a_rank_counts_what_is_better(recipe):
    path = recipe(
        ('label = "test accuracy"', 'label = "rank"\nquantity = "rank"'), ("{ sd = 0.5 }", "{ absolute = 1e5 }")
    )
    found = nk.reproduce(path)
    bench = nk.open("nb201-digits")
    everything = bench.query(bench.architectures, "test_accuracy")
    mine = found.comparison().results["random"].best("test_accuracy")
    expected = [1 + (everything > value).sum() for value in mine]
    assert found.table().set_index("algorithm").loc["random", "ours"] == np.mean(expected)


BOHB = """
[[algorithm]]
name = "BOHB"
algorithm = "BOHB"
dataset = "cifar10-curves"
needs = "the curves"
"""


@pytest.mark.parametrize("curves", [False, True])
def test_an_algorithm_that_the_table_does_not_serve_is_left_out(recipe, tmp_path, curves):
    table = made_up_table()
    metrics = {
        name: MetricColumn(column.values[:, 1:], column.epochs[1:], column.seeds)
        for name, column in table.metrics["cifar10"].items()
    }
    datasets = {"cifar10": metrics} | ({CURVES: table.metrics["cifar10"]} if curves else {})
    write_store(tmp_path / "own.h5", Table(table.space, table.architectures, datasets, table.provenance))
    path = recipe(
        ('name = "nb201-digits"', 'name = "own.h5"'),
        ("architectures = 5524", "architectures = 15625"),
        ('dataset = "digits"\nepochs = 4', 'dataset = "cifar10"\nepochs = 12'),
        ("[[search]]", f"{BOHB}\n[[search]]"),
        ("within = { sd = 0.5 }", "within = { absolute = 100 }"),
        ("[search.report.published]", "[search.report.published]\nBOHB = 96.2"),
        ("published = 98.0", 'dataset = "cifar10"\npublished = 95\nwithin = { absolute = 10 }'),
    )
    found = nk.reproduce(path)
    row = found.table().set_index("algorithm").loc["BOHB"]
    assert found.passed
    if curves:
        assert (row["n"], row["verdict"]) == (8, "agrees")
        assert found.comparison().results["BOHB"].source["dataset"] == CURVES
    else:
        assert (row["n"], row["verdict"], row["published"]) == (0, "not run", 96.2)
        assert row["why"] == "needs the curves"
        assert "BOHB" not in found.comparison().results
    assert len(found.comparison().table()) == 2 + curves


def test_an_algorithm_searches_its_own_dataset_or_none(recipe):
    path = recipe(('algorithm = "RandomSearch"', 'algorithm = "RandomSearch"\ndataset = "curves"'))
    row = nk.reproduce(path).table().set_index("algorithm").loc["random"]
    assert (row["verdict"], row["why"]) == ("not run", "needs the dataset curves, which nb201-digits lacks")


def test_what_only_cannot_be_run_does_not_pass(recipe, tmp_path):
    bohb = BOHB.replace(CURVES, "digits")
    text = TEXT[: TEXT.index("[[algorithm]]")] + bohb + TEXT[TEXT.index("[[search]]") : TEXT.index("REA = {")]
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("epochs = 4", "epochs = 1") + "BOHB = { mean = 96, sd = 1 }\n")
    found = nk.reproduce(path)
    assert found.table()["verdict"].tolist() == ["not run"]
    assert not found.passed


def test_a_table_that_is_absent_or_another_one(recipe, tmp_path, monkeypatch):
    get = ('space = "nb201"', 'space = "nb201"\nget = "nasbench-kit download mine"\nversion = "v1"')
    with pytest.raises(nk.StoreError, match=r"'mine' \(v1\), which is not here: nasbench-kit download mine"):
        nk.reproduce(recipe(('name = "nb201-digits"', 'name = "mine"'), get))
    with pytest.raises(nk.StoreError, match=r"has 5,524 architectures, not 42: nasbench-kit download mine"):
        nk.reproduce(recipe(("architectures = 5524", "architectures = 42"), get))
    with pytest.raises(nk.StoreError, match="is of the space nb201, not nb101"):
        nk.reproduce(recipe(('space = "nb201"', 'space = "nb101"')))
    digest = nk.open("nb201-digits").digest
    nk.reproduce(recipe(("architectures = 5524", f'digest = "{digest}"')))
    with pytest.raises(nk.StoreError, match=f"has the digest {digest}, which is not that of the recipe"):
        nk.reproduce(recipe(("architectures = 5524", 'digest = ["0", "1"]')))
    # a user's store of that name comes before the bundled one, and is looked at
    monkeypatch.setenv("NASBENCH_KIT_HOME", str(tmp_path))
    write_store(tmp_path / "nb201-digits.h5", made_up_table())
    with pytest.raises(nk.SourceError, match=re.escape("search[0]: unknown dataset 'digits' of nb201-digits")):
        nk.reproduce(recipe(("architectures = 5524", "architectures = 15625")))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"valid_accuracy"', '"valid_acuracy"', "search[0]: unknown metric 'valid_acuracy' of nb201-digits on digits"),
        ("epochs = 4", "epochs = 50", "search[0]: unknown epoch budget 50 of valid_accuracy on digits"),
        ("epochs = 4", "trial = 12345", "search[0]: unknown seed 12345 of digits"),
        ("epochs = 4", "include_validation_time = true", "search[0]: unknown metric 'valid_time'"),
        ('mutation = "node"', 'mutation = "edge"', "search[0], algorithm 'REA': unknown mutation 'edge' on nb201"),
        ("within = { sd = 0.5 }", 'dataset = "cifar10"', "search[0].report[0]: unknown dataset 'cifar10'"),
        ("within = { sd = 0.5 }", "epochs = 200", "search[0].report[0]: unknown epoch budget 200"),
        ('quantity = "best"', 'quantity = "best"\nepochs = 200', "fact[0]: unknown epoch budget 200"),
        ('quantity = "best"', 'quantity = "distance_correlation"\noptimum = "|x|"', "fact[0]: "),
    ],
)
def test_a_recipe_that_does_not_fit_its_table(recipe, old, new, message):
    path = recipe((old, new))
    with pytest.raises(nk.SourceError, match=re.escape(f"{path}: {message}")):
        nk.reproduce(path)


def test_facts_of_a_table(bench):
    values = bench.query(bench.architectures, "test_accuracy")
    seconds = bench.query(bench.architectures, "training_time", epochs=12)

    def of(quantity, *metrics, **settings):
        return FACTS[quantity].compute(Column(bench, metrics, **settings))

    assert of("best", "test_accuracy") == values.max()
    assert of("best", "training_time") == seconds.min()
    assert of("mean_minus_best", "test_accuracy") == values.mean() - values.max()
    assert of("architectures_as_good", "test_accuracy", threshold=90) == (values >= 90).sum()
    assert of("architectures_as_good", "training_time", threshold=18.0) == (seconds <= 18).sum()
    assert of("best_architecture", "test_accuracy") == tuple(bench.space.decode(bench.architectures[[values.argmax()]]))
    assert of("front_points", "test_accuracy", "params") == len(bench.front(["test_accuracy", "params"])[1])
    assert 1 <= of("strict_local_optima", "test_accuracy") < len(bench)
    assert -1 <= of("distance_correlation", "test_accuracy") < 0
    assert of("spearman", "test_accuracy", "training_time", epochs=12) == pytest.approx(
        scipy.stats.spearmanr(bench.query(bench.architectures, "test_accuracy", epochs=12), seconds).statistic
    )
    assert of("kendall", "test_accuracy", "test_accuracy") == 1
    _, front = bench.front(["test_accuracy", "params"])
    worst = front[:, 1].max()
    scaled = np.stack([(100 - front[:, 0]) / 100, front[:, 1] / worst], axis=1)
    box = {"ideal": (100.0, 0.0), "nadir": (0.0, worst), "reference": 1.5}
    assert of("front_hypervolume", "test_accuracy", "params", **box) == pytest.approx(
        hypervolume(scaled, [1.5, 1.5]) / 2.25
    )
    with pytest.raises(ValueError, match=re.escape("nadir [100.0, 1.0] must be worse than ideal [100.0, 0.0]")):
        of("front_hypervolume", "test_accuracy", "params", ideal=(100.0, 0.0), nadir=(100.0, 1.0))
    native = bench.space.decode(bench.architectures[[values.argmax()]])[0]
    assert of("distance_correlation", "test_accuracy", optimum=native) == of("distance_correlation", "test_accuracy")


FRONT = """
[[algorithm]]
name = "NSGA-II"
algorithm = "NSGA2"
settings = { population_size = 20 }
[[search]]
name = "front"
objective = ["valid_accuracy", "params"]
dataset = "digits"
trial = "mean"
algorithms = ["NSGA-II", "random"]
initial = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|nor_conv_3x3~0|nor_conv_1x1~1|avg_pool_3x3~2|"
evaluations = 200
runs = 20
[[search.report]]
label = "hypervolume"
quantity = "hypervolume"
order = ["NSGA-II", "random"]
[[search.report]]
label = "IGD"
quantity = "igd"
scale = "table"
order = ["random", "NSGA-II"]
[[search.report]]
label = "hypervolume, table"
quantity = "hypervolume"
scale = "table"
within = { absolute = 1 }
published.random = 0.9
"""


ONE_OF_TWO = ("runs = 8", 'runs = 8\nalgorithms = ["REA", "random"]')  # NSGA-II is not for one objective


def test_fronts_and_orders(recipe):
    found = nk.reproduce(recipe(ONE_OF_TWO, more=FRONT))
    table = found.table()
    table = table[table["search"] == "front"].set_index("quantity")
    results = found.comparison("front").results
    row = table.loc["hypervolume"]
    assert (row["algorithm"], row["published"]) == ("NSGA-II", "better than random")
    assert row["ours"] == results["NSGA-II"].hypervolume().mean()
    assert row["difference"] == pytest.approx(row["ours"] - results["random"].hypervolume().mean())
    assert row["p"] == compare_samples(results["NSGA-II"].hypervolume(), results["random"].hypervolume())
    problem = found.comparison("front").problem
    bounds, front = problem.bounds, problem.front()[1]
    by_hand = [
        igd(
            (problem(results["random"].archive(r)[0]) - bounds[0]) / np.ptp(bounds, axis=0),
            (front - bounds[0]) / np.ptp(bounds, axis=0),
        )
        for r in range(20)
    ]
    assert table.loc["IGD", "ours"] == pytest.approx(np.mean(by_hand))
    assert table.loc["hypervolume, table", "ours"] == results["random"].hypervolume(scale="table").mean()
    first = nk.space("nb201").encode([FRONT.split('initial = "')[1].split('"')[0]])[0]
    assert all((results["random"].archive(r)[0] == first).all(axis=1).any() for r in range(20))  # the best network


def test_what_agrees_with_an_order():
    low, high, lost = np.arange(5.0), np.arange(5.0) + 5, np.full(5, np.nan)
    for better, other, gain, expected in (
        (high, low, True, "agrees"),
        (low, high, False, "agrees"),
        (low, high, True, "differs"),
        (low, low, True, "undecided"),
        (low, lost, False, "agrees"),  # a run without a value is worse than all others
        (lost, low, True, "differs"),
    ):
        assert beside_order(better, other, gain=gain)["verdict"] == expected


def test_runs_that_do_not_decide_an_order(recipe):
    found = nk.reproduce(
        recipe(ONE_OF_TWO, more=FRONT.replace("evaluations = 200", "evaluations = 20").replace("runs = 20", "runs = 2"))
    )
    row = found.table().set_index("quantity").loc["hypervolume"]
    assert (row["verdict"], found.passed) == ("undecided", False)
    with pytest.raises(nk.SourceError, match=re.escape("search[1].initial: nb201: 1 native forms cannot be read")):
        nk.reproduce(recipe(ONE_OF_TWO, more=FRONT.replace("|nor_conv_3x3~0|+", "|conv~0|+")))


def test_regret_and_populations(recipe):
    more = """
[[search.report]]
label = "regret"
quantity = "regret"
metric = "test_accuracy"
within = { absolute = 100 }
published.random = 1.0
[[search.report]]
label = "population"
quantity = "population"
rises = true
"""
    text = TEXT[: TEXT.index("[[fact]]")]
    path = recipe()
    path.write_text(text.replace("evaluations = 60", "evaluations = 200") + more)
    found = nk.reproduce(path)
    table, result = found.table().set_index(["algorithm", "quantity"]), found.comparison().results["random"]
    bench = nk.open("nb201-digits")
    best = bench.query(bench.architectures, "test_accuracy").max()
    assert table.loc[("random", "regret"), "ours"] == pytest.approx(best - result.best("test_accuracy").mean())
    row = table.loc[("REA", "population")]
    assert (row["published"], row["verdict"]) == ("better than the first generation", "agrees")
    generations = found.comparison().results["REA"].generations
    last, first = (
        np.array([100 - generations.population(i, run)[1].mean() for run in range(8)])
        for i in (len(generations) - 1, 0)
    )
    assert (row["ours"], row["difference"]) == pytest.approx((last.mean(), (last - first).mean()))
    assert table.loc[("random", "population"), "verdict"] == "undecided"


def test_nominal_budgets_are_one_training(recipe):
    bohb = BOHB.replace(f'dataset = "{CURVES}"', "nominal_budgets = [1, 3, 9]")
    path = recipe(
        ("[[search]]", f"{bohb}\n[[search]]"),
        ("epochs = 4", 'epochs = 8\ntrial = "mean"\ncharge = "one"'),
        ("[search.report.published]", "[search.report.published]\nBOHB = { mean = 96, sd = 1 }"),
    )
    result = nk.reproduce(path).comparison().results["BOHB"]
    assert result.source["nominal_budgets"] == [1, 3, 9]
    problem = nk.open("nb201-digits").problem("valid_accuracy", seed="mean", charge="one", nominal_budgets=(1, 3, 9))
    X = problem.bench.architectures[:4]
    for epochs in (1, 9, None):
        np.testing.assert_array_equal(problem.evaluate(X, epochs).F, problem(X))
    assert pickle.loads(pickle.dumps(problem)).budgets == (1, 3, 9)
    with pytest.raises(ValueError, match="nominal_budgets must be positive and ascending, not"):
        problem.bench.problem("valid_accuracy", nominal_budgets=(3, 1))


def test_a_recipe_that_trains_needs_to_be_told(recipe):
    path = recipe()
    path.write_text(training(TEXT))
    with pytest.raises(
        ValueError, match=re.escape("the recipe mine trains networks: run nasbench-kit reproduce mine, or")
    ):
        nk.reproduce(path)


def test_a_recipe_that_trains_on_a_function(recipe):
    """All but the training: what a problem without a table gives."""
    path = recipe()
    path.write_text(
        training(TEXT)
        .replace('metric = "test_accuracy"', 'metric = "valid_accuracy"')
        .replace("{ sd = 0.5 }", "{ sd = 200 }")
    )

    @contextlib.contextmanager
    def trained(needed, objectives):
        assert (needed.space, needed.dataset, needed.epochs, objectives) == (
            "genetic-cnn",
            "digits",
            1,
            ("valid_accuracy",),
        )
        yield nk.FunctionProblem(lambda X: 50 - X.sum(axis=1), nk.space("genetic-cnn"), ("valid_accuracy",))

    found = nk.reproduce(path, trained=trained, runs=3)
    assert (found.bench, found.passed) == (None, True)
    assert found.table()["n"].tolist() == [3, 3]
    path.write_text(path.read_text().replace('metric = "valid_accuracy"', 'metric = "latency"'))
    with pytest.raises(nk.SourceError, match=re.escape("search[0]: a search on a function only has valid_accuracy")):
        nk.reproduce(path, trained=trained, runs=3)


def test_a_search_on_test_data_is_the_recipes_own_decision(recipe, recwarn):
    nk.reproduce(recipe(('objective = "valid_accuracy"', 'objective = "test_accuracy"')))
    assert not recwarn.list


def test_the_example_of_the_docs(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "reproduce.md").read_text()
    [example] = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    path = tmp_path / "digits-500.toml"
    path.write_text(example)
    found = nk.reproduce(path)
    assert found.passed
    assert found.table()["ours"].round(2).tolist() == found.table()["published"].tolist()
