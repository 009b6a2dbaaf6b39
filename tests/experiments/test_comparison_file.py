"""Comparisons as files, and as figures; and when results are equal."""

from __future__ import annotations

import dataclasses

import h5py
import numpy as np
import pandas as pd
import pytest

import nasbench_kit as nk
from nasbench_kit.experiments import comparison_file
from nasbench_kit.store.record import write_record


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
    matplotlib = pytest.importorskip("matplotlib.figure")
    figure = on_a_table.plot()
    assert isinstance(figure, matplotlib.Figure)
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


@pytest.fixture(scope="module")
def gone(store, tmp_path_factory):
    """Comparisons on one and on two objectives of a table with noise, and the same loaded after the store was removed."""
    folder = tmp_path_factory.mktemp("gone")
    copy = folder / "copy.h5"
    copy.write_bytes(store.read_bytes())
    bench = nk.open(copy)
    one = nk.compare(bench.problem("valid_accuracy"), [nk.RandomSearch(), nk.LocalSearch()], runs=4, evaluations=20)
    two = nk.compare(
        bench.problem(["valid_accuracy", "params"]),
        [nk.RandomSearch(), nk.NSGA2(population_size=4)],
        runs=4,
        evaluations=20,
    )
    paths = [one.save(folder / "one.h5"), two.save(folder / "two.h5")]
    assert one.problem.noisy
    one.table(), two.table()  # before the table is gone
    finals = [(c, {name: c.final(result) for name, result in c.results.items()}) for c in (one, two)]
    copy.unlink()
    return [(saved, own, nk.load_comparison(path)) for (saved, own), path in zip(finals, paths, strict=True)]


def test_a_benchmark_that_is_gone(gone, tmp_path):
    for saved, finals, loaded in gone:
        assert loaded.missing_store == "copy"
        assert loaded == saved
        assert loaded.optimum == saved.optimum
        for name, result in loaded.results.items():
            np.testing.assert_array_equal(loaded.final(result), finals[name])
        pd.testing.assert_frame_equal(loaded.table(), saved.table())
        pd.testing.assert_frame_equal(loaded.pairwise(), saved.pairwise())
        again = nk.load_comparison(loaded.save(tmp_path / "again.h5"))  # what the file has is handed on
        pd.testing.assert_frame_equal(again.table(), saved.table())
        assert again == saved
        text = nk.report(loaded, tmp_path / "report.html").read_text()
        assert "copy, which is not here" in text
        assert "the benchmark copy is not here: shown is what the file has" in text
        assert "copy/cifar10: search on valid_accuracy" in text
        assert "±" in loaded._repr_html_()
    loaded = gone[0][2]
    for saved, _, loaded in gone:
        assert loaded.runtimes([1.0]).shape == saved.runtimes([1.0]).shape
    one, two = (loaded for _, _, loaded in gone)
    np.testing.assert_array_equal(
        one.regret(one.results["RandomSearch"]), gone[0][0].regret(gone[0][0].results["RandomSearch"])
    )
    assert two.by("r2").table().shape[0] == 2
    with pytest.raises(
        nk.StoreError, match=r"igd, which compares with the exact front, needs the benchmark .* copy, which is not here"
    ):
        two.by("igd")
    with pytest.raises(
        nk.StoreError, match=r"evaluating 1 architectures whose values the file does not have needs the benchmark"
    ):
        two.problem(np.zeros((1, 6), dtype=np.uint8))
    assert one.problem(np.empty((0, 6), dtype=np.uint8)).shape == (0, 1)
    other = dataclasses.replace(one, report=("cifar10", "valid_accuracy", 4))  # the file has another metric of them
    assert np.isnan(other.table()["valid_accuracy"]).all()


def test_figures_without_the_benchmark(gone):
    pytest.importorskip("matplotlib")
    one, two = (loaded for _, _, loaded in gone)
    assert [axes.get_title() for axes in one.plot().axes][1] == "where the runs end"
    assert len(two.plot().axes) == 2
    assert len(two.plot("front").axes) >= 1


def test_an_older_file_without_the_values(gone, tmp_path, monkeypatch):
    saved = gone[0][2]
    monkeypatch.setattr(comparison_file, "_known", lambda *_: None)
    loaded = nk.load_comparison(saved.save(tmp_path / "old.h5"))
    with pytest.raises(nk.StoreError, match=r"needs the benchmark that was searched, copy, which is not here"):
        loaded.table()
    assert "needs the benchmark that was searched" in loaded._repr_html_()


@pytest.mark.parametrize(
    ("name", "values"),
    [("known/F", np.zeros((2, 1))), ("known/reported", np.zeros(3)), ("known/X", np.full((3, 6), 9, dtype=np.uint8))],
)
def test_damaged_values(gone, tmp_path, monkeypatch, name, values):
    attributes, arrays = {}, {}
    monkeypatch.setattr(comparison_file, "write_record", lambda _, a, b: (attributes.update(a), arrays.update(b)))
    gone[0][2].save(tmp_path / "c.h5")
    write_record(tmp_path / "c.h5", attributes, {**arrays, name: values})
    with pytest.raises(nk.StoreError, match="is a damaged comparison"):
        nk.load_comparison(tmp_path / "c.h5")


def test_comparisons_are_equal_where_their_results_are(on_a_table, tmp_path):
    loaded = nk.load_comparison(on_a_table.save(tmp_path / "c.h5"))
    assert loaded == on_a_table
    assert hash(loaded) == hash(on_a_table)
    assert loaded != 3
    first = next(iter(on_a_table.results))
    for changes in ({"report": None}, {"budget": None}, {"results": {"A": on_a_table.results[first]}}):
        other = dataclasses.replace(on_a_table, **changes)
        assert other != on_a_table
        assert len({other, on_a_table, loaded}) == 2
    assert nk.Comparisons({"p": loaded}) == nk.Comparisons({"p": on_a_table})


def test_measuring_changes_no_result(bench):
    problem = bench.problem(["valid_accuracy", "params"])
    result = nk.search(problem, nk.RandomSearch(), runs=2, evaluations=20)
    whole = result.hypervolume()
    result.front_bounds = None  # as in an older file
    before, number = result.digest, hash(result)
    np.testing.assert_allclose(result.hypervolume(), whole)
    assert (result.digest, hash(result)) == (before, number)


def test_the_archive_of_the_median_run(bench):
    result = nk.search(bench.problem(["valid_accuracy", "params"]), nk.RandomSearch(), runs=3, evaluations=30)
    X, F = result.median_archive()
    run = int(np.argsort(result.hypervolume(), kind="stable")[1])
    assert result.noise_free_F is not None
    own = result.archive_run == run
    assert 0 < len(F) <= own.sum()
    assert {x.tobytes() for x in X} <= {x.tobytes() for x in result.archive_X[own]}
    np.testing.assert_array_equal(F, bench.problem(["valid_accuracy", "params"])(X))
    assert (np.diff(F[:, 0]) > 0).all()
    assert (np.diff(F[:, 1]) < 0).all()
    calm = nk.search(
        bench.problem(["valid_accuracy", "params"], seed="mean"), nk.RandomSearch(), runs=1, evaluations=30
    )
    for mine, expected in zip(calm.median_archive(), calm.archive(0), strict=True):
        np.testing.assert_array_equal(mine, expected)
