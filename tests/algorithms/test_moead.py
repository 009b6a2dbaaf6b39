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


def test_wrong_settings():
    with pytest.raises(nk.UnknownName, match="did you mean 'tchebycheff'"):
        nk.MOEAD(decomposition="tchebychef")
    with pytest.raises(ValueError, match="at least 2"):
        nk.MOEAD(neighbours=1)
