"""How well an estimate orders what it estimates: rank correlations."""

from __future__ import annotations

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike

__all__ = ["rank_agreement"]


def rank_agreement(estimates: ArrayLike, values: ArrayLike) -> tuple[float, float]:
    """Spearman's rho and Kendall's tau-b of an estimate with the values that it stands for.

    Ties share the mean of their ranks. Pairs with a ``nan`` are left out; infinite ones come first or last.

    Parameters
    ----------
    estimates, values : array_like of float, shape (n,)

    Returns
    -------
    tuple of float
        From -1 to 1; ``(nan, nan)`` where fewer than two pairs are left, or all estimates or all values are the same.

    Examples
    --------
    >>> rank_agreement([0.1, 0.2, 0.4, 0.3], [90, 92, 93, 95])
    (0.8, 0.666666666666667)
    """
    x, y = np.asarray(estimates, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"estimates and values are two arrays (n,), not {x.shape} and {y.shape}")
    known = ~(np.isnan(x) | np.isnan(y))
    ranks_x, ranks_y = scipy.stats.rankdata(x[known]), scipy.stats.rankdata(y[known])
    if known.sum() < 2 or np.ptp(ranks_x) == 0 or np.ptp(ranks_y) == 0:
        return float("nan"), float("nan")
    rho = float(np.corrcoef(ranks_x, ranks_y)[0, 1])
    # ranks have no infinite values, which Kendall's own sorting does not expect
    return round(rho, 15), round(float(scipy.stats.kendalltau(ranks_x, ranks_y).statistic), 15)
