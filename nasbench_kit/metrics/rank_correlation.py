"""Rank correlation between estimates and true values."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["rank_agreement"]


def rank_agreement(estimates: ArrayLike, values: ArrayLike) -> tuple[float, float]:
    """Spearman's rho and Kendall's tau-b between estimates and true values.

    Ties receive their mean rank. Pairs with ``nan`` are ignored; infinite values rank first or last.

    Parameters
    ----------
    estimates, values : array_like of float, shape (n,)

    Returns
    -------
    tuple of float
        From -1 to 1; ``(nan, nan)`` if fewer than two pairs remain, or if all estimates or all values are equal.

    Examples
    --------
    >>> rank_agreement([0.1, 0.2, 0.4, 0.3], [90, 92, 93, 95])
    (0.8, 0.666666666666667)
    """
    import scipy.stats  # half a second, which importing the package does not take

    x, y = np.asarray(estimates, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"estimates and values must both have the shape (n,), not {x.shape} and {y.shape}")
    known = ~(np.isnan(x) | np.isnan(y))
    ranks_x, ranks_y = scipy.stats.rankdata(x[known]), scipy.stats.rankdata(y[known])
    if known.sum() < 2 or np.ptp(ranks_x) == 0 or np.ptp(ranks_y) == 0:
        return float("nan"), float("nan")
    rho = float(np.corrcoef(ranks_x, ranks_y)[0, 1])
    # use ranks, because kendalltau does not handle infinite values
    return round(rho, 15), round(float(scipy.stats.kendalltau(ranks_x, ranks_y).statistic), 15)
