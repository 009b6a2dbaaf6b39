"""MOEA/D: weights, and a front that is known."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.algorithms.moead import weight_vectors


@pytest.mark.parametrize(
    ("n", "objectives", "expected"), [(100, 2, 100), (100, 3, 91), (10, 3, 10), (50, 4, 35), (2, 2, 2)]
)
def test_weights_are_spread_evenly(n, objectives, expected):
    weights = weight_vectors(n, objectives)
    assert weights.shape == (expected, objectives)
    assert len(np.unique(weights, axis=0)) == expected
    assert (abs(weights.sum(axis=1) - 1) < 1e-5).all()
    for objective in range(objectives):
        assert weights[:, objective].max() == 1


@pytest.mark.parametrize("decomposition", ["tchebycheff", "weighted_sum"])
@pytest.mark.slow
def test_finds_a_linear_front(decomposition):
    """Leading twos against trailing zeroes, 9 points on the front."""
    space = nk.space("nas-bench-macro")

    def distances(X):
        leading = np.cumprod(X == 2, axis=1).sum(axis=1)
        trailing = np.cumprod(X[:, ::-1] == 0, axis=1).sum(axis=1)
        return np.stack([8 - leading, 8 - trailing], axis=1)

    problem = nk.FunctionProblem(distances, space, ["leading", "trailing"], bounds=[[0, 0], [8, 8]])
    found = nk.search(
        problem, nk.MOEAD(population_size=20, neighbours=5, decomposition=decomposition), runs=5, evaluations=4000
    )
    assert np.median([len(found.archive(run)[1]) for run in range(5)]) >= (9 if decomposition == "tchebycheff" else 5)


@pytest.mark.parametrize("most", [1, 2, 5, None])
def test_a_child_replaces_no_more_members_than_it_may(most):
    """Each child here is better than all before it, for every weight vector."""
    search = nk.MOEAD(population_size=30, neighbours=10, max_replacements=most).start(
        nk.space("nb201"), runs=20, seed=2, objectives=2
    )
    search.ask()
    search.tell(np.full((20, 30, 2), 100.0))
    counts, positions = [], set()
    for step in range(1, 60):
        before = search.population[1].copy()
        search.ask()
        search.tell(np.full((20, 1, 2), 100.0 - step))
        changed = (search.population[1] != before).any(axis=2)
        counts.append(changed.sum(axis=1))
        positions |= set(np.argwhere(changed)[:, 1].tolist())
    counts = np.array(counts)
    if most is None:
        assert set(np.unique(counts)) == {10, 30}  # the neighbourhood, or the whole population
    else:
        assert (counts == most).all()
    assert positions == set(range(30))  # drawn from all of the neighbourhood


@pytest.mark.slow
def test_a_limit_to_replacements_finds_more_of_the_front():
    """Li and Zhang 2009: one good child does not take over the population."""
    problem = nk.open("nb201-digits").problem(["valid_accuracy", "params"])
    limited, whole = (
        nk.search(problem, nk.MOEAD(max_replacements=most), runs=60, evaluations=2000) for most in (2, None)
    )
    assert limited.hypervolume().mean() > whole.hypervolume().mean() + 2e-4
    assert limited.duplicates()["genotype"].mean() < whole.duplicates()["genotype"].mean() - 0.1
    assert nk.MOEAD().max_replacements == 2


def test_wrong_settings():
    with pytest.raises(ValueError, match="MOEAD: max_replacements must be at least 1, not 0"):
        nk.MOEAD(max_replacements=0)
    with pytest.raises(nk.UnknownName, match="did you mean 'tchebycheff'"):
        nk.MOEAD(decomposition="tchebychef")
    with pytest.raises(ValueError, match=r"MOEAD: neighbours must be from 2 to population_size \(100\), not 1"):
        nk.MOEAD(neighbours=1)
    with pytest.raises(
        ValueError, match="neighbours must be at most 15, the number of weight vectors for 3 objectives"
    ):
        nk.MOEAD(population_size=20).start(nk.space("nb201"), objectives=3)
