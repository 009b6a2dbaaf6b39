"""Guess a network's final value from the first epochs of its training: arrays in, arrays out.

An estimator takes curves (n, epochs) and gives estimates (n,), of which more is better.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["last_value", "mean_of_curve", "power_law", "training_speed"]

EXPONENTS = np.geomspace(0.1, 4.0, 60)  # of power laws: from nearly a logarithm to nearly a step
FREE_POINTS = 3  # a power law has three parameters; with fewer epochs the exponent is 1


def last_value(values: ArrayLike) -> NDArray[np.float64]:
    """The value after the last epoch that is known: partial training, as successive halving uses it.

    Parameters
    ----------
    values : array_like of float, shape (n, epochs)
        An accuracy after each epoch so far.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    return _checked(values)[:, -1].copy()


def mean_of_curve(values: ArrayLike) -> NDArray[np.float64]:
    """The mean over all epochs so far: less noise than the last value has, and a reward for learning early.

    Parameters
    ----------
    values : array_like of float, shape (n, epochs)

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    mean: NDArray[np.float64] = _checked(values).mean(axis=1)
    return mean


def training_speed(losses: ArrayLike, last: int | None = None) -> NDArray[np.float64]:
    """Minus the sum of the training losses so far: the faster a network learns, the higher.

    Ru et al. 2021 (arXiv 2006.04492), section 2: TSE, and TSE-E where only the last E epochs are summed. Theirs are the means
    of the losses during an epoch; a table that has the losses after each epoch, in evaluation mode, gives nearly the same.

    Parameters
    ----------
    losses : array_like of float, shape (n, epochs)
        The training loss of every epoch so far.
    last : int, optional
        How many of the last epochs are summed; all unless given.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    known = _checked(losses)
    if last is not None and last < 1:
        raise ValueError(f"last is a number of epochs, from 1 up, not {last}")
    total: NDArray[np.float64] = known[:, -(last or known.shape[1]) :].sum(axis=1)
    return -total


def power_law(values: ArrayLike, epochs: ArrayLike, final: float, *, highest: float = 100.0) -> NDArray[np.float64]:
    """The value at a later epoch, by the power law ``a - b * epoch ** -c`` that fits the curve best.

    Power laws are a usual family for learning curves (Domhan, Springenberg and Hutter 2015, section 3.1, ``pow3``). The
    fit is ours: for each of 60 exponents c from 0.1 to 4, ``a <= highest`` and ``b >= 0`` by least squares; the best c of each
    curve counts. With one or two epochs c is 1. An estimate is never below the last value: a curve that falls, or has one
    epoch, is taken to stay where it is.

    Parameters
    ----------
    values : array_like of float, shape (n, epochs)
        An accuracy after each epoch so far. A curve with a ``nan`` has the estimate ``nan``.
    epochs : array_like of float, shape (epochs,)
        From 1 up, ascending.
    final : float
        The epoch that is asked about; not before the last.
    highest : float
        What no value exceeds, however long the training.

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
            f"epochs ascend from 1 up, one for each of {y.shape[1]} values, and end by {final}, unlike {t.tolist()}"
        )
    best, error = np.full(len(y), np.nan), np.full(len(y), np.inf)
    mean = y.mean(axis=1, keepdims=True)
    # 1 first: of exponents that fit equally well, as with a flat curve, it stays
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
        raise ValueError(f"curves are an array (n, epochs) of at least one epoch, not {found.shape}")
    return found
