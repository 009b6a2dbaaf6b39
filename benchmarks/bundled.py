"""Opening and querying every bundled store, and a made-up one of every other space, beside the floor.

The limit of a query: n rows of genes have to be read and turned into a number each, and the values gathered. The floor
is that alone: a float matrix product, block by block, and ``numpy.take`` from values of the store's length. Opening has
no peer: 5 ms is the target.

Two stores are further than 3 times from the floor. NAS-Bench-101's genotypes are resolved to cells: three dependent gathers
from tables of 8 MB, of edges, arrangements and labellings, and a look-up of validity. Accel-NASBench's space is too large
for a table by number: 28 genes are checked against their own cardinalities, and keys are found by binary search. The same
holds for made-up stores of other large spaces, where a query costs as much as the canonical forms of its genotypes. MacroNAS
and Genetic CNN gather records from a table by number that is larger than the cache.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import nasbench_kit as nk
from benchmarks.timing import in_turn, table
from nasbench_kit.benchmark import Benchmark
from nasbench_kit.data import found_stores
from nasbench_kit.store import MetricColumn, Table, write_store

ROWS = 100_000


def run() -> dict[str, Any]:
    found: dict[str, Any] = {}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, path in _stores(Path(folder)).items():
            _measure(name, path, found, rows)
    table(["store", "architectures", "columns", "open, ms", "query, rows a minute", "time, query / floor"], rows)
    return found


def _stores(folder: Path) -> dict[str, Path]:
    """The bundled stores by name, and a made-up one of 5,000 drawn architectures of every other space."""
    stores = {name: store.path for name, store in found_stores().items() if store.bundled}
    covered = {Benchmark(path).space.name for path in stores.values()}
    for name in nk.list_spaces():
        if name not in covered:
            space = nk.space(name)
            X = np.unique(space.canonical(space.sample(5000, 0)), axis=0)
            metrics = {"made-up": {"valid_accuracy": MetricColumn(np.arange(len(X)) / 100)}}
            stores[f"made-up {name}"] = write_store(folder / f"{name}.h5", Table(space, X, metrics))
    return stores


def _measure(name: str, path: Path, found: dict[str, Any], rows: list[list[str]]) -> None:
    bench = Benchmark(path)
    dataset, metric = bench.datasets[0], _metric(bench)
    generator = np.random.default_rng(0)
    count = ROWS if bench.space.networks is not None else ROWS // 50
    picked = generator.integers(len(bench), size=count)
    X = np.ascontiguousarray(bench.architectures[picked])
    values = bench.query(bench.architectures, metric, dataset=dataset)
    weights = np.full(X.shape[1], 1e-6, dtype=np.float32)

    def floor(X: np.ndarray = X, w: np.ndarray = weights, v: np.ndarray = values, p: np.ndarray = picked) -> Any:
        for i in range(0, len(X), 8192):
            (X[i : i + 8192].astype(np.float32) @ w).astype(np.intp)
        return v.take(p)

    def kit(bench: Any = bench, X: np.ndarray = X, metric: str = metric, dataset: str = dataset) -> Any:
        return bench.query(X, metric, dataset=dataset)

    assert np.array_equal(kit(), values[picked], equal_nan=True)
    seconds = in_turn({"open": lambda: nk.open(path), "kit": kit, "floor": floor})
    found[name] = {
        "open (ms)": 1e3 * seconds["open"],
        "rows a minute": count / seconds["kit"] * 60,
        "kit / floor (time)": seconds["kit"] / seconds["floor"],
        "columns": sum(len(bench.metrics(dataset)) for dataset in bench.datasets),
    }
    rows.append(
        [
            name,
            f"{len(bench):,}",
            str(found[name]["columns"]),
            f"{found[name]['open (ms)']:.1f}",
            f"{found[name]['rows a minute'] / 1e6:,.0f} M",
            f"{found[name]['kit / floor (time)']:.2f}",
        ]
    )


def _metric(bench: Any) -> str:
    """A stored metric with a split, which no space can compute."""
    return next(name for name in bench.metrics(bench.datasets[0]) if bench.metric(name, bench.datasets[0]).split)
