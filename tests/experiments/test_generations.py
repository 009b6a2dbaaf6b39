"""The log of a search, beside everything that the search evaluated."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pandas as pd
import pytest

import nasbench_kit as nk
from nasbench_kit.experiments.generation_log import GenerationLog
from nasbench_kit.experiments.generations import Generations
from nasbench_kit.experiments.merging import merge
from nasbench_kit.metrics.indicators import nondominated
from nasbench_kit.store.record import read_record, write_record

SINGLE = {
    "random": nk.RandomSearch(),
    "evolution": nk.RegularizedEvolution(population_size=20),
    "genetic": nk.GeneticAlgorithm(population_size=14),
    "gomea": nk.GOMEA(),
    "local": nk.LocalSearch(),
}
SEVERAL = {"nsga2": nk.NSGA2(population_size=20), "moead": nk.MOEAD(population_size=20), "mogomea": nk.MOGOMEA()}
SPACE = nk.space("nb201")


class Watched:
    """A problem on NAS-Bench-201 with made-up values that remembers what it was asked, run by run."""

    def __init__(self, objectives: int, runs: int):
        self.asked: list[tuple[np.ndarray, np.ndarray]] = []
        weights = np.random.default_rng(0).random((5**6, objectives)) * 100
        self.runs = runs

        def values(X):
            F = weights[SPACE.small_number(X)]
            self.asked.append((X.reshape(runs, -1, SPACE.genes).copy(), F.reshape(runs, -1, objectives)))
            return F

        self.problem = nk.FunctionProblem(values, SPACE, [f"f{i}" for i in range(objectives)])

    def evaluated(self, run):
        return tuple(np.concatenate([part[i][run] for part in self.asked]) for i in (0, 1))


@pytest.fixture
def populations(monkeypatch):
    """Every population as it was when its generation ended."""
    seen, own = [], GenerationLog.generation

    def watched(self, evaluations, X, F):
        seen.append((X.copy(), F.copy()))
        own(self, evaluations, X, F)

    monkeypatch.setattr(GenerationLog, "generation", watched)
    return seen


@pytest.mark.parametrize("name", [*SINGLE, *SEVERAL])
def test_the_log_is_what_happened(name, populations):
    several = name in SEVERAL
    watched = Watched(2 if several else 1, runs=3)
    settings = {"runs": 3, "evaluations": 130, "seed": 4}
    result = nk.search(watched.problem, (SINGLE | SEVERAL)[name], **settings, record=True)
    log = result.generations
    evaluated = [watched.evaluated(run) for run in range(3)]
    assert len(log) == len(populations) > 1
    for g in [*range(0, len(log), 7), len(log) - 1]:
        X, F = log.best(g)
        for run in range(3):
            for found, expected in zip(log.population(g, run), populations[g], strict=True):
                assert (found == expected[run]).all()
            count = log.evaluations[g, run]
            all_X, all_F = (part[:count] for part in evaluated[run])
            if several:
                expected = all_F[nondominated(all_F, np.zeros(count, dtype=np.int64))]
            else:
                expected = all_F[[all_F[:, 0].argmin()]]
            front_X, front_F = log.front(g, run)
            assert (np.sort(front_F, axis=0) == np.sort(expected, axis=0)).all()
            assert (SPACE.small_number(front_X)[:, None] == SPACE.small_number(all_X)).any(axis=1).all()
            assert F[run, 0] == all_F[:, 0].min()
    for run, (X, _) in enumerate(evaluated):  # members name the evaluation that found them
        mine = log.front_run == run
        assert (X[log.front_entered[mine] - 1] == log.front_X[mine]).all()
    plain = nk.search(watched.problem, (SINGLE | SEVERAL)[name], **settings)
    assert plain.generations is None
    assert dataclasses.replace(result, generations=None) == plain


def test_steady_states_need_a_row_per_evaluation():
    result = nk.search(Watched(1, 2).problem, SINGLE["evolution"], runs=2, evaluations=500, record=True)
    log = result.generations
    assert len(log) == 481
    assert log.sizes[-1].tolist() == [20, 20]
    assert len(log.change_X) <= 2 * 500


def test_runs_are_the_same_alone_together_and_on_workers():
    """Also those that end before others do, of which nothing later is kept."""
    table = np.random.default_rng(0).random(5**6)
    problem = nk.FunctionProblem(lambda X: table[SPACE.small_number(X)], SPACE)
    settings = {"evaluations": 600, "target": 0.02, "seed": 1, "record": True}
    algorithm = nk.GeneticAlgorithm(population_size=10)
    together = nk.search(problem, algorithm, runs=20, **settings)
    log = together.generations
    assert len(set(log.ended.tolist())) > 5
    with ThreadPoolExecutor(2) as pool:
        assert nk.search(problem, algorithm, runs=20, executor=pool, **settings) == together
    frame = log.frame()
    alone = nk.search(problem, algorithm, runs=1, **settings).generations
    pd.testing.assert_frame_equal(alone.frame(), frame[frame.run == 0], check_dtype=False)
    pd.testing.assert_frame_equal(alone.populations(0), log.populations(0))
    last = frame.groupby("run").last()
    assert (last.evaluations.to_numpy() == together.evaluations).all()
    assert (last.f.to_numpy() == together.incumbent_values).all()


def test_frames(bench, tmp_path):
    problem = bench.problem(["valid_accuracy", "params"], seed="mean")
    result = nk.search(problem, SEVERAL["nsga2"], runs=2, evaluations=100, record=True)
    log = nk.load_result(result.save(tmp_path / "result.h5")).generations
    frame = log.frame()
    assert frame.columns.tolist() == ["run", "generation", "evaluations", "members", "front", *problem.objectives]
    assert frame.evaluations.tolist() == [20, 40, 60, 80, 100] * 2
    X, F = log.front(4, 1)
    row = frame.iloc[-1]
    assert (row.front, row.valid_accuracy, row.params) == (len(X), 100 - F[:, 0].min(), F[:, 1].min())
    members = log.populations(1)
    assert len(members) == 100
    encoded = bench.space.encode(members.architecture)
    assert (members[list(problem.objectives)] == bench.query(encoded, list(problem.objectives))).all(axis=None)
    fronts = log.fronts(0)
    assert (fronts.groupby("generation").size() == frame[frame.run == 0].front.to_numpy()).all()
    for call in (lambda: log.population(5, 0), lambda: log.front(0, 2)):
        with pytest.raises(IndexError, match="must be one of 0 ... "):
            call()


def test_partly_trained_networks_are_no_incumbents(tmp_path):
    problem = nk.open("nb201-digits").problem("valid_accuracy")
    result = nk.search(problem, nk.SuccessiveHalving(), runs=2, evaluations=60, record=True)
    log = result.generations
    assert (log.best(len(log) - 1)[1][:, 0] >= result.incumbent_values).all()
    assert np.isnan(log.frame()["valid_accuracy"].iloc[0])
    assert log.frame()["front"].iloc[0] == 0
    assert nk.load_result(result.save(tmp_path / "r.h5")) == result


def test_a_comparison_keeps_the_logs(bench, tmp_path):
    problem = bench.problem("valid_accuracy")
    found = nk.compare(problem, [SINGLE["genetic"], nk.RandomSearch()], runs=2, evaluations=60, record=True)
    loaded = nk.load_comparison(found.save(tmp_path / "c.h5"))
    for name, result in found.results.items():
        assert loaded.results[name].generations.frame().equals(result.generations.frame())


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("change_run", lambda a: a + 5),
        ("change_member", lambda a: a + 50),
        ("change_generation", lambda a: a[::-1].copy()),
        ("change_X", lambda a: a + 9),
        ("change_F", lambda a: a[:-1]),
        ("front_left", lambda a: -a.astype(np.int64)),
        ("front_entered", lambda a: a.astype(float)),
        ("evaluations", lambda a: a[::-1].copy()),
        ("sizes", lambda a: a[:1]),
        ("sizes", lambda a: a + np.uint64(2**60)),
    ],
)
def test_logs_that_do_not_fit_together_are_refused(bench, tmp_path, name, change):
    problem = bench.problem("valid_accuracy")
    result = nk.search(problem, SINGLE["genetic"], runs=2, evaluations=60, record=True)
    path = result.save(tmp_path / "r.h5")
    attributes, arrays = read_record(path, "result", "nasbench-kit result", (2, 4))
    arrays[f"generations/{name}"] = change(arrays[f"generations/{name}"])
    write_record(path, attributes, arrays)
    with pytest.raises(nk.StoreError, match="damaged result"):
        nk.load_result(path)


def test_logs_of_older_versions_are_left_out(bench, tmp_path):
    result = nk.search(bench.problem("valid_accuracy"), SINGLE["genetic"], runs=2, evaluations=60)
    path = result.save(tmp_path / "r.h5")
    attributes, arrays = read_record(path, "result", "nasbench-kit result", (2, 4))
    write_record(path, attributes, arrays | {"generations/0/population": np.zeros((2, 3, 6), dtype=np.uint8)})
    with pytest.warns(UserWarning, match="older version"):
        assert nk.load_result(path) == result


def test_files_use_small_numbers(bench, tmp_path):
    result = nk.search(bench.problem("valid_accuracy"), SINGLE["genetic"], runs=2, evaluations=60, record=True)
    with h5py.File(result.save(tmp_path / "r.h5")) as file:
        assert file["generations/change_run"].dtype == np.uint8
    assert Generations.joined([]) is None


def test_logs_of_a_divided_search_are_merged():
    table = np.random.default_rng(0).random(5**6)
    problem = nk.FunctionProblem(lambda X: table[SPACE.small_number(X)], SPACE)
    settings = {"evaluations": 300, "target": 0.02, "seed": 1, "record": True}
    parts = [nk.search(problem, SINGLE["genetic"], runs=3, first_run=first, **settings) for first in (3, 0)]
    assert merge(parts) == nk.search(problem, SINGLE["genetic"], runs=6, **settings)
