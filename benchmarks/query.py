"""Look-ups from genotypes, beside the bare floor and the official reader.

The limit: whatever is done, n rows of 6 genes have to be read, turned into numbers, and the values gathered. The floor
is the fastest way found to do just that on a checked array: a matrix product in floats (exact below 2**24) and
``numpy.take``; the plain loop over the genes in 16-bit integers stands beside it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import nasbench_kit as nk
from benchmarks.timing import in_turn, table
from tests.official.nb201 import write_nats_simple


def run() -> dict[str, Any]:
    bench = nk.open("nb201-digits")
    values = bench.query(bench.space.all(), "valid_accuracy")
    weights = np.array([5**k for k in reversed(range(6))], dtype=np.float32)
    found: dict[str, Any] = {}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        official = _official_reader(Path(folder))
        for n in (1_000, 10_000, 100_000, 1_000_000):
            X = bench.space.sample(n, 0)

            def matrix_product(X: np.ndarray = X) -> np.ndarray:
                parts = [
                    values.take((X[i : i + 8192].astype(np.float32) @ weights).astype(np.intp))
                    for i in range(0, len(X), 8192)
                ]
                return np.concatenate(parts)

            def horner(X: np.ndarray = X) -> np.ndarray:
                number = X[:, 0].astype(np.uint16)
                for gene in range(1, 6):
                    number *= 5
                    number += X[:, gene]
                return values.take(number)

            def kit(X: np.ndarray = X) -> np.ndarray:
                return bench.query(X, "valid_accuracy", dataset="digits")

            assert np.array_equal(matrix_product(), kit(), equal_nan=True)
            assert np.array_equal(horner(), kit(), equal_nan=True)
            seconds = in_turn(
                {"kit": kit, "floor": matrix_product, "plain Horner": horner}
                | ({"nats_bench": official} if official and n == 10_000 else {})
            )
            rate = {name: n / s * 60 for name, s in seconds.items() if name != "nats_bench"}
            if "nats_bench" in seconds:
                rate["nats_bench"] = 60 / seconds["nats_bench"]
            found[str(n)] = {"rows a minute": rate, "kit / floor (time)": seconds["kit"] / seconds["floor"]}
            rows.append(
                [
                    f"{n:,}",
                    *(f"{rate[name] / 1e6:,.0f} M" for name in ("kit", "floor", "plain Horner")),
                    f"{seconds['kit'] / seconds['floor']:.2f}",
                    f"{rate['nats_bench'] / 1e6:.2f} M ({rate['kit'] / rate['nats_bench']:,.0f} times)"
                    if "nats_bench" in rate
                    else "",
                ]
            )
    table(
        ["rows", "kit, a minute", "floor", "plain Horner + take", "time, kit / floor", "nats_bench get_more_info"], rows
    )
    return found


def _official_reader(folder: Path) -> Any:
    """One call of the official reader, its archive already in memory; None where it is not installed."""
    try:
        from nats_bench import create
    except ImportError:
        print("nats-bench is not installed: left out")
        return None
    count = 8
    write_nats_simple(folder / "NATS-tss-v1_0-3ffb9-simple", range(count))
    api = create(str(folder / "NATS-tss-v1_0-3ffb9-simple"), "tss", fast_mode=True, verbose=False)
    for index in range(count):
        api.get_more_info(index, "cifar10-valid", hp="12", is_random=False)
    calls = iter(range(10**9))
    return lambda: api.get_more_info(next(calls) % count, "cifar10-valid", hp="12", is_random=False)
