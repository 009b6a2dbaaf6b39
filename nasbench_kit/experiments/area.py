"""The area under anytime curves: how good a run was on the way, not only at its end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.experiments.result import Result

__all__ = ["mean_over_time"]


def mean_over_time(
    result: Result, values: NDArray[np.float64], clock: str, *, log: bool = True, start: float | None = None
) -> NDArray[np.float64]:
    """The mean value of each run over its time: the area under its curve divided by the length of the time axis.

    A curve keeps the value of a row of the trace until the next row.

    Parameters
    ----------
    result : Result
    values : ndarray of float, shape (rows,)
        One value per row of the trace.
    clock : str
        The column of the trace that is the time.
    log : bool
        Average over the logarithm of the time, so that each doubling of the budget counts the same.
    start : float, optional
        Leave out what was before. Default: the first row.

    Returns
    -------
    ndarray of float64, shape (runs,)
        ``inf`` for a run whose value is unknown at ``start``; ``nan`` if nothing lies after it.
    """
    run, time = result.rows["run"], result.rows[clock].astype(np.float64)
    bounds = np.searchsorted(run, np.arange(result.runs + 1))
    means = np.full(result.runs, np.nan)
    for r in range(result.runs):
        t, v = time[bounds[r] : bounds[r + 1]], values[bounds[r] : bounds[r + 1]]
        if log:
            t, v = t[t > 0], v[t > 0]
        begin = (t[0] if len(t) else np.nan) if start is None else float(start)
        if not len(t) or not begin < t[-1]:
            continue
        first = int(np.searchsorted(t, begin, side="right")) - 1
        if first < 0 or not np.isfinite(v[first:]).all():
            means[r] = np.inf
            continue
        edges = np.append(begin, t[first + 1 :])
        edges = np.log(edges) if log else edges
        means[r] = float((np.diff(edges) * v[first:-1]).sum() / (edges[-1] - edges[0]))
    return means
