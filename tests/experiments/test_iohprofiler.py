"""Runs in IOHprofiler's format, as its own reader sees them."""

from __future__ import annotations

import json

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.cli.main import main


def read(folder):
    """The overview and the rows, as iohinspector has them."""
    manager = pytest.importorskip("iohinspector").DataManager()
    manager.add_folder(str(folder))
    rows = manager.load(monotonic=False)
    return manager, manager.overview.to_dicts(), {run: part for (run,), part in rows.group_by("data_id")}


def described(folder):
    (file,) = folder.glob("*.json")
    return json.loads(file.read_text())


def rows_of(folder):
    """The .dat file as plain text, run by run: lists of rows."""
    (file,) = folder.glob("data_f1_*/*.dat")
    runs = []
    for line in file.read_text().splitlines():
        if line.startswith("evaluations"):
            runs.append([])
        else:
            runs[-1].append([float(part) for part in line.split(" ")])
    return runs


def test_one_objective(bench, tmp_path):
    problem = bench.problem("valid_accuracy", dataset="cifar10")
    result = nk.search(problem, nk.RegularizedEvolution(population_size=10), runs=3, evaluations=80, record=True)
    folder = result.to_iohprofiler(tmp_path / "runs", name="mine")
    about = described(folder)
    assert about["maximization"] is True
    assert about["algorithm"]["name"] == "mine"
    assert about["attributes"] == ["evaluations", "raw_y", "simulated_seconds", *(f"x{i}" for i in range(6))]
    log = result.generations
    for run, rows in enumerate(rows_of(folder)):
        rows = np.array(rows)
        assert rows[0, 0] == 1
        assert rows[-1, 0] == 80
        assert (np.diff(rows[:-1, 1]) > 0).all()  # accuracies, each better than the one before
        assert rows[-1, 1] == 100 - result.incumbent_values[run]
        assert rows[-1, 2] == result.simulated_seconds[run]
        assert (rows[-1, 3:] == result.incumbents[run]).all()
        assert (rows[:, 0] >= 1).all()
        for row in rows:
            g = np.searchsorted(log.evaluations[:, run], row[0])
            assert 100 - log.best(g)[1][run, 0] >= row[1]
        best = about["scenarios"][0]["runs"][run]["best"]
        assert best["x"] == result.incumbents[run].tolist()
        assert best["y"] == rows[-1, 1]


@pytest.mark.slow
def test_the_reader_sees_the_same(bench, tmp_path):
    problem = bench.problem("valid_accuracy", dataset="cifar10")
    algorithms = [nk.RandomSearch(), nk.GeneticAlgorithm(population_size=10)]
    comparison = nk.compare(problem, algorithms, runs=3, evaluations=80)
    comparison.to_iohprofiler(tmp_path / "runs")
    _, overview, runs = read(tmp_path / "runs")
    assert {entry["algorithm_name"] for entry in overview} == set(comparison.results)
    for entry in overview:
        result, run = comparison.results[entry["algorithm_name"]], entry["run_id"] - 1
        rows = runs[entry["data_id"]]
        assert (entry["evals"], entry["dimension"], entry["seed"]) == (80, 6, result.seed)
        assert entry["best_y"] == rows["raw_y"].max() == pytest.approx(100 - result.incumbent_values[run])
        trace = result.trace[result.trace.run == run].set_index("evaluations")["valid_accuracy"]
        for evaluations, value in zip(rows["evaluations"], rows["raw_y"], strict=True):
            assert trace[evaluations] == pytest.approx(value)
    problem = bench.problem(["valid_accuracy", "params"], dataset="cifar10", seed="mean")
    result = nk.search(problem, nk.NSGA2(population_size=20), runs=2, evaluations=100, record=True)
    manager, overview, _ = read(result.to_iohprofiler(tmp_path / "several"))
    from iohinspector.metrics.multi_objective import get_pareto_front_2d

    front = get_pareto_front_2d(manager.load(monotonic=False))
    for entry in overview:
        mine = front[front.data_id == entry["data_id"]]
        points = {tuple(point) for point in result.archive(entry["run_id"] - 1)[1].tolist()}
        assert set(zip(mine.raw_y, mine.F2, strict=True)) == points


def test_fronts_of_several_objectives(bench, tmp_path):
    problem = bench.problem(["valid_accuracy", "params"], dataset="cifar10", seed="mean")
    settings = {"runs": 2, "evaluations": 100}
    result = nk.search(problem, nk.NSGA2(population_size=20), **settings, record=True)
    folder = result.to_iohprofiler(tmp_path / "runs")
    assert described(folder)["maximization"] is False
    for run, rows in enumerate(rows_of(folder)):
        found = {tuple(row[1:3]) for row in rows}
        assert {tuple(point) for point in result.archive(run)[1].tolist()} <= found
    plain = nk.search(problem, nk.NSGA2(population_size=20), **settings)
    with pytest.raises(ValueError, match="record=True"):
        plain.to_iohprofiler(tmp_path / "plain")
    assert not (tmp_path / "plain").exists()


def test_runs_that_find_nothing_at_first(tmp_path):
    """Readers tell runs apart by evaluation 1, which is there also for networks that were trained partly or failed."""
    problem = nk.open("nb201-digits").problem("valid_accuracy")
    result = nk.search(problem, nk.SuccessiveHalving(), runs=3, evaluations=60, record=True)
    folder = result.to_iohprofiler(tmp_path / "runs")
    for rows in rows_of(folder):
        assert rows[0][:2] == [1, -np.inf]
    failing = nk.FunctionProblem(lambda X: np.full(len(X), np.nan), nk.space("nb201"))
    result = nk.search(failing, nk.RandomSearch(), runs=2, evaluations=30)
    folder = result.to_iohprofiler(tmp_path / "failed")
    assert [[row[:2] for row in rows] for rows in rows_of(folder)] == [[[1, np.inf]]] * 2
    assert described(folder)["scenarios"][0]["runs"][0]["best"]["y"] is None


def test_only_into_new_folders(bench, tmp_path):
    result = nk.search(bench.problem("valid_accuracy"), nk.RandomSearch(), evaluations=30)
    result.to_iohprofiler(tmp_path / "one" / "two")
    with pytest.raises(nk.WriteError, match="not empty"):
        result.to_iohprofiler(tmp_path / "one")
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(nk.WriteError):
            result.to_iohprofiler(path)


def test_the_commands(store, tmp_path, capsys):
    words = ["search", "--benchmark", str(store), "--dataset", "cifar10", "--evaluations", "40", "--runs", "2"]
    folder, file = tmp_path / "search", tmp_path / "r.h5"
    assert main([*words, "--iohprofiler", str(folder), "--record", "-o", str(file)]) == 0
    loaded = nk.load_result(file)
    assert loaded.generations.evaluations[-1].tolist() == [40, 40]
    assert [rows[-1][1] for rows in rows_of(folder)] == (100 - loaded.incumbent_values).tolist()
    assert main([*words, "--iohprofiler", str(folder)]) == 2
    assert "not empty" in capsys.readouterr()[1]
    assert main([*words, "--record"]) == 2
    assert "--output" in capsys.readouterr()[1]
    words = ["compare", str(store), "--algorithms", "RandomSearch", "LocalSearch", "--dataset", "cifar10"]
    folder = tmp_path / "compare"
    assert main([*words, "--evaluations", "40", "--runs", "2", "--iohprofiler", str(folder)]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["LocalSearch", "RandomSearch"]
