"""Parsing of native forms given as nested lists or arrays of integers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit import graphs
from nasbench_kit.errors import InvalidArchitecture

__all__ = ["whole_number", "whole_numbers"]


def whole_numbers(native: Any, what: str) -> NDArray[np.int64]:
    """Convert a native form, or a part of one, to an array.

    Raises
    ------
    InvalidArchitecture
        If lists are ragged or values are not whole numbers.
    """
    try:
        return graphs.whole_numbers(native, what)
    except ValueError as error:
        raise InvalidArchitecture(str(error)) from None


def whole_number(value: Any, what: str) -> int:
    """Convert one number of a native form; raises InvalidArchitecture if it is not a whole number."""
    if type(value) is int:
        return value
    found = whole_numbers([value], what)
    if found.shape != (1,):
        raise InvalidArchitecture(f"{what} must be whole numbers, not lists")
    return int(found[0])
