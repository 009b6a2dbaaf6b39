"""Sweeps from the command line: the grid's file, its mistakes, and a user's own code."""

from __future__ import annotations

import json
import shutil
import textwrap

import pytest

import nasbench_kit as nk
from nasbench_kit.cli.main import main
from nasbench_kit.cli.sweep_file import read_grid

GRID = """
    runs = 4
    piece_runs = 3
    seeds = [2, 7]
    evaluations = 20

    [[problem]]
    name = "short"
    benchmark = "made-up.h5"
    objectives = ["valid_accuracy"]
    epochs = 4
    trial = "mean"
    charge = "one"
    report = { metric = "test_accuracy", epochs = 12 }

    [[problem]]
    benchmark = "made-up.h5"
    objectives = ["valid_accuracy", "params"]
    directions = { params = "max" }
    simulated_seconds = 99.5

    [[algorithm]]
    algorithm = "LocalSearch"

    [[algorithm]]
    algorithm = "RegularizedEvolution"
    name = "REA"
    settings = { population_size = [4, 8], sample_size = 2 }

    [[algorithm]]
    algorithm = "NSGA2:population_size=6"
    settings = { crossover_probability = 0.5 }
"""
OWN = """
    from dataclasses import dataclass
    import nasbench_kit as nk

    @dataclass(eq=False)
    class Mine(nk.RandomSearch):
        strength: int = 1

        def _ask(self):
            if self.strength == 3:
                raise RuntimeError("too strong")
            return super()._ask()

    def ones(X):
        return (X != 1).sum(axis=1)

    PROBLEM = nk.FunctionProblem(ones, nk.space("nas-bench-macro"), bounds=[[0], [8]])
    NOTHING = 3
"""


