"""How objectives are scaled for the hypervolume, and where the reference point lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import UnknownName
from nasbench_kit.metrics.indicators import group_hypervolume

__all__ = ["SCALES", "Scale", "scale_of"]

#: The reference point in each scaled objective, by the name of the scale.
SCALES = {"front": 1.1, "table": 1.01}


@dataclass(frozen=True)
class Scale:
    """Scaled objectives are 0 at ``low`` and 1 at ``high``; the reference point is ``reference`` in each.

    Attributes
    ----------
    low, high : ndarray of float64, shape (m,)
    reference : float
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    reference: float

    def scaled(self, F: NDArray[np.float64]) -> NDArray[np.float64]:
        """Objectives (n, m) on this scale; outside of the bounds they are below 0 or above 1."""
        result: NDArray[np.float64] = (F - self.low) / (self.high - self.low)
        return result

    def hypervolume(self, F: NDArray[np.float64], group: NDArray[np.int64], groups: int) -> NDArray[np.float64]:
        """The hypervolume of each group of points (n, m) that `nondominated` has ordered: (groups,).

        Points that are not better than the reference point in every objective contribute nothing.
        """
        return group_hypervolume(self.scaled(F), group, groups, np.full(F.shape[1], self.reference))


def scale_of(name: str, bounds: NDArray[np.float64] | None, front_bounds: NDArray[np.float64] | None) -> Scale:
    """A scale by its name.

    Parameters
    ----------
    name : {"front", "table"}
        ``"front"``: between the ideal and the nadir point of the exact Pareto front, with the reference point 1.1, so that
        the ends of the front count and points far from it do not (Ishibuchi et al. 2018, "How to specify a reference point
        in hypervolume calculation"). ``"table"``: between the best and the worst value of the whole table, with 1.01:
        if the worst networks are far from all others, every archive is close to 1.
    bounds, front_bounds : ndarray of float64, shape (2, m), or None
        Those of a problem. If the front has a single value in an objective, as a front of one point has in each, the
        table's worst value replaces the nadir.

    Raises
    ------
    UnknownName
        The scale does not exist.
    ValueError
        The bounds are unknown.
    """
    if name not in SCALES:
        raise UnknownName("scale", name, SCALES)
    ends = front_bounds if name == "front" else bounds
    if ends is None:
        raise ValueError("the bounds of the objectives are unknown: give ref=, or pass bounds= to FunctionProblem")
    low, high = ends
    if bounds is not None:
        high = np.where(high > low, high, bounds[1])
    return Scale(low, np.where(high > low, high, low + 1.0), SCALES[name])
