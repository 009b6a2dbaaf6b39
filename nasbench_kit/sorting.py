"""Stable orders of floats by way of integers, which NumPy sorts many times as fast."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["lexicographic_order", "stable_order", "take"]

Scalar = TypeVar("Scalar", bound=np.generic)


def stable_order(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Each row's stable ascending order, several times as fast as ``values.argsort(axis=1, kind="stable")``.

    Parameters
    ----------
    values : ndarray of float, shape (rows, n)
        Without ``nan``.

    Returns
    -------
    ndarray of int, shape (rows, n)
        Positions in ``values.ravel()``: row r's are r n ... r n + n - 1.

    Examples
    --------
    >>> stable_order(np.array([[3.0, 1.0, 2.0], [5.0, np.inf, 5.0]]))
    array([[1, 2, 0],
           [3, 5, 4]])
    """
    rows, n = values.shape
    starts = (np.arange(rows) * n)[:, np.newaxis]
    place = n.bit_length()
    code = _whole_numbers(values)
    code -= code.min(initial=2**64 - 1)
    used = int(np.bitwise_or.reduce(code, axis=None))
    lowest, highest = (used & -used).bit_length() - 1 if used else 0, used.bit_length()
    # the digits of a radix sort, from the last to the first: mostly one is enough
    first = max(lowest, highest - (64 - place))
    order = None
    if first > lowest:
        order = _by_digit((code >> np.uint64(lowest)) & np.uint64(2 ** (first - lowest) - 1), place) + starts
        code = take(code, order)
    code >>= np.uint64(first)
    last = _by_digit(code, place) + starts
    return last if order is None else take(order, last)


def lexicographic_order(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.intp]:
    """Each row's stable order by ``first``, and where that is equal by ``second``; positions as in `stable_order`."""
    by_second = stable_order(second)
    return take(by_second, stable_order(take(first, by_second)))


def take(values: NDArray[Scalar], where: NDArray[np.intp]) -> NDArray[Scalar]:
    """The values at positions of the flat array, in the shape of ``where``."""
    taken: NDArray[Scalar] = values.reshape(-1).take(where, mode="clip")
    return taken


def _whole_numbers(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Whole numbers that are ordered as the values are: their bits, those of negative values inverted."""
    code = (values + 0.0).view(np.uint64)  # -0.0 becomes 0.0
    if values.min(initial=0.0) < 0:
        code ^= np.where(values < 0, np.uint64(2**64 - 1), np.uint64(2**63))
    return code


def _by_digit(digit: NDArray[np.uint64], place: int) -> NDArray[np.intp]:
    """The stable order of each row of numbers below ``2 ** (64 - place)``, with its positions below ``2 ** place``.

    A number and its position side by side in one integer: NumPy sorts integers with SIMD, several times as fast as it
    finds the order of floats.
    """
    dtype = np.uint32 if place < 32 and int(digit.max(initial=0)) < 2 ** (32 - place) else np.uint64
    key = (digit.astype(dtype) << dtype(place)) | np.arange(digit.shape[1], dtype=dtype)
    key.sort(axis=1)
    return (key & dtype(2**place - 1)).astype(np.intp)
