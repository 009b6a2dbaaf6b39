"""The row that agrees with a genotype in the most genes."""

from __future__ import annotations

import numpy as np
import pytest

from nasbench_kit.kernels import agreement
from nasbench_kit.kernels.agreement import Agreement


def rows_and_genotypes(genes, seed):
    """Rows in random order, with genotypes that differ from one of them in few or in many genes."""
    generator = np.random.default_rng(seed)
    cardinalities = tuple(generator.integers(2, 6, genes).tolist())
    rows = generator.integers(0, cardinalities, (90, genes), dtype=np.uint8)
    rows[40:] = rows[generator.integers(0, 40, 50)]  # ties of rows as near as each other
    rows[40:, generator.integers(0, genes, 50)] = 0
    X = rows[generator.integers(0, 90, 120)]
    changes = generator.random(X.shape) < np.linspace(0, 0.6, 120)[:, np.newaxis]
    other = generator.integers(0, cardinalities, X.shape, dtype=np.uint8)
    return rows, cardinalities, np.where(changes, other, X)


@pytest.mark.parametrize("genes", [1, 3, 8, 28, 41])
@pytest.mark.parametrize("loops", [False, True])
def test_the_first_of_those_that_agree_most(monkeypatch, genes, loops):
    rows, cardinalities, X = rows_and_genotypes(genes, genes)
    expected = (X[:, np.newaxis] == rows).sum(axis=2).argmax(axis=1)
    if loops:  # as Python
        monkeypatch.setattr(agreement, "enabled", lambda: True)
        monkeypatch.setattr(agreement, "_CHUNK", 64)
        for loop in ("_most", "_hash_all"):
            monkeypatch.setattr(agreement, loop, getattr(agreement, loop).__wrapped__)
    with np.errstate(over="ignore"):  # hashes wrap
        np.testing.assert_array_equal(Agreement(rows, cardinalities).most(X), expected)


def test_groups_are_smaller_where_there_are_many_rows(monkeypatch):
    rows, cardinalities, X = rows_and_genotypes(28, 1)
    expected = Agreement(rows, cardinalities).most(X)
    monkeypatch.setattr(agreement, "_LARGEST", 28 * 90)
    one_by_one = Agreement(rows, cardinalities)
    assert one_by_one.table.shape == (sum(cardinalities), 90)
    np.testing.assert_array_equal(one_by_one.most(X), expected)
