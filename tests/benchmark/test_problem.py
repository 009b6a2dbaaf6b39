"""Tables as search problems: trials and means, their costs, and missing values."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.store import MetricColumn, Table, write_store
from nasbench_kit.store.schema import MEAN_SEED

SPACE = nk.space("nb201")
SEEDS = (0, 1, 2)


def table(space=SPACE, *, times=(), partial=None, seeds=SEEDS):
    """Made-up values: of every trial its seed, of some architectures fewer trials."""
    rows = space.all() if partial is None else partial
    n = len(rows)
    trials = np.arange(n)[:, None, None] % 50 + np.array(seeds) + np.array([0.0, 30.0])[:, None]
    trials[::5, :, 2:] = np.nan
    metrics = {"valid_accuracy": MetricColumn(trials, (4, 12), tuple(seeds))}
    metrics |= {name: MetricColumn(np.full(n, seconds)) for name, seconds in dict(times).items()}
    return Table(space, rows, {"cifar10": metrics}, {"source": "made up"})


@pytest.fixture
def write(tmp_path):
    return lambda **options: nk.open(write_store(tmp_path / "t.h5", table(**options)))


TIMES = {"training_time": 10.0, "valid_time": 1.5}


def test_by_default_an_evaluation_is_one_stored_trial_at_the_price_of_one(write):
    bench = write(times=TIMES)
    problem = bench.problem("valid_accuracy")
    assert (problem.seed, problem.noisy) == ("random", True)
    X = SPACE.sample(4000, 0)
    draws = np.random.default_rng(0).random(len(X))
    found = problem.evaluate(X, draws=draws)
    trials = np.stack([bench.query(X, "valid_accuracy", seed=s) for s in SEEDS], axis=1)
    drawn = (trials == 100 - found.F).argmax(axis=1)
    assert (trials[np.arange(len(X)), drawn] == 100 - found.F[:, 0]).all()
    full = ~np.isnan(trials).any(axis=1)
    assert np.abs(np.bincount(drawn[full], minlength=3) / full.sum() - 1 / 3).max() < 0.03
    assert np.abs(np.bincount(drawn[~full], minlength=3) / (~full).sum() - [0.5, 0.5, 0]).max() < 0.06
    assert (found.seconds == 10).all()
    with pytest.raises(ValueError, match="give draws="):
        problem.evaluate(X)
    with pytest.raises(ValueError, match=rf"draws must have the shape \({len(X)},\)"):
        problem.evaluate(X, draws=np.zeros(len(X) + 1))
    # without noise, it is the mean
    np.testing.assert_array_equal(problem(X)[:, 0], 100 - bench.query(X, "valid_accuracy"))
    again = pickle.loads(pickle.dumps(problem))
    np.testing.assert_array_equal(again.evaluate(X, draws=draws).F, found.F)


def test_objectives_of_one_evaluation_come_from_one_trial(write):
    bench = write()
    problem = bench.problem(["valid_accuracy", "params"], epochs=4)
    X = SPACE.sample(100, 1)
    found = problem.evaluate(X, draws=np.full(100, 0.999))
    last = np.nanmax([bench.query(X, "valid_accuracy", seed=s, epochs=4) for s in SEEDS], axis=0)
    np.testing.assert_array_equal(found.F, np.stack([100 - last, bench.query(X, "params")], axis=1))


def test_a_mean_charges_all_the_trainings_it_averages(write):
    bench = write(times=TIMES)
    X = bench.architectures[:200]
    known = sum(~np.isnan(bench.query(X, "valid_accuracy", seed=s)) for s in SEEDS)
    assert set(known.tolist()) == {2, 3}
    for options, expected in (
        ({"seed": "mean"}, known * 10.0),
        ({"seed": "mean", "charge": "one"}, np.full(200, 10.0)),
        ({"seed": 1}, np.full(200, 10.0)),
        ({"seed": "mean", "include_validation_time": True}, known * 11.5),
        ({"seed": 0, "include_validation_time": True}, np.full(200, 11.5)),
    ):
        problem = bench.problem("valid_accuracy", **options)
        assert not problem.noisy
        np.testing.assert_array_equal(problem.evaluate(X).seconds, expected)
    with pytest.raises(ValueError, match="charge must be 'all' or 'one', not 'none'"):
        bench.problem("valid_accuracy", charge="none")


def test_validation_time_that_is_not_stored(write):
    with pytest.raises(nk.UnknownName, match="valid_time"):
        write(times={"training_time": 1.0}).problem("valid_accuracy", include_validation_time=True)


def test_each_trial_has_its_own_time_where_that_is_stored(tmp_path):
    content = table()
    times = MetricColumn(np.broadcast_to([1.0, 2.0, 3.0], (SPACE.size, 1, 3)).copy(), (12,), SEEDS)
    content.metrics["cifar10"]["training_time"] = times
    bench = nk.open(write_store(tmp_path / "t.h5", content))
    X = bench.architectures[~np.isnan(bench.query(bench.architectures, "valid_accuracy", seed=2))][:4]
    problem = bench.problem("valid_accuracy")
    assert problem.evaluate(X, draws=np.array([0.1, 0.4, 0.7, 0.9])).seconds.tolist() == [1, 2, 3, 3]
    assert bench.problem("valid_accuracy", seed=1).evaluate(X).seconds.tolist() == [2] * 4
    assert bench.problem("valid_accuracy", seed="mean").evaluate(X).seconds.tolist() == [6] * 4


@pytest.mark.parametrize("name", ["nb201", "nas-bench-macro", "genetic-cnn", "nb101"])
def test_trials_of_spaces_small_and_large(tmp_path, name):
    space = nk.space(name)
    rows = np.unique(space.canonical(space.sample(3000, 0)), axis=0)
    bench = nk.open(write_store(tmp_path / "t.h5", table(space, partial=rows, times=TIMES)))
    problem = bench.problem(["valid_accuracy", *list(bench.costs())[:1]], missing="fail")
    X = np.concatenate([rows[:500], space.sample(500, 1)])
    draws = np.random.default_rng(1).random(len(X))
    found = problem.evaluate(X, draws=draws)
    trials = np.stack([bench.query(X, "valid_accuracy", seed=s) for s in SEEDS], axis=1)
    stored = ~np.isnan(trials).all(axis=1)
    assert 0 < (~stored).sum() <= 500
    assert ((100 - found.F[:, :1] == trials).any(axis=1) == stored).all()
    assert np.isinf(found.F[~stored]).all()
    for cost in list(bench.costs())[:1]:
        np.testing.assert_array_equal(found.F[stored, 1], bench.query(X[stored], cost))
    assert (found.seconds == 10).all()  # what failed took the longest of the table


def test_a_budget_of_which_the_table_has_means_alone(tmp_path):
    content = table(times=TIMES)
    trials = content.metrics["cifar10"]["valid_accuracy"].values
    values = np.full((SPACE.size, 2, 4), np.nan)
    values[:, 1, 1:] = trials[:, 1]
    values[:, 0, 0] = np.nanmean(trials[:, 0], axis=1)
    content.metrics["cifar10"]["valid_accuracy"] = MetricColumn(values, (4, 12), (MEAN_SEED, *SEEDS))
    bench = nk.open(write_store(tmp_path / "t.h5", content))
    problem = bench.problem("valid_accuracy")
    X = SPACE.sample(200, 0)
    draws = np.random.default_rng(0).random(200)
    at_4 = problem.evaluate(X, 4, draws)
    np.testing.assert_array_equal(at_4.F[:, 0], 100 - bench.query(X, "valid_accuracy", epochs=4))
    assert (at_4.seconds == 10).all()
    assert (problem(X) != problem.evaluate(X, 12, draws).F).any()


# -------------------------------------------------------------------- the run's own stream


def test_a_run_has_the_same_noise_whatever_runs_beside_it(write):
    problem = write(times=TIMES).problem("valid_accuracy")
    for algorithm in (nk.RandomSearch(), nk.RegularizedEvolution()):
        many = nk.search(problem, algorithm, runs=6, evaluations=200, seed=3)
        few = nk.search(problem, algorithm, runs=2, evaluations=200, seed=3)
        assert (many.incumbent_values[:2] == few.incumbent_values).all()
        assert (many.incumbents[:2] == few.incumbents).all()
        other = nk.search(problem, algorithm, runs=6, evaluations=200, seed=4)
        assert (many.incumbents != other.incumbents).any()


def test_a_search_of_trials_gets_no_more_than_it_pays_for():
    """With the mean, a search gets three trainings for the price of one, and finds better networks."""
    bench = nk.open("nb201-digits")
    found = {}
    for seed in ("mean", "random"):
        problem = bench.problem("valid_accuracy", seed=seed)
        result = nk.search(problem, nk.RandomSearch(), runs=100, evaluations=500)
        found[seed] = result.best("test_accuracy").mean(), result.simulated_seconds.mean()
    assert found["mean"][0] > found["random"][0] + 0.2
    assert found["mean"][1] == pytest.approx(3 * found["random"][1], rel=0.02)


# -------------------------------------------------------------------- missing values


def test_an_unknown_value_is_an_error_unless_it_is_said_what_becomes_of_it(write):
    rows = SPACE.all()[::7]
    bench = write(partial=rows, times=TIMES)
    with pytest.raises(
        ValueError, match=r"has no valid_accuracy on cifar10 for \d+ of 100 architectures .* missing='fail'"
    ):
        nk.search(bench.problem("valid_accuracy"), nk.RandomSearch(), runs=10, evaluations=10)
    for missing, seconds in (("fail", 10.0), ("skip", 0.0)):
        problem = bench.problem("valid_accuracy", missing=missing)
        X = SPACE.sample(500, 0)
        found = problem.evaluate(X, draws=np.zeros(500))
        unknown = np.isnan(bench.query(X, "valid_accuracy"))
        assert (np.isinf(found.F[:, 0]) == unknown).all()
        assert (found.seconds == np.where(unknown, seconds, 10.0)).all()
    with pytest.raises(ValueError, match="missing must be 'raise', 'fail', 'skip' or 'nearest', not 'ignore'"):
        bench.problem("valid_accuracy", missing="ignore")


def test_no_evaluation_of_a_partial_table_is_free_unless_it_is_said(write):
    bench = write(partial=SPACE.all()[::50], times=TIMES)
    failing = nk.search(
        bench.problem("valid_accuracy", missing="fail"), nk.RandomSearch(), runs=5, simulated_seconds=1000
    )
    assert (failing.evaluations == 100).all()
    skipping = nk.search(
        bench.problem("valid_accuracy", missing="skip"), nk.RandomSearch(), runs=5, simulated_seconds=1000
    )
    assert (skipping.evaluations > 1000).all()


def test_an_unknown_time_is_an_error_under_a_clock_that_needs_it(tmp_path, write):
    bench = write()
    problem = bench.problem("valid_accuracy")
    result = nk.search(problem, nk.RandomSearch(), runs=3, evaluations=50)
    assert np.isnan(result.simulated_seconds).all()  # not known, and not 0
    for options in ({"simulated_seconds": 100}, {"evaluations": 50, "clock": "simulated_seconds"}):
        with pytest.raises(ValueError, match="has no training time of .*give a budget of evaluations"):
            nk.search(problem, nk.RandomSearch(), runs=3, **options)


def test_the_time_of_a_budget_is_never_scaled(tmp_path):
    content = table()
    content.metrics["cifar10"]["training_time"] = MetricColumn(np.full((SPACE.size, 1), 12.0), (12,))
    bench = nk.open(write_store(tmp_path / "t.h5", content))
    X = bench.architectures[:3]
    assert bench.problem("valid_accuracy", seed=0).evaluate(X).seconds.tolist() == [12] * 3
    assert np.isnan(bench.problem("valid_accuracy", epochs=4, seed=0).evaluate(X).seconds).all()
    with pytest.raises(ValueError, match="has no training time"):
        nk.search(bench.problem("valid_accuracy", epochs=4), nk.RandomSearch(), simulated_seconds=100)
    with pytest.raises(ValueError, match="has no training time of .* for 4 epochs"):
        nk.search(bench.problem("valid_accuracy"), nk.SuccessiveHalving(), simulated_seconds=1000)


# -------------------------------------------------------------------- genotypes


@pytest.mark.parametrize("row", [[0, 5, 0, 0, 0, 0], [0, 0, 0, 0, 0, 5], [255] * 6])
@pytest.mark.parametrize("missing", ["raise", "fail"])
def test_genes_out_of_range_are_never_answered(write, row, missing):
    problem = write().problem("valid_accuracy", seed=0, missing=missing)
    with pytest.raises(nk.InvalidArchitecture, match=r"row 1 \["):
        problem.evaluate(np.array([[0] * 6, row], dtype=np.uint8))


def test_an_objective_is_named_once(write):
    with pytest.raises(ValueError, match="'params' is given twice"):
        write().problem(["params", "params"])
    with pytest.raises(ValueError, match="'f' is given twice"):
        nk.FunctionProblem(lambda X: X, SPACE, ["f", "f"])
