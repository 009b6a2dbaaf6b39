"""Sweeps: the grid, the folder, and that what is resumed is what an undisturbed sweep gives."""

from __future__ import annotations

import json
import multiprocessing

import numpy as np
import pandas as pd
import pytest

import nasbench_kit as nk
from nasbench_kit.experiments.sweep_folder import SweepFolder
from nasbench_kit.experiments.sweep_grid import grid_of
from nasbench_kit.spaces import Chain

ALGORITHMS = [nk.RegularizedEvolution(), nk.RandomSearch(), nk.NSGA2(population_size=8)]


def problems(bench):
    return {"one": bench.problem("valid_accuracy", epochs=4), "two": bench.problem(["valid_accuracy", "params"])}


def swept(bench, folder, **changes):
    settings = {"runs": 7, "piece_runs": 3, "evaluations": 30, "workers": 1, **changes}
    return nk.sweep(problems(bench), ALGORITHMS, folder, **settings)


def digests(sweep):
    return {key: result.digest for key, result in sweep.results.items()}


@pytest.mark.slow
def test_every_cell_is_the_plain_search(bench, tmp_path):
    told = []
    found = swept(bench, tmp_path / "sweep", seeds=[0, 5], progress=told.append)
    assert found.failures == {}
    assert len(found.results) == 2 * 2 * 2  # two algorithms fit each problem, with two seeds
    assert found.grid.left_out == {
        ("one", "NSGA2(population_size=8)"): "needs several objectives",
        ("two", "RegularizedEvolution"): "takes one objective",
    }
    for (problem, name, seed), result in found.results.items():
        algorithm = found.grid.algorithms[name]
        assert result == nk.search(problems(bench)[problem], algorithm, runs=7, evaluations=30, seed=seed)
    assert [state.done for state in told] == list(range(25))
    assert {state.pieces for state in told} == {24}
    alone = nk.compare(problems(bench)["two"], [nk.RandomSearch(), ALGORITHMS[2]], runs=7, evaluations=30, seed=5)
    comparison = found.comparison("two", seed=5)
    pd.testing.assert_frame_equal(
        comparison.table().drop(columns="wall_seconds"), alone.table().drop(columns="wall_seconds")
    )
    table = pd.read_csv(tmp_path / "sweep" / "tables" / "two-seed-5.csv")
    assert table["algorithm"].tolist() == list(comparison.table().index)
    assert list((tmp_path / "sweep" / "pieces").iterdir()) == []
    with pytest.raises(nk.UnknownName, match="unknown problem 'three'"):
        found.comparison("three")
    with pytest.raises(nk.UnknownName, match="unknown seed 1"):
        found.comparison("one", seed=1)


class Stopped(Exception):
    pass


def stop_after(pieces):
    def progress(state):
        if state.done >= pieces:
            raise Stopped

    return progress


@pytest.mark.slow
def test_a_sweep_that_is_stopped_again_and_again(bench, tmp_path):
    undisturbed = digests(swept(bench, tmp_path / "undisturbed"))
    folder = tmp_path / "sweep"
    for pieces in (1, 4, 8, 9, 11):
        with pytest.raises(Stopped):
            swept(bench, folder, progress=stop_after(pieces))
    state = SweepFolder(folder).state()
    assert (state.runs, state.cells) == (7 * 4, 4)
    assert 0 < state.done < 7 * 4
    assert 0 < state.complete < 4
    assert state.worker is None
    # what else may happen to a folder: files lost, damaged, cut off, exchanged, left over
    results, pieces = (sorted((folder / name).iterdir()) for name in ("results", "pieces"))
    kept = results[-1].read_bytes()
    results[0].unlink()
    results[1].write_bytes(kept[:2000])
    pieces[0].write_bytes(b"")
    pieces[1].write_bytes(kept)
    (folder / "pieces" / ".one.h5.0123.tmp").write_bytes(b"part")
    told = []
    assert digests(swept(bench, folder, progress=told.append)) == undisturbed
    assert told[0].done < told[-1].done == 12
    assert told[-1].seconds_left == 0
    # and nothing is left to do
    told.clear()
    assert digests(swept(bench, folder, progress=told.append)) == undisturbed
    assert [state.done for state in told] == [12]


