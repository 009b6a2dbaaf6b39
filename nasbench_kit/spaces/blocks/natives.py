"""Reading native forms that are nested lists of whole numbers, as JSON and NumPy have them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit import graphs
from nasbench_kit.errors import InvalidArchitecture

__all__ = ["whole_numbers"]


def whole_numbers(native: Any, what: str) -> NDArray[np.int64]:
    """A native form, or a part of it, as an array.

    Raises
    ------
    InvalidArchitecture
        Ragged lists, or values that are not whole numbers.
    """
    try:
        return graphs.whole_numbers(native, what)
    except ValueError as error:
        raise InvalidArchitecture(str(error)) from None
