"""What many runs of several algorithms say: location, spread, intervals, ranks, and whether a difference is one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import scipy.stats
from numpy.typing import ArrayLike, NDArray

__all__ = ["mean_interval", "summarise"]

SIGNIFICANT = 0.05


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """The confidence interval of the mean by Student's t.

    Parameters
    ----------
    values : array_like of float, shape (runs,)
    confidence : float

    Returns
    -------
    tuple of float
        ``(nan, nan)`` for fewer than two values.
    """
    x = np.asarray(values, dtype=np.float64)
    if len(x) < 2:
        return float("nan"), float("nan")
    error = scipy.stats.sem(x)
    if error == 0:
        return float(x.mean()), float(x.mean())
    low, high = scipy.stats.t.interval(confidence, len(x) - 1, loc=x.mean(), scale=error)
    return float(low), float(high)


def summarise(samples: Mapping[str, ArrayLike], *, maximise: bool) -> pd.DataFrame:
    """A row an algorithm, the best mean first.

    Parameters
    ----------
    samples : mapping of str to array_like of float, shape (runs,)
        The final value of each run; infinite ones (nothing known was found) are left out.
    maximise : bool
        Whether higher is better.

    Returns
    -------
    pandas.DataFrame
        Indexed by algorithm: ``mean``, ``sd``, ``median``, ``low`` and ``high`` (95 % interval of the mean), ``rank``
        (by mean; equal means share the lower), ``p`` (two-sided Mann-Whitney U test against the best, corrected for the
        number of tests after Benjamini and Hochberg; nan for the best itself) and ``worse`` (whether p < 0.05).
    """
    values = {name: np.asarray(sample, dtype=np.float64) for name, sample in samples.items()}
    values = {name: x[np.isfinite(x)] for name, x in values.items()}
    means = {name: float(x.mean()) if len(x) else float("nan") for name, x in values.items()}
    loss = {name: float("inf") if np.isnan(mean) else -mean if maximise else mean for name, mean in means.items()}
    order = sorted(values, key=loss.__getitem__)
    best = order[0]
    others = order[1:]
    p = _adjusted([_p_value(values[name], values[best]) for name in others])
    intervals = {name: mean_interval(values[name]) for name in order}
    rank = scipy.stats.rankdata([loss[name] for name in order], method="min")
    return pd.DataFrame(
        {
            "mean": [means[name] for name in order],
            "sd": [float(values[name].std(ddof=1)) if len(values[name]) > 1 else float("nan") for name in order],
            "median": [float(np.median(values[name])) if len(values[name]) else float("nan") for name in order],
            "low": [intervals[name][0] for name in order],
            "high": [intervals[name][1] for name in order],
            "rank": rank.astype(int),
            "p": [float("nan"), *p],
            "worse": [False, *(value < SIGNIFICANT for value in p)],
        },
        index=pd.Index(order, name="algorithm"),
    )


def _p_value(sample: NDArray[np.float64], best: NDArray[np.float64]) -> float:
    if min(len(sample), len(best)) < 2 or (np.unique(np.concatenate([sample, best])).size == 1):
        return 1.0
    return float(scipy.stats.mannwhitneyu(sample, best).pvalue)


def _adjusted(p: list[float]) -> list[float]:
    return [float(value) for value in scipy.stats.false_discovery_control(p)] if p else []
