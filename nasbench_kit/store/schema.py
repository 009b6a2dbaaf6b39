"""The schema of a store: format version, metric columns, and the in-memory table."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.metrics import Metric, known_metric
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "MEAN_SEED",
    "MetricColumn",
    "Table",
    "attributes_digest",
    "check_axis",
]

FORMAT = "nasbench-kit store"
FORMAT_VERSION = 1

# On a seed axis, marks a mean over trials whose individual values the source does not give.
MEAN_SEED = -1


def check_axis(what: str, values: Sequence[Any], least: int) -> None:
    """Raise ValueError unless the values of an axis are strictly ascending integers of at least ``least``."""
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value < 2**63:
            raise ValueError(f"{what} must be integers of at least {least}, not {value!r}")
    if any(after <= before for before, after in itertools.pairwise(values)):
        raise ValueError(f"{what} must be strictly ascending, not {', '.join(map(str, values[:20]))}")


def attributes_digest(attributes: Mapping[str, Any]) -> str:
    """SHA-256 over attributes as stored: strings, numbers and booleans."""
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in attributes.items()}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class MetricColumn:
    """One metric for all architectures of a table.

    Attributes
    ----------
    values : ndarray of float or int, shape (n,), (n, epochs) or (n, epochs, seeds)
        Missing values are ``nan``.
    epochs : tuple of int, optional
        The epoch budgets of the second axis, ascending.
    seeds : tuple of int, optional
        The training seeds of the third axis, ascending; `MEAN_SEED` marks a mean.
    about : Metric, optional
        Description of the metric. May be omitted for names that `known_metric` knows; for any other name, the only
        assumption then is that the metric depends on the seed if it has a seed axis.
    """

    values: NDArray[Any]
    epochs: tuple[int, ...] | None = None
    seeds: tuple[int, ...] | None = None
    about: Metric | None = None

    def __post_init__(self) -> None:
        axes = [axis for axis in (self.epochs, self.seeds) if axis is not None]
        if self.seeds is not None and self.epochs is None:
            raise ValueError("a metric with seeds must have epochs too")
        for what, axis, least in (("epochs", self.epochs, 0), ("seeds", self.seeds, MEAN_SEED)):
            if axis is not None:
                check_axis(what, axis, least)
        if self.values.ndim != 1 + len(axes) or list(self.values.shape[1:]) != [len(axis) for axis in axes]:
            raise ValueError(
                f"values of shape {self.values.shape} do not match axes of length {[len(axis) for axis in axes]}"
            )
        if self.values.dtype.kind not in "iuf":
            raise ValueError(f"values must be numbers, not {self.values.dtype}")

    def described(self, name: str) -> Metric:
        """The description of the metric that this column stores under the given name."""
        return self.about or known_metric(name) or Metric(name, depends_on_seed=self.seeds is not None)


@dataclass(frozen=True)
class Table:
    """A benchmark in memory, ready to be written as a store.

    Attributes
    ----------
    space : Space
    architectures : ndarray of uint8, shape (n, genes)
        Valid, distinct genotypes, in any order.
    metrics : mapping of dataset to mapping of metric name to MetricColumn
    provenance : mapping of str to str, int, float or (nested) plain JSON
        ``source``, ``sha256``, ``size``, ``url``, ``licence``, ``citation``, ``notes``, ...
    """

    space: Space
    architectures: Genotypes
    metrics: Mapping[str, Mapping[str, MetricColumn]]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for dataset, metrics in self.metrics.items():
            for name, metric in metrics.items():
                if len(metric.values) != len(self.architectures):
                    raise ValueError(
                        f"{dataset}/{name} has {len(metric.values)} rows for {len(self.architectures)} architectures"
                    )

    def sorted_rows(self) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
        """The sorted keys of all rows, and the order that sorts them (canonical form first within a network)."""
        keys = self.space.key(self.architectures)
        variant = (self.space.canonical(self.architectures) != self.architectures).any(axis=1)
        order = np.lexsort((*self.architectures.T[::-1], variant, keys))
        return keys[order], order
