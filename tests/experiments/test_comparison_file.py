"""Comparisons as files, and as figures; and when results are equal."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest

import nasbench_kit as nk


@pytest.fixture(scope="module")
def on_a_table():
    problem = nk.open("nb201-digits").problem("valid_accuracy")
    return nk.compare(problem, [nk.RandomSearch(), nk.RegularizedEvolution()], runs=6, evaluations=60)


def ones():
    space = nk.space("nas-bench-macro")
    return nk.FunctionProblem(lambda X: (X != 1).sum(axis=1), space, bounds=[[0], [8]])


def test_what_is_loaded_is_what_was_saved(on_a_table, tmp_path):
    path = on_a_table.save(tmp_path / "c.h5")
    loaded = nk.load_comparison(path)
    pd.testing.assert_frame_equal(loaded.table(), on_a_table.table())
    pd.testing.assert_frame_equal(loaded.pairwise(), on_a_table.pairwise())
    assert loaded.results == on_a_table.results
    assert loaded.report == on_a_table.report
    assert loaded.budget == on_a_table.budget
    assert loaded.problem.front()[1].shape[1] == 1


def test_a_comparison_on_a_function(tmp_path):
    comparison = nk.compare(ones(), {"a": nk.RandomSearch(), "b": nk.LocalSearch()}, runs=4, evaluations=30)
    loaded = nk.load_comparison(comparison.save(tmp_path / "c.h5"))
    pd.testing.assert_frame_equal(loaded.table(), comparison.table())
    with pytest.raises(ValueError, match="does not contain the problem's function"):
        loaded.problem(np.zeros((1, 8), dtype=np.uint8))


def test_a_benchmark_that_is_gone(bench, tmp_path):
    copy = tmp_path / "copy.h5"
    copy.write_bytes(bench.path.read_bytes())
    problem = nk.open(copy).problem("valid_accuracy", seed="mean")
    comparison = nk.compare(problem, [nk.RandomSearch()], runs=3, evaluations=20)
    path = comparison.save(tmp_path / "c.h5")
    copy.unlink()
    loaded = nk.load_comparison(path)
    assert loaded.results == comparison.results
    assert loaded.optimum == comparison.optimum


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.attrs.__setitem__("format", "nasbench-kit result"), "not a comparison|no comparison"),
        (lambda f: f.attrs.__setitem__("names", "[]"), "checksum is wrong"),
        (lambda f: f.__delitem__("result_0/incumbents"), "checksum is wrong"),
    ],
)
def test_files_that_are_none(on_a_table, tmp_path, change, message):
    path = on_a_table.save(tmp_path / "c.h5")
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(nk.StoreError, match=message):
        nk.load_comparison(path)
    with pytest.raises(nk.StoreError):
        nk.load_comparison(tmp_path / "missing.h5")


def test_a_figure_is_given_back(on_a_table):
    pytest.importorskip("matplotlib")
    figure = on_a_table.plot()
    assert type(figure).__name__ == "Figure"
    assert len(figure.axes) == 2
    with pytest.raises(nk.UnknownName, match="Available: anytime"):
        on_a_table.plot("anytme2")


def test_results_are_equal_where_they_found_the_same(on_a_table):
    problem = nk.open("nb201-digits").problem("valid_accuracy")
    first, again = (nk.search(problem, nk.RandomSearch(), runs=2, evaluations=20, seed=3) for _ in range(2))
    other = nk.search(problem, nk.RandomSearch(), runs=2, evaluations=20, seed=4)
    assert first == again
    assert hash(first) == hash(again)
    assert first != other
    assert first != 3
    assert len({first, again, other}) == 2


def test_a_budget_instead_of_its_fields():
    budget = nk.Budget(evaluations=20, unique_networks=15)
    first = nk.search(ones(), nk.RandomSearch(), runs=2, budget=budget)
    assert first == nk.search(ones(), nk.RandomSearch(), runs=2, evaluations=20, unique_networks=15)
    with pytest.raises(TypeError, match="give budget= or evaluations=, not both"):
        nk.search(ones(), nk.RandomSearch(), budget=budget, evaluations=3)
    with pytest.raises(TypeError, match="did you mean 'evaluations'"):
        nk.search(ones(), nk.RandomSearch(), evaluation=3)
    with pytest.raises(TypeError, match="budget must be a Budget"):
        nk.search(ones(), nk.RandomSearch(), budget=20)
    assert nk.compare(ones(), [nk.RandomSearch()], runs=2, budget=budget).budget == budget


def test_completion_shows_the_public_names():
    assert sorted(dir(nk)) == sorted(nk.__all__)
