"""Validate a store: checksums, encodings, isomorphism classes, costs, and agreement with its source."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.benchmark.benchmark import Benchmark, Seed
from nasbench_kit.errors import InvalidArchitecture, SourceError, StoreError
from nasbench_kit.spaces.nats_size.space import NATSSize
from nasbench_kit.spaces.nb201.space import NB201
from nasbench_kit.store.reader import StoreFile
from nasbench_kit.store.schema import Table

__all__ = ["Check", "validate"]

# queries an official package: takes official indices and a callback, called with each index and its API object
Official = Callable[[Collection[int], Callable[[int, Any], None]], None]

# the kit's metric names -> the entries of get_more_info
ANSWERS = {
    "train_accuracy": "train-accuracy",
    "train_loss": "train-loss",
    "valid_accuracy": "valid-accuracy",
    "valid_loss": "valid-loss",
    "test_accuracy": "test-accuracy",
    "test_loss": "test-loss",
    "original_test_accuracy": "valtest-accuracy",
    "original_test_loss": "valtest-loss",
    "training_time": "train-all-time",
}

_BLOCK = 4096
LISTED = 2**20  # spaces up to this size are enumerated in full


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes
    ----------
    name : str
    passed : bool
    found : str
        Counts if the check passed, the first fault otherwise.
    """

    name: str
    passed: bool
    found: str


def validate(
    path: Path,
    *,
    source: Callable[[bool], Table] | None = None,
    official: Official | None = None,
    sample: int = 1000,
    seed: int = 0,
) -> list[Check]:
    """Validate a store.

    Parameters
    ----------
    path : Path
        The store file.
    source : callable, optional
        Reads the store's original source, with or without curves; sampled rows are compared with it.
    official : callable, optional
        Queries the official package of NAS-Bench-201 or NATS-Bench; sampled rows are compared with its answers.
    sample : int
        The number of rows to compare.
    seed : int
        Random seed of the sample.

    Returns
    -------
    list of Check

    Raises
    ------
    StoreError
        If the file cannot be opened as a store.
    SourceError
        If the source cannot be read.
    MissingExtra
        If the official package is not installed.
    """
    if sample < 1:
        raise ValueError(f"sample must be at least 1, not {sample}")
    if seed < 0:
        raise ValueError(f"seed must be a non-negative integer, not {seed}")
    store = StoreFile(path)
    checks = [_checksums(store)]
    if not checks[0].passed:
        return checks
    checks.append(_genotypes(store))
    if not checks[1].passed:
        return checks
    checks += [_round_trip(store), _classes(store), _keys(store), _values(store), *_costs(store)]
    if source is not None:
        table = source(bool(store.attributes.get("curves", False)))
        checks.append(_against_source(Benchmark(path), table, sample, seed))
    if official is not None:
        checks += _against_official(Benchmark(path), official, sample, seed)
    return checks


def _checksums(store: StoreFile) -> Check:
    columns = 2 + sum(len(metrics) for metrics in store.metrics.values())
    try:
        size = store.verify()
    except StoreError as error:
        return Check("checksums", False, str(error))
    return Check("checksums", True, f"{columns} columns, {size:,} bytes")


def _genotypes(store: StoreFile) -> Check:
    try:
        store.space.check(store.architectures)
    except InvalidArchitecture as error:
        return Check("genotypes valid and distinct", False, str(error))
    distinct = len(store.space.distinct(store.architectures)[0])
    total = len(store.architectures)
    return Check("genotypes valid and distinct", distinct == total, f"{distinct:,} distinct of {total:,}")


def _round_trip(store: StoreFile) -> Check:
    rows = np.asarray(store.architectures)
    for start in range(0, len(rows), _BLOCK):  # native forms of all rows at once could take gigabytes
        block = rows[start : start + _BLOCK]
        back = store.space.encode(store.space.decode(block))
        wrong = np.flatnonzero((back != block).any(axis=1))
        if len(wrong):
            found = f"row {start + wrong[0]} decodes and re-encodes to {back[wrong[0]].tolist()}"
            return Check("native forms and back", False, found)
    return Check("native forms and back", True, f"{len(rows):,} genotypes")


def _classes(store: StoreFile) -> Check:
    space = store.space
    rows = np.asarray(store.architectures)
    canonical = space.canonical(rows)
    idempotent = bool((space.canonical(canonical) == canonical).all())
    found = f"{len(np.unique(store.keys)):,} networks in {len(rows):,} genotypes"
    if space.size <= LISTED:
        found += f"; the space has {int(space.network_of_number.max()) + 1:,} in {space.size:,}"
    return Check(
        "canonical classes", idempotent, found if idempotent else "canonical forms are not their own canonical forms"
    )


def _keys(store: StoreFile) -> Check:
    keys = store.keys
    right = bool((store.space.key(store.architectures) == keys).all())
    ascending = bool((keys[1:] >= keys[:-1]).all())
    found = "as recomputed, ascending" if right and ascending else "do not match the architectures, or not ascending"
    return Check("keys", right and ascending, found)


