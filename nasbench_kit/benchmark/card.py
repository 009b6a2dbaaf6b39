"""What a notebook shows of a benchmark, from its description alone: no values of the table are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nasbench_kit.notebook import card, data_table

__all__ = ["benchmark_card"]

MOST_NAMES = 12  # metrics of a dataset that are listed


def benchmark_card(bench: Any, kind: str, architectures: int | None = None, trained: str = "seeds") -> str:
    """A card of a `Benchmark`, or of anything else with its datasets, metrics, budgets and seeds.

    Parameters
    ----------
    bench : Benchmark or SurrogateBenchmark
    kind : str
        What it is.
    architectures : int, optional
    trained : str
        What its seeds are called.
    """
    info = bench.info
    facts = {
        "space": bench.space.name,
        "architectures": architectures,
        "source": info.get("source"),
        "licence": info.get("licence"),
        "cite": info.get("citation"),
        "notes": info.get("notes"),
        "missing": f"{missing} networks" if (missing := info.get("missing_networks")) else None,
    }
    rows = [
        (
            name,
            _listed(bench.metrics(name)),
            ", ".join(map(str, bench.epochs(name)[:MOST_NAMES])),
            str(len(bench.seeds(name)) or "means"),
        )
        for name in bench.datasets
    ]
    return card(bench.name, kind, facts, data_table(("dataset", "metrics", "epochs", trained), rows, left=3))


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