@pytest.fixture
def write(store, tmp_path):
    shutil.copy(store, tmp_path / "made-up.h5")

    def write(text, name="grid.toml"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return path

    return write


def test_a_grid_as_its_file_says(write):
    grid = read_grid(write(GRID))
    assert (grid.runs, grid.piece_runs, grid.seeds, grid.clock) == (4, 3, (2, 7), "evaluations")
    short, other = grid.problems.values()
    assert list(grid.problems) == ["short", "made-up valid_accuracy+params"]
    assert (short.objectives, short.epochs, short.seed, short.charge) == (("valid_accuracy",), 4, "mean", "one")
    assert [metric.direction for metric in other.objective_metrics] == ["max", "max"]
    assert list(grid.budgets.values()) == [nk.Budget(evaluations=20), nk.Budget(simulated_seconds=99.5)]
    assert list(grid.reports.values()) == [("cifar10", "test_accuracy", 12), ("cifar10", "test_accuracy", None)]
    assert list(grid.algorithms) == [
        "LocalSearch",
        "REA(population_size=4)",
        "REA(population_size=8)",
        "NSGA2(population_size=6, crossover_probability=0.5)",
    ]
    assert [a.settings["sample_size"] for name, a in grid.algorithms.items() if "REA" in name] == [2, 2]
    assert len(grid.cells) == 2 * (3 + 1)


def test_the_command(write, tmp_path, capsys):
    path, folder = write(GRID), tmp_path / "out"
    words = ["sweep", str(path), "-o", str(folder), "--workers", "1"]
    assert main([*words, "--json"]) == 0
    told = capsys.readouterr()
    assert "left out on short (needs several objectives): NSGA2" in told.err
    assert "16 of 16 pieces" in told.err
    found = json.loads(told.out)
    assert [(entry["problem"], entry["seed"]) for entry in found["comparisons"]][:2] == [("short", 2), ("short", 7)]
    assert found["failed"] == {}
    assert main(words) == 0
    told = capsys.readouterr()
    assert "short, seed 7" in told.out
    assert "REA(population_size=8)" in told.out
    assert "0 of 16" not in told.err  # nothing was left to do
    path.write_text(path.read_text().replace("runs = 4", "runs = 5", 1))
    assert main(words) == 2
    assert "another grid: runs is 4 there, not 5; give another folder" in capsys.readouterr().err
    assert main([*words, "--scheduler", "tcp://127.0.0.1:9"]) == 2
    assert "--workers is for this machine" in capsys.readouterr().err


def test_own_code_and_a_failed_piece(write, tmp_path, capsys):
    write(OWN, "own_of_sweep.py")
    path = write("""
        runs = 2
        evaluations = 5
        [[problem]]
        name = "ones"
        own = "own_of_sweep.py:PROBLEM"
        [[algorithm]]
        algorithm = "own_of_sweep.py:Mine"
        settings = { strength = [2, 3] }
    """)
    assert main(["sweep", str(path), "-o", str(tmp_path / "out"), "--workers", "1"]) == 1
    told = capsys.readouterr()
    assert "failed: ones-Mine-strength=3.000000-000001: RuntimeError: too strong" in told.err
    assert "1 piece failed; see" in told.err
    assert "Mine(strength=2)" in told.out
    [failed] = (tmp_path / "out" / "failed").iterdir()
    assert "own_of_sweep.py" in failed.read_text()
    # a grid whose code has changed is another grid
    grid = read_grid(path)
    assert len({a["code"] for a in grid.manifest()["algorithms"].values()}) == 1
    assert None not in [a["code"] for a in grid.manifest()["algorithms"].values()]
    assert grid.manifest()["problems"]["ones"]["code"] is not None
    wrong = write(path.read_text().replace("py:PROBLEM", "py:NOTHING"), "wrong.toml")
    with pytest.raises(nk.SourceError, match="is not a problem but int"):
        read_grid(wrong)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("runs = 4", "runs = 0", "runs must be at least 1"),
        ("runs = 4", "ruins = 4", "unknown key 'ruins'; did you mean 'runs'"),
        ("runs = 4", "runs =", "is not valid TOML"),
        ("seeds = [2, 7]", "seeds = [2, -7]", r"seeds\[1\] must be at least 0"),
        ("seeds = [2, 7]", "seeds = [2, 2]", "seeds must be distinct"),
        ("evaluations = 20", "evaluations = 2.5", "evaluations must be a whole number"),
        ("evaluations = 20", 'clock = "sun"', "unknown value 'sun'"),
        ('"made-up.h5"', '"made-down.h5"', "made-down.h5"),
        ("epochs = 4", "epochs = 5", r"problem\[0\]: .*5"),
        ('trial = "mean"', 'trial = "median"', "unknown value 'median'"),
        ('"test_accuracy", epochs', '"test_acc", epochs', "unknown metric 'test_acc'"),
        ('params = "max"', 'params = "up"', "unknown value 'up'"),
        ('algorithm = "LocalSearch"', 'algorithm = "LocalSaerch"', "did you mean 'LocalSearch'"),
        ('algorithm = "LocalSearch"', 'algorithm = "none.py:X"', "none.py: no such file"),
        ("sample_size = 2", "sample_size = 0", r"algorithm\[1\]\.settings: "),
        ("sample_size = 2", "sample_size = []", "sample_size must have at least one value"),
        ("sample_size = 2", "sample_size = [2, [3]]", r"sample_size\[1\] must be text, a number"),
        ("sample_size = 2", 'sample_size = "2"', "must be like its default, 3"),
        ("sample_size = 2", "size = 2", "unknown key 'size'"),
        ('name = "REA"', 'name = "LocalSearch"', None),
        ("[4, 8]", "[4, 4]", r"two algorithms have the name 'REA\(population_size=4\)'"),
        ('name = "short"', 'name = "made-up valid_accuracy+params"', "two problems have the name"),
        ('name = "short"', 'own = "x.py:P"', "benchmark is for a benchmark, but `own` names a problem"),
    ],
    ids=str,
)
def test_mistakes_in_a_grid(write, old, new, message):
    assert old in GRID
    path = write(GRID.replace(old, new, 1))
    if message is None:  # "LocalSearch(population_size=4)" is a name like any other
        assert "LocalSearch(population_size=4)" in read_grid(path).algorithms
        return
    with pytest.raises((nk.NasbenchKitError, ValueError), match=message):
        read_grid(path)


def test_grids_without_parts(write, tmp_path):
    for text, message in [
        ("[[problem]]\nbenchmark = 'made-up.h5'", r"there is no \[\[algorithm\]\]"),
        ("[[algorithm]]\nalgorithm = 'GOMEA'", r"there is no \[\[problem\]\]"),
        ("# " + "x" * 2**20, "larger than 1 MiB"),
    ]:
        with pytest.raises(nk.SourceError, match=message):
            read_grid(write(text))
    with pytest.raises(nk.SourceError):
        read_grid(tmp_path / "absent.toml")
