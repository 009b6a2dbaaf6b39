"""Learning-curve extrapolation: estimate final performance from the first epochs of training.

An estimator maps curves (n, epochs) to estimates (n,); higher is better.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["last_value", "mean_of_curve", "power_law", "training_speed"]

EXPONENTS = np.geomspace(0.1, 4.0, 60)  # of power laws, from almost logarithmic to almost a step
FREE_POINTS = 3  # a power law has three parameters; with fewer epochs the exponent is 1


def last_value(values: ArrayLike) -> NDArray[np.float64]:
    """Value after the last known epoch, as used by successive halving.

    Parameters
    ----------
    values : array_like of float, shape (n, epochs)
        Accuracy after each epoch so far.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    return _checked(values)[:, -1].copy()


def mean_of_curve(values: ArrayLike) -> NDArray[np.float64]:
    """Mean over all epochs so far, which is less noisy than the last value and rewards early learning.

    Parameters
    ----------
    values : array_like of float, shape (n, epochs)
        Accuracy after each epoch so far.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    mean: NDArray[np.float64] = _checked(values).mean(axis=1)
    return mean


def training_speed(losses: ArrayLike, last: int | None = None) -> NDArray[np.float64]:
    """Negative sum of the training losses so far: higher for networks that learn faster.

    Source: Ru et al. 2021 (arXiv 2006.04492), section 2: TSE, or TSE-E if only the last E epochs are summed. They use
    the mean loss during each epoch. Losses measured after each epoch in evaluation mode give nearly the same result.

    Parameters
    ----------
    losses : array_like of float, shape (n, epochs)
        Training loss of each epoch so far.
    last : int, optional
        Number of last epochs to sum; default: all.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    known = _checked(losses)
    if last is not None and last < 1:
        raise ValueError(f"last must be at least 1 epoch, not {last}")
    total: NDArray[np.float64] = known[:, -(last or known.shape[1]) :].sum(axis=1)
    return -total


def power_law(values: ArrayLike, epochs: ArrayLike, final: float, *, highest: float = 100.0) -> NDArray[np.float64]:
    """Extrapolate to a later epoch with the best-fitting power law ``a - b * epoch ** -c``.

    Power laws are commonly used for learning curves (Domhan, Springenberg and Hutter 2015, section 3.1, ``pow3``). The
    fitting method is ours: for each of 60 exponents c from 0.1 to 4, ``a <= highest`` and ``b >= 0`` are fitted by
    least squares, and the best c of each curve is used. With one or two epochs, c is 1. Estimates are never below the
    last value: curves that decrease or have a single epoch are extrapolated as constant.

    Parameters
    ----------
    values : array_like of float, shape (n, epochs)
        Accuracy after each epoch so far. Curves with ``nan`` give ``nan``.
    epochs : array_like of float, shape (epochs,)
        Epoch of each value, at least 1 and ascending.
    final : float
        Epoch to extrapolate to; not before the last known epoch.
    highest : float
        Upper bound of all values.

    Returns
    -------
    ndarray of float64, shape (n,)

    Examples
    --------
    >>> t = np.array([1, 2, 3, 4])
    >>> power_law([90 - 40 / t], t, 8).round(6)
    array([85.])
    """
    y, t = _checked(values), np.asarray(epochs, dtype=np.float64)
    if t.shape != (y.shape[1],) or not (t >= 1).all() or not (np.diff(t) > 0).all() or not final >= t[-1]:
        raise ValueError(
            f"epochs must be ascending from 1 to at most {final}, one for each of {y.shape[1]} values, not {t.tolist()}"
        )
    best, error = np.full(len(y), np.nan), np.full(len(y), np.inf)
    mean = y.mean(axis=1, keepdims=True)
    # try c = 1 first: it is kept if all exponents fit equally well, as for a flat curve
    for c in (1.0, *EXPONENTS) if len(t) >= FREE_POINTS else (1.0,):
        x = t**-c
        spread = ((x - x.mean()) ** 2).sum()
        b = np.maximum((mean - y) @ (x - x.mean()) / spread, 0) if spread > 0 else np.zeros(len(y))
        a = mean[:, 0] + b * x.mean()
        a, b = np.where(a > highest, highest, a), np.where(a > highest, (highest - y) @ x / (x**2).sum(), b)
        left = ((y - a[:, np.newaxis] + b[:, np.newaxis] * x) ** 2).sum(axis=1)
        better = left < error
        error[better], best[better] = left[better], (a - b * final**-c)[better]
    estimate: NDArray[np.float64] = np.maximum(best, y[:, -1])
    return estimate


def _checked(values: ArrayLike) -> NDArray[np.float64]:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 2 or found.shape[1] == 0:
        raise ValueError(f"curves must have the shape (n, epochs) with at least one epoch, not {found.shape}")
    return found
