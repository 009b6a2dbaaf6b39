"""Parsing of native forms given as nested lists or arrays of integers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit import graphs
from nasbench_kit.errors import InvalidArchitecture

__all__ = ["whole_numbers"]


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
