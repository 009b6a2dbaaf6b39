"""Runs made elsewhere as results; and what the interfaces' room imports, and when."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.interfaces.replay import Optimiser, Run, replay
from nasbench_kit.problems import Evaluation

NOBODY = Optimiser("somebody else's", {"version": "1"})


def runs_of(problem, algorithm, runs, evaluations, seed):
    """What an algorithm of the kit evaluates, run by run, as anybody may see it who drives it by hand."""
    algorithm.start(problem.space, runs=runs, seed=seed, objectives=len(problem.objectives))
    parts = []
    while sum(X.shape[1] for X, _, _ in parts) < evaluations:
        X = algorithm.ask()
        evaluation = problem.evaluate(X.reshape(-1, problem.space.genes))
        F = evaluation.F.reshape(*X.shape[:2], -1)
        algorithm.tell(F)
        parts.append((X, F, evaluation.seconds.reshape(X.shape[:2])))
    X, F, seconds = (np.concatenate(part, axis=1)[:, :evaluations] for part in zip(*parts, strict=True))
    return [Run(X[r], Evaluation(F[r], seconds[r]), 0.5) for r in range(runs)]


@pytest.mark.parametrize("objectives", [["valid_accuracy"], ["valid_accuracy", "training_time"]], ids=len)
def test_a_replayed_run_is_the_run(bench, objectives):
    problem = bench.problem(objectives, seed="mean")
    algorithm = nk.RegularizedEvolution() if len(objectives) == 1 else nk.NSGA2(population_size=20)
    ours = nk.search(problem, algorithm, runs=4, evaluations=150, seed=3)
    theirs = replay(problem, NOBODY, runs_of(problem, algorithm, 4, 150, 3))
    assert set(theirs.rows) == set(ours.rows)
    for name, values in ours.rows.items():
        order = np.argsort(theirs.rows["run"], kind="stable")
        # seconds are summed in another order
        compare = np.testing.assert_allclose if name == "simulated_seconds" else np.testing.assert_array_equal
        compare(theirs.rows[name][order], values, err_msg=name)
    np.testing.assert_array_equal(theirs.incumbents, ours.incumbents)
    for run in range(4):
        for mine, other in zip(ours.archive(run), theirs.archive(run), strict=True):
            np.testing.assert_array_equal(mine, other)
    assert theirs.wall_seconds == 2.0


def test_runs_may_differ_in_length_and_are_saved(bench, tmp_path):
    problem = bench.problem("valid_accuracy", seed="mean")
    long, short = runs_of(problem, nk.RandomSearch(), 2, 200, 0)
    short = Run(short.X[:37], Evaluation(short.evaluation.F[:37], short.evaluation.seconds[:37]), 0.0)
    result = replay(problem, NOBODY, [long, short])
    assert result.evaluations.tolist() == [200, 37]
    assert result.trace.groupby("run")["evaluations"].last().tolist() == [200, 37]
    assert result.incumbent_values.tolist() == [long.evaluation.F.min(), short.evaluation.F.min()]
    assert result.simulated_seconds[1] == pytest.approx(short.evaluation.seconds.sum())
    again = nk.load_result(result.save(tmp_path / "theirs.h5"))
    assert (again.algorithm, again.settings, again.seed) == ("somebody else's", {"version": "1"}, -1)
    np.testing.assert_array_equal(again.best("test_accuracy"), result.best("test_accuracy"))


def test_nothing_to_replay_is_an_error(bench):
    problem = bench.problem("valid_accuracy", seed="mean")
    with pytest.raises(ValueError, match="no runs to convert"):
        replay(problem, NOBODY, [])
    (run,) = runs_of(problem, nk.RandomSearch(), 1, 5, 0)
    empty = Run(run.X[:0], Evaluation(run.evaluation.F[:0], run.evaluation.seconds[:0]), 0.0)
    with pytest.raises(ValueError, match="run 1 has no evaluations"):
        replay(problem, NOBODY, [run, empty])


def python(script):
    return subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_room_itself_imports_no_optimiser():
    done = python(
        "import sys, nasbench_kit.interfaces as room\n"
        "assert not {'pymoo', 'optuna'} & set(sys.modules)\n"
        "assert 'to_pymoo' in room.__all__ and not hasattr(room, 'to_nowhere')"
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize(("package", "name"), [("pymoo", "to_pymoo"), ("optuna", "from_optuna")])
def test_an_absent_package_is_an_error_that_says_what_to_install(package, name):
    done = python(
        f"import sys; sys.modules[{package!r}] = None\n"
        f"import nasbench_kit as nk\n"
        f"try:\n    from nasbench_kit.interfaces import {name}\n"
        f"except nk.MissingExtra as error:\n    print(error)"
    )
    assert f"pip install 'nasbench-kit[{package}]'" in done.stdout, done.stderr


def test_every_exported_name_exists():
    pytest.importorskip("pymoo")
    pytest.importorskip("optuna")
    from nasbench_kit import interfaces

    absent = (
        set()
        if importlib.util.find_spec("syne_tune")
        else {name for name in interfaces.__all__ if "syne" in name.lower()}
    )
    assert all(getattr(interfaces, name).__doc__ for name in set(interfaces.__all__) - absent)
