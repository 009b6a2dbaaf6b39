"""Anytime curves: the value of each run on a clock, and the mean over runs with its confidence interval."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.experiments.bootstrap import mean_interval
from nasbench_kit.experiments.recorder import GRID
from nasbench_kit.experiments.result import Result

__all__ = ["FIRST", "Curve", "anytime", "clock_points", "mean_curve"]

FIRST = 10  # evaluations: before that, curves show little but the initial random draws


@dataclass(frozen=True)
class Curve:
    """The mean over runs on a clock, with its 95 % confidence interval, consistent with a comparison's table.

    Attributes
    ----------
    times, mean, low, high : ndarray of float64, shape (points,)
        ``low`` and ``high`` are ``nan`` for a single run.
    n : int
        The number of runs that found a value. The mean is over these, from the time when all of them have one.
    """

    times: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n: int


def anytime(
    result: Result, values: NDArray[np.float64], clock: str, points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The value of each run at given times: that of the last row of its trace not later than each.

    Exact at the grid points of the trace, see `clock_points`. A trace of one objective with a clock other than evaluations
    has a row at every change and is exact at any time of any clock.

    Parameters
    ----------
    result : Result
    values : ndarray of float, shape (rows,)
        One value per row of the trace.
    clock : str
        The trace's column of a clock.
    points : ndarray of float, shape (points,)

    Returns
    -------
    ndarray of float, shape (runs, points)
        ``nan`` before the first row of a run, and where no value is known.

    Raises
    ------
    ValueError
        The trace follows another clock and would lag behind on this one.
    """
    every_change = result.clock not in (None, "evaluations") and len(result.objectives) == 1
    if result.clock not in (None, clock) and not every_change:
        raise ValueError(
            f"the trace was recorded by {result.clock} and is too coarse for {clock}: search with clock={clock!r}"
        )
    run = result.rows["run"]
    time = result.rows[clock]
    values = np.where(np.isfinite(values), values, np.nan)
    table = np.full((result.runs, len(points)), np.nan)
    bounds = np.searchsorted(run, np.arange(result.runs + 1))
    for r, (a, b) in enumerate(itertools.pairwise(bounds)):
        at = np.searchsorted(time[a:b], points, side="right") - 1
        known = at >= 0
        table[r, known] = values[a:b][at[known]]
    return table


def mean_curve(table: NDArray[np.float64], points: NDArray[np.float64]) -> Curve:
    """The mean curve of values (runs, points), ``nan`` where a run has none; see `Curve`."""
    known = ~np.isnan(table)
    found = known[:, -1] if len(points) else np.zeros(len(table), dtype=np.bool_)
    begun = known[found].all(axis=0) if found.any() else np.zeros(len(points), dtype=np.bool_)
    kept = table[found][:, begun]
    if not kept.size:
        empty = np.empty(0)
        return Curve(empty, empty, empty, empty, int(found.sum()))
    low, high = mean_interval(kept)
    return Curve(points[begun], kept.mean(axis=0), low, high, int(found.sum()))


def clock_points(results: Sequence[Result], clock: str) -> NDArray[np.float64]:
    """Times at which the traces of all results are exact: (points,)."""
    times = [result.rows[clock] for result in results if len(result.rows[clock])]
    if not times:
        return np.empty(0)
    last = max(float(time.max()) for time in times)
    if clock == "evaluations" and all(result.clock in (None, clock) for result in results):
        shared = sorted(set.intersection(*(set(time.tolist()) for time in times)) | {last})
        return np.array([point for point in shared if point >= FIRST] or shared, dtype=np.float64)
    first = min(float(time[time > 0].min(initial=last)) for time in times)
    if len(results[0].objectives) == 1:
        return np.append(np.geomspace(first, last, 200)[:-1], last)
    steps = np.arange(np.floor(np.log10(first) * GRID[1]), np.ceil(np.log10(last) * GRID[1]))
    return np.append(10.0 ** (steps / GRID[1]), last)
