"""Join a table with proxies: a new store with everything in the old one, plus ``proxy_*`` metrics."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.benchmark import Benchmark
from nasbench_kit.metrics import PROXY
from nasbench_kit.store import MetricColumn, StoreFile, Table, check_new_store, create_store
from nasbench_kit.training.proxies.measuring import MeasuredProxies, measure

__all__ = ["join", "proxy_table"]

# attributes that the writer sets again
FORMAT = ("format", "format_version", "space", "space_version", "created", "kit_version")


def proxy_table(bench: Benchmark, output: Path, names: Any = None, **options: Any) -> tuple[Benchmark, MeasuredProxies]:
    """Compute proxies of a table's architectures, and write a store with them as metrics.

    A proxy becomes the metric ``proxy_<name>``, which is maximised, and the seconds it took on one core become
    ``<name>_time``. Thus ``bench.problem("proxy_synflow")`` maximises the proxy, and its simulated seconds are the time
    to compute it.

    Parameters
    ----------
    bench : Benchmark
    output : Path
        The store to write, atomically at the end. Until then, finished parts are kept in the folder ``<output>.parts``
        beside it, so that a killed call can be resumed.
    names, **options
        As for `measure`. Architectures that are not measured get ``nan``. Existing proxies of the same names are
        replaced.

    Returns
    -------
    Benchmark
        The new store.
    MeasuredProxies
    """
    check_new_store(output)
    parts = output.with_name(f"{output.name}.parts")
    measured = measure(bench, names, parts=parts, **options)
    joined = Benchmark(create_store(output, join(bench, measured)))
    shutil.rmtree(parts)
    return joined, measured


def join(bench: Benchmark, measured: MeasuredProxies) -> Table:
    """Return a table's content joined with the measured proxies."""
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


def _scattered(measured: MeasuredProxies, values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    column = np.full(count, np.nan)
    column[measured.rows] = values
    return column
