"""Whole numbers from whatever a caller has: lists, NumPy arrays of any dtype."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["whole_numbers"]


def whole_numbers(values: ArrayLike, what: str) -> NDArray[np.int64]:
    """As int64; integers, floats without a fraction, and booleans are taken.

    Raises
    ------
    ValueError
        Ragged lists, or values that are no whole numbers; ``what`` is what it calls them.
    """
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{what} has rows of different lengths") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{what} has whole numbers, not {_shown(values)}")
    with np.errstate(invalid="ignore"):
        whole = array.astype(np.int64)
    if not (whole == array).all():
        raise ValueError(f"{what} has {array[whole != array].flat[0]}, which is no whole number")
    return whole


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
