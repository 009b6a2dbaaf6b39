"""Is a store what it claims to be: its bytes, its encodings, its classes, its costs, its source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nasbench_kit.benchmark import Benchmark, Seed
from nasbench_kit.errors import InvalidArchitecture, StoreError
from nasbench_kit.loaders import load
from nasbench_kit.loaders.table import TableMapping
from nasbench_kit.store.reader import StoreFile
from nasbench_kit.store.schema import Table

__all__ = ["Check", "validate"]

LISTED = 2**20  # spaces up to this size have all of their genotypes checked


@dataclass(frozen=True)
class Check:
    """One thing that was checked.

    Attributes
    ----------
    name : str
    passed : bool
    found : str
        What was found: counts where it is right, the first fault where it is wrong.
    """

    name: str
    passed: bool
    found: str


def validate(
    path: Path,
    *,
    source: Path | None = None,
    source_format: str | None = None,
    mapping: TableMapping | None = None,
    partial: bool = False,
    sample: int = 1000,
    seed: int = 0,
) -> list[Check]:
    """Check a store.

    Parameters
    ----------
    path : Path
        The store file.
    source : Path, optional
        The file or folder that it was made from: sampled rows are compared with what is there.
    source_format, mapping, partial
        How the source is read, as in ``nasbench_kit.convert``.
    sample : int
        How many rows are compared.
    seed : int
        Of the sample.

    Returns
    -------
    list of Check

    Raises
    ------
    StoreError
        Where the file cannot be opened as a store at all.
    SourceError
        Where the source cannot be read.
    """
    store = StoreFile(path)
    checks = [_checksums(store)]
    if not checks[0].passed:
        return checks
    checks.append(_genotypes(store))
    if not checks[1].passed:
        return checks
    checks += [_round_trip(store), _classes(store), _keys(store), _values(store), *_costs(store)]
    if source is not None:
        table = load(source, source_format=source_format, mapping=mapping, partial=partial)
        checks.append(_against_source(Benchmark(path), table, sample, seed))
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
    distinct = len(np.unique(store.architectures, axis=0))
    total = len(store.architectures)
    return Check("genotypes valid and distinct", distinct == total, f"{distinct:,} distinct of {total:,}")


def _round_trip(store: StoreFile) -> Check:
    rows = np.asarray(store.architectures)
    back = store.space.encode(store.space.decode(rows))
    wrong = np.flatnonzero((back != rows).any(axis=1))
    found = f"{len(rows):,} genotypes" if not len(wrong) else f"row {wrong[0]} comes back as {back[wrong[0]].tolist()}"
    return Check("native forms and back", not len(wrong), found)


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
    found = "as recomputed, ascending" if right and ascending else "not those of the architectures, or not ascending"
    return Check("keys", right and ascending, found)


def _values(store: StoreFile) -> Check:
    total = missing = 0
    for dataset, metrics in store.metrics.items():
        for name, column in metrics.items():
            values = store.array(column)
            unknown = np.isnan(values)
            total, missing = total + values.size, missing + int(unknown.sum())
            known = values[~unknown]
            limit = 100 if name.endswith("_accuracy") else np.inf
            if known.size and (known.min() < 0 or known.max() > limit):
                return Check("values in range", False, f"{dataset}/{name} has {known.min()} ... {known.max()}")
    return Check("values in range", True, f"{total:,} values, {missing:,} of them not known")


def _costs(store: StoreFile) -> list[Check]:
    checks = []
    for dataset, metrics in store.metrics.items():
        for name, column in metrics.items():
            if name not in store.space.known_costs(dataset):
                continue
            exact = store.space.cost(store.architectures, name, dataset=dataset)
            wrong = int((store.array(column) != exact).sum())
            found = f"{len(exact):,} equal the definition" if not wrong else f"{wrong:,} differ from the definition"
            checks.append(Check(f"{dataset}/{name}", not wrong, found))
    return checks


def _against_source(bench: Benchmark, table: Table, sample: int, seed: int) -> Check:
    name = "rows against the source"
    if table.space.name != bench.space.name or set(table.metrics) != set(bench.datasets):
        return Check(name, False, f"the source is of {table.space.name}, datasets {', '.join(table.metrics)}")
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
                            f"{dataset}/{metric} of {native} is {stored[i]}, in the source {values[rows[i]]}",
                        )
                    compared += count
    return Check(name, True, f"{compared:,} values of {count:,} architectures are equal")
