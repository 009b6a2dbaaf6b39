"""Queries that a model answers: metrics of genotypes, one prediction per member of an ensemble."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import UnknownName
from nasbench_kit.metrics import Metric, known_metric
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes, as_rng

__all__ = ["Predicted", "Predictions"]

Seed = int | Literal["mean", "random"]


@dataclass(frozen=True)
class Predicted:
    """A metric that a model predicts.

    Attributes
    ----------
    metric : Metric
    predict : callable
        Maps valid genotypes (n, genes) to predictions (n, members), in the metric's unit.
    members : int
    epochs : int or None
        Epoch budget of the trainings that the model was fitted to.
    """

    metric: Metric
    predict: Callable[[Genotypes], NDArray[np.float64]]
    members: int
    epochs: int | None = None


class Predictions:
    """Base class of `SurrogateBenchmark`: answers queries, and lists datasets, metrics, budgets and members.

    Parameters
    ----------
    name : str
    space : Space
    columns : mapping of dataset to mapping of metric name to Predicted
    info : mapping
        Provenance; must have ``sha256``.
    """

    def __init__(
        self, name: str, space: Space, columns: Mapping[str, Mapping[str, Predicted]], info: Mapping[str, Any]
    ) -> None:
        self.name, self.space = name, space
        self._columns = {dataset: dict(metrics) for dataset, metrics in columns.items()}
        self._info = dict(info)

    @property
    def info(self) -> dict[str, Any]:
        """The provenance of the models, as a new dict."""
        return {"name": self.name, "space": self.space.name, "kind": "surrogate", **self._info}

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of the datasets."""
        return tuple(self._columns)

    def metrics(self, dataset: str | None = None) -> tuple[str, ...]:
        """The names of the metrics: predicted ones, then costs that are computed from the architecture."""
        dataset = self._dataset(dataset)
        costs = (name for name in self.space.known_costs(dataset) if name not in self._columns[dataset])
        return (*self._columns[dataset], *costs)

    def metric(self, metric: str, dataset: str | None = None) -> Metric:
        """The description of a metric."""
        dataset = self._dataset(dataset)
        self._check_metric(dataset, metric)
        if metric in self._columns[dataset]:
            return self._columns[dataset][metric].metric
        return known_metric(metric) or Metric(metric)

    def epochs(self, dataset: str | None = None, metric: str | None = None) -> tuple[int, ...]:
        """The epoch budgets of the trainings that the models were fitted to."""
        return tuple(
            sorted({column.epochs for column in self._predicted(dataset, metric) if column.epochs is not None})
        )

    def seeds(self, dataset: str | None = None, metric: str | None = None) -> tuple[int, ...]:
        """The numbers of the members, which stand for training seeds; empty for a single model."""
        most = max((column.members for column in self._predicted(dataset, metric)), default=1)
        return tuple(range(most)) if most > 1 else ()

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
        """Predict metrics of architectures.

        Parameters
        ----------
        X : array_like of int, shape (n, genes) or (genes,)
        metrics : str or sequence of str
        dataset : str, optional
            May be omitted if there is only one.
        epochs : int, optional
            One of ``epochs(dataset)``.
        seed : int, {"mean", "random"}
            The mean of the members, one member, or, for each row, a member drawn at random.
        rng : int or numpy.random.Generator
            Required with ``seed="random"``, an error otherwise.
        invalid : {"raise", "nan"}

        Returns
        -------
        ndarray of float64, shape (n,), or (n, m) for a sequence of m metrics
            The genotype as given is encoded for the model, not its canonical form: predictions for two genotypes of the
            same network may differ.

        Raises
        ------
        InvalidArchitecture, UnknownName
        """
        names = [metrics] if isinstance(metrics, str) else list(metrics)
        dataset = self._dataset(dataset)
        for name in names:
            self._check_metric(dataset, name)
        if epochs is not None and epochs not in self.epochs(dataset):
            raise UnknownName(f"epoch budget of {dataset}", epochs, self.epochs(dataset))
        if invalid not in ("raise", "nan"):
            raise ValueError(f"invalid must be 'raise' or 'nan', not {invalid!r}")
        self._check_seed(dataset, seed, rng)
        if invalid == "raise":
            rows, valid = self.space.check(X), None
        else:
            valid = self.space.is_valid(X)
            rows = self.space.as_rows(np.asarray(X).reshape(len(valid), self.space.genes)[valid])
        if seed == "random":
            assert rng is not None
            found = self.drawn(rows, names, dataset, as_rng(rng).random(len(rows)))
        else:
            found = np.stack([self._one(rows, name, dataset, seed) for name in names], axis=1)
        if valid is not None:
            full = np.full((len(valid), len(names)), np.nan)
            full[valid] = found
            found = full
        return found[:, 0] if isinstance(metrics, str) else found

    def drawn(
        self, rows: Genotypes, names: Sequence[str], dataset: str, draws: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Metrics of valid genotypes (n, genes) by a member drawn for each row, given numbers in [0, 1): (n, m)."""
        return np.stack([self._one(rows, name, dataset, draws) for name in names], axis=1)

    def trials(self, X: ArrayLike, metric: str, *, dataset: str | None = None) -> NDArray[np.float64]:
        """The prediction of every member: (n, 1, members)."""
        dataset = self._dataset(dataset)
        self._check_metric(dataset, metric)
        rows = self.space.check(X)
        if metric in self._columns[dataset]:
            return self._predict(rows, self._columns[dataset][metric])[:, np.newaxis, :]
        return self._one(rows, metric, dataset, "mean")[:, np.newaxis, np.newaxis]

    def _one(
        self, rows: Genotypes, name: str, dataset: str, member: int | str | NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """A metric of valid genotypes by the mean of the members, one member, or members given by draws: (n,)."""
        if name not in self._columns[dataset]:
            return np.asarray(self.space.cost(rows, name, dataset=dataset), dtype=np.float64)
        predicted = self._predict(rows, self._columns[dataset][name])
        if isinstance(member, np.ndarray):
            chosen = (member * predicted.shape[1]).astype(np.intp)
            return np.take_along_axis(predicted, chosen[:, np.newaxis], axis=1)[:, 0]
        if isinstance(member, str) or predicted.shape[1] == 1:
            return np.asarray(predicted.mean(axis=1))
        return predicted[:, member]

    def _predict(self, rows: Genotypes, column: Predicted) -> NDArray[np.float64]:
        if not len(rows):
            return np.empty((0, column.members))
        return column.predict(rows)

    def _predicted(self, dataset: str | None, metric: str | None) -> list[Predicted]:
        dataset = self._dataset(dataset)
        if metric is None:
            return list(self._columns[dataset].values())
        self._check_metric(dataset, metric)
        return [self._columns[dataset][metric]] if metric in self._columns[dataset] else []

    def _dataset(self, dataset: str | None) -> str:
        if dataset is None and len(self._columns) == 1:
            return next(iter(self._columns))
        if dataset not in self._columns:
            raise UnknownName(f"dataset of {self.name}", dataset, self._columns)
        return dataset

    def _check_metric(self, dataset: str, name: str) -> None:
        if name not in self.metrics(dataset):
            raise UnknownName(f"metric of {self.name} on {dataset}", name, self.metrics(dataset))

    def _check_seed(self, dataset: str, seed: Seed, rng: object) -> None:
        if seed == "random":
            if rng is None:
                raise ValueError("seed='random' needs rng=, an int or a numpy.random.Generator")
        else:
            if rng is not None:
                raise ValueError(f"rng= is only allowed with seed='random', not with seed={seed!r}")
            if seed != "mean" and (isinstance(seed, (str, bool)) or seed not in self.seeds(dataset)):
                raise UnknownName(f"seed of {dataset}", seed, ["mean", "random", *self.seeds(dataset)])