@pytest.mark.slow
def test_killed_between_merging_and_cleaning(bench, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(SweepFolder, "clean", lambda *_: (_ for _ in ()).throw(Stopped))
        with pytest.raises(Stopped):
            swept(bench, tmp_path)
    assert len(list((tmp_path / "pieces").iterdir())) >= 3
    assert SweepFolder(tmp_path).state().complete == 1
    found = swept(bench, tmp_path)
    assert {result.runs for result in found.results.values()} == {7}
    assert list((tmp_path / "pieces").iterdir()) == []


def test_a_failed_piece_is_told_and_the_rest_goes_on(bench, tmp_path):
    table, broken = bench.problem("valid_accuracy", seed="mean"), [True]

    def function(X):
        if broken[0] and len(asked := list(calls)) >= 3 and len(asked) % 3 == 0:
            calls.append(1)
            raise RuntimeError("the third of three\nhas failed")
        calls.append(1)
        return table(X)

    calls: list[int] = []
    space = bench.space
    problem = {"f": nk.FunctionProblem(function, space, bounds=[[0], [100]])}
    settings = {"runs": 4, "piece_runs": 2, "evaluations": 2, "workers": 1}
    told = []
    found = nk.sweep(problem, [nk.RandomSearch(), nk.LocalSearch()], tmp_path, **settings, progress=told.append)
    assert 0 < len(found.failures) < 4
    for name, message in found.failures.items():
        assert message == r"RuntimeError: the third of three\nhas failed"
        assert 'raise RuntimeError("the third' in (tmp_path / "failed" / f"{name}.txt").read_text()
        assert any(state.failure == f"{name}: {message}" for state in told)
    assert told[-1].failed == len(found.failures)
    assert SweepFolder(tmp_path).state().failed == found.failures
    broken[0] = False
    again = nk.sweep(problem, [nk.RandomSearch(), nk.LocalSearch()], tmp_path, **settings)
    assert again.failures == {}
    assert SweepFolder(tmp_path).state().failed == {}
    assert len(again.results) == 2


@pytest.mark.slow
def test_another_grid_needs_another_folder(bench, tmp_path):
    swept(bench, tmp_path)
    for changes, message in [
        ({"runs": 8}, "another grid: runs is 7 there, not 8"),
        ({"piece_runs": 2}, "another grid: piece_runs is 3 there, not 2"),
        ({"seeds": [1]}, "another grid: seeds is"),
        ({"evaluations": 31}, "another grid: problems.one.budget.evaluations is 30 there, not 31"),
    ]:
        with pytest.raises(nk.StoreError, match=message):
            swept(bench, tmp_path, **changes)
    with pytest.raises(nk.StoreError, match=r"another grid: it lacks algorithms\.LocalSearch"):
        nk.sweep(
            problems(bench), [*ALGORITHMS, nk.LocalSearch()], tmp_path, runs=7, piece_runs=3, evaluations=30, workers=1
        )
    manifest = tmp_path / "sweep.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**content, "kit_version": "0.0.1"}))
    with pytest.raises(nk.StoreError, match=r"begun with nasbench-kit 0\.0\.1"):
        swept(bench, tmp_path)
    manifest.write_text("{")
    with pytest.raises(nk.StoreError, match="cannot be read"):
        swept(bench, tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    with pytest.raises(nk.StoreError, match=r"other files \(thesis.tex\)"):
        swept(bench, tmp_path / "other")
    with pytest.raises(nk.StoreError, match="is not a folder"):
        swept(bench, tmp_path / "other" / "thesis.tex")
    with pytest.raises(nk.StoreError, match=r"has no sweep\.json"):
        SweepFolder(tmp_path / "other").state()


@pytest.mark.slow
def test_two_sweeps_in_one_folder(bench, tmp_path):
    pytest.importorskip("fcntl")

    def second(state):
        if state.done == 2:
            with pytest.raises(nk.StoreError, match=r"another sweep is at work in .*: process \d+ on"):
                swept(bench, tmp_path)
            assert SweepFolder(tmp_path).state().worker["pid"] == multiprocessing.current_process().pid
            seen.append(state)

    seen: list[object] = []
    swept(bench, tmp_path, seeds=[0], progress=second)
    assert len(seen) == 1
    assert SweepFolder(tmp_path).state().worker is None


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"runs": 0}, ValueError, "runs and piece_runs must be at least 1"),
        ({"piece_runs": 0}, ValueError, "runs and piece_runs must be at least 1"),
        ({"seeds": []}, ValueError, "seeds must be distinct"),
        ({"seeds": [1, 1]}, ValueError, "seeds must be distinct"),
        ({"seeds": [0.5]}, TypeError, "each seed must be an integer"),
        ({"workers": 0}, ValueError, "workers must be at least 1"),
        ({"runs": 10**9, "piece_runs": 1}, ValueError, "more than 1,000,000 pieces"),
        ({"clock": "hours"}, nk.UnknownName, "unknown clock"),
        ({"evaluation": 3}, TypeError, "did you mean 'evaluations'"),
        ({"budget": {"one": nk.Budget()}, "evaluations": None}, ValueError, "budget has none for the problem 'two'"),
        ({"report": {"one": ("cifar10", "valid_acc", None)}}, nk.UnknownName, "unknown metric 'valid_acc'"),
        ({"report": {"three": ("cifar10", "test_accuracy", None)}}, nk.UnknownName, "unknown problem 'three'"),
        ({"evaluations": None, "unique_networks": 10**6}, ValueError, "networks, fewer than"),
        ({"scheduler": 3}, TypeError, "scheduler must be an address"),
    ],
    ids=str,
)
def test_wrong_use(bench, tmp_path, changes, error, message):
    if "scheduler" in changes:
        pytest.importorskip("distributed")
    with pytest.raises(error, match=message):
        swept(bench, tmp_path / "sweep", **changes)
    assert not list(tmp_path.glob("sweep/pieces/*"))


