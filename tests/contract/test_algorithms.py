"""One suite over every algorithm: a new one is tested the day it appears."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle
import random
import re
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.algorithms import ALGORITHMS, parse_algorithm

CASES = [
    pytest.param(
        cls, m, space, id=f"{cls.__name__}-{m}-{space}", marks=[pytest.mark.slow] if m > 2 or space != "nb201" else []
    )
    for cls in ALGORITHMS.values()
    for m in (1, 2, 3)
    if (cls.single_objective if m == 1 else cls.many_objectives)
    for space in ("nb201", "nas-bench-macro")
    # the number of objectives and the space have nothing to do with each other, and slow algorithms do with one space
    if space == "nb201" or (m == 2 - cls.single_objective and cls not in (nk.BANANAS, nk.BestFirstSearch, nk.DEHB))
]
pytestmark = pytest.mark.parametrize(("cls", "objectives", "space_name"), CASES)


class Distance:
    """Distances of genotypes from some targets, (n, m), with an error if partly trained. A class so that it can be pickled."""

    def __init__(self, genes, objectives):
        self.targets = np.random.default_rng(4).integers(0, 3, (objectives, genes))

    def __call__(self, X, epochs=8):
        distance = np.abs(X[:, None, :].astype(float) - self.targets).sum(axis=2)
        return distance + (8 - epochs) * X[:, :1] / 4


class RandomPair(nk.RandomSearch):
    """Random search under another name."""


def problem_of(objectives, space_name):
    space = nk.space(space_name)
    bounds = np.stack([np.zeros(objectives), np.full(objectives, 30.0)])
    return nk.FunctionProblem(
        Distance(len(space.cardinalities), objectives),
        space,
        [f"f{i}" for i in range(objectives)],
        bounds=bounds,
        budgets=(1, 2, 4, 8),
    )


def outcome(result):
    return [result.incumbents, result.incumbent_values, result.archive_X, result.archive_F, *result.rows.values()]


def equal(first, second):
    return all(np.array_equal(a, b) for a, b in zip(outcome(first), outcome(second), strict=True))


def part(result, runs):
    """The outcome of the first runs alone."""
    rows = result.rows["run"] < runs
    archive = result.archive_run < runs
    return [
        result.incumbents[:runs],
        result.incumbent_values[:runs],
        result.archive_X[archive],
        result.archive_F[archive],
        *(values[rows] for values in result.rows.values()),
    ]


def test_a_run_is_the_same_whatever_runs_beside_it(cls, objectives, space_name):
    problem = problem_of(objectives, space_name)
    many = nk.search(problem, cls(), runs=7, evaluations=333, seed=5)
    few = nk.search(problem, cls(), runs=2, evaluations=333, seed=5)
    assert all(np.array_equal(a, b) for a, b in zip(part(many, 2), outcome(few), strict=True))
    again = nk.search(problem, cls(), runs=2, evaluations=333, seed=5)
    assert equal(few, again)
    other = nk.search(problem, cls(), runs=2, evaluations=40, seed=6)
    assert not equal(nk.search(problem, cls(), runs=2, evaluations=40, seed=5), other)


def test_no_other_algorithm_or_setting_shares_its_draws(cls, objectives, space_name):
    """What random search draws is independent of what any other algorithm begins with."""
    space = nk.space(space_name)
    start = {"runs": 40, "seed": 3, "objectives": objectives, "budgets": (1, 8)}

    def first(algorithm):
        return algorithm.start(space, **start).ask()[:, 0].astype(float).ravel()

    mine, number = first(cls()), next((n for n, v in cls().settings.items() if isinstance(v, float | int)), None)
    others = [RandomPair()] if cls is nk.RandomSearch else [nk.RandomSearch()]
    if number is not None and not isinstance(cls().settings[number], bool):
        value = cls().settings[number]
        others.append(cls(**{number: value * 2 if isinstance(value, int) else value * 0.9}))
    for other in others:
        assert abs(np.corrcoef(mine, first(other))[0, 1]) < 0.3
    assert (mine == first(cls())).all()


def test_an_executor_changes_nothing(cls, objectives, space_name):
    if space_name != "nb201":
        pytest.skip("one space is enough")
    problem = problem_of(objectives, space_name)
    alone = nk.search(problem, cls(), runs=8, evaluations=120, seed=1)
    with ThreadPoolExecutor(2) as pool:
        assert equal(alone, nk.search(problem, cls(), runs=8, evaluations=120, seed=1, executor=pool))


def test_asked_genotypes_are_valid_and_budgets_kept(cls, objectives, space_name):
    problem = problem_of(objectives, space_name)
    seen = []

    def counted(X, epochs):
        assert problem.space.is_valid(X).all()
        seen.append(len(X))
        return problem.function(X, epochs)

    watched = nk.FunctionProblem(counted, problem.space, problem.objectives, problem.bounds, budgets=problem.budgets)
    result = nk.search(watched, cls(), runs=3, evaluations=257)
    assert sum(seen) == 3 * 257
    assert (result.evaluations == 257).all()
    assert (result.rows["evaluations"] <= 257).all()
    assert set(result.trace.groupby("run")["evaluations"].max()) == {257}


def test_archives_hold_no_dominated_point(cls, objectives, space_name):
    if objectives == 1:
        pytest.skip("one objective has no archive")
    problem = problem_of(objectives, space_name)
    result = nk.search(problem, cls(), runs=3, evaluations=500)
    for run in range(3):
        X, F = result.archive(run)
        assert (problem(X) == F).all()
        better = (F[:, None] <= F[None]).all(axis=2) & (F[:, None] < F[None]).any(axis=2)
        assert not better.any()
        assert len(np.unique(F, axis=0)) == len(F)
    assert (np.diff(result.trace.groupby("run")["hypervolume"].apply(list).iloc[0]) >= -1e-12).all()


def test_incumbents_never_get_worse(cls, objectives, space_name):
    if objectives > 1:
        pytest.skip("several objectives have no incumbent")
    problem = problem_of(objectives, space_name)
    result = nk.search(problem, cls(), runs=4, evaluations=400)
    for _, rows in result.trace.groupby("run"):
        assert (np.diff(rows["f0"].dropna()) <= 0).all()
        assert np.isfinite(rows["f0"].iloc[-1])
    assert (problem(result.incumbents)[:, 0] == result.incumbent_values).all()


def test_global_generators_are_left_alone(cls, objectives, space_name):
    before, python = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    nk.search(problem_of(objectives, space_name), cls(), runs=2, evaluations=150)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert random.getstate() == python


def test_ask_and_tell_by_hand_equal_search(cls, objectives, space_name):
    problem = problem_of(objectives, space_name)
    algorithm = cls().start(problem.space, runs=2, seed=3, objectives=objectives, budgets=problem.budgets)
    best = np.full((2, objectives), np.inf)
    told = 0
    while told < 300:
        X = algorithm.ask()
        assert X.dtype == np.uint8
        assert X is algorithm.ask()
        assert X.shape[::2] == (2, len(problem.space.cardinalities))
        epochs = algorithm.epochs or 8
        F = problem.evaluate(X.reshape(-1, X.shape[2]), epochs).F.reshape(2, -1, objectives)
        algorithm.tell(F)
        told += X.shape[1]
        if epochs == 8:
            best = np.minimum(best, F.min(axis=1))
    result = nk.search(problem, cls(), runs=2, evaluations=told, seed=3)
    if objectives == 1:
        assert (result.incumbent_values == best[:, 0]).all()
    else:
        for run in range(2):
            assert (result.archive(run)[1].min(axis=0) == best[run]).all()


def test_pickling_in_the_middle_of_a_run_changes_nothing(cls, objectives, space_name):
    problem = problem_of(objectives, space_name)
    first = cls().start(problem.space, runs=2, seed=3, objectives=objectives, budgets=problem.budgets)

    def step(algorithm):
        X = algorithm.ask()
        algorithm.tell(problem.evaluate(X.reshape(-1, X.shape[2]), algorithm.epochs).F.reshape(2, -1, objectives))
        return X

    for _ in range(40):
        step(first)
    second, third = pickle.loads(pickle.dumps(first)), copy.deepcopy(first)
    for _ in range(40):
        X = step(first)
        assert (step(second) == X).all()
        assert (step(third) == X).all()


def test_wrong_use_has_clear_errors(cls, objectives, space_name):
    space = nk.space(space_name)
    algorithm = cls()
    with pytest.raises(RuntimeError, match="call start"):
        algorithm.ask()
    with pytest.raises(ValueError, match="at least 1"):
        algorithm.start(space, runs=0, objectives=objectives)
    algorithm.start(space, runs=2, objectives=objectives, budgets=(1, 8))
    with pytest.raises(RuntimeError, match="call ask"):
        algorithm.tell(np.zeros((2, 1, objectives)))
    X = algorithm.ask()
    with pytest.raises(ValueError, match="F has the shape"):
        algorithm.tell(np.zeros((3, X.shape[1], objectives)))
    with pytest.raises(ValueError, match="nan"):
        algorithm.tell(np.full((2, X.shape[1], objectives), np.nan))
    if not cls.many_objectives:
        with pytest.raises(ValueError, match="minimises one objective"):
            algorithm.start(space, runs=2, objectives=2)
    if not cls.single_objective:
        with pytest.raises(ValueError, match="at least two"):
            algorithm.start(space, runs=2, objectives=1)


def test_settings_and_names(cls, objectives, space_name):
    assert parse_algorithm(cls.__name__.lower()) == cls()
    assert getattr(nk, cls.__name__) is cls
    for name, value in cls().settings.items():
        if isinstance(value, int) and not isinstance(value, bool):
            assert parse_algorithm(f"{cls.__name__}:{name}={value * 2}").settings == {**cls().settings, name: value * 2}
    with pytest.raises(nk.UnknownName, match="setting"):
        parse_algorithm(f"{cls.__name__}:sise=3")
    for name, value in cls().settings.items():
        wrong = {int: 2.5, float: "'x'", bool: 3}.get(type(value))
        if wrong is not None:
            with pytest.raises(ValueError, match=f"{cls.__name__}: {name} must be "):
                parse_algorithm(f"{cls.__name__}:{name}={wrong}")


def test_numbers_out_of_range_are_refused(cls, objectives, space_name):
    """Each setting that is a number, by keyword and as the command line has it; the message names algorithm and setting."""
    for field in dataclasses.fields(cls):
        kind = field.type.partition(" | ")[0]
        if kind not in ("int", "float"):
            continue
        share = "probability" in field.name or field.name in ("random_fraction", "good_share", "neighbour_mating")
        wrong = {-1, 0} if kind == "int" else {-1.1, math.nan, math.inf, -math.inf}
        wrong |= {7.0, 1.0000001, -1e-9} if share else set()
        if field.name in ("sample_size", "tournament_size", "neighbours", "offspring"):
            wrong.add(cls().population_size + 2)
        for value in wrong:
            with pytest.raises(ValueError, match=f"^{cls.__name__}: {field.name} must be .*{re.escape(str(value))}$"):
                cls(**{field.name: value})
            text = {math.nan: "1e999-1e999", math.inf: "1e999", -math.inf: "-1e999"}.get(value, repr(value))
            with pytest.raises(ValueError, match=f"^{cls.__name__}: {field.name} must be "):
                parse_algorithm(f"{cls.__name__}:{field.name}={text}")


def test_unknown_objective_values_are_survived(cls, objectives, space_name):
    """The search is told infinity for missing values."""
    problem = problem_of(objectives, space_name)

    def holes(X, epochs):
        F = problem.function(X, epochs)
        F[X[:, 0] == 0] = np.nan
        return F

    holed = nk.FunctionProblem(holes, problem.space, problem.objectives, problem.bounds, budgets=problem.budgets)
    result = nk.search(holed, cls(), runs=3, evaluations=300)
    assert np.isfinite(result.incumbent_values).all()


def test_initial_genotypes_are_asked_for_first(cls, objectives, space_name):
    problem = problem_of(objectives, space_name)
    start = {"objectives": objectives, "budgets": problem.budgets}
    room = cls().start(problem.space, **start).first_population_size
    genes = len(problem.space.cardinalities)
    too_many = problem.space.sample(room + 1, 0)
    with pytest.raises(ValueError, match=f"initial has {room + 1} genotypes per run"):
        cls().start(problem.space, **start, initial=too_many)
    with pytest.raises(nk.InvalidArchitecture):
        cls().start(problem.space, **start, initial=np.full((1, genes), 99))
    if not room:
        return
    given = problem.space.sample(min(room, 3), 0)
    asked = []
    algorithm = cls().start(problem.space, runs=2, seed=1, **start, initial=given)
    while sum(X.shape[1] for X in asked) < len(given):
        asked.append(algorithm.ask())
        flat = asked[-1].reshape(-1, genes)
        algorithm.tell(problem.evaluate(flat, algorithm.epochs).F.reshape(2, -1, objectives))
    assert (np.concatenate(asked, axis=1)[:, : len(given)] == given).all()
    # each run is independent of the others
    own = problem.space.sample(4, 1).reshape(4, 1, genes)
    many = nk.search(problem, cls(), runs=4, evaluations=60, seed=2, initial=own)
    few = nk.search(problem, cls(), runs=2, evaluations=60, seed=2, initial=own)
    assert all(np.array_equal(a, b) for a, b in zip(part(many, 2), outcome(few), strict=True))
    with pytest.raises(ValueError, match="initial must have the shape"):
        nk.search(problem, cls(), runs=5, evaluations=60, initial=own)


def test_runs_end_by_networks_generations_and_target(cls, objectives, space_name):
    problem = problem_of(objectives, space_name)
    result = nk.search(problem, cls(), runs=6, unique_networks=40, seed=3)
    assert (result.unique_networks == 40).all()
    whole = nk.search(problem, cls(), runs=6, evaluations=int(result.evaluations.max()), seed=3)
    for run in range(6):
        # the run is cut where its 40th network is
        rows = whole.trace[(whole.trace["run"] == run) & (whole.trace["evaluations"] < result.evaluations[run])]
        assert (rows["unique_networks"] < 40).all()
    rounds = nk.search(problem, cls(), runs=2, generations=3, seed=3)
    algorithm = cls().start(problem.space, runs=2, seed=3, objectives=objectives, budgets=problem.budgets)
    told = 0
    for _ in range(3):
        X = algorithm.ask()
        told += X.shape[1]
        flat = X.reshape(-1, X.shape[2])
        algorithm.tell(problem.evaluate(flat, algorithm.epochs).F.reshape(2, -1, objectives))
    assert (rounds.evaluations == told).all()
    target = float(np.median(whole.incumbent_values)) if objectives == 1 else float(np.median(whole.hypervolume()))
    aimed = nk.search(problem, cls(), runs=6, evaluations=int(whole.evaluations[0]), target=target, seed=3)
    final = whole.incumbent_values <= target if objectives == 1 else whole.hypervolume() >= target
    assert (aimed.reached == final).all()
    assert 0 < final.sum() <= 6
    assert (aimed.evaluations[~aimed.reached] == whole.evaluations[0]).all()
    if objectives == 1:
        for run in np.flatnonzero(aimed.reached):
            rows = whole.trace[(whole.trace["run"] == run) & (whole.trace["evaluations"] < aimed.evaluations[run])]
            assert (rows["f0"].dropna() > target).all()
            assert aimed.incumbent_values[run] <= target


@pytest.fixture(scope="module")
def process_pool():
    import multiprocessing

    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.mark.slow
def test_processes_change_nothing(cls, objectives, space_name, process_pool):
    if space_name != "nb201":
        pytest.skip("one space is enough")
    problem = nk.open("nb201-digits").problem(
        "valid_accuracy" if objectives == 1 else ["valid_accuracy", "params", "flops"][:objectives]
    )
    alone = nk.search(problem, cls(), runs=8, evaluations=60, seed=1)
    assert equal(alone, nk.search(problem, cls(), runs=8, evaluations=60, seed=1, executor=process_pool))
