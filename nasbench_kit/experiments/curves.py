"""What traces say of any time: values on a clock, and the mean of the runs with its interval."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.experiments.bootstrap import mean_interval
from nasbench_kit.experiments.recorder import GRID
from nasbench_kit.experiments.result import Result

__all__ = ["Curve", "anytime", "clock_points", "mean_curve"]

FIRST = 10  # evaluations: before that, a picture shows the luck of the first draws


@dataclass(frozen=True)
class Curve:
    """The mean over runs at times of a clock, with its 95 % interval, as a comparison's table has it at the end.

    Attributes
    ----------
    times, mean, low, high : ndarray of float64, shape (points,)
        ``low`` and ``high`` are ``nan`` for a single run.
    n : int
        How many runs found a value in the end; the mean is theirs, from when all of them have one.
    """

    times: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n: int


def anytime(
    result: Result, values: NDArray[np.float64], clock: str, points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Each run's value at given times of a clock: that of the last row of its trace that is not later.

    Exact at the points of the grid that the trace follows, see `clock_points`. A trace of one objective by another clock
    than evaluations has a row at every change, and is exact at any time of any clock.

    Parameters
    ----------
    result : Result
    values : ndarray of float, shape (rows,)
        One for each row of the trace.
    clock : str
        A clock's column of the trace.
    points : ndarray of float, shape (points,)

    Returns
    -------
    ndarray of float, shape (runs, points)
        ``nan`` before a run's first row, and where nothing is known.

    Raises
    ------
    ValueError
        The trace follows another clock and would lag behind on this one.
    """
    every_change = result.clock not in (None, "evaluations") and len(result.objectives) == 1
    if result.clock not in (None, clock) and not every_change:
        raise ValueError(f"the trace follows {result.clock}, and lags behind by {clock}: search with clock={clock!r}")
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
    """The curve of values (runs, points), ``nan`` where a run has none: see `Curve`."""
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
