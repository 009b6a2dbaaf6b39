"""Search, its clocks, its result and its file."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import textwrap
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.errors import LostWorker
from nasbench_kit.experiments.recorder import log_grid
from nasbench_kit.problems import Evaluation
from nasbench_kit.spaces import Chain
from nasbench_kit.store import MetricColumn, Table, write_store


def test_log_grid():
    grid = log_grid(1000)
    assert grid[0] == 1
    assert grid[-1] == 1000
    assert (np.diff(grid) > 0).all()
    assert 20 < len(grid) < 32
    assert log_grid(1).tolist() == [1]
    assert log_grid(7)[-1] == 7


def test_three_clocks_agree_with_a_slow_count(bench):
    problem = bench.problem("valid_accuracy", epochs=4, seed="mean", charge="one")
    asked = []

    def function(X):
        asked.append(X.copy())
        return problem(X)

    watched = nk.FunctionProblem(
        function, bench.space, ["valid_accuracy"], seconds=lambda X: problem.evaluate(X).seconds
    )
    result = nk.search(watched, nk.RegularizedEvolution(), runs=3, evaluations=150, seed=2)
    plain = nk.search(problem, nk.RegularizedEvolution(), runs=3, evaluations=150, seed=2)
    sequence = [np.concatenate([batch.reshape(3, -1, 6)[run] for batch in asked]) for run in range(3)]
    for found in (result, plain):
        for row in found.trace.itertuples():
            X = sequence[row.run][: row.evaluations]
            assert row.unique_networks == len(np.unique(bench.space.key(X)))
            assert row.simulated_seconds == pytest.approx(bench.query(X, "training_time", epochs=4).sum())
            best = problem(X).min()  # a function's values are shown as they are, a table's metric in its own unit
            assert row.valid_accuracy == (best if found is result else 100 - best)


def test_simulated_seconds_are_never_exceeded(bench):
    problem = bench.problem("valid_accuracy", epochs=4)
    for algorithm in (nk.RandomSearch(), nk.RegularizedEvolution(), nk.LocalSearch(), nk.GeneticAlgorithm()):
        result = nk.search(problem, algorithm, runs=20, simulated_seconds=500, seed=0)
        assert (result.simulated_seconds <= 500).all()
        assert (result.simulated_seconds > 500 - 2 * 4).all()  # the next evaluation, of at most 8 s, did not fit
        assert len(set(result.evaluations.tolist())) > 1
        last = result.trace.groupby("run").last()
        assert (last["evaluations"].to_numpy() == result.evaluations).all()
    both = nk.search(problem, nk.RandomSearch(), runs=5, simulated_seconds=500, evaluations=10)
    assert (both.evaluations == 10).all()


def test_a_budget_too_short_for_one_training(bench):
    problem = bench.problem("valid_accuracy", epochs=12)
    with pytest.raises(ValueError, match="no training finishes within 1"):
        nk.search(problem, nk.RandomSearch(), runs=3, simulated_seconds=1.0)
    # trainings take 12 to 24 s: with 13 s a few runs see one, the others nothing
    some = nk.search(problem, nk.RandomSearch(), runs=40, simulated_seconds=13.0)
    assert set(some.evaluations.tolist()) == {0, 1}
    assert np.array_equal(np.isnan(some.best("valid_accuracy")), some.evaluations == 0)
    assert len(some.trace) == some.evaluations.sum()
    # the same where whole batches of runs see nothing
    with ThreadPoolExecutor(1) as pool:
        apart = nk.search(problem, nk.RandomSearch(), runs=40, simulated_seconds=13.0, executor=pool)
    assert (apart.evaluations == some.evaluations).all()
    assert apart.trace.equals(some.trace)


def test_a_clock_that_does_not_run_is_an_error(bench):
    problem = nk.FunctionProblem(lambda X: X.sum(axis=1), bench.space)
    with pytest.raises(ValueError, match="no training times"):
        nk.search(problem, nk.RandomSearch(), simulated_seconds=10)


def test_best_reports_other_budgets_and_datasets(bench):
    problem = bench.problem("valid_accuracy", epochs=4, seed="mean")
    result = nk.search(problem, nk.RegularizedEvolution(), runs=5, evaluations=100)
    assert (result.best("valid_accuracy", epochs=4) == 100 - result.incumbent_values).all()
    assert (result.best("test_accuracy") == bench.query(result.incumbents, "test_accuracy", epochs=12)).all()
    assert (result.trace["valid_accuracy"] == result.trace_of("valid_accuracy", epochs=4)).all()
    with pytest.raises(nk.UnknownName):
        result.best("accuracy")


def test_result_file(bench, tmp_path):
    problem = bench.problem(["valid_accuracy", "params"], seed="mean")
    result = nk.search(problem, nk.NSGA2(population_size=20), runs=4, evaluations=200, record=True)
    loaded = nk.load_result(result.save(tmp_path / "result.h5"))
    assert loaded.algorithm == "NSGA2"
    assert loaded.settings == result.settings
    assert loaded.trace.equals(result.trace)
    assert (loaded.hypervolume() == result.hypervolume()).all()
    assert loaded.objectives == result.objectives
    for run in range(4):
        assert all((a == b).all() for a, b in zip(loaded.archive(run), result.archive(run), strict=True))
    assert loaded.benchmark.path == bench.path
    assert len(loaded.generations) == 10
    assert loaded == result
    assert loaded.generations.evaluations[:, 3].tolist() == list(range(20, 201, 20))
    for g in range(10):
        X, F = loaded.generations.front(g, 2)
        assert (problem(X) == F).all()
    (tmp_path / "broken.h5").write_bytes((tmp_path / "result.h5").read_bytes()[:1000])
    for path in ("broken.h5", "absent.h5"):
        with pytest.raises(nk.StoreError):
            nk.load_result(tmp_path / path)
    with pytest.raises(nk.StoreError, match="not a result"):
        nk.load_result(bench.path)


def test_progress_is_told(bench):
    shares = []
    nk.search(bench.problem("valid_accuracy"), nk.RandomSearch(), runs=400, evaluations=500, progress=shares.append)
    assert shares[-1] == 1
    assert shares == sorted(shares)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"runs": 0}, ValueError, "runs must be at least 1"),
        ({"evaluations": 10.5}, TypeError, "integer"),
        ({"evaluations": 0}, ValueError, "evaluations must be above 0"),
        ({"simulated_seconds": -1.0}, ValueError, "simulated_seconds must be above 0"),
        ({"algorithm": nk.NSGA2}, TypeError, "call it"),
        ({"problem": lambda X: X}, TypeError, "problem must come from"),
        ({"algorithm": nk.NSGA2()}, ValueError, "at least two objectives"),
    ],
)
def test_wrong_use(bench, arguments, error, message):
    call = {"problem": bench.problem("valid_accuracy"), "algorithm": nk.RandomSearch(), **arguments}
    with pytest.raises(error, match=message):
        nk.search(**call)


def test_a_users_function_with_the_wrong_shape(bench):
    with pytest.raises(ValueError, match="returned an array of shape"):
        nk.search(nk.FunctionProblem(lambda X: X, bench.space), nk.RandomSearch(), evaluations=10)


def test_searches_beat_random_search_on_the_bundled_table():
    problem = nk.open("nb201-digits").problem("valid_accuracy")
    random = nk.search(problem, nk.RandomSearch(), runs=100, evaluations=500)
    for algorithm in (nk.RegularizedEvolution(), nk.LocalSearch(), nk.GeneticAlgorithm()):
        better = nk.search(problem, algorithm, runs=100, evaluations=500)
        assert better.incumbent_values.mean() < random.incumbent_values.mean()


def test_unique_networks_are_counted_by_keys_as_by_flags():
    """A space with too many networks for a table of flags gives the same counts."""
    space = nk.space("nsga-net-macro")
    problem = nk.FunctionProblem(lambda X: X.sum(axis=1), space)
    asked = []
    watched = nk.FunctionProblem(lambda X: [asked.append(X.copy()), X.sum(axis=1)][1], space)
    settings = {"runs": 2, "seed": 4, "clock": "unique_networks"}
    result = nk.search(watched, nk.GeneticAlgorithm(population_size=6), **settings, unique_networks=50)
    sequence = [np.concatenate([batch.reshape(2, -1, space.genes)[run] for batch in asked]) for run in range(2)]
    for row in result.trace.itertuples():
        assert row.unique_networks == len(np.unique(space.key(sequence[row.run][: row.evaluations])))
    for run, evaluations in enumerate(result.evaluations):
        done = sequence[run][:evaluations]
        assert len(np.unique(space.key(done))) == 50
        assert len(np.unique(space.key(done[:-1]))) == 49
        assert result.unique_genotypes[run] == len(np.unique(done, axis=0))
    assert (nk.search(problem, nk.RandomSearch(), runs=2, evaluations=30).unique_networks <= 30).all()


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", [nk.RegularizedEvolution(), nk.GeneticAlgorithm(), nk.RandomSearch()], ids=str)
def test_many_networks_are_counted_as_they_come(algorithm):
    space = nk.space("nb101")
    asked = []
    problem = nk.FunctionProblem(lambda X: [asked.append(X.copy()), X.sum(axis=1)][1], space)
    result = nk.search(problem, algorithm, runs=5, evaluations=1500, seed=1)
    for run in range(5):
        X = np.concatenate([batch.reshape(5, -1, space.genes)[run] for batch in asked])
        for row in result.trace[result.trace["run"] == run].itertuples():
            assert row.unique_networks == len(np.unique(space.network_index(X[: row.evaluations])))
    ended = nk.search(problem, algorithm, runs=3, seed=1, unique_networks=40)
    assert (ended.unique_networks == 40).all()


def test_duplicates_are_reported(bench):
    problem = bench.problem("valid_accuracy")
    asked = []
    watched = nk.FunctionProblem(lambda X: [asked.append(X.copy()), problem(X)][1], bench.space)
    result = nk.search(watched, nk.RegularizedEvolution(), runs=2, evaluations=400, seed=1)
    found = result.duplicates()
    for run in range(2):
        X = np.concatenate([batch.reshape(2, -1, 6)[run] for batch in asked])
        assert found["genotype"][run] == pytest.approx(1 - len(np.unique(X, axis=0)) / 400)
        assert found["network"][run] == pytest.approx(1 - len(np.unique(bench.space.key(X))) / 400)
    assert (found["isomorphic"] > 0).all()


def test_a_bounded_archive_keeps_what_matters(bench):
    problem = bench.problem(["valid_accuracy", "params"], seed="mean")
    free = nk.search(problem, nk.RandomSearch(), runs=5, evaluations=2000, seed=1)
    bounded = nk.search(problem, nk.RandomSearch(), runs=5, evaluations=2000, seed=1, archive_size=4)
    for run in range(5):
        assert len(free.archive(run)[0]) > 4
        X, F = bounded.archive(run)
        assert len(X) == 4
        assert (problem(X) == F).all()
        assert (F.min(axis=0) == free.archive(run)[1].min(axis=0)).all()  # both ends are kept
    assert (bounded.hypervolume() > 0.75 * free.hypervolume()).all()
    with pytest.raises(ValueError, match="archive_size"):
        nk.search(problem, nk.RandomSearch(), archive_size=0)


def test_wrong_ends_have_clear_errors(bench):
    problem = bench.problem("valid_accuracy")
    for wrong, message in (
        ({"unique_networks": 0}, "unique_networks must be above 0"),
        ({"unique_networks": 6000}, "5,524 networks, fewer than 6,000"),
        ({"generations": -1}, "generations must be above 0"),
        ({"target": 101.0}, "give evaluations= as well"),
        ({"target": float("nan"), "evaluations": 10}, "target must be a number"),
    ):
        with pytest.raises(ValueError, match=message):
            nk.search(problem, nk.RandomSearch(), **wrong)
    for name in ("runs", "seed", "evaluations", "generations", "unique_networks", "archive_size"):
        with pytest.raises(TypeError, match=f"{name} must be an integer, not 2.5"):
            nk.search(problem, nk.RandomSearch(), **{name: 2.5})
    two = nk.FunctionProblem(lambda X: X[:, :2].astype(float), bench.space, ["a", "b"])
    with pytest.raises(ValueError, match="bounds"):
        nk.search(two, nk.RandomSearch(), evaluations=10, target=0.5)


def test_a_target_is_in_the_metrics_own_unit():
    problem = nk.open("nb201-digits").problem("valid_accuracy", seed="mean")
    result = nk.search(problem, nk.RegularizedEvolution(), runs=20, evaluations=2000, target=98.4, seed=0)
    assert result.reached.all()
    assert (result.best("valid_accuracy") >= 98.4).all()
    assert len(set(result.evaluations.tolist())) > 10


def test_what_was_trained_partly_enters_the_archive_when_it_is_trained_in_full():
    class Twice(nk.RandomSearch):
        """Every genotype for one epoch, then in full."""

        needs_budgets = True

        def _begin(self):
            self._partly = None

        @property
        def epochs(self):
            return 1 if self._partly is None else 8

        def _ask(self):
            return self._initial_sample(20) if self._partly is None else self._partly

        def _tell(self, X, F):
            self._partly = X if self._partly is None else None

    space = nk.space("nb201")
    problem = nk.FunctionProblem(
        lambda X, epochs: X[:, :2] + 0.1 * (8 - epochs), space, ["a", "b"], bounds=[[0, 0], [5, 5]], budgets=(1, 8)
    )
    result = nk.search(problem, Twice(), runs=3, evaluations=80)
    for run in range(3):
        X, F = result.archive(run)
        assert len(F)
        assert (problem(X) == F).all()


@pytest.mark.posix
@pytest.mark.slow
def test_a_result_that_does_not_fit_on_the_disk(tmp_path):
    """A full disk, simulated by a limit on the file size: one error, the old file is kept, and the interpreter survives."""
    target = tmp_path / "result.h5"
    target.write_bytes(b"what was there")
    script = """
        import resource, signal, sys
        import nasbench_kit as nk
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        result = nk.search(nk.open("nb201-digits").problem("valid_accuracy"), nk.RandomSearch(), runs=50)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            result.save(sys.argv[1])
        except nk.StoreError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(target)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout.strip() == f"{target} cannot be written: File too large"
    assert not done.stderr
    assert target.read_bytes() == b"what was there"
    assert [path.name for path in tmp_path.iterdir()] == ["result.h5"]


