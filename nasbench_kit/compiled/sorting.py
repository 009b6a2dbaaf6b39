"""What has to be done between the sorts of pairs of floats; the sorts are NumPy"s, which are SIMD."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.compiled.compiled_loop import compiled_loop

__all__ = [
    "column_codes",
    "high_keys",
    "keys_with_places",
    "low_keys",
    "places_by_both",
    "places_of_keys",
]


@compiled_loop
def column_codes(bits: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Whole numbers from 0 that are ordered as each column of floats is: `nasbench_kit.sorting.whole_numbers`.

    Parameters
    ----------
    bits : ndarray of uint64, shape (n, columns)
        Of the floats, without -0.0.

    Returns
    -------
    codes : ndarray of uint64, shape (columns, n)
        Not yet without the bits that all of them share.
    used : ndarray of uint64, shape (columns,)
        The bits that some code has.
    """
    n, columns = bits.shape
    codes = np.empty((columns, n), dtype=np.uint64)
    used = np.zeros(columns, dtype=np.uint64)
    sign = np.uint64(2**63)
    for column in range(columns):
        least = np.uint64(2**64 - 1)
        for i in range(n):
            word = bits[i, column]
            code = word ^ (sign | np.uint64(np.int64(word) >> np.int64(63)))
            codes[column, i] = code
            least = min(least, code)
        some = np.uint64(0)
        for i in range(n):
            codes[column, i] -= least
            some |= codes[column, i]
        used[column] = some
    return codes, used


@compiled_loop
def low_keys(
    codes: NDArray[np.uint64],
    shift_first: int,
    shift_second: int,
    rest: int,
    second_bits: int,
    place: int,
    keys: NDArray[Any],
) -> None:
    """The second numbers and the last ``rest`` bits of the first, with their places in their rows: into keys (rows, n)."""
    rows, n = keys.shape
    some = np.uint64(2**rest - 1)
    for row in range(rows):
        for i in range(n):
            low = codes[1, row * n + i] >> np.uint64(shift_second)
            if rest:
                low |= (codes[0, row * n + i] >> np.uint64(shift_first) & some) << np.uint64(second_bits)
            keys[row, i] = low << np.uint64(place) | np.uint64(i)


@compiled_loop
def high_keys(low: NDArray[Any], codes: NDArray[np.uint64], shift: int, place: int) -> NDArray[np.uint64]:
    """The first numbers in the order of the sorted keys (rows, n), with their places in this order: (rows, n)."""
    rows, n = low.shape
    keys = np.empty((rows, n), dtype=np.uint64)
    places = np.uint64(2**place - 1)
    for row in range(rows):
        for i in range(n):
            where = row * n + np.intp(np.uint64(low[row, i]) & places)
            keys[row, i] = codes[0, where] >> np.uint64(shift) << np.uint64(place) | np.uint64(i)
    return keys


@compiled_loop
def places_by_both(low: NDArray[Any], high: NDArray[np.uint64], place: int) -> NDArray[np.intp]:
    """The order by the first numbers, then by what `low` is sorted by, as positions in the flat rows: (rows, n)."""
    rows, n = low.shape
    order = np.empty((rows, n), dtype=np.intp)
    places = np.uint64(2**place - 1)
    for row in range(rows):
        for i in range(n):
            by_low = low[row, np.intp(high[row, i] & places)]
            order[row, i] = row * n + np.intp(np.uint64(by_low) & places)
    return order


@compiled_loop
def keys_with_places(codes: NDArray[np.uint64], shift: int, place: int, rows: int) -> NDArray[np.uint64]:
    """The first column's numbers, with their places in their rows: (rows, n)."""
    n = codes.shape[1] // rows
    keys = np.empty((rows, n), dtype=np.uint64)
    for row in range(rows):
        for i in range(n):
            keys[row, i] = codes[0, row * n + i] >> np.uint64(shift) << np.uint64(place) | np.uint64(i)
    return keys


@compiled_loop
def places_of_keys(keys: NDArray[np.uint64], place: int, first: int) -> NDArray[np.intp]:
    """The first places of sorted keys, as positions in the flat rows: (rows, n) to (rows, first)."""
    rows, n = keys.shape
    order = np.empty((rows, first), dtype=np.intp)
    places = np.uint64(2**place - 1)
    for row in range(rows):
        for i in range(first):
            order[row, i] = row * n + np.intp(keys[row, i] & places)
    return order
