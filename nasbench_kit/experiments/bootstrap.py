"""Bootstrap confidence intervals of means, for tables and for whole curves alike, so that the two agree."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["difference_interval", "mean_interval"]

CONFIDENCE = 0.95
RESAMPLES = 5000
BLOCK = 2**21  # weights in memory at a time
KEPT = 1000  # runs whose weights stay in memory, 40 MB


def mean_interval(values: ArrayLike, confidence: float = CONFIDENCE) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The confidence interval of a mean by the bias-corrected and accelerated (BCa) bootstrap.

    Efron 1987, "Better bootstrap confidence intervals", equations 6.6 (acceleration) and 2.3 (endpoints); for few runs the
    quantiles are those of Student's t, and wider by sqrt(n / (n - 1)), as Hesterberg 2015, "What teachers should know
    about the bootstrap", section 4.3, expands them: without the expansion, intervals of ten runs cover about 87 % instead
    of 95 %. The resamples are fixed: the same values give the same interval, whatever other columns there are. The interval
    lies between the lowest and the highest value, so that of a regret never falls below 0.

    ``scipy.stats.bootstrap(method="BCa")`` is the same up to the resamples and the expansion, but draws anew for every
    point of a curve.

    Parameters
    ----------
    values : array_like of float, shape (runs,) or (runs, points)
        Finite.
    confidence : float

    Returns
    -------
    low, high : ndarray of float64, shape () or (points,)
        ``nan`` for fewer than two runs; the value itself if all are equal.
    """
    x = np.asarray(values, dtype=np.float64)
    low, high = _bca([x.reshape(len(x), int(np.prod(x.shape[1:])))], confidence)
    return low.reshape(x.shape[1:]), high.reshape(x.shape[1:])


def difference_interval(x: ArrayLike, y: ArrayLike, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The confidence interval of ``mean(x) - mean(y)``, of independent samples, by the BCa bootstrap.

    Parameters
    ----------
    x, y : array_like of float, shape (runs,) each
        Finite.
    confidence : float

    Returns
    -------
    tuple of float
        ``(nan, nan)`` if either sample has fewer than two values.
    """
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    low, high = _bca([first[:, np.newaxis], -second[:, np.newaxis]], confidence)
    return float(low[0]), float(high[0])


def _bca(samples: list[NDArray[np.float64]], confidence: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The interval of the sum of the means of samples (runs, points): low and high, (points,)."""
    import scipy.special  # here, so that importing the package stays light

    points = samples[0].shape[1]
    if min(len(x) for x in samples) < 2:
        return np.full(points, np.nan), np.full(points, np.nan)
    means = [x.mean(axis=0) for x in samples]
    center = np.sum(means, axis=0)
    resampled = np.sum([_resampled_means(x, number) for number, x in enumerate(samples)], axis=0)
    resampled.sort(axis=0)
    # a mean of few distinct values often equals that of the sample: ties count half, regardless of rounding
    slack = 1e-9 * np.sum([np.ptp(x, axis=0) for x in samples], axis=0)
    below = ((resampled < center - slack).mean(axis=0) + (resampled <= center + slack).mean(axis=0)) / 2
    bias = scipy.special.ndtri(np.clip(below, 0.5 / RESAMPLES, 1 - 0.5 / RESAMPLES))
    cubes = np.sum([((x - m) ** 3).sum(axis=0) / len(x) ** 3 for x, m in zip(samples, means, strict=True)], axis=0)
    squares = np.sum([((x - m) ** 2).sum(axis=0) / len(x) ** 2 for x, m in zip(samples, means, strict=True)], axis=0)
    spread = slack > 0
    acceleration = np.divide(cubes, 6 * squares**1.5, out=np.zeros(points), where=spread & (squares > 0))
    ends = []
    n = min(len(x) for x in samples)
    reach = np.sqrt(n / (n - 1)) * scipy.special.stdtrit(n - 1, (1 + confidence) / 2)
    for z in (-reach, reach):
        level = scipy.special.ndtr(bias + (bias + z) / (1 - acceleration * (bias + z)))
        ends.append(np.where(spread, _quantile(resampled, level), center))
    return ends[0], ends[1]


def _quantile(ordered: NDArray[np.float64], level: NDArray[np.float64]) -> NDArray[np.float64]:
    """The quantile of each ascending column (n, points) at its own level (points,), linear between neighbours."""
    place = level * (len(ordered) - 1)
    before = np.floor(place).astype(np.intp)
    columns = np.arange(len(level))
    low, high = ordered[before, columns], ordered[np.minimum(before + 1, len(ordered) - 1), columns]
    quantile: NDArray[np.float64] = low + (place - before) * (high - low)
    return quantile


def _resampled_means(x: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    """The means of resamples of (n, points): (RESAMPLES, points); samples of different sizes are resampled independently."""
    weights = _kept_weights(len(x), number) if len(x) <= KEPT else _weights(len(x), number)
    return np.concatenate([block @ x for block in weights])


@lru_cache(maxsize=2)  # a comparison asks for the same ones again for each pair of algorithms
def _kept_weights(n: int, number: int) -> tuple[NDArray[np.float64], ...]:
    return tuple(_weights(n, number))


def _weights(n: int, number: int) -> Iterator[NDArray[np.float64]]:
    """How often each of n values is drawn in a resample, divided by n: blocks (resamples, n)."""
    rng = np.random.default_rng([n, number])
    size = max(1, BLOCK // n)
    for first in range(0, RESAMPLES, size):
        rows = min(size, RESAMPLES - first)
        drawn = rng.integers(n, size=(rows, n)) + n * np.arange(rows)[:, np.newaxis]
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n) / n
