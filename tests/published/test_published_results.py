"""The bundled recipes on the published tables: every figure that can be computed agrees."""

from __future__ import annotations

import json

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.experiments.facts import FACTS, Column
from nasbench_kit.experiments.recipe_file import read_recipe
from nasbench_kit.store import MetricColumn, Table, write_store

# in published standard deviations, where the publication has them: the whole of nb201-table, seed 0
LARGEST = {"RS": 0.16, "REA": 0.25, "REINFORCE": 0.11, "BOHB": 0.3}


@pytest.fixture
def home(nb201, monkeypatch):
    monkeypatch.setenv("NASBENCH_KIT_HOME", str(nb201.path.parent))


@pytest.mark.parametrize("name", ["nas-bench-macro", "nb101-test"])
def test_facts_of_bundled_tables(name):
    found = nk.reproduce(name)
    assert found.passed
    assert (found.table()["verdict"] == "agrees").all()


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(("name", "figures"), [("nb201-cifar10", 8), ("nb201-table", 24)])
def test_the_table_of_nas_bench_201_row_by_row(name, figures):
    found = nk.reproduce(name)
    table = found.table()
    assert found.passed
    assert len(table) == figures
    assert (table["n"] == 500).all()
    largest = table["difference_sd"].abs().groupby(table["algorithm"]).max()
    for algorithm, limit in LARGEST.items():
        assert largest[algorithm] <= limit, algorithm


@pytest.mark.usefixtures("home")
def test_the_landscape_of_nas_bench_201():
    found = nk.reproduce("nb201-landscape")
    assert found.passed
    assert len(found.table()) == 11
    assert [comparison.optimum is not None for comparison in found.comparisons.values()] == [True, True]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "figures"), [("transnas-micro", 14), ("transnas-macro", 14), ("nb201-proxies", 5)])
def test_ranks_and_correlations_of_bundled_tables(name, figures):
    found = nk.reproduce(name)
    assert found.table()["verdict"].tolist() == ["agrees"] * figures


def test_the_front_of_macronas(published, tmp_path):
    """The facts about the front that the authors' own file of it can answer; nothing else of the table is at hand."""
    path = published / "macronas" / "benchmark_cifar10_paretofront.json"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    front = json.loads(path.read_text())["14"]
    space = nk.space("macronas")
    X = space.encode([text.replace("0", "I") for text in front["genotypes"]])
    X = space.canonical(X)
    accuracy, saved = np.array(front["fitness"]).T
    np.testing.assert_allclose(
        1 - saved, (space.cost(X, "mmacs", dataset="cifar10") - 21.31) / (239.28 - 21.31), atol=1e-6
    )
    metrics = {
        "valid_accuracy": MetricColumn(100 * accuracy),
        "mmacs": MetricColumn(space.cost(X, "mmacs", dataset="cifar10")),
    }
    bench = nk.open(write_store(tmp_path / "front.h5", Table(space, X, {"cifar10": metrics}, {"source": path.name})))
    facts = [fact for fact in read_recipe("macronas-cifar10").facts if "test_accuracy" not in fact.metrics]
    assert [fact.label for fact in facts] == ["best validation accuracy", "front points", "hypervolume, validation"]
    for fact in facts:
        ours = FACTS[fact.quantity].compute(Column(bench, fact.metrics, fact.dataset, **fact.settings))
        assert abs(ours - fact.published.mean) <= fact.published.rounding + 1e-9, fact.label


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("seed", [1, 2])
def test_verdicts_are_not_an_accident_of_the_seed(seed):
    assert nk.reproduce("nb201-table", seed=seed).passed


@pytest.mark.usefixtures("home")
def test_a_wrong_learning_rate_is_told(tmp_path):
    """NATS-Bench's learning rate, 0.01, stays below the published row of REINFORCE."""
    text = read_recipe("nb201-table").path.read_text()
    assert "learning_rate = 0.04" in text
    path = tmp_path / "slow.toml"
    path.write_text(text.replace("learning_rate = 0.04", "learning_rate = 0.01"))
    table = nk.reproduce(path).table()
    assert (table.loc[table["algorithm"] == "REINFORCE", "verdict"] == "differs").sum() >= 2
