"""The interface to Optuna, against the installed package."""

from __future__ import annotations

import doctest
import random

import moocore
import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.problems import Evaluation

pytest.importorskip("optuna")

import optuna
from optuna.trial import TrialState

from nasbench_kit.interfaces import optuna as interface
from nasbench_kit.interfaces.optuna import from_optuna, to_optuna


@pytest.fixture(autouse=True)
def _quiet():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


@pytest.fixture
def digits():
    return nk.open("nb201-digits")


def study_of(objective, sampler, n_trials, **settings):
    study = optuna.create_study(directions=objective.directions, sampler=sampler, **settings)
    study.optimize(objective, n_trials=n_trials)
    return study


def genotypes(study, space):
    names, values = space.gene_names, space.gene_values
    return np.array([[values[i].index(t.params[names[i]]) for i in range(space.genes)] for t in study.trials])


class Stepwise(nk.FunctionProblem):
    """A made-up learning curve: the loss is that of the last budget, and more the earlier it is read."""

    budgets = (1, 3, 9)

    def __init__(self):
        super().__init__(lambda X: (X != 1).sum(axis=1), nk.space("nas-bench-macro"))
        self.asked = []

    def evaluate(self, X, epochs=None):
        epochs = 9 if epochs is None else epochs
        self.asked.append(epochs)
        F = super().evaluate(X).F
        return Evaluation(F * (1 + 1 / epochs), np.full(len(X), float(epochs)))


