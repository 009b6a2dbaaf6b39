"""Opening a store of 400,000 rows, beside the floor: h5py opening the same file and reading one attribute."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import nasbench_kit as nk
from benchmarks.timing import in_turn, table
from nasbench_kit.store import MetricColumn, Table, write_store

ROWS = 400_000
MEMORY = """
import sys, nasbench_kit as nk
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
nk.open("nb201-digits")
before = resident()
bench = nk.open(sys.argv[1])
print(resident() - before)
"""


def run() -> dict[str, Any]:
    space = nk.space("nb201")
    genotypes = np.resize(space.all(), (ROWS, 6))  # repeated values, which do not affect the timings
    budgets, seeds = (4, 12, 36, 108), (0, 1, 2)
    values = np.random.default_rng(0).random((ROWS, len(budgets), len(seeds)))
    names = ("train_accuracy", "valid_accuracy", "test_accuracy", "training_time")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.h5"
        write_store(
            path, Table(space, genotypes, {"cifar10": {name: MetricColumn(values, budgets, seeds) for name in names}})
        )

        def floor() -> None:
            with h5py.File(path, "r") as file:
                str(file.attrs["format"])

        seconds = in_turn({"kit": lambda: nk.open(path), "h5py": floor})
        size = path.stat().st_size
        added = int(
            subprocess.run([sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True).stdout
        )
    table(
        ["store", "opened in", "h5py open + 1 attribute", "time, kit / h5py", "resident memory added"],
        [
            [
                f"{ROWS:,} rows, {size / 1e6:.0f} MB",
                f"{seconds['kit'] * 1e3:.2f} ms",
                f"{seconds['h5py'] * 1e3:.2f} ms",
                f"{seconds['kit'] / seconds['h5py']:.1f}",
                f"{added / 1e6:.2f} MB",
            ]
        ],
    )
    return {"seconds": seconds, "bytes": size, "resident memory added": added}