def _values(store: StoreFile) -> Check:
    total = missing = 0
    for dataset, metrics in store.metrics.items():
        for name, column in metrics.items():
            values = store.array(column)
            assert column.metric is not None
            total, missing = total + values.size, missing + int(np.isnan(values).sum())
            outside = values[column.metric.outside(values)]
            if outside.size:
                low, high = column.metric.range
                found = f"{dataset}/{name} has the value {outside[0]}, outside its range {low:g} to {high:g}"
                return Check("values in range", False, found)
    return Check("values in range", True, f"{total:,} values, {missing:,} of them missing")


def _costs(store: StoreFile) -> list[Check]:
    checks = []
    for dataset, metrics in store.metrics.items():
        for name, column in metrics.items():
            if name not in store.costs(dataset):
                continue
            exact = store.cost(store.architectures, name, dataset)
            wrong = int((store.array(column) != exact).sum())
            found = f"{len(exact):,} match the definition" if not wrong else f"{wrong:,} differ from the definition"
            checks.append(Check(f"{dataset}/{name}", not wrong, found))
    return checks


def _against_source(bench: Benchmark, table: Table, sample: int, seed: int) -> Check:
    name = "rows against the source"
    some = "sources" in bench.info  # others were joined to them
    same = set(table.metrics) <= set(bench.datasets) if some else set(table.metrics) == set(bench.datasets)
    if table.space.name != bench.space.name or not same:
        return Check(name, False, f"the source is {table.space.name} with datasets {', '.join(table.metrics)}")
    count = min(sample, len(table.architectures))
    rows = np.sort(np.random.default_rng(seed).choice(len(table.architectures), count, replace=False))
    X = table.architectures[rows]
    compared = 0
    for dataset, metrics in table.metrics.items():
        for metric, column in metrics.items():
            for e, epochs in enumerate(column.epochs or (None,)):
                seeds: list[Seed] = [number for number in column.seeds or () if number >= 0] or ["mean"]
                for s in seeds:
                    values = column.values if column.epochs is None else column.values[:, e]
                    if values.ndim == 2:
                        values = values[:, 0] if s == "mean" else values[:, (column.seeds or ()).index(int(s))]
                    try:
                        stored = bench.query(X, metric, dataset=dataset, epochs=epochs, seed=s)
                    except KeyError as error:
                        return Check(name, False, str(error))
                    same = (stored == values[rows]) | (np.isnan(stored) & np.isnan(values[rows]))
                    if not same.all():
                        i = int(np.flatnonzero(~same)[0])
                        native = bench.space.decode(X[i])[0]
                        return Check(
                            name,
                            False,
                            f"{dataset}/{metric} of {native} is {stored[i]}, but {values[rows[i]]} in the source",
                        )
                    compared += count
    return Check(name, True, f"{compared:,} values of {count:,} architectures are equal")


def _against_official(bench: Benchmark, official: Official, sample: int, seed: int) -> list[Check]:
    """Compare official indices, and all trial values that `get_more_info` returns for sampled architectures."""
    if not isinstance(bench.space, (NB201, NATSSize)):
        raise SourceError(
            f"the official packages cover nb201 and nats-size only, and {bench.name} is a table of {bench.space.name}"
        )
    count = min(sample, len(bench))
    X = bench.architectures[np.sort(np.random.default_rng(seed).choice(len(bench), count, replace=False))]
    row_of = {index: row for row, index in enumerate(bench.space.official_index(X).tolist())}
    natives = bench.space.decode(X)
    stored: dict[tuple[str, str, int, int], NDArray[np.float64]] = {}
    faults: dict[str, str] = {}
    compared = 0

    def value(row: int, metric: str, dataset: str, epochs: int, trial: int) -> float:
        key = metric, dataset, epochs, trial
        if key not in stored:
            known = dataset in bench.datasets and metric in bench.metrics(dataset)
            known = known and epochs in bench.epochs(dataset, metric)
            known = known and trial in (bench.seeds(dataset, metric) or (trial,))
            stored[key] = (
                bench.query(X, metric, dataset=dataset, epochs=epochs, seed=trial) if known else np.full(count, np.nan)
            )
        return float(stored[key][row])

    def ask(index: int, api: Any) -> None:
        nonlocal compared
        row = row_of[index]
        if api.query_index_by_arch(natives[row]) != index:
            faults.setdefault(
                "index", f"{natives[row]} has index {index} here, {api.query_index_by_arch(natives[row])} officially"
            )
        for budget, results in api.arch2infos_dict[index].items():
            for dataset in results.get_dataset_names():
                for trial in results.get_dataset_seeds(dataset):
                    answer = api.get_more_info(index, dataset, hp=budget, is_random=trial)
                    for metric, name in ANSWERS.items():
                        if answer.get(name) is None:
                            continue
                        compared += 1
                        here = value(row, metric, dataset, int(budget), trial)
                        # a sum of times may round differently; all other values must be identical
                        if not math.isclose(here, answer[name], rel_tol=1e-12 if metric == "training_time" else 0):
                            place = f"{dataset}/{metric} of {natives[row]}, {budget} epochs, seed {trial}"
                            faults.setdefault(
                                "values", f"{place} is {here}, but {answer[name]} in the official package"
                            )

    official(list(row_of), ask)
    return [
        Check("official indices", "index" not in faults, faults.get("index", f"{count:,} are the same")),
        Check(
            "values against the official package",
            "values" not in faults,
            faults.get("values", f"{compared:,} values of {count:,} architectures are equal"),
        ),
    ]