@pytest.mark.parametrize("objectives", [("valid_accuracy",), ("valid_accuracy", "ones")])
def test_what_a_problem_itself_measures_stays_with_its_result(tmp_path, objectives):
    space = nk.space("nas-bench-macro")

    class Measured(nk.Problem):
        bounds = None
        source = {"training": {"dataset": "made up"}}  # noqa: RUF012

        def __init__(self):
            self.space, self.objectives = space, objectives

        def evaluate(self, X, epochs=None):
            F = np.stack([(X == 2).sum(axis=1), (X == 1).sum(axis=1)], axis=1).astype(float)
            return Evaluation(F[:, : len(objectives)], np.ones(len(X)))

        def metrics(self, X):
            valid = 100.0 - (X == 2).sum(axis=1)
            return {"valid_accuracy": valid, "test_accuracy": valid - 1, "ones": (X == 1).sum(axis=1) * 1.0}

    algorithm = nk.RandomSearch() if len(objectives) == 1 else nk.NSGA2(population_size=10)
    with ThreadPoolExecutor(2) as executor:
        result = nk.search(Measured(), algorithm, runs=40, evaluations=30, executor=executor)
    loaded = nk.load_result(result.save(tmp_path / "r.h5"))
    for found in (result, loaded):
        assert list(found.metrics) == ["valid_accuracy", "test_accuracy", "ones"]
        for run in (0, 39):
            X, F = found.archive(run)
            metrics = found.archive_metrics(run)
            np.testing.assert_array_equal(metrics["test_accuracy"], 99 - F[:, 0])
            np.testing.assert_array_equal(metrics["ones"], (X == 1).sum(axis=1))
        with pytest.raises(IndexError, match="run must be one of"):
            found.archive_metrics(40)
        if len(objectives) == 1:
            np.testing.assert_array_equal(found.best("test_accuracy"), 99 - found.incumbent_values)
            with pytest.raises(ValueError, match="real trainings only has valid_accuracy, test_accuracy, ones"):
                found.best("params")
            with pytest.raises(ValueError, match="leave both out"):
                found.best("test_accuracy", dataset="cifar10")
            with pytest.raises(ValueError, match="on real trainings, not on a benchmark"):
                _ = found.benchmark


