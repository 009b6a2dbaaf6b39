"""The bundled stores are those that their sources give, bit by bit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import nasbench_kit as nk
from nasbench_kit.data import found_stores

ROOT = Path(__file__).parents[2]


def test_made_again_they_are_the_same_bytes(published, tmp_path):
    """But for nb101-test, whose hashes take half a minute: test_published compares its values."""
    names = [
        name for name, store in found_stores().items() if store.bundled and name not in ("nb201-digits", "nb101-test")
    ]
    command = [sys.executable, ROOT / "tools" / "make_tables.py", published, *names, "--output", tmp_path]
    subprocess.run(
        command, check=True, env={**os.environ, "SOURCE_DATE_EPOCH": "1795824000"}, stdout=subprocess.DEVNULL
    )
    for name in names:
        assert (tmp_path / f"{name}.h5").read_bytes() == found_stores()[name].path.read_bytes(), name


def test_means_of_nas_bench_101_are_at_their_cells(published):
    """By the places among all hashes that another source states for 20,001 cells."""
    means = np.load(published / "nb101" / "mean_test_108_epochs_by_hash_order.npy")
    table = pd.read_csv(published / "nb101" / "validation_4_budgets_one_repeat_20001_cells.csv.gz")
    bench = nk.open("nb101-test")
    X = bench.space.from_hash(table["hash"])
    found = bench.query(X, "test_accuracy") / 100 * 29952
    np.testing.assert_allclose(found, means[table["sorted_index"]], atol=1e-6)
