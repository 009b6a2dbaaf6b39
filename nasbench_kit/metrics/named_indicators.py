"""Indicators by name, for the archives of many runs at once, of objectives in any units."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import moocore
import numpy as np
from numpy.typing import NDArray

from nasbench_kit.metrics.checks import check_values
from nasbench_kit.metrics.front_indicators import unit_r2

__all__ = ["HYPERVOLUME", "INDICATORS", "Indicator", "check_positive", "group_indicator"]

HYPERVOLUME = "hypervolume"

_Points = NDArray[np.float64]


@dataclass(frozen=True)
class Indicator:
    """What a quality indicator is.

    Attributes
    ----------
    name : str
    title : str
        How figures and tables write it.
    meaning : str
        In one phrase.
    maximise : bool
        Whether more is better.
    needs_front : bool
        Whether it compares with a reference front.
    scaled : bool
        Whether objectives are scaled first, so that the ideal point is 0 and the nadir point 1; else it does not depend on
        the units, and takes minimised values as they are.
    function : callable, or None
        The value of one set (n, m) against a front (k, m). None for the hypervolume, which
        `nasbench_kit.metrics.indicators.group_hypervolume` computes for all sets at once.
    """

    name: str
    title: str
    meaning: str
    maximise: bool = False
    needs_front: bool = True
    scaled: bool = True
    function: Callable[[_Points, _Points], float] | None = None


_ALL = (
    Indicator(HYPERVOLUME, "hypervolume", "hypervolume of the archive", maximise=True, needs_front=False),
    Indicator(
        "igd",
        "IGD",
        "mean distance of the points of the exact front to the nearest of the archive",
        function=lambda F, front: moocore.igd(F, front),
    ),
    Indicator(
        "igd_plus",
        "IGD+",
        "mean distance of the points of the exact front to the archive, of the objectives in which the archive is worse",
        function=lambda F, front: moocore.igd_plus(F, front),
    ),
    Indicator(
        "gd",
        "GD",
        "mean distance of the points of the archive to the nearest of the exact front",
        function=lambda F, front: moocore.igd(front, F),
    ),
    Indicator(
        "gd_plus",
        "GD+",
        "mean distance of the points of the archive to the exact front, of the objectives in which the archive is worse",
        function=lambda F, front: moocore.igd_plus(front, F, maximise=True),
    ),
    Indicator(
        "epsilon",
        "additive epsilon",
        "by how much the archive must be shifted to weakly dominate the exact front",
        function=lambda F, front: moocore.epsilon_additive(F, front),
    ),
    Indicator(
        "epsilon_multiplicative",
        "multiplicative epsilon",
        "the factor by which the archive must be divided to weakly dominate the exact front",
        scaled=False,
        function=lambda F, front: moocore.epsilon_mult(F, front),
    ),
    Indicator(
        "r2",
        "R2",
        "mean over weight vectors of the archive's best weighted Tchebycheff distance to the ideal point",
        needs_front=False,
        function=lambda F, _: unit_r2(np.maximum(F, 0.0)),
    ),
)

#: Every indicator, by its name.
INDICATORS = {indicator.name: indicator for indicator in _ALL}


def group_indicator(
    indicator: Indicator, F: _Points, group: NDArray[np.int64], groups: int, front: _Points | None = None
) -> NDArray[np.float64]:
    """An indicator of the non-dominated points of each group; for the hypervolume, see ``group_hypervolume``.

    Parameters
    ----------
    indicator : Indicator
        One of `INDICATORS`.
    F : ndarray of float, shape (n, m)
        Distinct points, minimised, sorted by group, as from `nasbench_kit.metrics.indicators.nondominated`. Scaled if the
        indicator is: ideal point 0, nadir point 1.
    group : ndarray of int, shape (n,)
        Group of each point.
    groups : int
        Number of groups.
    front : ndarray of float, shape (k, m), optional
        The reference front, scaled as the points are. Needed unless `Indicator.needs_front` is False.

    Returns
    -------
    ndarray of float64, shape (groups,)
        ``inf`` for groups without points.

    Raises
    ------
    ValueError
        If a value is ``nan``, the front is missing or does not fit, or the multiplicative epsilon meets values of 0 or less.

    Examples
    --------
    >>> F, front = np.array([[1.0, 1.0], [2.0, 0.0]]), np.array([[0.0, 1.0]])
    >>> group_indicator(INDICATORS["igd"], F, np.array([0, 2]), 3, front).round(3).tolist()
    [1.0, inf, 2.236]
    """
    if indicator.function is None:
        raise ValueError(f"the {indicator.name} has a reference point and no front: use group_hypervolume")
    check_values(F)
    if indicator.needs_front:
        _check_front(indicator, front, F.shape[1])
    if not indicator.scaled:  # the multiplicative epsilon
        check_positive([F, front], None)
    values = np.full(groups, np.inf)
    against = np.empty((0, F.shape[1])) if front is None else front
    bounds = np.searchsorted(group, np.arange(groups + 1))
    for i, (a, b) in enumerate(itertools.pairwise(bounds)):
        if b > a:
            values[i] = indicator.function(F[a:b], against)
    return values


def check_positive(values: Sequence[_Points | None], objectives: Sequence[str] | None) -> None:
    """Raise ValueError unless all values (n, m) are above 0, as the multiplicative epsilon needs them."""
    for F in values:
        if F is not None and len(F) and F.min() <= 0:
            j = int(F.min(axis=0).argmin())
            what = f"objective {j}" if objectives is None else objectives[j]
            raise ValueError(
                f"the multiplicative epsilon needs minimised values above 0, and {what} has {F[:, j].min():g}: use epsilon"
            )


def _check_front(indicator: Indicator, front: _Points | None, objectives: int) -> None:
    if front is None:
        raise ValueError(f"{indicator.title} compares with a reference front: give front=")
    if front.ndim != 2 or not len(front) or front.shape[1] != objectives:
        raise ValueError(
            f"the reference front has the shape {front.shape}, expected (k, {objectives}) with k of at least 1"
        )
    check_values(front)