# -------------------------------------------------------------------- algorithms and functions of a user's own


class Asking(nk.RandomSearch):
    """Asks for the genotypes that it was made with."""

    asks = None

    def _ask(self):
        return type(self).asks(self)

    def ask(self):
        return self._ask()


@pytest.mark.parametrize(
    ("asks", "error", "message"),
    [
        (lambda a: np.full((a.runs, 2, 6), 5, np.uint8), nk.InvalidArchitecture, "gene 0 is 5, not one of 0 ... 4"),
        (lambda a: np.full((a.runs, 2, 6), 255, np.uint8), nk.InvalidArchitecture, "row 0"),
        (lambda a: np.full((a.runs, 2, 6), 0.5), nk.InvalidArchitecture, "gene 0 is 0.5"),
        (lambda a: np.full((a.runs, 2, 6), -1), nk.InvalidArchitecture, "gene 0 is -1"),
        (lambda a: np.zeros((a.runs, 2, 5), np.uint8), ValueError, r"the shape \(3, 2, 5\)"),
        (lambda a: np.zeros((a.runs + 1, 2, 6), np.uint8), ValueError, r"shape \(3, n, 6\)"),
        (lambda a: np.zeros((a.runs, 0, 6), np.uint8), ValueError, "n of at least 1"),
        (lambda a: np.zeros((a.runs, 6), np.uint8), ValueError, r"the shape \(3, 6\)"),
    ],
)
def test_what_a_users_algorithm_asks_is_checked(bench, asks, error, message):
    algorithm = type("Mine", (Asking,), {"asks": staticmethod(asks)})()
    with pytest.raises(error, match=message) as caught:
        nk.search(bench.problem("valid_accuracy"), algorithm, runs=3, evaluations=10)
    assert "Mine.ask()" in str(caught.value)


