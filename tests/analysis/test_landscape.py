"""Local maxima and the correlation with the distance to the optimum, beside plain loops."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.analysis import landscape
from nasbench_kit.analysis.landscape import fitness_distance_correlation, strict_local_maxima


def plain_maxima(space, X, values):
    """The definition, genotype by genotype."""
    known = {tuple(x): v for x, v in zip(X.tolist(), values.tolist(), strict=True)}
    found = []
    for x, value in zip(X, values, strict=True):
        neighbours = [known.get(tuple(y), np.nan) for y in space.neighbours(x).tolist()]
        found.append(not np.isnan(value) and all(not v >= value for v in neighbours))
    return np.array(found)


@pytest.mark.parametrize("name", ["nb201", "nas-bench-macro", "nb101"])
@pytest.mark.parametrize("block", [landscape.BLOCK, 1])
def test_maxima_are_those_of_the_definition(name, block, monkeypatch):
    monkeypatch.setattr(landscape, "BLOCK", block)
    space, rng = nk.space(name), np.random.default_rng(0)
    first = space.sample(20, 1)
    X = np.unique(np.concatenate([first, *[space.neighbours(x)[:20] for x in first]]), axis=0)
    values = rng.integers(0, 12, len(X)).astype(float)  # with ties
    values[::9] = np.nan
    found = strict_local_maxima(space, X, values)
    assert (found == plain_maxima(space, X, values)).all()
    assert 0 < found.sum() < len(X)


def test_equally_good_neighbours_are_no_strict_maxima():
    space = nk.space("nas-bench-macro")
    X = space.all()
    assert not strict_local_maxima(space, X, np.ones(len(X))).any()
    assert strict_local_maxima(space, X[:1], [0.0]).all()


def test_maxima_need_distinct_genotypes_and_a_value_for_each():
    space = nk.space("nb201")
    x = space.sample(1, 0)
    with pytest.raises(ValueError, match="distinct"):
        strict_local_maxima(space, np.repeat(x, 2, axis=0), [1, 2])
    with pytest.raises(ValueError, match=r"one value per genotype, \(1,\), not \(2,\)"):
        strict_local_maxima(space, x, [1, 2])
    with pytest.raises(ValueError, match="no genotype has a value"):
        strict_local_maxima(space, x, [np.nan])
    with pytest.raises(nk.InvalidArchitecture):
        strict_local_maxima(space, [[9] * 6], [1])


def test_correlation_with_the_distance():
    space, rng = nk.space("nb201"), np.random.default_rng(0)
    X = space.all()
    distance = (X[77] != X).sum(axis=1)
    assert fitness_distance_correlation(X, -2.0 * distance) == -1
    values = rng.normal(0, 1, len(X))
    values[77], values[5] = 10, np.nan
    known = ~np.isnan(values)
    expected = np.corrcoef(values[known], distance[known])[0, 1]
    assert fitness_distance_correlation(X, values) == pytest.approx(expected, abs=1e-12)
    assert fitness_distance_correlation(X, values, X[77]) == fitness_distance_correlation(X, values)
    assert np.isnan(fitness_distance_correlation(X, np.ones(len(X)), X[0]))


def test_an_optimum_that_is_not_unique_must_be_named():
    X = [[0, 0], [0, 1], [1, 1]]
    with pytest.raises(ValueError, match="2 genotypes have the highest value, 3: give the optimum"):
        fitness_distance_correlation(X, [3, 1, 3])
    assert fitness_distance_correlation(X, [3, 1, 3], [0, 1]) == 1
    with pytest.raises(ValueError, match="one genotype of 2 genes"):
        fitness_distance_correlation(X, [3, 1, 2], [0, 1, 1])
