"""Conversion of nested lists and arrays to integer arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["whole_numbers"]


def whole_numbers(values: ArrayLike, what: str) -> NDArray[np.int64]:
    """Convert to int64; accepts integers, integral floats and booleans.

    Raises
    ------
    ValueError
        If lists are ragged or values are not whole numbers; ``what`` names them in the message.
    """
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{what} has rows of different lengths") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{what} must contain whole numbers, not {_shown(values)}")
    with np.errstate(invalid="ignore"):
        whole = array.astype(np.int64)
    if not (whole == array).all():
        raise ValueError(f"{what} has {array[whole != array].flat[0]}, which is not a whole number")
    return whole


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