def test_a_function_cannot_write_to_what_it_is_given(bench):
    def function(X):
        X[:] = 0
        return X.sum(axis=1)

    with pytest.raises(ValueError, match="read-only"):
        nk.search(nk.FunctionProblem(function, bench.space), nk.RandomSearch(), evaluations=10)


def test_a_total_failure_has_no_best(bench):
    result = nk.search(nk.FunctionProblem(lambda X: np.full(len(X), np.nan), bench.space), nk.RandomSearch(), runs=3)
    assert np.isnan(result.best("f")).all()


def test_a_result_knows_the_store_that_it_is_of(tmp_path):
    from ..conftest import made_up_table

    paths = {}
    for number in (0, 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        paths[number] = write_store(folder / "t.h5", made_up_table("nas-bench-macro", seed=number))
    result = nk.search(nk.open(paths[0]).problem("valid_accuracy"), nk.RandomSearch(), runs=2, evaluations=20)
    saved = result.save(tmp_path / "r.h5")
    assert (nk.load_result(saved).best("test_accuracy") == result.best("test_accuracy")).all()
    paths[0].write_bytes(paths[1].read_bytes())
    with pytest.raises(nk.StoreError, match="is not the store that was searched"):
        nk.load_result(saved).best("test_accuracy")


# -------------------------------------------------------------------- what would never end, or not fit


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"simulated_seconds": float("inf")}, "simulated_seconds must be finite"),
        ({"simulated_seconds": float("nan")}, "simulated_seconds must be above 0"),
        ({"runs": 2**70}, r"needs .* GiB for traces of 1,180,591,620,717,411,303,424 runs"),
        (
            {"algorithm": nk.NSGA2(population_size=10**10)},
            "needs .* GiB for 1 runs at once with 10,000,000,000 genotypes",
        ),
        ({"evaluations": 10**9, "record": True, "runs": 1000}, "kept by record=True"),
        ({"seed": -1}, "seed must be a non-negative integer"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_arithmetic(bench, arguments, message):
    objectives = ["valid_accuracy", "params"]
    call = {"problem": bench.problem(objectives), "algorithm": nk.RandomSearch(), **arguments}
    with pytest.raises(ValueError, match=message):
        nk.search(**call)


def test_a_function_that_says_negative_seconds(bench):
    problem = nk.FunctionProblem(lambda X: X.sum(axis=1), bench.space, seconds=lambda X: np.full(len(X), -1.0))
    for budget in ({"simulated_seconds": 10}, {"evaluations": 10}):
        with pytest.raises(ValueError, match="negative or infinite"):
            nk.search(problem, nk.RandomSearch(), **budget)


def test_a_problem_cannot_write_to_what_it_is_given():
    class Writing(nk.Problem):
        space, objectives, bounds = nk.space("nb201"), ("f",), None

        def evaluate(self, X, epochs=None, draws=None):
            X[:] = 0
            return Evaluation(X[:, :1].astype(float), np.zeros(len(X)))

    with pytest.raises(ValueError, match="read-only"):
        nk.search(Writing(), nk.RandomSearch(), evaluations=10)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (lambda X: X.sum(axis=1) * 1j, "returned complex128, not real numbers"),
        (lambda X: [None] * len(X), "returned object, not real numbers"),
        (lambda X: ["1"] * len(X), "not real numbers"),
        (lambda X: np.full(len(X), -np.inf), "returned -inf"),
    ],
)
def test_what_a_function_returns_is_real(bench, values, message):
    with pytest.raises(ValueError, match=message):
        nk.search(nk.FunctionProblem(values, bench.space), nk.RandomSearch(), evaluations=10)


