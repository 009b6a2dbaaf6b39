"""Queries for individual architectures: their metrics and trials, and what a table contains."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.benchmark.lookup import Lookup
from nasbench_kit.errors import InvalidArchitecture, StoreError, UnknownName
from nasbench_kit.metrics import Metric, known_metric
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import SMALL_SIZE, Genotypes, as_rng
from nasbench_kit.store.reader import Column, StoreFile
from nasbench_kit.store.schema import MEAN_SEED

__all__ = ["Queries", "Seed"]

Seed = int | Literal["mean", "random"]

COPIED_ROWS = 2**22  # up to so many rows, a metric that is asked for is kept in memory, as an array by row
KEPT_BYTES = 2**28  # of such arrays of all metrics


class Queries:
    """Base class of `Benchmark`: looks up genotypes and lists the stored datasets, metrics, budgets and seeds."""

    def __init__(self, path: str | os.PathLike[str] | StoreFile) -> None:
        self._store = path if isinstance(path, StoreFile) else StoreFile(path)
        self.path: Path = self._store.path
        self.name = self.path.name.removesuffix(".h5")
        self.space: Space = self._store.space
        self._cache: dict[tuple[str, str, int | None, int | str, bool], NDArray[np.float64]] = {}

    def __len__(self) -> int:
        return len(self._store.architectures)

    @property
    def info(self) -> dict[str, Any]:
        """The provenance and format of the store, as a new dict."""
        return {"name": self.name, "path": str(self.path), "architectures": len(self), **self._store.attributes}

    @property
    def digest(self) -> str:
        """SHA-256 over the checksums of all columns; equal for stores with equal content, whatever their file names."""
        return self._store.digest

    @property
    def architectures(self) -> Genotypes:
        """The genotypes with a record of their own, sorted by key; read-only, shape (len(self), genes)."""
        return self._store.architectures

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of the datasets."""
        return tuple(self._store.metrics)

    def metrics(self, dataset: str | None = None) -> tuple[str, ...]:
        """The names of a dataset's metrics: those stored, and the costs computed from the architecture."""
        dataset = self._dataset(dataset)
        return tuple(dict.fromkeys((*self._store.metrics[dataset], *self._store.costs(dataset))))

    def epochs(self, dataset: str | None = None, metric: str | None = None) -> tuple[int, ...]:
        """The epoch budgets stored for a metric, or for any metric of the dataset; empty if there are none."""
        columns = self._columns(self._dataset(dataset), metric)
        return tuple(sorted({epoch for column in columns for epoch in column.epochs or ()}))

    def seeds(self, dataset: str | None = None, metric: str | None = None) -> tuple[int, ...]:
        """The training seeds stored for a metric, or for any metric of the dataset; empty if only means are stored."""
        columns = self._columns(self._dataset(dataset), metric)
        return tuple(sorted({seed for column in columns for seed in column.seeds or () if seed != MEAN_SEED}))

    def metric(self, name: str, dataset: str | None = None) -> Metric:
        """Describe a metric: its unit, direction, range and data split, and whether it depends on the seed.

        Examples
        --------
        >>> import nasbench_kit as nk
        >>> metric = nk.open("nb201-digits").metric("valid_accuracy")
        >>> metric.units, metric.direction, metric.range, metric.split
        ('percent', 'max', (0.0, 100.0), 'valid')
        """
        dataset = self._dataset(dataset)
        self._metric(dataset, name)
        column = self._store.metrics[dataset].get(name)
        about = known_metric(name) if column is None else column.metric
        return about or Metric(name)

    def units(self, metric: str, dataset: str | None = None) -> str:
        """The unit of a metric, e.g. ``"percent"``."""
        return self.metric(metric, dataset).units

    def costs(self, dataset: str | None = None) -> tuple[str, ...]:
        """The names of the costs computed from the architecture itself; empty if none are defined."""
        return self._store.costs(self._dataset(dataset))

    def query(
        self,
        X: ArrayLike,
        metrics: str | Sequence[str],
        *,
        dataset: str | None = None,
        epochs: int | None = None,
        seed: Seed = "mean",
        rng: int | np.random.Generator | None = None,
        invalid: Literal["raise", "nan"] = "raise",
    ) -> NDArray[np.float64]:
        """Look up metrics of architectures.

        Parameters
        ----------
        X : array_like of int, shape (n, genes) or (genes,)
            Genotypes.
        metrics : str or sequence of str
        dataset : str, optional
            May be omitted if there is only one.
        epochs : int, optional
            The epoch budget (default: the largest budget of each metric). Metrics without budgets ignore it.
        seed : int, {"mean", "random"}
            The mean over the stored seeds, one training seed, or, for each row, a seed drawn from those stored for it
            (the same one for all ``metrics``).
        rng : int or numpy.random.Generator
            Required with ``seed="random"``, an error otherwise.
        invalid : {"raise", "nan"}
            Whether an invalid genotype raises an error or yields ``nan``.

        Returns
        -------
        ndarray of float64, shape (n,), or (n, m) for a sequence of m metrics
            Values that are not stored are ``nan``. A genotype without a record of its own gets that of an isomorphic
            genotype; costs such as ``params`` are always those of the genotype itself.

        Raises
        ------
        InvalidArchitecture, UnknownName
        """
        names = [metrics] if isinstance(metrics, str) else list(metrics)
        dataset = self._dataset(dataset)
        for name in names:
            self._metric(dataset, name)
        self._check_seed(dataset, seed, rng)
        if invalid not in ("raise", "nan"):
            raise ValueError(f"invalid must be 'raise' or 'nan', not {invalid!r}")
        if invalid == "raise":
            rows, valid = self.space.check(X), None
        else:
            valid = self.space.is_valid(X)
            rows = self.space.as_rows(np.asarray(X).reshape(len(valid), self.space.genes)[valid])
        if seed == "random":
            assert rng is not None
            result = self._random_trials(rows, names, dataset, epochs, as_rng(rng))
        else:
            result = self._lookup(rows, names, dataset, epochs, seed)
        if valid is not None:
            full = np.full((len(valid), len(names)), np.nan)
            full[valid] = result
            result = full
        return result[:, 0] if isinstance(metrics, str) else result

    def trials(self, X: ArrayLike, metric: str, *, dataset: str | None = None) -> NDArray[np.float64]:
        """Return every stored value of a metric of architectures.

        Parameters
        ----------
        X : array_like of int, shape (n, genes) or (genes,)
            Genotypes.
        metric : str
        dataset : str, optional
            May be omitted if there is only one.

        Returns
        -------
        ndarray of float64, shape (n, epochs, seeds)
            In the order of ``epochs(dataset, metric)`` and ``seeds(dataset, metric)``. An axis that the metric does not
            have has length 1, as has the seed axis if only means are stored. Missing values are ``nan``.

        Raises
        ------
        InvalidArchitecture, UnknownName
        """
        rows, dataset = self.space.check(X), self._dataset(dataset)
        self._metric(dataset, metric)
        if metric not in self._store.metrics[dataset]:
            return self._lookup(rows, [metric], dataset, None, "mean")[:, :, np.newaxis]
        column = self._store.metrics[dataset][metric]
        array = self._store.array(column)
        seeds = self.seeds(dataset, metric)
        if column.epochs is None:
            array = array[:, np.newaxis]
        if column.seeds is None:
            array = array[..., np.newaxis]
        elif seeds:
            array = array[..., [column.seeds.index(seed) for seed in seeds]]
        else:
            array = np.stack([_mean(array[:, i]) for i in range(array.shape[1])], axis=1)[..., np.newaxis]
        record = self.records(rows)
        values = array[record].astype(np.float64)
        values[record < 0] = np.nan
        return values

    def _lookup(
        self, rows: Genotypes, names: list[str], dataset: str, epochs: int | None, seed: int | str
    ) -> NDArray[np.float64]:
        small = self.space.size <= SMALL_SIZE
        where = self.space.small_number(rows) if small else None
        record: NDArray[np.intp] | None = None
        result = np.empty((len(rows), len(names)))
        for i, name in enumerate(names):
            if where is not None:
                # a valid number is always in bounds: "clip" only avoids NumPy's bounds check
                values = self._values_by_number(dataset, name, epochs, seed)
                if len(names) == 1:
                    return values.take(where, mode="clip")[:, np.newaxis]
                result[:, i] = values.take(where, mode="clip")
            elif name in self._store.costs(dataset):
                result[:, i] = self._store.cost(rows, name, dataset)
            else:
                record = self.records(rows) if record is None else record
                result[:, i] = self._of_records(record, dataset, name, epochs, seed)
        return result

    def _random_trials(
        self, rows: Genotypes, names: list[str], dataset: str, epochs: int | None, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Metrics at a random seed per row, uniform over the seeds with values of all seed-dependent metrics."""
        seeds = self.seeds(dataset)
        trials = np.stack([self._lookup(rows, names, dataset, epochs, seed) for seed in seeds])
        of_trial = [i for i, name in enumerate(names) if self.metric(name, dataset).depends_on_seed]
        known = ~np.isnan(trials[:, :, of_trial]).any(axis=2)
        draw = np.where(known, rng.random(known.shape), -1.0)
        values: NDArray[np.float64] = np.take_along_axis(
            trials, draw.argmax(axis=0)[np.newaxis, :, np.newaxis], axis=0
        )[0]
        return values

    def _values_by_number(self, dataset: str, name: str, epochs: int | None, seed: int | str) -> NDArray[np.float64]:
        key = (dataset, name, epochs, seed, True)
        if key in self._cache:
            return self._cache[key]
        if name in self._store.costs(dataset):
            everything = self.space.all()
            valid = self.space.is_valid(everything)
            values = np.full(len(everything), np.nan)
            values[valid] = self._store.cost(everything[valid], name, dataset)
        else:
            values = self._values(dataset, name, epochs, seed)[self._by_number]
        return self._kept(key, values)

    def _values(self, dataset: str, name: str, epochs: int | None, seed: int | str) -> NDArray[np.float64]:
        """A metric of every record, then ``nan``, which index -1 selects; shape (len(self) + 1,)."""
        key = (dataset, name, epochs, seed, False)
        if key in self._cache:
            return self._cache[key]
        values = np.full(len(self) + 1, np.nan)
        values[:-1] = self._selected(slice(None), dataset, name, epochs, seed)
        return self._kept(key, values)

    def _of_records(
        self, record: NDArray[np.intp], dataset: str, name: str, epochs: int | None, seed: int | str
    ) -> NDArray[np.float64]:
        """A metric of some records, ``nan`` for the record -1; of large tables, nothing else is read or kept."""
        if len(self) <= COPIED_ROWS:
            return self._values(dataset, name, epochs, seed)[record]
        values: NDArray[np.float64] = np.where(record < 0, np.nan, self._selected(record, dataset, name, epochs, seed))
        return values

    def _selected(
        self, which: NDArray[np.intp] | slice, dataset: str, name: str, epochs: int | None, seed: int | str
    ) -> NDArray[Any] | float:
        """A stored metric of some records at one budget, of one seed or their mean."""
        column = self._store.metrics[dataset][name]
        array = self._store.array(column)
        if column.epochs is not None:
            array = array[:, self._epoch_position(column, dataset, name, epochs)]
        if column.seeds is not None:
            return _mean(array[which]) if seed == "mean" else self._seed_slice(array[which], column, seed)
        if seed == "mean" or not self.metric(name, dataset).depends_on_seed:
            return array[which]
        return np.nan

    def _kept(
        self, key: tuple[str, str, int | None, int | str, bool], values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Keep values for later queries; the oldest are forgotten where there would be too many."""
        size = values.nbytes + sum(kept.nbytes for kept in self._cache.values())
        while self._cache and size > KEPT_BYTES:
            size -= self._cache.pop(next(iter(self._cache))).nbytes
        self._cache[key] = values
        return values

    @staticmethod
    def _seed_slice(array: NDArray[Any], column: Column, seed: int | str) -> NDArray[Any] | float:
        assert column.seeds is not None
        return array[:, column.seeds.index(int(seed))] if seed in column.seeds else np.nan

    def rows(self, name: str, dataset: str, epochs: int | None, seed: int | str) -> NDArray[np.float64]:
        """Return the lookup table of a metric; do not modify it.

        Returns
        -------
        ndarray of float64, shape (space.size,) or (len(self) + 1,)
            Indexed by genotype number for a small space, else by `records` with ``nan`` at the end. In the latter case
            costs computed from the genotype are ``nan``.
        """
        if self.space.size <= SMALL_SIZE:
            return self._values_by_number(dataset, name, epochs, seed)
        if name in self._store.costs(dataset):
            return np.full(len(self) + 1, np.nan)
        return self._values(dataset, name, epochs, seed)

    def _dataset(self, dataset: str | None) -> str:
        if dataset is None and len(self.datasets) == 1:
            return self.datasets[0]
        if dataset not in self.datasets:
            hint = "Choose one with dataset= (--dataset)." if dataset is None else ""
            raise UnknownName(f"dataset of {self.name}", dataset, self.datasets, hint)
        return dataset

    def _metric(self, dataset: str, name: str) -> None:
        if name not in self._store.metrics[dataset] and name not in self._store.costs(dataset):
            raise UnknownName(f"metric of {self.name} on {dataset}", name, self.metrics(dataset))

    def _columns(self, dataset: str, metric: str | None) -> list[Column]:
        """The columns of all the dataset's metrics, or of one; empty for a cost that is computed, not stored."""
        columns = self._store.metrics[dataset]
        if metric is None:
            return list(columns.values())
        self._metric(dataset, metric)
        return [columns[metric]] if metric in columns else []

    def _epoch_position(self, column: Column, dataset: str, name: str, epochs: int | None) -> int:
        assert column.epochs is not None
        if epochs is None:
            return len(column.epochs) - 1
        if epochs not in column.epochs:
            raise UnknownName(f"epoch budget of {name} on {dataset}", epochs, column.epochs)
        return column.epochs.index(epochs)

    def _check_seed(self, dataset: str, seed: Seed, rng: object) -> None:
        if seed == "random":
            if rng is None:
                raise ValueError("seed='random' needs rng=, an int or a numpy.random.Generator")
            if not self.seeds(dataset):
                raise UnknownName(f"seed of {dataset}", seed, ["mean"], "This table stores only means.")
        else:
            if rng is not None:
                raise ValueError(f"rng= is only allowed with seed='random', not with seed={seed!r}")
            if seed != "mean" and (isinstance(seed, (str, bool)) or seed not in self.seeds(dataset)):
                raise UnknownName(f"seed of {dataset}", seed, ["mean", "random", *self.seeds(dataset)])

    # ---------------------------------------------------------------- records

    @cached_property
    def _records(self) -> Lookup:
        return Lookup(self.space, self.architectures, self._store.keys)

    @cached_property
    def _by_number(self) -> NDArray[np.intp]:
        try:
            return self._records.by_number
        except InvalidArchitecture as error:
            raise self._damaged(error) from error

    def records(self, rows: Genotypes) -> NDArray[np.intp]:
        """Position in `architectures` of the record of each valid genotype, -1 if there is none; shape (n,)."""
        return self._records.records(rows)

    def records_and_networks(self, rows: Genotypes) -> tuple[NDArray[np.intp], NDArray[np.intp] | None]:
        """`records`, and the ``network_index`` of each genotype if it was computed on the way."""
        return self._records.records_and_networks(rows)

    @property
    def by_network(self) -> bool:
        """Whether records are looked up by ``network_index``, which evaluations then carry with them."""
        return self._records.by_network

    def _damaged(self, error: InvalidArchitecture) -> StoreError:
        return StoreError(f"{self.path} is a damaged store: {error}; convert its source again")


def _mean(trials: NDArray[Any]) -> NDArray[np.float64]:
    """Mean over the last axis, ignoring ``nan``; ``nan`` if all values are."""
    known = ~np.isnan(trials)
    total = np.where(known, trials, 0).sum(axis=-1, dtype=np.float64)
    count = known.sum(axis=-1)
    mean: NDArray[np.float64] = np.divide(total, count, out=np.full(len(trials), np.nan), where=count > 0)
    return mean
