"""Descriptions of metrics, and their conversion to objectives to be minimised."""

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
    """Description of a metric.

    Attributes
    ----------
    name : str
        Name of the metric.
    units : str
        ``"percent"``, ``"s"``, ``"ms"``, ``"mJ"``, ``"count"``, ...; empty if there is none or it is unknown.
    direction : {"max", "min"} or None
        Whether higher or lower values are better; None if unknown or not applicable.
    range : tuple of float
        Lowest and highest possible values.
    split : {"train", "valid", "test"} or None
        Data split on which the metric was measured; None if unknown or not applicable, e.g. for costs.
    depends_on_seed : bool
        Whether the metric varies between trainings. If it is stored without a seed axis, the values are means over
        trainings.
    """

    name: str
    units: str = ""
    direction: Direction | None = None
    range: tuple[float, float] = (-math.inf, math.inf)
    split: Split | None = None
    depends_on_seed: bool = False

    def __post_init__(self) -> None:
        if self.direction is not None and self.direction not in DIRECTIONS:
            raise ValueError(f"{self.name}: direction must be 'max' or 'min', not {self.direction!r}")
        if self.split is not None and self.split not in SPLITS:
            raise ValueError(f"{self.name}: split must be 'train', 'valid' or 'test', not {self.split!r}")
        low, high = self.range
        if not low < high:
            raise ValueError(f"{self.name}: range must go from a lower to a higher value, not from {low} to {high}")

    @property
    def offset(self) -> float:
        """Value from which gains are subtracted to be minimised: 100 for percentages, otherwise 0."""
        return 100.0 if self.units == "percent" else 0.0

    def minimised(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert values of any shape to an objective to be minimised.

        Percentages to be maximised become 100 - value, other metrics to be maximised -value; all others are unchanged.
        Applying the method twice returns the input.

        Raises
        ------
        ValueError
            If the metric has no direction.
        """
        if self.direction is None:
            raise ValueError(undirected(self.name))
        return self.offset - values if self.direction == "max" else values

    def outside(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Which values are outside the possible range; ``nan`` (unknown) is never outside."""
        low, high = self.range
        found: NDArray[np.bool_] = (values < low) | (values > high)
        return found

    def attributes(self) -> dict[str, Any]:
        """Fields as plain JSON data; the inverse of `from_attributes`."""
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
        """Create a metric from `attributes`; raises ValueError, TypeError or KeyError if they are malformed."""
        low, high = attributes["range"]
        if not isinstance(attributes["depends_on_seed"], bool):
            raise TypeError(f"{name}: depends_on_seed must be true or false, not {attributes['depends_on_seed']!r}")
        return cls(
            name,
            str(attributes["units"]),
            attributes["direction"],
            (-math.inf if low is None else float(low), math.inf if high is None else float(high)),
            attributes["split"],
            bool(attributes["depends_on_seed"]),
        )


def undirected(name: str) -> str:
    """Error message for a metric without a direction."""
    return (
        f"the direction of {name} is not stored: pass directions={{{name!r}: 'max'}} or 'min' "
        f'(--direction {name}=max), or convert its source again with direction = "max" in the mapping'
    )


def minimised(values: NDArray[np.float64], metrics: Sequence[Metric]) -> NDArray[np.float64]:
    """Convert metrics to objectives to be minimised, by `Metric.minimised`; applying it twice returns the input.

    Parameters
    ----------
    values : ndarray of float64, shape (n, m)
        Metric values, one column per metric.
    metrics : sequence of m Metric

    Returns
    -------
    ndarray of float64, shape (n, m)
        A new array.
    """
    result = np.array(values, dtype=np.float64)
    for i, metric in enumerate(metrics):
        result[:, i] = metric.minimised(result[:, i])
    return result
