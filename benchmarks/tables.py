"""All 423,624 cells of NAS-Bench-101 as users' tables have them, beside the floor of each step.

The floors do only what cannot be left out: read every entry of the stacked arrays once and write every gene once; touch
every matrix and list of operations of the dicts once; checksum the store's bytes; make a frame of values and names that
are there already; hash as many texts as there are hashes to be compared.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import nasbench_kit as nk
from benchmarks.timing import table
from nasbench_kit.benchmark.validation import validate
from nasbench_kit.loaders.mapping import ColumnMap, FileMap, TableMapping
from nasbench_kit.store import MetricColumn, Table, write_store

ROUNDS = 3
HASHES = 10_000


def run() -> dict[str, Any]:
    space = nk.space("nb101")
    X = space.representatives(np.arange(space.networks))
    natives = space.decode(X)
    matrices = np.array([native["matrix"] for native in natives], dtype=np.uint8)
    ops = np.array([native["ops"] for native in natives])
    columns, rows_of = np.triu_indices(7, 1)[::-1]
    hashes = space.module_hash(X[:HASHES])
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        content = _made_up(space, X)
        made_up = content.metrics["cifar10"]
        store = write_store(folder / "made-up.h5", content)
        bench = nk.open(store)
        names = bench.frame().index.tolist()
        size = store.stat().st_size
        file = folder / "side.csv"
        pd.DataFrame({"hash": hashes, "ms": np.arange(HASHES) + 1.0}).to_csv(file, index=False)
        mapping = TableMapping("nb101", (FileMap((ColumnMap.parse("ms=cifar10/latency_phone"),), "hash", "hash"),))

        def read_and_write() -> None:
            ((matrices == 0) | (matrices == 1)).all()
            genes = np.empty((len(X), 26), dtype=np.uint8)
            genes[:, :21] = matrices[:, rows_of, columns]
            for i in range(5):
                genes[:, 21 + i] = ops[:, i + 1] == "maxpool3x3"

        def touch() -> None:
            for native in natives:
                for line in native["matrix"]:
                    sum(line)
                tuple(native["ops"])

        def average_and_name() -> None:
            halves = [name[:150] + name[150:] for name in names]
            means = {name: column.values[:, -1].mean(axis=1) for name, column in made_up.items() if column.epochs}
            pd.DataFrame(means, index=halves)

        steps: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
            "encode stacked arrays": (lambda: space.encode({"matrix": matrices, "ops": ops}), read_and_write),
            "encode a list of dicts": (lambda: space.encode(natives), touch),
            "bench.frame()": (bench.frame, average_and_name),
            "validate": (lambda: validate(store), lambda: hashlib.sha256(store.read_bytes()).digest()),
            f"{HASHES:,} cells by hash": (
                lambda: space.from_hash(hashes),
                lambda: [hashlib.md5(text.encode(), usedforsecurity=False).digest() for text in hashes.tolist()],
            ),
            f"join {HASHES:,} rows by hash": (
                lambda: nk.join(bench, file, folder / "joined.h5", mapping=mapping),
                lambda: (folder / "copy.h5").write_bytes(store.read_bytes()),
            ),
        }
        found = {name: {"seconds": _best(kit), "floor": _best(floor)} for name, (kit, floor) in steps.items()}
    table(
        [f"of {len(X):,} cells (store: {size / 1e6:.0f} MB)", "seconds", "floor", "times the floor"],
        [
            [name, f"{t['seconds']:.2f}", f"{t['floor']:.3f}", f"{t['seconds'] / t['floor']:.1f}"]
            for name, t in found.items()
        ],
    )
    return found


def _made_up(space: nk.Space, X: np.ndarray) -> Table:
    """A table of the shape of the official one, of made-up values."""
    rng = np.random.default_rng(0)
    names = ("train_accuracy", "valid_accuracy", "test_accuracy", "training_time")
    metrics = {name: MetricColumn(rng.uniform(10, 95, (len(X), 4, 3)), (4, 12, 36, 108), (0, 1, 2)) for name in names}
    params = MetricColumn(space.cost(X, "params", dataset="cifar10"))
    return Table(space, X, {"cifar10": {**metrics, "params": params}})


def _best(function: Callable[[], Any]) -> float:
    """The seconds of the fastest of a few calls, after one that warms up."""
    function()
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
