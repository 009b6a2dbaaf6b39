"""Join a side table (latencies, energies, proxies, ...) to a store, by architecture."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.benchmark import Benchmark
from nasbench_kit.data import find_store
from nasbench_kit.errors import SourceError
from nasbench_kit.loaders import table
from nasbench_kit.loaders.mapping import TableMapping
from nasbench_kit.loaders.source import check_file
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.store import Table, check_new_store, create_store
from nasbench_kit.store.reader import StoreFile
from nasbench_kit.store.schema import MetricColumn

__all__ = ["join"]

# attributes of every store, which its writer sets; all others are its provenance
_WRITTEN = frozenset({"format", "format_version", "space", "space_version", "created", "kit_version"})
_OF_SOURCE = ("source", "sha256", "size", "version", "url", "commit", "licence", "citation", "notes")


def join(
    bench: Benchmark | str | os.PathLike[str],
    source: str | os.PathLike[str],
    store: str | os.PathLike[str],
    *,
    mapping: TableMapping | str | os.PathLike[str],
    unknown: Literal["raise", "skip"] = "raise",
    replace: bool = False,
) -> Benchmark:
    """Write a store that has a benchmark's metrics and those of a CSV or Parquet file, joined by architecture.

    A value belongs to the record of its genotype if the store has one, else to all records of the same network.

    Parameters
    ----------
    bench : Benchmark, str or path-like
        The benchmark, its name, or the path of its store. It is not modified, unless ``store`` is its own path.
    source : path-like
        The file, or the folder that contains the files named by the mapping.
    store : path-like
        The store file to write; an existing file is replaced once the new one is complete.
    mapping : TableMapping, or the path of a TOML file
        The meaning of the file's columns, as for `convert`; the datasets may be new ones.
    unknown : {"raise", "skip"}
        Whether architectures that the store does not know are an error or are left out.
    replace : bool
        Replace metrics that the store has already, including all of their epoch budgets and seeds.

    Returns
    -------
    Benchmark
        The new store, opened. ``info["sources"]`` lists all sources with their columns.

    Raises
    ------
    SourceError
        If the file is invalid, is for another space, has architectures that the store does not know or a metric that it
        has already, or gives different values to one record.
    StoreError
        If the store cannot be written. An existing store is left untouched.
    """
    if unknown not in ("raise", "skip"):
        raise ValueError(f"unknown must be 'raise' or 'skip', not {unknown!r}")
    path = Path(source)
    check_new_store(Path(store))
    old = StoreFile(bench.path if isinstance(bench, Benchmark) else find_store(bench))
    old.verify()  # a damaged value must not get a new checksum
    if not os.path.isdir(path):  # noqa: PTH112 - unlike Path.is_dir, False for invalid names
        check_file(path)
    side = table.read(path, mapping, old.space.name)
    _check_new(path, old, side, replace=replace)
    rows, records, own = _matches(old, side.architectures)
    strangers = len(side.architectures) - len(np.unique(rows))
    if strangers and unknown == "raise":
        missing = np.setdiff1d(np.arange(len(side.architectures)), rows)
        native = old.space.decode(side.architectures[missing[:1]])[0]
        raise SourceError(
            f"{path}: {strangers:,} of {len(side.architectures):,} architectures are not in {old.path}, the first of them "
            f"{native}; to leave them out, use --skip-unknown (unknown='skip')"
        )
    metrics = {
        dataset: {
            name: MetricColumn(old.array(column), column.epochs, column.seeds, column.metric)
            for name, column in columns.items()
        }
        for dataset, columns in old.metrics.items()
    }
    for dataset, columns in side.metrics.items():
        for name, column in columns.items():
            values = _scattered(path, f"{dataset}/{name}", column.values, rows, records, own, old)
            metrics.setdefault(dataset, {})[name] = dataclasses.replace(column, values=values)
    about = {"records": len(np.unique(records)), **({"skipped_architectures": strangers} if strangers else {})}
    provenance = _provenance(old, side, about)
    return Benchmark(create_store(store, Table(old.space, old.architectures, metrics, provenance)))


def _check_new(path: Path, old: StoreFile, side: Table, *, replace: bool) -> None:
    """Raise SourceError for metrics that the store has already, or that are computed from the architecture."""
    for dataset, columns in side.metrics.items():
        for name in columns:
            if dataset in old.metrics and name in old.costs(dataset):
                raise SourceError(
                    f"{path}: {dataset}/{name} is computed from the architecture; to join a published figure, call the "
                    f"metric recorded_{name}"
                )
            if name in old.metrics.get(dataset, {}) and not replace:
                raise SourceError(
                    f"{path}: {old.path} has {dataset}/{name} already; give the column another name, or replace it with "
                    "--replace (replace=True)"
                )


def _matches(old: StoreFile, architectures: Genotypes) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Match distinct architectures with records.

    Returns
    -------
    rows, records : ndarray of intp, shape (m,)
        Pairs of an architecture and one of its records: its own, or each one of the same network.
    own : ndarray of bool, shape (m,)
        Whether the record is the architecture's own.
    """
    keys = old.space.key(architectures)
    left, right = np.searchsorted(old.keys, keys), np.searchsorted(old.keys, keys, side="right")
    rows = np.repeat(np.arange(len(keys)), right - left)
    first = np.repeat(np.cumsum(right - left) - (right - left), right - left)
    records = left[rows] + np.arange(len(rows)) - first
    own = (old.architectures[records] == architectures[rows]).all(axis=1)
    has_own = np.zeros(len(keys), dtype=np.bool_)
    has_own[rows[own]] = True
    kept = own | ~has_own[rows]
    return rows[kept], records[kept], own[kept]


