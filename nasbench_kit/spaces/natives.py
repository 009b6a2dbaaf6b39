"""Reading native forms that are nested lists of whole numbers, as JSON and NumPy have them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import InvalidArchitecture

__all__ = ["whole_numbers"]


def whole_numbers(native: Any, what: str) -> NDArray[np.int64]:
    """A native form, or a part of it, as an array; integers, floats without a fraction, and booleans are taken.

    Raises
    ------
    InvalidArchitecture
        Ragged lists, or values that are not whole numbers.
    """
    try:
        values = np.asarray(native)
    except ValueError:
        raise InvalidArchitecture(f"{what} has rows of different lengths") from None
    if values.dtype.kind not in "biuf" or (isinstance(native, (str, bytes, dict))):
        raise InvalidArchitecture(f"{what} is a list of whole numbers, not {_shown(native)}")
    with np.errstate(invalid="ignore"):
        whole = values.astype(np.int64)
    if not (whole == values).all():
        raise InvalidArchitecture(f"{what} has {values[whole != values].flat[0]}, which is no whole number")
    return whole


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
