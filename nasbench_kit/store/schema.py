"""What a store file holds: the layout of the HDF5 file, its version, and a benchmark's table in memory."""

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

# Stands on a seed axis for a mean over trials whose single values the source does not give.
MEAN_SEED = -1


def check_axis(what: str, values: Sequence[Any], least: int) -> None:
    """ValueError unless the values of an axis are whole numbers from ``least`` on, each above the one before it."""
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value < 2**63:
            raise ValueError(f"{what} are whole numbers from {least} on, unlike {value!r}")
    if any(after <= before for before, after in itertools.pairwise(values)):
        raise ValueError(f"{what} ascend, each once, unlike {', '.join(map(str, values[:20]))}")


def attributes_digest(attributes: Mapping[str, Any]) -> str:
    """A SHA-256 over attributes as they are stored: texts, numbers and truth values."""
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in attributes.items()}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class MetricColumn:
    """One metric of every architecture of a table.

    Attributes
    ----------
    values : ndarray of float or int, shape (n,), (n, epochs) or (n, epochs, seeds)
        What is not known is ``nan``.
    epochs : tuple of int, optional
        The epoch budgets of the second axis, ascending.
    seeds : tuple of int, optional
        The training seeds of the third axis, ascending; `MEAN_SEED` for means alone.
    about : Metric, optional
        What the metric is. May be left out for a name of the kit's own vocabulary (`known_metric`); of any other name,
        nothing is then known but that it depends on the seed where it has seeds.
    """

    values: NDArray[Any]
    epochs: tuple[int, ...] | None = None
    seeds: tuple[int, ...] | None = None
    about: Metric | None = None

    def __post_init__(self) -> None:
        axes = [axis for axis in (self.epochs, self.seeds) if axis is not None]
        if self.seeds is not None and self.epochs is None:
            raise ValueError("a metric with seeds has epochs too")
        for what, axis, least in (("epochs", self.epochs, 0), ("seeds", self.seeds, MEAN_SEED)):
            if axis is not None:
                check_axis(what, axis, least)
        if self.values.ndim != 1 + len(axes) or list(self.values.shape[1:]) != [len(axis) for axis in axes]:
            raise ValueError(f"values of shape {self.values.shape} do not fit axes of {[len(axis) for axis in axes]}")
        if self.values.dtype.kind not in "iuf":
            raise ValueError(f"values are numbers, not {self.values.dtype}")

    def described(self, name: str) -> Metric:
        """What the metric is that this column holds under a name."""
        return self.about or known_metric(name) or Metric(name, depends_on_seed=self.seeds is not None)


@dataclass(frozen=True)
class Table:
    """A benchmark in memory, ready to be written as a store.

    Attributes
    ----------
    space : Space
    architectures : ndarray of uint8, shape (n, genes)
        Valid genotypes, each once, in any order.
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
        """The keys of all rows, ascending, and the order that sorts them (of one network, its canonical form first)."""
        keys = self.space.key(self.architectures)
        variant = (self.space.canonical(self.architectures) != self.architectures).any(axis=1)
        order = np.lexsort((*self.architectures.T[::-1], variant, keys))
        return keys[order], order