def _scattered(
    path: Path,
    name: str,
    values: NDArray[Any],
    rows: NDArray[np.intp],
    records: NDArray[np.intp],
    own: NDArray[np.bool_],
    old: StoreFile,
) -> NDArray[np.float64]:
    """Values by record, ``nan`` where there are none; SourceError if a record gets different values.

    A record's own value takes precedence over those of other genotypes of the same network.
    """
    result = np.full((len(old.keys), *values.shape[1:]), np.nan)
    result[records[own]] = values[rows[own]]
    taken = ~np.isnan(result)
    others = np.flatnonzero(~own)
    given, target = values[rows[others]].astype(np.float64), records[others]
    given[taken[target]] = np.nan
    # the smallest value of each place; any other value of the same place contradicts it
    least = np.full(result.shape, np.inf)
    np.fmin.at(least, target, given)
    wrong = np.flatnonzero((given > least[target]).any(axis=tuple(range(1, given.ndim))))
    if len(wrong):
        native = old.space.decode(old.architectures[target[wrong[:1]]])[0]
        raise SourceError(
            f"{path}: {name} has different values for genotypes of the same network, which have one record in "
            f"{old.path}: {native}; keep one row per network"
        )
    found = np.isfinite(least)
    result[found] = least[found]
    return result


def _provenance(old: StoreFile, side: Table, about: dict[str, Any]) -> dict[str, Any]:
    """The provenance of the joined store: that of the old one, and the list of sources with their columns."""
    provenance = {name: value for name, value in old.attributes.items() if name not in _WRITTEN}
    joined = [f"{dataset}/{name}" for dataset, columns in side.metrics.items() for name in columns]
    sources = provenance.pop("sources", None)
    if not isinstance(sources, list):
        first = {name: provenance[name] for name in _OF_SOURCE if name in provenance}
        everything = [f"{dataset}/{name}" for dataset, columns in old.metrics.items() for name in columns]
        sources = [{**first, "columns": everything}]
    replaced = set(joined)
    for entry in sources:
        if isinstance(entry, dict) and isinstance(entry.get("columns"), list):
            entry["columns"] = [name for name in entry["columns"] if name not in replaced]
    added = {**side.provenance, **about, "columns": joined}
    return {**provenance, "sources": [*sources, added]}
