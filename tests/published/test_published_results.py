"""The bundled recipes on the published tables: every figure that can be computed agrees."""

from __future__ import annotations

import pytest

import nasbench_kit as nk
from nasbench_kit.experiments.recipe_file import read_recipe

# in published standard deviations, where the publication has them: the whole of nb201-table
LARGEST = 0.19


@pytest.fixture
def home(nb201, monkeypatch):
    monkeypatch.setenv("NASBENCH_KIT_HOME", str(nb201.path.parent))


@pytest.mark.parametrize("name", ["nas-bench-macro", "nb101-test"])
def test_facts_of_bundled_tables(name):
    found = nk.reproduce(name)
    assert found.passed
    assert (found.table()["verdict"] == "agrees").all()


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(("name", "figures"), [("nb201-cifar10", 6), ("nb201-table", 18)])
def test_the_table_of_nas_bench_201_row_by_row(name, figures):
    found = nk.reproduce(name)
    table = found.table()
    assert found.passed
    ran = table[table["verdict"] != "not run"]
    assert len(ran) == figures
    assert (ran["n"] == 500).all()
    assert ran["difference_sd"].abs().max() <= LARGEST
    left_out = table[table["verdict"] == "not run"]
    assert set(left_out["algorithm"]) == {"BOHB"}
    assert left_out["why"].str.startswith("needs trainings of less than 12 epochs").all()


@pytest.mark.usefixtures("home")
def test_the_landscape_of_nas_bench_201():
    found = nk.reproduce("nb201-landscape")
    assert found.passed
    assert len(found.table()) == 11
    assert [comparison.optimum is not None for comparison in found.comparisons.values()] == [True, True]


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