def test_examples():
    assert doctest.testmod(interface, optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0


def test_trials_have_the_values_of_the_table_and_its_names(digits):
    problem = digits.problem("valid_accuracy", seed="mean", charge="one")
    study = study_of(to_optuna(problem), optuna.samplers.RandomSampler(seed=1), 30)
    X = genotypes(study, problem.space)
    np.testing.assert_array_equal([trial.value for trial in study.trials], problem(X)[:, 0])
    trial = study.trials[3]
    assert list(trial.params) == ["e12", "e13", "e23", "e14", "e24", "e34"]
    assert all(isinstance(d, optuna.distributions.CategoricalDistribution) for d in trial.distributions.values())
    assert set(trial.params.values()) <= {"none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"}
    assert set(trial.user_attrs) == {"architecture", "simulated_seconds"}
    assert trial.user_attrs["architecture"] == problem.space.decode(X[3])[0]
    assert trial.user_attrs["simulated_seconds"] == digits.query(X[3], "training_time")[0]


def test_numbers_are_integers_and_operations_are_categories():
    space = nk.space("nsga-net-micro")
    problem = nk.FunctionProblem(lambda X: X.sum(axis=1), space)
    study = study_of(to_optuna(problem), optuna.samplers.RandomSampler(seed=1), 20)
    kinds = study.trials[0].distributions
    assert kinds["normal node 4 first input"] == optuna.distributions.IntDistribution(0, 5)
    assert "sep_conv_3x3" in kinds["normal node 4 first operation"].choices
    np.testing.assert_array_equal([t.value for t in study.trials], genotypes(study, space).sum(axis=1))


def test_a_study_becomes_a_result(digits):
    problem = digits.problem("valid_accuracy", seed="mean", charge="one")
    studies = [study_of(to_optuna(problem), optuna.samplers.TPESampler(seed=s), 40) for s in range(3)]
    result = from_optuna(studies, problem)
    assert (result.algorithm, result.runs, result.seed) == ("Optuna TPESampler", 3, -1)
    assert result.evaluations.tolist() == [40] * 3
    assert result.incumbent_values.tolist() == [study.best_value for study in studies]
    for run, study in enumerate(studies):
        rows = result.trace[result.trace["run"] == run]
        best = np.minimum.accumulate([trial.value for trial in study.trials])
        np.testing.assert_array_equal(100 - rows["valid_accuracy"], best[rows["evaluations"] - 1])
    X = genotypes(studies[2], problem.space)
    assert result.simulated_seconds[2] == pytest.approx(digits.query(X, "training_time").sum())
    assert (result.best("test_accuracy") == digits.query(result.incumbents, "test_accuracy")).all()
    assert result.wall_seconds > 0
    (alone,) = from_optuna(studies[1], problem).incumbent_values
    assert alone == result.incumbent_values[1]


def test_several_objectives(digits):
    problem = digits.problem(["valid_accuracy", "params"], seed="mean")
    study = study_of(to_optuna(problem), optuna.samplers.NSGAIISampler(seed=1, population_size=10), 60)
    result = from_optuna(study, problem)
    ideal, nadir = problem.front_bounds
    F = np.array([trial.values for trial in study.trials])
    np.testing.assert_array_equal(F, problem(genotypes(study, problem.space)))
    assert result.hypervolume()[0] == pytest.approx(moocore.hypervolume((F - ideal) / (nadir - ideal), [1.1, 1.1]))
    assert {tuple(f) for f in result.archive(0)[1]} == {tuple(trial.values) for trial in study.best_trials}


def test_invalid_genotypes_are_pruned_and_no_evaluation():
    space = nk.space("nb101")
    rows = []

    def ones(X):
        assert space.is_valid(X).all()
        rows.append(len(X))
        return (X != 1).sum(axis=1)

    problem = nk.FunctionProblem(ones, space)
    study = study_of(to_optuna(problem), optuna.samplers.RandomSampler(seed=1), 40)
    valid = space.is_valid(genotypes(study, space))
    assert 0 < valid.sum() < 40
    assert [trial.state == TrialState.COMPLETE for trial in study.trials] == valid.tolist()
    assert [trial.state == TrialState.PRUNED for trial in study.trials] == (~valid).tolist()
    result = from_optuna(study, problem)
    assert result.evaluations.tolist() == [valid.sum()]
    assert rows == [1] * valid.sum()  # once each, and not again when the study is read
    assert result.incumbent_values[0] == study.best_value


def test_what_is_not_known_is_pruned_and_an_evaluation():
    space = nk.space("nas-bench-macro")
    problem = nk.FunctionProblem(lambda X: np.where(X[:, 0] == 0, np.nan, X.sum(axis=1)), space)
    study = study_of(to_optuna(problem), optuna.samplers.RandomSampler(seed=1), 30)
    known = genotypes(study, space)[:, 0] != 0
    assert 0 < known.sum() < 30
    assert [trial.state == TrialState.COMPLETE for trial in study.trials] == known.tolist()
    result = from_optuna(study, problem)
    assert result.evaluations.tolist() == [30]
    assert result.incumbent_values[0] == study.best_value


@pytest.mark.parametrize("continued", [False, True])
def test_budgets_are_reported_and_a_pruned_trial_costs_what_it_cost(continued):
    problem = Stepwise()
    objective = to_optuna(problem, report=True, continue_training=continued)
    cost = max if continued else sum
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    study = study_of(objective, optuna.samplers.RandomSampler(seed=1), 40, pruner=pruner)
    states = {
        state: [t for t in study.trials if t.state == state] for state in (TrialState.COMPLETE, TrialState.PRUNED)
    }
    assert len(states[TrialState.COMPLETE]) > 0
    assert len(states[TrialState.PRUNED]) > 10
    for trial in states[TrialState.COMPLETE]:
        assert list(trial.intermediate_values) == [1, 3, 9]
        assert trial.user_attrs["simulated_seconds"] == (9 if continued else 13)
        assert trial.value == trial.intermediate_values[9]
    for trial in states[TrialState.PRUNED]:
        assert trial.user_attrs["simulated_seconds"] == cost(trial.intermediate_values) < 9
    result = from_optuna(study, problem)
    assert result.evaluations.tolist() == [40]
    assert result.incumbent_values[0] == study.best_value
    assert result.simulated_seconds[0] == sum(trial.user_attrs["simulated_seconds"] for trial in study.trials)
    problem.asked.clear()
    study_of(to_optuna(problem), optuna.samplers.RandomSampler(seed=1), 5, pruner=pruner)
    assert problem.asked == [9] * 5  # without report=True each is evaluated once
    with pytest.raises(ValueError, match="no epoch budgets"):
        to_optuna(nk.FunctionProblem(lambda X: X.sum(axis=1), problem.space), report=True)


def test_what_does_not_fit_is_one_clear_error(digits):
    problem = digits.problem("valid_accuracy", seed="mean", charge="one")
    two = digits.problem(["valid_accuracy", "params"], seed="mean")
    with pytest.raises(ValueError, match="minimised, an accuracy as 100 - accuracy, but .* maximize"):
        optuna.create_study(direction="maximize").optimize(to_optuna(problem), n_trials=1)
    study = study_of(to_optuna(problem), optuna.samplers.RandomSampler(seed=1), 3)
    with pytest.raises(ValueError, match=r"every objective of valid_accuracy, params .*directions minimize"):
        from_optuna(study, two)
    with pytest.raises(ValueError, match="single-objective"):
        to_optuna(two, report=True)
    with pytest.raises(TypeError, match=r"Benchmark\.problem"):
        to_optuna(digits)
    with pytest.raises(ValueError, match="run 0 has no evaluations"):
        from_optuna(optuna.create_study(), problem)
    other = optuna.create_study(study_name="other")
    other.optimize(lambda trial: trial.suggest_float("e12", 0, 1), n_trials=1)
    with pytest.raises(
        nk.InvalidArchitecture, match="trial 0 of other is not a genotype of nb201: its parameter 'e12'"
    ):
        from_optuna(other, problem)


def test_trials_of_another_objective_over_the_same_genes_are_looked_up(digits):
    problem = digits.problem("valid_accuracy", seed="mean", charge="one")
    space = problem.space

    def own(trial):
        words = [trial.suggest_categorical(n, v) for n, v in zip(space.gene_names, space.gene_values, strict=True)]
        if trial.number == 2:
            raise optuna.TrialPruned  # before it trained anything
        if trial.number == 4:
            raise RuntimeError("the machine went down")
        x = [space.gene_values[0].index(word) for word in words]
        return problem(x)[0, 0]

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(own, n_trials=10, catch=(RuntimeError,))
    result = from_optuna(study, problem)
    X = np.delete(genotypes(study, space), [2, 4], axis=0)
    assert result.evaluations.tolist() == [8]
    assert result.simulated_seconds[0] == pytest.approx(digits.query(X, "training_time").sum())
    assert result.incumbent_values[0] == problem(X).min()


def test_the_global_generators_stay_as_they_are(digits):
    before = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002 - that it is not touched
    problem = digits.problem("valid_accuracy", seed="mean", charge="one")
    study = study_of(to_optuna(problem), optuna.samplers.RandomSampler(seed=2), 5)
    from_optuna(study, problem)
    assert (np.random.get_state()[1] == before[0]).all()  # noqa: NPY002
    assert random.getstate() == before[1]


def test_the_budgets_of_a_table(digits):
    problem = digits.problem("valid_accuracy", seed="mean", charge="one", epochs=4)
    study = study_of(to_optuna(problem, report=True), optuna.samplers.RandomSampler(seed=3), 12)
    done = [trial for trial in study.trials if trial.state == TrialState.COMPLETE]
    assert done
    for trial in done:
        x = problem.space.encode([trial.user_attrs["architecture"]])
        curve = {e: 100 - digits.query(x, "valid_accuracy", epochs=e)[0] for e in (1, 2, 3, 4)}
        assert trial.intermediate_values == curve
        seconds = sum(digits.query(x, "training_time", epochs=e)[0] for e in curve)
        assert trial.user_attrs["simulated_seconds"] == pytest.approx(seconds)
        assert trial.value == curve[4]
