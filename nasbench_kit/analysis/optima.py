"""The fitness landscape of every measure of quality in a table: optima, local optima, correlation with distance."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.analysis.columns import Columns
from nasbench_kit.analysis.landscape import BLOCK, fitness_distance_correlation
from nasbench_kit.benchmark import Benchmark
from nasbench_kit.kernels.hashing import hash_rows
from nasbench_kit.spaces.genotypes import Genotypes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["landscapes"]

MOST_LOOKUPS = 2**24  # neighbours; NAS-Bench-101 has 13 million
MOST_OPTIMA = 100  # equally good genotypes, from which distances are taken


def landscapes(columns: Columns, seed: int = 0) -> pd.DataFrame:
    """Describe the landscape of every measure of quality, at its largest budget.

    Two genotypes are neighbours if one gene differs. A neighbour without a record of its own has that of its network, as
    in `Benchmark.query`, except in spaces so large that their networks have not been counted. One that has the
    genotype's own record, or none, does not count.

    Parameters
    ----------
    columns : Columns
    seed : int
        Of the sample of genotypes whose neighbours are looked up, if the table has more than 2**24 neighbours.

    Returns
    -------
    pandas.DataFrame
        Columns ``dataset``, ``metric``, ``best``, ``optima`` (architectures that have the best value),
        ``distance_correlation`` (see `fitness_distance_correlation`; missing if more than 100 are equally good),
        ``looked_up`` (architectures whose neighbours were looked up), ``examined`` (those of them that have a value and
        at least one neighbour with a value), ``neighbours`` (the mean number of such neighbours), ``local_optima`` (those
        better than all of these neighbours), ``share`` (local optima among those examined).
    """
    import pandas as pd

    bench = columns.bench
    rows = _sampled(bench, seed)
    near = _records_of_neighbours(bench, rows)
    found = []
    for dataset in columns.datasets:
        for metric in columns.qualities(dataset):
            fitness = columns.fitness(dataset, metric.name)
            entry: dict[str, object] = {"dataset": dataset, "metric": metric.name, "looked_up": len(rows)}
            if np.isnan(fitness).all():
                found.append(entry | {"optima": 0, "examined": 0, "local_optima": 0})
                continue
            best = np.flatnonzero(fitness == np.nanmax(fitness))
            entry |= {"best": columns.values(dataset, metric.name)[best[0]], "optima": len(best)}
            if len(best) <= MOST_OPTIMA:
                optima = bench.architectures[best]
                entry["distance_correlation"] = fitness_distance_correlation(bench.architectures, fitness, optima)
            found.append(entry | _local_optima(fitness, rows, near))
    names = ["dataset", "metric", "best", "optima", "distance_correlation", "looked_up", "examined"]
    return pd.DataFrame(found, columns=[*names, "neighbours", "local_optima", "share"])


def _local_optima(fitness: NDArray[np.float64], rows: NDArray[np.intp], near: NDArray[np.int32]) -> dict[str, object]:
    own = fitness[rows]
    padded = np.append(fitness, np.nan)  # -1 selects it
    step = max(1, BLOCK // (8 * max(near.shape[1], 1)))
    count, best = np.zeros(len(rows), dtype=np.int64), np.full(len(rows), -np.inf)
    for first in range(0, len(rows), step):
        values = padded[near[first : first + step]]
        known = ~np.isnan(values)
        count[first : first + step] = known.sum(axis=1)
        best[first : first + step] = np.where(known, values, -np.inf).max(axis=1, initial=-np.inf)
    examined = ~np.isnan(own) & (count > 0)
    total, local = int(examined.sum()), int((examined & (own > best)).sum())
    return {
        "examined": total,
        "neighbours": count[examined].mean() if total else np.nan,
        "local_optima": local,
        "share": local / total if total else np.nan,
    }


def _changes(bench: Benchmark) -> int:
    return sum(bench.space.cardinalities) - bench.space.genes


def _sampled(bench: Benchmark, seed: int) -> NDArray[np.intp]:
    """The records whose neighbours are looked up, ascending."""
    most = max(1, MOST_LOOKUPS // max(_changes(bench), 1))
    if len(bench) <= most:
        return np.arange(len(bench))
    return np.sort(np.random.default_rng(seed).choice(len(bench), most, replace=False))


def _records_of_neighbours(bench: Benchmark, rows: NDArray[np.intp]) -> NDArray[np.int32]:
    """The records of the one-gene changes of records, (n, changes): -1 for none, and for the same network's."""
    space, changes = bench.space, _changes(bench)
    record_of = _answering(bench) if space.networks_are_counted else _stored(bench.architectures)
    near = np.full((len(rows), changes), -1, dtype=np.int32)
    step = max(1, BLOCK // max(changes * space.genes, 1))
    for first in range(0, len(rows), step):
        own = rows[first : first + step]
        changed: Genotypes = space.one_gene_changes(bench.architectures[own]).reshape(-1, space.genes)
        record = record_of(changed).reshape(len(own), changes)
        near[first : first + step] = np.where(record == own[:, np.newaxis], -1, record)
    return near


def _answering(bench: Benchmark) -> Callable[[Genotypes], NDArray[np.intp]]:
    """The record that answers for each genotype, valid or not: -1 if there is none."""

    def record_of(rows: Genotypes) -> NDArray[np.intp]:
        valid = np.flatnonzero(bench.space.valid_rows(rows))
        found = np.full(len(rows), -1, dtype=np.intp)
        found[valid] = bench.records(rows[valid])
        return found

    return record_of


def _stored(architectures: Genotypes) -> Callable[[Genotypes], NDArray[np.intp]]:
    """A look-up of genotypes in a table, without the other encodings of their networks: -1 for what is not stored."""
    keys = hash_rows(np.ascontiguousarray(architectures))
    order = np.argsort(keys)
    ranked = keys[order]

    def record_of(rows: Genotypes) -> NDArray[np.intp]:
        sought = hash_rows(rows)
        place = np.minimum(np.searchsorted(ranked, sought), len(ranked) - 1)
        return np.where(ranked[place] == sought, order[place], -1)

    return record_of
