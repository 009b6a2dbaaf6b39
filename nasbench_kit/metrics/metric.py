"""A metric, described; and metrics turned into objectives that are minimised."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["DIRECTIONS", "SPLITS", "Direction", "Metric", "Split", "minimised"]

Direction = Literal["max", "min"]
Split = Literal["train", "valid", "test"]

DIRECTIONS: tuple[Direction, ...] = ("max", "min")
SPLITS: tuple[Split, ...] = ("train", "valid", "test")


@dataclass(frozen=True)
class Metric:
    """What is known of a metric, besides its values.

    Attributes
    ----------
    name : str
    units : str
        ``"percent"``, ``"s"``, ``"ms"``, ``"mJ"``, ``"count"``, ...; empty where it has none, or none is known.
    direction : {"max", "min"} or None
        Whether more or less of it is better; None where that is not known, or where it is neither.
    range : tuple of float
        The lowest and the highest value that are possible.
    split : {"train", "valid", "test"} or None
        The data that it was measured on; None where it was measured on none, such as a cost, or where that is not known.
    depends_on_seed : bool
        Whether every training draws it anew. Stored without a seed axis, it is a mean over trainings.
    """

    name: str
    units: str = ""
    direction: Direction | None = None
    range: tuple[float, float] = (-math.inf, math.inf)
    split: Split | None = None
    depends_on_seed: bool = False

    def __post_init__(self) -> None:
        if self.direction is not None and self.direction not in DIRECTIONS:
            raise ValueError(f"{self.name}: direction is 'max' or 'min', not {self.direction!r}")
        if self.split is not None and self.split not in SPLITS:
            raise ValueError(f"{self.name}: split is 'train', 'valid' or 'test', not {self.split!r}")
        low, high = self.range
        if not low < high:
            raise ValueError(f"{self.name}: range goes from a lower to a higher value, not from {low} to {high}")

    @property
    def offset(self) -> float:
        """What a gain is subtracted from to be minimised: 100 for a percentage, else 0."""
        return 100.0 if self.units == "percent" else 0.0

    def minimised(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of any shape as an objective to minimise: a percentage as 100 - value, another gain as -value.

        A loss or a cost stays as it is. Applied twice, it gives the values back.

        Raises
        ------
        ValueError
            Where the metric has no direction.
        """
        if self.direction is None:
            raise ValueError(undirected(self.name))
        return self.offset - values if self.direction == "max" else values

    def outside(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Which values are not possible; ``nan``, which stands for a value that is not known, is."""
        low, high = self.range
        found: NDArray[np.bool_] = (values < low) | (values > high)
        return found

    def attributes(self) -> dict[str, Any]:
        """The fields as plain JSON; `from_attributes` reads them."""
        low, high = (bound if math.isfinite(bound) else None for bound in self.range)
        return {
            "units": self.units,
            "direction": self.direction,
            "range": [low, high],
            "split": self.split,
            "depends_on_seed": self.depends_on_seed,
        }

    @classmethod
    def from_attributes(cls, name: str, attributes: Mapping[str, Any]) -> Metric:
        """The metric that `attributes` describe; ValueError, TypeError or KeyError where they describe none."""
        low, high = attributes["range"]
        if not isinstance(attributes["depends_on_seed"], bool):
            raise TypeError(f"{name}: depends_on_seed is true or false, not {attributes['depends_on_seed']!r}")
        return cls(
            name,
            str(attributes["units"]),
            attributes["direction"],
            (-math.inf if low is None else float(low), math.inf if high is None else float(high)),
            attributes["split"],
            bool(attributes["depends_on_seed"]),
        )


def undirected(name: str) -> str:
    """What to say of a metric of which nobody knows whether more or less is better."""
    return (
        f"whether more or less {name} is better is not stored: say so with directions={{{name!r}: 'max'}} or 'min' "
        f'(--direction {name}=max), or convert its source again with direction = "max" in the mapping'
    )


def minimised(values: NDArray[np.float64], metrics: Sequence[Metric]) -> NDArray[np.float64]:
    """Metrics (n, m) as objectives to minimise, by `Metric.minimised`; applied twice, it gives the values back.

    Parameters
    ----------
    values : ndarray of float64, shape (n, m)
    metrics : sequence of m Metric

    Returns
    -------
    ndarray of float64, shape (n, m)
        New, the values stay as they are.
    """
    result = np.array(values, dtype=np.float64)
    for i, metric in enumerate(metrics):
        result[:, i] = metric.minimised(result[:, i])
    return result
