"""The interface to pymoo, against the installed package."""

from __future__ import annotations

import copy
import doctest
import pickle
import random

import moocore
import numpy as np
import pytest

import nasbench_kit as nk

pytest.importorskip("pymoo")

from pymoo.algorithms.moo.moead import MOEAD
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.core.problem import Problem
from pymoo.operators.crossover.pntx import TwoPointCrossover
from pymoo.operators.sampling.rnd import FloatRandomSampling
from pymoo.optimize import minimize
from pymoo.util.ref_dirs import get_reference_directions

from nasbench_kit.interfaces import pymoo as interface
from nasbench_kit.interfaces.pymoo import (
    AnotherAllele,
    Recording,
    ToValid,
    ValidSampling,
    from_pymoo,
    to_pymoo,
)

TWO = ["valid_accuracy", "params"]


@pytest.fixture
def digits():
    return nk.open("nb201-digits")


def nsga2(**settings):
    settings = {"sampling": ValidSampling(), "mutation": AnotherAllele(), **settings}
    return NSGA2(20, crossover=TwoPointCrossover(prob=1.0), **settings)


def ga(**settings):
    settings = {"sampling": ValidSampling(), "mutation": AnotherAllele(), **settings}
    return GA(20, crossover=TwoPointCrossover(prob=0.9), **settings)


class Ones:
    """The number of genes of nb101 that are not 1; counts its calls and rows."""

    def __init__(self):
        self.calls = self.rows = 0

    def __call__(self, X):
        assert nk.space("nb101").is_valid(X).all()
        self.calls, self.rows = self.calls + 1, self.rows + len(X)
        return (X != 1).sum(axis=1)


