"""What a store file holds: the layout of the HDF5 file, its version, and a benchmark's table in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces import Space
from nasbench_kit.spaces.space import Genotypes

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "MEAN_SEED",
    "PROXY",
    "Metric",
    "Table",
    "depends_on_seed",
    "higher_is_better",
    "units_of",
]

FORMAT = "nasbench-kit store"
FORMAT_VERSION = 1

# Stands on a seed axis for a mean over trials whose single values the source does not give.
MEAN_SEED = -1

# What a training-free proxy's name begins with. The prefix says which way is up without a list of names to keep: params are
# a cost, proxy_params a promise, and a proxy of a user's own joins by its name.
PROXY = "proxy_"

_UNITS = {
    "params": "count",
    "recorded_params": "count",
    "flops": "multiply-adds",
    "recorded_flops": "multiply-adds",
    "mmacs": "1e6 multiply-adds",
}


def units_of(metric: str) -> str:
    """The unit of a metric, from its name: ``"percent"``, ``"s"``, ``"ms"``, ...; empty where the name tells none."""
    if metric.endswith("_accuracy"):
        return "percent"
    if metric.endswith("_time"):
        return "s"
    if metric.startswith("latency_"):
        return "ms"
    if metric.startswith("energy_"):
        return "mJ"
    return _UNITS.get(metric.removeprefix(PROXY), "")


def depends_on_seed(metric: str) -> bool:
    """Whether every training draws this metric anew. Stored without a seed axis it is a mean over trials."""
    return metric.endswith(("_accuracy", "_loss"))


def higher_is_better(metric: str) -> bool:
    """Whether more of a metric is better: accuracies and proxies. Less is better of all others."""
    return metric.endswith("_accuracy") or metric.startswith(PROXY)


@dataclass(frozen=True)
class Metric:
    """One metric of every architecture of a table.

    Attributes
    ----------
    values : ndarray of float or int, shape (n,), (n, epochs) or (n, epochs, seeds)
        What is not known is ``nan``.
    epochs : tuple of int, optional
        The epoch budgets of the second axis, ascending.
    seeds : tuple of int, optional
        The training seeds of the third axis, ascending; `MEAN_SEED` for means alone.
    """

    values: NDArray[Any]
    epochs: tuple[int, ...] | None = None
    seeds: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        axes = [axis for axis in (self.epochs, self.seeds) if axis is not None]
        if self.seeds is not None and self.epochs is None:
            raise ValueError("a metric with seeds has epochs too")
        if self.values.ndim != 1 + len(axes) or list(self.values.shape[1:]) != [len(axis) for axis in axes]:
            raise ValueError(f"values of shape {self.values.shape} do not fit axes of {[len(axis) for axis in axes]}")
        if self.values.dtype.kind not in "iuf":
            raise ValueError(f"values are numbers, not {self.values.dtype}")


@dataclass(frozen=True)
class Table:
    """A benchmark in memory, ready to be written as a store.

    Attributes
    ----------
    space : Space
    architectures : ndarray of uint8, shape (n, genes)
        Valid genotypes, each once, in any order.
    metrics : mapping of dataset to mapping of metric name to Metric
    provenance : mapping of str to str, int, float or (nested) plain JSON
        ``source``, ``sha256``, ``size``, ``url``, ``licence``, ``citation``, ``notes``, ...
    """

    space: Space
    architectures: Genotypes
    metrics: Mapping[str, Mapping[str, Metric]]
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
