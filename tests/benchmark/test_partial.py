"""Searching a table that covers a small part of its space: only stored architectures are drawn, evaluated and recorded."""

from __future__ import annotations

import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.algorithms import ALGORITHMS
from nasbench_kit.cli.main import main
from nasbench_kit.kernels.agreement import Agreement
from nasbench_kit.spaces import Chain
from nasbench_kit.store import MetricColumn, Table, write_store

SPACE = nk.register_space(Chain(8, "abI", identity="I", spans=[(0, 4)], name="partial-chain"))
STORED = 20  # of 6,561 genotypes and 2,511 networks
SINGLE = [name for name, cls in ALGORITHMS.items() if cls.single_objective]
SEVERAL = [name for name, cls in ALGORITHMS.items() if cls.many_objectives]


def rows():
    X = SPACE.canonical(SPACE.sample(200, 5))
    return np.unique(X, axis=0)[::5][:STORED]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Accuracies of one training, at two budgets; the first two rows lack one at the larger budget, or the size."""
    X, rng = rows(), np.random.default_rng(0)
    accuracy = rng.uniform(50, 90, (len(X), 2)) + np.array([0, 10])
    size = rng.uniform(1, 9, len(X))
    accuracy[0, 1], size[1] = np.nan, np.nan
    metrics = {
        "valid_accuracy": MetricColumn(accuracy, (4, 12)),
        "training_time": MetricColumn(np.full((len(X), 2), [4.0, 12.0]), (4, 12)),
        "latency_phone": MetricColumn(size),
    }
    table = Table(SPACE, X, {"cifar10": metrics}, {"source": "made up"})
    return nk.open(write_store(tmp_path_factory.mktemp("partial") / "few.h5", table))


def is_stored(bench, X):
    return (X[:, None] == bench.architectures[None]).all(axis=2).any(axis=1)


def test_by_default_a_search_is_restricted_and_says_so(bench):
    with pytest.warns(
        nk.PartialTableWarning, match=r"few stores 19 of the 2,511 networks of partial-chain.*missing="
    ) as said:
        problem = bench.problem("valid_accuracy")
    assert len(said) == 1
    assert said[0].filename == __file__
    assert problem.missing == problem.source["missing"] == "nearest"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for missing in ("nearest", "raise", "fail", "skip"):
            assert bench.problem("valid_accuracy", missing=missing).missing == missing
        again = pickle.loads(pickle.dumps(problem))
    assert again.missing == "nearest"
    with pytest.raises(
        ValueError, match=r"use missing='fail'.*missing='nearest' \(a search of the stored networks alone\)"
    ):
        nk.search(bench.problem("valid_accuracy", missing="raise"), nk.RandomSearch(), evaluations=50)


def test_the_nearest_is_the_one_with_the_fewest_differing_genes(bench):
    problem = bench.problem(["valid_accuracy", "latency_phone"], missing="nearest")
    stored = problem.drawn_from
    assert len(stored) == len(bench) - 2  # neither of the two that lack a value
    X = SPACE.sample(2000, 1)
    found = problem.answered(X)
    known = bench.records(X)
    complete = np.isfinite(problem(bench.architectures)).all(axis=1)
    for x, answer, record in zip(X, found, known, strict=True):
        if record >= 0 and complete[record]:
            assert (answer == bench.architectures[record]).all()  # of the same network
        else:
            assert (answer == stored[(stored != x).sum(axis=1).argmin()]).all()
    evaluation = problem.evaluate(X)
    np.testing.assert_array_equal(evaluation.F, problem(found))
    assert (evaluation.seconds == 12).all()
    assert (problem.answered(stored) == stored).all()
    for missing in ("raise", "fail", "skip"):
        other = bench.problem("valid_accuracy", missing=missing)
        assert other.drawn_from is None
        assert other.answered(X) is X


def test_ties_go_to_the_first_and_blocks_do_not_matter(monkeypatch):
    generator = np.random.default_rng(3)
    cardinalities = (2, 3, 4, 2, 5)
    stored = generator.integers(0, cardinalities, (40, 5), dtype=np.uint8)
    X = generator.integers(0, cardinalities, (500, 5), dtype=np.uint8)
    expected = (X[:, None] != stored[None]).sum(axis=2).argmin(axis=1)
    assert (Agreement(stored, cardinalities).most(X) == expected).all()
    monkeypatch.setattr("nasbench_kit.kernels.agreement._BLOCK", 100)
    assert (Agreement(stored, cardinalities).most(X) == expected).all()
    assert Agreement(stored, cardinalities).most(X[:0]).shape == (0,)
    wide = generator.integers(0, 2, (3, 300), dtype=np.uint8)  # more genes than a byte counts
    assert Agreement(wide, (2,) * 300).most(wide).tolist() == [0, 1, 2]


def test_random_search_draws_the_stored_rows_uniformly(bench):
    problem = bench.problem("valid_accuracy", missing="nearest")
    result = nk.search(problem, nk.RandomSearch(), runs=20, evaluations=1000, record=True)
    log = result.generations
    drawn = np.concatenate([log.population(g, run)[0] for g in range(len(log)) for run in range(20)])
    _, counts = np.unique(drawn, axis=0, return_counts=True)
    assert len(counts) == len(bench) - 1
    expected = len(drawn) / len(counts)
    assert ((counts - expected) ** 2 / expected).sum() < 45  # chi-square with 18 degrees of freedom
    best = np.nanmax(bench.query(bench.architectures, "valid_accuracy"))
    assert (result.best("valid_accuracy") == best).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", SINGLE)
def test_incumbents_are_stored_and_have_the_values_reported(bench, name):
    problem = bench.problem("valid_accuracy", missing="nearest")
    result = nk.search(problem, ALGORITHMS[name](), runs=4, evaluations=300, seed=2, record=True)
    assert is_stored(bench, result.incumbents).all()
    np.testing.assert_array_equal(problem(result.incumbents)[:, 0], 100 - result.best("valid_accuracy"))
    assert is_stored(bench, result.generations.change_X).all()
    assert result.trace["unique_networks"].max() <= len(bench) - 1
    alone = nk.search(problem, ALGORITHMS[name](), runs=2, evaluations=300, seed=2)
    assert (alone.incumbents == result.incumbents[:2]).all()


@pytest.mark.parametrize("name", SEVERAL)
def test_archives_are_stored_and_no_better_than_the_front(bench, name):
    problem = bench.problem(["valid_accuracy", "latency_phone"], missing="nearest")
    result = nk.search(problem, ALGORITHMS[name](), runs=3, evaluations=400, seed=2)
    whole = nk.search(problem, nk.RandomSearch(), evaluations=5000).hypervolume()[0]  # has seen every row
    assert (result.hypervolume() <= whole + 1e-12).all()
    front = {tuple(x) for x in problem.front()[0].tolist()}
    for run in range(3):
        X, F = result.archive(run)
        assert is_stored(bench, X).all()
        np.testing.assert_array_equal(F, problem(X))
        assert (problem.bounds[0] <= F).all()
    X, _ = nk.search(problem, nk.RandomSearch(), evaluations=5000).archive(0)
    assert {tuple(x) for x in X.tolist()} == front


def test_in_threads_and_from_a_file_it_is_the_same(bench, tmp_path):
    problem = bench.problem(["valid_accuracy", "latency_phone"], missing="nearest")
    result = nk.search(problem, nk.NSGA2(population_size=10), runs=40, evaluations=100)
    with ThreadPoolExecutor(2) as pool:
        other = nk.search(problem, nk.NSGA2(population_size=10), runs=40, evaluations=100, executor=pool)
    assert (result.hypervolume() == other.hypervolume()).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = nk.load_result(result.save(tmp_path / "r.h5"))
        assert (read.hypervolume() == result.hypervolume()).all()
        comparison = nk.compare(problem, [nk.NSGA2(), nk.RandomSearch()], runs=4, evaluations=50)
        again = nk.load_comparison(comparison.save(tmp_path / "c"))
    assert again.table().equals(comparison.table())


def test_the_compare_command(bench, capsys):
    words = ["compare", str(bench.path), "--runs", "2", "--evaluations", "40", "--algorithms", "RandomSearch", "GOMEA"]
    words += ["--objectives", "valid_accuracy"]
    assert main(words) == 0
    assert "warning: few stores 19 of the 2,511 networks" in capsys.readouterr().err
    assert main([*words, "--missing", "nearest"]) == 0
    printed = capsys.readouterr()
    assert "warning" not in printed.err
    assert "restricted to the 19 stored architectures (--missing nearest)" in printed.out
    assert main([*words, "--missing", "raise"]) == 2
    assert "--missing in the shell" in capsys.readouterr().err


def test_a_replayed_study_is_of_stored_networks(bench):
    pytest.importorskip("optuna")
    import optuna

    from nasbench_kit.interfaces.optuna import from_optuna, to_optuna

    problem = bench.problem("valid_accuracy", missing="nearest")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(to_optuna(problem), n_trials=30)
    result = from_optuna(study, problem)
    assert is_stored(bench, result.incumbents).all()
    assert result.best("valid_accuracy")[0] == 100 - study.best_value


def test_a_table_without_a_complete_row(tmp_path):
    X = rows()
    metrics = {"valid_accuracy": MetricColumn(np.full(len(X), np.nan))}
    bench = nk.open(write_store(tmp_path / "none.h5", Table(SPACE, X, {"cifar10": metrics}, {})))
    with pytest.raises(ValueError, match="no architecture has values for all objectives"):
        bench.problem("valid_accuracy")


def test_a_table_of_more_of_its_space_raises_as_ever(tmp_path):
    X = SPACE.all()[::10]
    metrics = {"valid_accuracy": MetricColumn(np.arange(len(X)) / 10)}
    bench = nk.open(write_store(tmp_path / "more.h5", Table(SPACE, X, {"cifar10": metrics}, {})))
    assert bench.problem("valid_accuracy").missing == "raise"
