"""Where the records of genotypes are, by definition; and what a benchmark keeps in memory."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.benchmark import lookup, problem, queries
from nasbench_kit.benchmark.lookup import Lookup
from nasbench_kit.store import MetricColumn, Table, write_store


@pytest.mark.parametrize("few", [0, 10**9])
@pytest.mark.parametrize("bits", [0, 30, 60])
def test_records_by_definition(monkeypatch, few, bits):
    """The genotype's own record, else the first of its network; also where a network has several, or none."""
    monkeypatch.setattr(lookup, "FEW", few)

    def key(X):
        return (X[:, 0].astype(np.uint64) * np.uint64(3) + X[:, 1]) << np.uint64(bits)

    space = SimpleNamespace(size=2**60, networks=None, key=key)
    rng = np.random.default_rng(bits)
    for stored, asked in ((1, 0), (1, 50), (10, 50), (60, 200)):
        rows = np.unique(rng.integers(0, 3, (stored, 4)).astype(np.uint8), axis=0)
        X = rng.integers(0, 4, (asked, 4)).astype(np.uint8)
        keys = key(rows)
        expected = []
        for x, k in zip(X, key(X), strict=True):
            same = np.flatnonzero(keys == k)
            own = same[(rows[same] == x).all(axis=1)]
            expected.append(int([*own, *same, -1][0]))
        assert Lookup(space, rows, keys).records(X).tolist() == expected


def test_large_tables_are_read_where_they_are(tmp_path, monkeypatch):
    space = nk.space("nsga-net-micro")
    rng = np.random.default_rng(0)
    X = np.unique(space.canonical(space.sample(60, 0)), axis=0)
    values = rng.random((len(X), 2, 3))
    values[::5, 1, 2] = np.nan
    metrics = {
        "valid_accuracy": MetricColumn(values, (4, 12), (1, 2, 3)),
        "training_time": MetricColumn(values[:, :, 0], (4, 12)),
        "test_loss": MetricColumn(values[:, 0, 0].astype(np.float32)),
    }
    path = write_store(tmp_path / "table.h5", Table(space, X, {"cifar10": metrics}))
    asked = np.concatenate([X[::-1], space.sample(5, 1)])
    names, options = list(metrics), [{}, {"epochs": 4}, {"seed": 2}, {"epochs": 12, "seed": 3}]

    def answers():
        bench = nk.open(path)
        found = [bench.query(asked, name, **choice) for name in names[:2] for choice in options]
        return [*found, bench.query(asked, names)], bench

    copied, bench = answers()
    assert bench._cache
    monkeypatch.setattr(queries, "COPIED_ROWS", 0)
    direct, bench = answers()
    assert not bench._cache
    for one, other in zip(copied, direct, strict=True):
        assert np.array_equal(one, other, equal_nan=True)


def test_what_is_kept_of_a_table_is_bounded(bench, monkeypatch):
    X = bench.architectures[:10]
    expected = [bench.query(X, "valid_accuracy", epochs=epochs, seed=seed) for epochs in (4, 12) for seed in (111, 777)]
    size = max(values.nbytes for values in bench._cache.values())
    monkeypatch.setattr(queries, "KEPT_BYTES", 2 * size)
    again = nk.open(bench.path)
    for _ in range(2):
        found = [again.query(X, "valid_accuracy", epochs=epochs, seed=s) for epochs in (4, 12) for s in (111, 777)]
        assert np.array_equal(found, expected, equal_nan=True)
        assert sum(values.nbytes for values in again._cache.values()) <= 2 * size


def test_bounds_are_found_in_blocks(bench, monkeypatch):
    whole = bench.problem(["valid_accuracy", "params"]).bounds
    monkeypatch.setattr(problem, "BLOCK", 1000)
    assert np.array_equal(bench.problem(["valid_accuracy", "params"]).bounds, whole)