def test_problems_that_cannot_be_swept(bench, tmp_path):
    one = bench.problem("valid_accuracy")
    for these, algorithms, error, message in [
        ([], [nk.RandomSearch()], ValueError, "the grid has no problems"),
        (
            [one],
            [nk.NSGA2()],
            ValueError,
            "no cell is left in the grid .NSGA2 on made-up valid_accuracy: needs several",
        ),
        ([one], [], ValueError, "no algorithms"),
        ([bench], [nk.RandomSearch()], TypeError, "each problem must come from"),
        ([nk.FunctionProblem(lambda X: X[:, :2], bench.space, ["a", "b"])], [nk.NSGA2()], ValueError, "needs bounds"),
        (
            [nk.FunctionProblem(len, Chain(3, ["a", "b"], name="unknown-chain"))],
            [nk.RandomSearch()],
            ValueError,
            "register_space",
        ),
    ]:
        with pytest.raises(error, match=message):
            nk.sweep(these, algorithms, tmp_path / "sweep", evaluations=10, workers=1)
    unsendable = nk.FunctionProblem(lambda X: X.sum(axis=1), bench.space)
    with pytest.raises(TypeError, match="cannot be sent to worker processes .*use workers=1"):
        nk.sweep([unsendable], [nk.RandomSearch()], tmp_path / "sweep", runs=4, piece_runs=2, workers=2)
    assert SweepFolder(tmp_path / "sweep").state().worker is None


def test_names_of_cells_are_distinct_whatever_their_parts(bench):
    one = bench.problem("valid_accuracy")
    grid = grid_of(
        {"a": one, "a-b": one, "A": one},
        {"b-c": nk.RandomSearch(), "c": nk.RandomSearch(), "C": nk.LocalSearch()},
        nk.Budget(),
        None,
        runs=10,
        piece_runs=4,
    )
    names = [cell.name.lower() for cell in grid.cells]
    assert len(set(names)) == len(grid.cells) == 9
    assert (
        len({cell.search_seed for cell in grid.cells}) == 2
    )  # equal algorithms have seeds of their own, as in compare
    assert [piece.name.rpartition(".")[2] for piece in grid.pieces(grid.cells[0])] == [
        "000000-000003",
        "000004-000007",
        "000008-000009",
    ]
    default = grid_of([one, one], [nk.RandomSearch()], nk.Budget(), None, runs=120)
    assert list(default.problems) == ["made-up valid_accuracy", "made-up valid_accuracy (2)"]
    assert default.piece_runs == 50
    assert np.unique([cell.search_seed for cell in default.cells]).tolist() == [0]
