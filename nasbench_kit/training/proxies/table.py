"""A table joined with proxies: a new store that has all that the old one has, and ``proxy_*`` beside it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.benchmark import Benchmark
from nasbench_kit.files import check_target
from nasbench_kit.metrics import PROXY
from nasbench_kit.store import MetricColumn, StoreFile, Table, write_store
from nasbench_kit.training.proxies.measuring import Measured, measure

__all__ = ["join", "proxy_table"]

# what a store says of itself, and its writer anew
FORMAT = ("format", "format_version", "space", "space_version", "created", "kit_version")


def proxy_table(bench: Benchmark, output: Path, names: Any = None, **options: Any) -> tuple[Benchmark, Measured]:
    """Compute proxies of a table's architectures, and write a store that has them as metrics.

    A proxy is the metric ``proxy_<name>``, of which more is better, and the seconds that it took on one core are
    ``<name>_time``; so ``bench.problem("proxy_synflow")`` searches for a high one, and its simulated seconds are those of
    computing it.

    Parameters
    ----------
    bench : Benchmark
    output : Path
        The store to write, at the end and in one step. Until then parts are kept in the folder ``<output>.parts`` beside it,
        so that a call that was killed goes on where it was.
    names, **options
        As for `measure`. What is not measured is ``nan``; proxies that the table had under the same names are replaced.

    Returns
    -------
    Benchmark
        The store that was written.
    Measured
    """
    check_target(output)
    parts = output.with_name(f"{output.name}.parts")
    measured = measure(bench, names, parts=parts, **options)
    joined = Benchmark(write_store(output, join(bench, measured)))
    shutil.rmtree(parts)
    return joined, measured


def join(bench: Benchmark, measured: Measured) -> Table:
    """A table's content with the measured proxies of its architectures."""
    store = StoreFile(bench.path)
    metrics: dict[str, dict[str, MetricColumn]] = {
        dataset: {
            name: MetricColumn(store.array(column), column.epochs, column.seeds, column.metric)
            for name, column in columns.items()
        }
        for dataset, columns in store.metrics.items()
    }
    for i, name in enumerate(measured.names):
        metrics[measured.dataset][f"{PROXY}{name}"] = MetricColumn(
            _scattered(measured, measured.values[:, i], len(bench))
        )
        metrics[measured.dataset][f"{name}_time"] = MetricColumn(
            _scattered(measured, measured.seconds[:, i], len(bench))
        )
    provenance = {name: value for name, value in store.attributes.items() if name not in FORMAT}
    earlier = provenance.get("proxies")
    known = dict(earlier) if isinstance(earlier, dict) else {}
    known |= {
        f"{measured.dataset}/{name}": {**measured.how, "architectures": len(measured.rows)} for name in measured.names
    }
    return Table(bench.space, store.architectures, metrics, {**provenance, "proxies": known})


def _scattered(measured: Measured, values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    column = np.full(count, np.nan)
    column[measured.rows] = values
    return column
