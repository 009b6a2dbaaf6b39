"""Running times to targets: expected running time, success rates and ECDFs, as COCO defines them.

Hansen, Auger, Ros, Mersmann, Tusar and Brockhoff 2021, COCO: a platform for comparing continuous optimizers in a black-box
setting (Optimization Methods and Software 36(1), arXiv 1603.08785).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.experiments.result import Result

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["default_targets", "ecdf", "expected_running_time", "hitting_times"]

TARGETS = 51  # as in COCO


def hitting_times(result: Result, values: NDArray[np.float64], targets: ArrayLike, clock: str) -> NDArray[np.float64]:
    """When each run first had a value of at most each target.

    Traces have a row at every improvement on the clocks of networks and seconds. On that of evaluations they have 20 rows per
    decade (10 for several objectives), so that times are at most 12 % (26 %) late.

    Parameters
    ----------
    result : Result
    values : ndarray of float, shape (rows,)
        One value per row of the trace, minimised; ``nan`` or ``inf`` where none is known.
    targets : array_like of float, shape (targets,)
    clock : str
        The column of the trace that is the time.

    Returns
    -------
    ndarray of float64, shape (runs, targets)
        ``inf`` for targets that a run missed.
    """
    wanted = np.asarray(targets, dtype=np.float64)
    times = np.full((result.runs, len(wanted)), np.inf)
    run, time = result.rows["run"], result.rows[clock].astype(np.float64)
    bounds = np.searchsorted(run, np.arange(result.runs + 1))
    for r in range(result.runs):
        a, b = bounds[r], bounds[r + 1]
        best = np.minimum.accumulate(np.where(np.isnan(values[a:b]), np.inf, values[a:b]))
        at = np.searchsorted(-best, -wanted)  # the first row that is at most the target
        reached = at < b - a
        times[r, reached] = time[a:b][at[reached]]
    return times


def expected_running_time(times: NDArray[np.float64], spent: ArrayLike) -> NDArray[np.float64]:
    """The expected time to a target if runs are restarted until one reaches it.

    The time that all runs spent until they reached the target or ended, divided by the number of runs that reached it.

    Parameters
    ----------
    times : ndarray of float64, shape (runs, targets)
        As from `hitting_times`.
    spent : array_like of float, shape (runs,)
        The time of each run at its end.

    Returns
    -------
    ndarray of float64, shape (targets,)
        ``inf`` for targets that no run reached.

    Examples
    --------
    >>> import numpy as np
    >>> expected_running_time(np.array([[3.0], [np.inf]]), [10, 10]).tolist()
    [13.0]
    """
    reached = np.isfinite(times)
    total = np.where(reached, times, np.asarray(spent, dtype=np.float64)[:, np.newaxis]).sum(axis=0)
    count = reached.sum(axis=0)
    expected: NDArray[np.float64] = np.divide(total, count, out=np.full(times.shape[1], np.inf), where=count > 0)
    return expected


def ecdf(times: NDArray[np.float64]) -> pd.DataFrame:
    """The share of pairs of run and target that are reached within a time.

    Parameters
    ----------
    times : ndarray of float64, shape (runs, targets)

    Returns
    -------
    pandas.DataFrame
        ``time``, ascending, and ``share``, one row per time at which the share grows. It stays below 1 if a target was missed.
    """
    import pandas as pd

    known, count = np.unique(times[np.isfinite(times)], return_counts=True)
    return pd.DataFrame({"time": known, "share": np.cumsum(count) / max(times.size, 1)})


def default_targets(values: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Targets on a logarithmic scale, from the median value of a first evaluation to the best value above 0: (targets,).

    Parameters
    ----------
    values : sequence of ndarray of float, each (rows,)
        The values of the traces that are compared, such as regrets. The first is that of a first evaluation.

    Raises
    ------
    ValueError
        No value is above 0.
    """
    known = np.concatenate(values)
    known = known[np.isfinite(known) & (known > 0)]
    if not len(known):
        raise ValueError("no value is above 0, so there is no logarithmic scale of targets: pass targets=")
    starts = np.array([own[np.isfinite(own)][0] for own in values if np.isfinite(own).any()])
    low, high = float(known.min()), float(max(np.median(starts), known.min()))
    return np.geomspace(high, low, TARGETS) if high > low else np.array([low])