def test_examples():
    assert doctest.testmod(interface, optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0


def test_a_problem_has_the_values_of_the_table(digits):
    table = digits.problem(TWO, seed="mean")
    problem = to_pymoo(table)
    X = table.space.sample(50, 1)
    np.testing.assert_array_equal(problem.evaluate(X.astype(int)), table(X))
    np.testing.assert_array_equal(problem.evaluate(X[0].astype(float)), table(X[0])[0])
    assert (problem.evaluations, problem.rejected) == (51, 0)
    assert (problem.n_var, problem.n_obj, problem.has_constraints()) == (6, 2, False)
    assert problem.bounds()[0].tolist() == [0] * 6
    assert problem.bounds()[1].tolist() == [4] * 6
    _, front = digits.front(TWO)
    np.testing.assert_array_equal(problem.pareto_front()[:, 0], np.sort(100 - front[:, 0]))
    assert (
        to_pymoo(digits.problem("valid_accuracy", seed="mean", charge="one")).pareto_front()
        == digits.problem("valid_accuracy").bounds[0]
    )
    assert copy.deepcopy(problem) is problem
    again = pickle.loads(pickle.dumps(problem))
    np.testing.assert_array_equal(again.evaluate(X), table(X))


def test_invalid_genotypes_violate_the_constraint_and_are_not_evaluated():
    space = nk.space("nb101")
    ones = Ones()
    bounds = [[0.0], [26.0]]
    problem = to_pymoo(nk.FunctionProblem(ones, space, bounds=bounds))
    X = np.concatenate([space.sample(3, 0).astype(int), np.zeros((2, 26), dtype=int), np.full((1, 26), 7)])
    F, G = problem.evaluate(X)
    assert G[:, 0].tolist() == [0, 0, 0, 1, 1, 1]
    assert F[3:, 0].tolist() == [52.0] * 3
    assert (F[:3, 0] == (X[:3] != 1).sum(axis=1)).all()
    assert (ones.calls, ones.rows, problem.evaluations, problem.rejected) == (1, 3, 3, 3)
    assert problem.evaluate(X[3:])[1].tolist() == [[1]] * 3  # none is valid: the function is not called
    assert ones.calls == 1
    without = to_pymoo(nk.FunctionProblem(ones, space), invalid="penalty")
    assert not without.has_constraints()
    assert without.evaluate(X)[3:, 0].tolist() == [1e9] * 3


def test_what_the_function_does_not_know_is_penalised_and_stays_unknown():
    space = nk.space("nas-bench-macro")
    problem = nk.FunctionProblem(lambda X: np.where(X[:, 0] == 0, np.nan, X.sum(axis=1)), space, bounds=[[0], [16]])
    run = minimize(to_pymoo(problem), ga(), ("n_gen", 3), seed=1, evaluator=Recording())
    result = from_pymoo(run, problem)
    X = np.concatenate([block["X"] for block in run.algorithm.evaluator.blocks])
    assert result.evaluations.tolist() == [len(X)]
    assert result.incumbent_values[0] == X[X[:, 0] != 0].sum(axis=1).min()
    assert (run.pop.get("F") < 32).any()


def test_fractions_are_an_error_that_says_what_to_do(digits):
    with pytest.raises(nk.InvalidArchitecture, match=r"integers, unlike row 0 .*RoundingRepair"):
        minimize(
            to_pymoo(digits.problem(TWO, seed="mean")), NSGA2(20, sampling=FloatRandomSampling()), ("n_gen", 2), seed=1
        )
    with pytest.raises(TypeError, match=r"Benchmark\.problem"):
        to_pymoo(digits)
    with pytest.raises(nk.UnknownName, match="penalty"):
        to_pymoo(digits.problem(TWO, seed="mean"), invalid="raise")


@pytest.mark.parametrize("name", ["nb101", "nb201", "nsga-net-micro"])
def test_operators_keep_to_valid_genotypes(name):
    space = nk.space(name)
    problem = to_pymoo(nk.FunctionProblem(lambda X: X.sum(axis=1), space))
    rng = np.random.default_rng(5)
    X = ValidSampling()(problem, 400, random_state=rng, to_numpy=True)
    assert space.is_valid(X).all()
    again = ValidSampling()(problem, 400, random_state=np.random.default_rng(5), to_numpy=True)
    np.testing.assert_array_equal(X, again)
    children = AnotherAllele()._do(problem, X, random_state=rng)
    assert space.is_valid(children).all()
    share = (children != X).mean()
    assert 0.2 / space.genes < share < 1.2 / space.genes  # on nb101 most children of changes are taken back
    assert (AnotherAllele(0.0)._do(problem, X, random_state=rng) == X).all()
    if space.unconstrained:
        everywhere = AnotherAllele(1.0)._do(problem, X, random_state=rng)
        assert (everywhere != X).all()
        assert len(np.unique((everywhere - X) % np.array(space.cardinalities), axis=0)) > 100
    mixed = rng.integers(0, space.cardinalities, (200, space.genes))
    valid = space.is_valid(mixed)
    for random_state in (rng, None):
        repaired = ToValid()._do(problem, mixed, random_state=random_state)
        assert space.is_valid(repaired).all()
        assert (repaired[valid] == mixed[valid]).all()
    with pytest.raises(ValueError, match="from 0 to 1"):
        AnotherAllele(1.5)


def test_repair_takes_a_neighbour_where_there_is_one():
    space = nk.space("nb101")
    problem = to_pymoo(nk.FunctionProblem(lambda X: X.sum(axis=1), space))
    x = space.encode([{"matrix": [[0, 1], [0, 0]], "ops": ["input", "output"]}]).astype(int)
    broken = np.where(np.arange(26) == np.flatnonzero(x[0, :21])[0], 0, x)
    assert not space.is_valid(broken)[0]
    repaired = ToValid()._do(problem, broken, random_state=np.random.default_rng(0))
    assert (repaired != broken).sum() == 1


def equal(first, second):
    for name, values in first.rows.items():
        np.testing.assert_array_equal(second.rows[name], values, err_msg=name)
    np.testing.assert_array_equal(first.archive_F, second.archive_F)
    np.testing.assert_array_equal(first.incumbents, second.incumbents)


def test_a_run_becomes_a_result(digits):
    problem = digits.problem(TWO, seed="mean")
    runs = [
        minimize(to_pymoo(problem), nsga2(), ("n_eval", 300), seed=seed, save_history=True, evaluator=Recording())
        for seed in range(3)
    ]
    result = from_pymoo(runs, problem)
    assert (result.algorithm, result.runs) == ("pymoo NSGA2", 3)
    assert result.settings["seeds"] == [0, 1, 2]
    assert result.settings["population_size"] == 20
    assert result.evaluations.tolist() == [run.algorithm.evaluator.n_eval for run in runs]
    assert result.wall_seconds == pytest.approx(sum(run.exec_time for run in runs))
    ideal, nadir = problem.front_bounds
    for run, volume in zip(runs, result.hypervolume(), strict=True):
        F = np.concatenate([block["F"] for block in run.algorithm.evaluator.blocks])
        assert volume == pytest.approx(moocore.hypervolume((F - ideal) / (nadir - ideal), [1.1, 1.1]))
        kept = run.algorithm.history[0].evaluator
        assert isinstance(kept, Recording)
        assert len(kept.blocks) == 1
    X = np.concatenate([block["X"] for block in runs[1].algorithm.evaluator.blocks])
    assert result.trace.query("run == 1")["unique_networks"].iloc[-1] == len(np.unique(problem.space.key(X)))
    assert result.simulated_seconds[1] == pytest.approx(problem.evaluate(X.astype(np.uint8)).seconds.sum())
    ours = nk.search(problem, nk.NSGA2(population_size=20), runs=3, evaluations=300)
    shared = set(result.rows["evaluations"].tolist()) & set(ours.rows["evaluations"].tolist())
    assert {1, 10, 100} <= shared  # one grid: the two may be drawn into one picture

    class Plain:
        """A result as save_history alone leaves it."""

        def __init__(self, run):
            self.algorithm = copy.copy(run.algorithm)
            self.algorithm.evaluator = type("Evaluator", (), {"n_eval": run.algorithm.evaluator.n_eval})()

    equal(result, from_pymoo([Plain(run) for run in runs], problem))
    equal(result, from_pymoo(tuple(run.algorithm for run in runs), problem))


def test_one_objective_and_the_test_metric_afterwards(digits):
    problem = digits.problem("valid_accuracy", seed="mean", charge="one")
    run = minimize(to_pymoo(problem), ga(), ("n_eval", 400), seed=4, save_history=True)
    result = from_pymoo(run, problem)
    assert result.incumbent_values[0] == run.F[0]
    assert digits.query(result.incumbents, "test_accuracy") == result.best("test_accuracy")
    assert (np.diff(result.trace["valid_accuracy"]) >= 0).all()
    assert result.seed == -1


def test_a_space_with_rules():
    space = nk.space("nb101")
    ones = Ones()
    problem = nk.FunctionProblem(ones, space, seconds=lambda X: X.sum(axis=1))
    own = to_pymoo(problem)
    run = minimize(own, ga(), ("n_gen", 8), seed=2, evaluator=Recording())
    assert own.rejected > 0
    assert ones.rows == own.evaluations
    assert own.evaluations + own.rejected == run.algorithm.evaluator.n_eval
    assert space.is_valid(run.X[np.newaxis])[0]
    result = from_pymoo(run, problem)
    assert result.evaluations.tolist() == [own.evaluations]
    assert ones.rows == own.evaluations  # reading a run evaluates nothing again
    assert result.incumbent_values[0] == run.F[0]
    repaired = to_pymoo(problem)
    minimize(repaired, ga(repair=ToValid()), ("n_gen", 8), seed=2)
    assert repaired.rejected == 0


def test_an_algorithm_whose_history_lacks_evaluations(digits):
    problem = digits.problem(TWO, seed="mean")
    directions = get_reference_directions("uniform", 2, n_partitions=9)
    moead = MOEAD(directions, n_neighbors=5, sampling=ValidSampling(), mutation=AnotherAllele())
    run = minimize(to_pymoo(problem), moead, ("n_gen", 5), seed=1, save_history=True)
    with pytest.raises(ValueError, match=r"run 0 kept only \d+ of its \d+ evaluations: .*Recording"):
        from_pymoo(run, problem)
    with pytest.raises(ValueError, match="run 0 kept only 0 of its"):
        from_pymoo(minimize(to_pymoo(problem), nsga2(), ("n_gen", 2), seed=1), problem)
    run = minimize(to_pymoo(problem), moead, ("n_gen", 5), seed=1, evaluator=Recording())
    assert from_pymoo(run, problem).evaluations.tolist() == [run.algorithm.evaluator.n_eval]


def test_a_run_on_a_pymoo_problem_of_ones_own(digits):
    problem = digits.problem(TWO, seed="mean")

    class Own(Problem):
        def __init__(self):
            super().__init__(n_var=6, n_obj=2, xl=0, xu=4, vtype=int)

        def _evaluate(self, x, out, *args, **kwargs):
            out["F"] = problem(x.astype(np.uint8))

    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.operators.sampling.rnd import IntegerRandomSampling

    algorithm = NSGA2(
        20,
        sampling=IntegerRandomSampling(),
        crossover=SBX(vtype=float, repair=RoundingRepair()),
        mutation=PM(vtype=float, repair=RoundingRepair()),
    )
    own = minimize(Own(), algorithm, ("n_eval", 200), seed=1, evaluator=Recording())
    kits = minimize(to_pymoo(problem), algorithm, ("n_eval", 200), seed=1, evaluator=Recording())
    equal(from_pymoo(own, problem), from_pymoo(kits, problem))
    with pytest.raises(TypeError, match="made by to_pymoo, not on Own"):
        minimize(Own(), nsga2(), ("n_eval", 200), seed=1)


def test_runs_that_are_none(digits):
    problem = digits.problem(TWO, seed="mean")
    recording = Recording()
    runs = [minimize(to_pymoo(problem), nsga2(), ("n_gen", 2), seed=s, evaluator=recording) for s in range(2)]
    with pytest.raises(ValueError, match="share a Recording"):
        from_pymoo(runs, problem)
    with pytest.raises(TypeError, match="run 1 must be a result"):
        from_pymoo([runs[0], "a run"], problem)
    with pytest.raises(ValueError, match="run 0 minimised valid_accuracy, params on nb201, not valid_accuracy on"):
        from_pymoo(runs[0], digits.problem("valid_accuracy", seed="mean", charge="one"))


def test_the_global_generators_stay_as_they_are(digits):
    before = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002 - that it is not touched
    problem = digits.problem(TWO, seed="mean")
    first, second = (
        from_pymoo(minimize(to_pymoo(problem), nsga2(), ("n_eval", 100), seed=7, evaluator=Recording()), problem)
        for _ in range(2)
    )
    equal(first, second)
    assert (np.random.get_state()[1] == before[0]).all()  # noqa: NPY002
    assert random.getstate() == before[1]
