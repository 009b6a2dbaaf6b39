"""NSGA-Net's settings: no duplicates, fewer children than members, and children from a Bayesian network."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.algorithms.chain_model import sample_chain
from nasbench_kit.algorithms.operators.duplicates import first_different
from nasbench_kit.algorithms.streams import Streams


@pytest.mark.parametrize("policy", ["genotype", "network"])
def test_no_child_is_a_duplicate(policy):
    space = nk.space("nb201")
    problem = nk.open("nb201-digits").problem(["valid_accuracy", "params"])
    algorithm = nk.NSGA2(population_size=20, duplicates=policy).start(space, runs=5, seed=1, objectives=2)
    seen_isomorphic = 0
    for generation in range(15):
        X = algorithm.ask()
        known = algorithm.population[0] if generation else X[:, :0]
        for run in range(5):
            both = np.concatenate([known[run], X[run]])
            if generation:
                assert len(np.unique(X[run], axis=0)) == 20
                identity = both if policy == "genotype" else space.canonical(both)
                new = len(np.unique(identity, axis=0)) - len(np.unique(identity[:20], axis=0))
                assert new == 20
                canonical = space.canonical(both)
                fresh = len(np.unique(canonical, axis=0)) - len(np.unique(canonical[:20], axis=0))
                seen_isomorphic += 20 - fresh
        algorithm.tell(problem(X.reshape(-1, 6)).reshape(5, 20, 2))
    assert (seen_isomorphic > 0) == (policy == "genotype")


def test_the_first_different_ones_are_taken():
    space = nk.space("nas-bench-macro")
    rows = np.zeros((1, 6, 8), dtype=np.uint8)
    rows[0, :, 0] = [1, 0, 1, 2, 2, 0]
    known = np.zeros((1, 1, 8), dtype=np.uint8)
    assert first_different(rows, 2, known, space, "genotype")[0, :, 0].tolist() == [1, 2]
    assert first_different(rows, 4, known, space, "genotype")[0, :, 0].tolist() == [1, 2, 0, 1]  # no others are left


def test_the_chain_has_the_frequencies_of_its_members():
    X = np.array([[[0, 0, 0], [0, 1, 1], [1, 1, 0], [1, 1, 0]]], dtype=np.uint8)
    drawn = sample_chain(X, [(0,), (1,), (2,)], 40_000, Streams(0, 1))[0]
    rows, count = np.unique(drawn, axis=0, return_counts=True)
    share = {tuple(row): n / 40_000 for row, n in zip(rows.tolist(), count, strict=True)}
    # p(a) p(b | a) p(c | b), where c is 1 in one of the three members whose b is 1
    expected = {
        (0, 0, 0): 1 / 4,
        (0, 1, 0): 1 / 6,
        (0, 1, 1): 1 / 12,
        (1, 1, 0): 1 / 3,
        (1, 1, 1): 1 / 6,
    }
    assert share.keys() == expected.keys()
    for row, value in expected.items():
        assert share[row] == pytest.approx(value, abs=0.015)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "space_name"), [("macro", "nsga-net-macro"), ("micro", "nsga-net-micro")])
def test_nsga_net_searches_its_spaces(kind, space_name):
    space = nk.space(space_name)
    algorithm = nk.NSGA2.nsga_net(kind)

    def error_and_size(X):
        return np.stack([(X[:, ::2] != 1).sum(axis=1), X.sum(axis=1)], axis=1).astype(float)

    bounds = [[0, 0], [space.genes, 9 * space.genes]]
    problem = nk.FunctionProblem(error_and_size, space, ["error", "size"], bounds=bounds)
    result = nk.search(problem, algorithm, runs=3, generations=30, seed=0)
    children = 40 if kind == "macro" else 20
    assert (result.evaluations == 40 + 29 * children).all()
    baseline = nk.search(problem, nk.RandomSearch(), runs=3, evaluations=int(result.evaluations[0]), seed=0)
    assert result.hypervolume().min() > baseline.hypervolume().max()
    again = nk.search(problem, algorithm, runs=1, generations=30, seed=0)
    assert np.array_equal(again.archive(0)[1], result.archive(0)[1])


def test_wrong_settings():
    for wrong, message in (
        ({"offspring": 3}, "offspring must be even"),
        ({"offspring": 200}, "offspring must be from 2 to population_size"),
        ({"exploit_from": 0}, "exploit_from"),
    ):
        with pytest.raises(ValueError, match=message):
            nk.NSGA2(**wrong)
    with pytest.raises(nk.UnknownName, match="duplicates"):
        nk.NSGA2(duplicates="networks")
    with pytest.raises(nk.UnknownName, match="macro"):
        nk.NSGA2.nsga_net("makro")
