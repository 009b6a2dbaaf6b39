"""Traces by each clock, against a slow recount of everything that the runs evaluated."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import moocore
import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.experiments.curves import anytime, clock_points, mean_curve
from nasbench_kit.experiments.scale import scale_of

RUNS, EVALUATIONS = 4, 300


def watched(bench, objectives, algorithm, clock, **budget):
    """A search, and what each run evaluated: genotypes (n, genes), values (n, m), seconds after each (n,)."""
    problem = bench.problem(objectives, epochs=4, seed="mean", charge="one")
    asked = []

    def function(X):
        asked.append(X.copy())
        return problem(X)

    seen = nk.FunctionProblem(
        function, bench.space, problem.objectives, problem.front_bounds, lambda X: problem.evaluate(X).seconds
    )
    result = nk.search(seen, algorithm, runs=RUNS, seed=2, clock=clock, **budget)
    histories = []
    for run in range(RUNS):
        X = np.concatenate([batch.reshape(RUNS, -1, bench.space.genes)[run] for batch in asked])
        X = X[: result.evaluations[run]]
        histories.append((X, problem(X), problem.evaluate(X).seconds.cumsum()))
    return result, histories


def time_of(clock, X, seconds, space):
    if clock == "simulated_seconds":
        return seconds
    if clock == "evaluations":
        return np.arange(1, len(X) + 1)
    first = np.unique(space.key(X), return_index=True)[1]
    return np.isin(np.arange(len(X)), first).cumsum()


@pytest.mark.slow
@pytest.mark.parametrize("clock", ["unique_networks", "simulated_seconds"])
@pytest.mark.parametrize("algorithm", [nk.RegularizedEvolution(), nk.GeneticAlgorithm(), nk.RandomSearch()])
@pytest.mark.parametrize("budget", [{"evaluations": EVALUATIONS}, {"simulated_seconds": 700.0}])
def test_one_objective_is_exact_at_any_time(bench, algorithm, clock, budget):
    result, histories = watched(bench, "valid_accuracy", algorithm, clock, **budget)
    for axis in (clock, "evaluations"):
        times = [time_of(axis, X, seconds, bench.space) for X, _, seconds in histories]
        last = max(time[-1] for time in times)
        # just before and after each evaluation: sums of seconds are rounded
        near = np.concatenate([time * factor for time in times for factor in (1 - 1e-9, 1 + 1e-9)])
        points = np.sort(np.concatenate([np.random.default_rng(0).uniform(0, 1.1 * last, 300), near]))
        found = anytime(result, result.rows["incumbent_F"], axis, points)
        for run, (time, (_, F, _)) in enumerate(zip(times, histories, strict=True)):
            done = np.searchsorted(time, points, side="right")
            expected = np.where(done, np.minimum.accumulate(F[:, 0])[np.maximum(done - 1, 0)], np.nan)
            np.testing.assert_array_equal(found[run], expected)
    # a row at each improvement, and along the grid
    for run, rows in result.trace.groupby("run"):
        F = histories[run][1][:, 0]
        best = np.minimum.accumulate(F)
        improved = np.flatnonzero(np.r_[True, best[1:] < best[:-1]]) + 1
        assert set(improved) <= set(rows["evaluations"])
        assert (np.diff(rows["evaluations"]) > 0).all()
        assert rows["evaluations"].iloc[-1] == result.evaluations[run]
        for row in rows.itertuples():
            X, _, seconds = histories[run]
            assert row.unique_networks == len(np.unique(bench.space.key(X[: row.evaluations])))
            assert row.simulated_seconds == pytest.approx(seconds[row.evaluations - 1])


@pytest.mark.parametrize("clock", ["evaluations", "unique_networks", "simulated_seconds"])
@pytest.mark.parametrize("algorithm", [nk.NSGA2(population_size=10), nk.RandomSearch()])
def test_several_objectives_are_exact_along_the_grid(bench, algorithm, clock):
    result, histories = watched(bench, ["valid_accuracy", "params"], algorithm, clock, evaluations=EVALUATIONS)
    points = clock_points([result], clock)
    assert len(points) > 8
    found = anytime(result, result.rows["hypervolume"], clock, points)
    scale = scale_of("front", result.bounds, result.bounds)
    for run, (X, F, seconds) in enumerate(histories):
        done = np.searchsorted(time_of(clock, X, seconds, bench.space), points, side="right")
        for volume, count in zip(found[run], done, strict=True):
            expected = moocore.hypervolume(scale.scaled(F[:count]), ref=[1.1, 1.1]) if count else np.nan
            assert volume == pytest.approx(expected, nan_ok=True)


@pytest.mark.slow
@pytest.mark.parametrize("clock", ["unique_networks", "simulated_seconds"])
def test_a_run_has_the_same_trace_in_any_batch(bench, clock):
    problem = bench.problem("valid_accuracy", epochs=4)
    settings = {"evaluations": 100, "seed": 3, "clock": clock}
    whole = nk.search(problem, nk.RegularizedEvolution(), runs=40, **settings)
    with ThreadPoolExecutor(2) as pool:
        apart = nk.search(problem, nk.RegularizedEvolution(), runs=40, executor=pool, **settings)
    few = nk.search(problem, nk.RegularizedEvolution(), runs=3, **settings)
    assert whole.trace.equals(apart.trace)
    assert whole.trace[whole.trace["run"] < 3].equals(few.trace)


def test_a_trace_is_not_read_on_a_clock_on_which_it_lags_behind(bench):
    problem = bench.problem("valid_accuracy", epochs=4)
    plain = nk.search(problem, nk.RandomSearch(), runs=3, evaluations=50)
    with pytest.raises(ValueError, match="recorded by evaluations and is too coarse for simulated_seconds"):
        anytime(plain, plain.rows["incumbent_F"], "simulated_seconds", np.array([10.0]))
    two = nk.search(
        bench.problem(["valid_accuracy", "params"]), nk.RandomSearch(), evaluations=50, clock="simulated_seconds"
    )
    with pytest.raises(ValueError, match="too coarse for evaluations"):
        anytime(two, two.rows["hypervolume"], "evaluations", np.array([10.0]))
    with pytest.raises(nk.UnknownName, match="clock"):
        nk.search(problem, nk.RandomSearch(), clock="epochs")


def test_a_curve_is_of_the_runs_that_find_something():
    table = np.array([[np.nan, 3.0, 2.0], [4.0, 4.0, 4.0], [np.nan, np.nan, np.nan]])
    curve = mean_curve(table, np.array([1.0, 2.0, 3.0]))
    assert curve.n == 2
    assert curve.times.tolist() == [2.0, 3.0]
    assert curve.mean.tolist() == [3.5, 3.0]
    nothing = mean_curve(table[2:], np.array([1.0, 2.0, 3.0]))
    assert (nothing.n, len(nothing.times)) == (0, 0)