def _dies(X):
    if X[0, 0] == 4:
        os._exit(9)
    return X.sum(axis=1)


@pytest.mark.slow
def test_a_lost_worker_leaves_the_runs_that_were_done(bench):
    problem = nk.FunctionProblem(_dies, bench.space)
    message = r"was killed.*(\d+ of 200 runs are done|no run was done)"
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    with pool, pytest.raises(LostWorker, match=message) as caught:
        nk.search(problem, nk.RandomSearch(), runs=200, evaluations=3, executor=pool)
    alone = nk.search(
        nk.FunctionProblem(lambda X: X.sum(axis=1), bench.space), nk.RandomSearch(), runs=200, evaluations=3
    )
    done = caught.value.result
    if done is not None:
        assert (done.incumbents == alone.incumbents[: done.runs]).all()


@pytest.mark.parametrize(
    "algorithm", [nk.RandomSearch(), nk.RegularizedEvolution(), nk.LocalSearch(), nk.GOMEA()], ids=str
)
def test_a_space_whose_genotypes_have_no_64_bit_number(algorithm):
    space = Chain(60, ["a", "b", "c", "d"], name="huge-chain")
    asked = []
    problem = nk.FunctionProblem(lambda X: [asked.append(X.copy()), (X != 1).sum(axis=1)][1], space)
    result = nk.search(problem, algorithm, runs=2, evaluations=200)
    for run in range(2):
        X = np.concatenate([batch.reshape(2, -1, 60)[run] for batch in asked])[:200]
        assert result.unique_networks[run] == len(np.unique(space.canonical(X), axis=0))


def test_the_index_of_a_network_is_computed_once(tmp_path, monkeypatch):
    """Evaluating looks it up to find the record; recording takes it from there."""
    space = nk.space("nb101")
    X = space.representatives(np.arange(200))
    values = np.linspace(60, 95, 200)
    path = write_store(tmp_path / "t.h5", Table(space, X, {"cifar10": {"valid_accuracy": MetricColumn(values)}}))
    problem = nk.open(path).problem("valid_accuracy", missing="skip")
    first = nk.search(problem, nk.RandomSearch(), runs=3, evaluations=40, seed=0)
    asked = []
    real = type(space).network_index
    monkeypatch.setattr(type(space), "network_index", lambda self, rows: (asked.append(len(rows)), real(self, rows))[1])
    again = nk.search(problem, nk.RandomSearch(), runs=3, evaluations=40, seed=0)
    assert again == first
    assert sum(asked) == 3 * 40
