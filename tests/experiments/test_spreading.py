"""Searches over several processes: the same bits, whoever runs what, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.errors import LostWorker
from nasbench_kit.experiments import search as searching
from nasbench_kit.experiments import spreading
from nasbench_kit.experiments import workers as processes
from nasbench_kit.experiments.pieces import Whole
from nasbench_kit.experiments.workers import number_of_workers
from nasbench_kit.kernels import compiling, worker_pool
from nasbench_kit.spaces import Chain
from nasbench_kit.store import MetricColumn, Table, write_store

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="searches stay in one process"),
    pytest.mark.xdist_group("pool"),
]


@pytest.fixture(scope="module")
def _warm():
    """Two workers that are ready."""
    with worker_pool.claimed_pool() as start:
        pool = start(2, [searching.__name__], False)
        while not worker_pool.pool_is_warm():
            assert pool.workers, "workers do not start"
            pool.news(None)
    yield
    worker_pool._end_pool()


@pytest.fixture
def given(_warm, monkeypatch):
    """Workers get whatever they can; the numbers of the jobs that they were given."""
    monkeypatch.setattr(spreading, "WARM", 0.0)
    monkeypatch.setattr(searching, "TOGETHER", 16)  # 16 runs a piece
    jobs, give = [], worker_pool.PoolWorker.give

    def watched(self, number, *arguments):
        jobs.append(number)
        give(self, number, *arguments)

    monkeypatch.setattr(worker_pool.PoolWorker, "give", watched)
    return jobs


@pytest.mark.parametrize(
    ("objectives", "algorithm"),
    [("valid_accuracy", nk.RegularizedEvolution()), (["valid_accuracy", "params"], nk.NSGA2(population_size=10))],
)
def test_the_same_bits_for_any_number_of_workers(given, objectives, algorithm):
    problem = nk.open("nb201-digits").problem(objectives)
    options = {"runs": 100, "first_run": 7, "evaluations": 60, "seed": 3, "record": True}
    alone = nk.search(problem, algorithm, workers=1, **options)
    assert not given
    for workers in (2, 3):
        shares = []
        result = nk.search(problem, algorithm, workers=workers, progress=shares.append, **options)
        assert result == alone
        assert result.benchmark is problem.bench
        assert result.space is problem.space
        assert shares == sorted(shares)
        assert shares[-1] == 1
        assert given
        given.clear()


def test_a_comparison_shares_its_workers(given):
    problem = nk.open("nb201-digits").problem("valid_accuracy", epochs=4)
    algorithms = [nk.RandomSearch(), nk.RegularizedEvolution(), nk.LocalSearch()]
    alone, spread = (nk.compare(problem, algorithms, runs=40, evaluations=50, workers=n) for n in (1, 2))
    assert given
    assert spread.results == alone.results
    assert len(worker_pool._pool.workers[0]._held) <= 2


def test_a_space_of_the_program(given, tmp_path):
    space = nk.register_space(Chain(4, ["a", "b", "c"], name="of-this-test"))
    rows = space.all()
    column = MetricColumn(np.random.default_rng(0).random(len(rows)) * 100)
    table = Table(space, rows, {"made-up": {"valid_accuracy": column}})
    problem = nk.open(write_store(tmp_path / "own.h5", table)).problem("valid_accuracy")
    options = {"runs": 50, "evaluations": 30, "initial": rows[:3], "target": 90.0}
    alone = nk.search(problem, nk.GeneticAlgorithm(population_size=5), workers=1, **options)
    assert nk.search(problem, nk.GeneticAlgorithm(population_size=5), workers=3, **options) == alone
    assert given


def test_pieces_that_take_long_are_begun_again_in_parts(given, monkeypatch):
    problem = nk.open("nb201-digits").problem("valid_accuracy")
    monkeypatch.setattr(searching, "TOGETHER", 10_000)
    monkeypatch.setattr(spreading, "LONG", 0.0)
    monkeypatch.setattr(worker_pool, "BEGINNING", 0.0)
    clock = iter(np.arange(10_000) * 0.2)  # so that every round reports
    monkeypatch.setattr(searching.time, "perf_counter", lambda: next(clock))
    alone = nk.search(problem, nk.BOHB(), runs=7, evaluations=60, workers=1)
    assert nk.search(problem, nk.BOHB(), runs=7, evaluations=60, workers=2) == alone
    assert given


def test_how_pieces_are_divided(monkeypatch):
    monkeypatch.setattr(compiling, "enabled", lambda: False)

    def parts(rounds, seconds, runs=500, count=2):
        whole = Whole(0, runs, 1024, rounds, 0, lambda first, number: None, None, lambda problem: [], count, True)
        state = spreading._Spreading(print, [whole], count, None, own_code=False, progress=[None])
        return state._parts(state.waiting[0], seconds)

    assert parts(rounds=50, seconds=30) == 16  # long rounds lose nothing, and small pieces end together
    assert parts(rounds=10_000, seconds=10) == 2  # rounds of a millisecond cost a third of it, whatever the runs
    assert parts(rounds=10_000, seconds=14, count=64) == 4
    assert parts(rounds=50, seconds=30, runs=3) == 3
    assert parts(rounds=np.inf, seconds=30) == 2


@pytest.mark.parametrize(("sent", "runs"), [(None, 100), ((b"", b"", []), 50)])
def test_only_what_others_can_do_is_divided(sent, runs):
    whole = Whole(0, 100, 1024, 2000, 0, lambda first, number: None, None, lambda problem: [], 2, True)
    state = spreading._Spreading(print, [whole], 2, None, own_code=False, progress=[None])
    state.pool = SimpleNamespace(workers=[SimpleNamespace(ready=True, jobs=[])])
    state.states[0].seconds_per_run = 0.1
    state.states[0].sent = sent
    assert state._next(state.waiting).runs == runs
    assert sum(piece.runs for piece in state.waiting) == 100 - runs


def test_nothing_is_pickled_for_a_small_search(monkeypatch):
    calls = []
    monkeypatch.setattr(spreading, "pickled", lambda *arguments: calls.append(arguments))
    nk.search(nk.open("nb201-digits").problem("valid_accuracy"), nk.RandomSearch(), runs=3, evaluations=5, workers=2)
    assert not calls


def test_what_cannot_be_sent_stays_here(given):
    ones = nk.FunctionProblem(lambda X: (X != 1).sum(axis=1), nk.space("nb201"))
    alone, spread = (nk.search(ones, nk.RandomSearch(), runs=40, evaluations=20, workers=n) for n in (1, 2))
    assert spread == alone
    assert not given


def test_by_default_functions_stay_here(given, monkeypatch):
    monkeypatch.setenv(worker_pool.WORKERS, "3")
    problem = nk.FunctionProblem(np.sum, nk.space("nb201"))
    problem.function = _sum
    nk.search(problem, nk.RandomSearch(), runs=40, evaluations=20)
    assert not given
    nk.search(nk.open("nb201-digits").problem("valid_accuracy"), nk.RandomSearch(), runs=40, evaluations=20)
    assert given


def _sum(X):
    return X.sum(axis=1)


def _workers_within(X):
    """Of a search within a worker: how many it has."""
    return np.full(len(X), number_of_workers(4 if worker_pool.serving else 1))


def _kills_workers(X):
    if worker_pool.serving:
        os._exit(9)
    return X.sum(axis=1)


def _fails(X):
    raise RuntimeError("no")


def _slowly(X):
    time.sleep(0.02)  # until workers with a user's own code, which are started for it, are ready
    return np.ones(len(X))


@pytest.mark.slow
def test_a_killed_worker(given):
    problem = nk.FunctionProblem(_kills_workers, nk.space("nb201"), seconds=_slowly)
    with pytest.raises(LostWorker, match=r"(\d+ of 4000 runs are done|no run was done)") as caught:
        nk.search(problem, nk.RandomSearch(), runs=4000, evaluations=100, workers=2)
    assert caught.value.result is None or caught.value.result.runs < 4000
    assert worker_pool._pool is None


@pytest.mark.slow
def test_workers_have_no_workers_and_an_error_ends_the_search(given):
    problem = nk.FunctionProblem(_workers_within, nk.space("nb201"), seconds=_slowly)
    result = nk.search(problem, nk.RandomSearch(), runs=2000, evaluations=50, workers=2)
    assert set(result.incumbent_values) == {1}
    assert given
    assert worker_pool._pool is None  # by then, the user's code may be another
    with pytest.raises(RuntimeError, match="no"):
        nk.search(nk.FunctionProblem(_fails, nk.space("nb201")), nk.RandomSearch(), runs=40, workers=2)


def test_where_there_is_one_process(monkeypatch):
    monkeypatch.delenv(worker_pool.WORKERS, raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.setattr(processes, "usable_cores", lambda: 5)
    assert number_of_workers(None) == 5
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    assert number_of_workers(None) == 1
    assert number_of_workers(3) == 3
    monkeypatch.setenv(worker_pool.WORKERS, "2")
    assert number_of_workers(None) == 2
    monkeypatch.setattr(worker_pool, "serving", True)
    assert number_of_workers(None) == number_of_workers(3) == 1
    monkeypatch.setattr(worker_pool, "serving", False)
    monkeypatch.setenv(worker_pool.WORKERS, "many")
    with pytest.raises(ValueError, match="NASBENCH_KIT_WORKERS must be a whole number of at least 1, not 'many'"):
        number_of_workers(None)
    with pytest.raises(ValueError, match="workers must be at least 1, not 0"):
        number_of_workers(0)


def test_workers_or_an_executor(bench):
    with pytest.raises(ValueError, match="workers= or executor=, not both"):
        nk.search(bench.problem("valid_accuracy"), nk.RandomSearch(), workers=2, executor=object())


SCRIPT = """
    import nasbench_kit as nk
    from nasbench_kit.experiments import spreading
    from nasbench_kit.kernels import compiling, worker_pool

    print("script", flush=True)  # by workers, too, if they ran it
    spreading.COLD = spreading.LONG = 0

    class Own(nk.RandomSearch):
        pass

    problem = nk.open("nb201-digits").problem("valid_accuracy")
    own, kit = nk.compare(problem, [Own(), nk.BOHB()], runs=40, evaluations=400, workers=2).results.values()
    bananas = nk.BANANAS()
    print(own.runs, kit.runs, worker_pool._pool is not None, flush=True)
    nk.search(problem, bananas, runs=5000)
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_script_without_a_guard_that_is_ended(tmp_path, how):
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "script.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert [process.stdout.readline() for _ in range(2)] == ["script\n", "40 40 True\n"]
    process.send_signal(how)
    # standard error is at its end when the last worker, which has inherited it, is gone
    rest, errors = process.communicate(timeout=20)
    assert not rest
    assert errors.count("Traceback") == (how == signal.SIGINT)
    assert process.returncode == -how
