"""Fast stable argsort and lexsort of floats, by sorting packed integers."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled

__all__ = [
    "bits_and_shift",
    "heights_of_columns",
    "lowest",
    "order_by_two",
    "order_of_pairs",
    "repeats",
    "stable_order",
    "take",
    "whole_numbers",
]

Scalar = TypeVar("Scalar", bound=np.generic)
Unsigned = TypeVar("Unsigned", np.uint32, np.uint64)


def take(values: NDArray[Scalar], where: NDArray[np.intp]) -> NDArray[Scalar]:
    """Take values at flat positions, in the shape of ``where``."""
    taken: NDArray[Scalar] = values.reshape(-1).take(where, mode="clip")
    return taken


def repeats(keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether each key equals an earlier one of its row: (rows, n)."""
    order = keys.argsort(axis=1, kind="stable")
    ordered = np.take_along_axis(keys, order, axis=1)
    again = np.zeros(keys.shape, dtype=np.bool_)
    again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    duplicate = np.zeros_like(again)
    np.put_along_axis(duplicate, order, again, axis=1)
    return duplicate


def whole_numbers(values: NDArray[np.float64]) -> tuple[NDArray[np.uint64], int]:
    """Map floats to unsigned integers of the same order, and return their number of bits; ``nan`` is not supported.

    The integers are the bit patterns of the values, with those of negative values inverted and common bits removed.
    """
    code = (values + 0.0).view(np.uint64)  # -0.0 becomes 0.0
    if values.min(initial=0.0) < 0:
        code ^= np.where(values < 0, np.uint64(2**64 - 1), np.uint64(2**63))
    code -= code.min(initial=2**64 - 1)
    used = int(np.bitwise_or.reduce(code, axis=None))
    bits, shift = bits_and_shift(used)
    if shift:
        code >>= np.uint64(shift)
    return code, bits


def stable_order(code: NDArray[np.uint64], bits: int) -> NDArray[np.intp]:
    """Stable ascending order of each row, several times faster than ``argsort(axis=1, kind="stable")`` of floats.

    Parameters
    ----------
    code : ndarray of uint64, shape (rows, n)
        Integers from `whole_numbers`.
    bits : int
        Maximum number of bits.

    Returns
    -------
    ndarray of int, shape (rows, n)
        Positions in ``code.ravel()``; those of row r are r n ... r n + n - 1.

    Examples
    --------
    >>> stable_order(*whole_numbers(np.array([[3.0, 1.0, 2.0], [5.0, np.inf, 5.0]])))
    array([[1, 2, 0],
           [3, 5, 4]])
    """
    rows, n = code.shape
    place = n.bit_length()
    starts = (np.arange(rows) * n)[:, np.newaxis]
    # radix sort from the least significant digit; usually one digit suffices
    rest = max(bits + place - 64, 0)
    if not rest:
        order: NDArray[np.intp] = _by_digit(code, bits, place) + starts
        return order
    order = _by_digit(code & np.uint64(2**rest - 1), rest, place) + starts
    return take(order, _by_digit(take(code, order) >> np.uint64(rest), bits - rest, place) + starts)


def order_by_two(
    first: NDArray[np.uint64], first_bits: int, second: NDArray[np.uint64], second_bits: int
) -> tuple[NDArray[np.intp], NDArray[np.uint64], NDArray[np.uint64]]:
    """Stable lexicographic order of each row by two keys, and the keys in this order.

    Parameters
    ----------
    first, second : ndarray of uint64, shape (rows, n)
        Integers from `whole_numbers`.
    first_bits, second_bits : int
        Maximum numbers of bits.

    Returns
    -------
    order : ndarray of int, shape (rows, n)
        Positions in ``first.ravel()``.
    first, second : ndarray of uint64, shape (rows, n)
        Sorted keys.
    """
    rows, n = first.shape
    place = n.bit_length()
    rest = max(first_bits + place - 64, 0)  # low bits of the first key that are sorted together with the second
    low_bits = rest + second_bits
    if low_bits + place > 64:
        order = stable_order(second, second_bits)
        order = take(order, stable_order(take(first, order), first_bits))
        return order, take(first, order), take(second, order)
    # pack number and place into one integer, so that the numbers need not be looked up again after sorting
    starts, shift, places = (np.arange(rows) * n)[:, np.newaxis], np.uint64(place), np.uint64(2**place - 1)
    low: NDArray[np.uint64] = second
    if rest:
        low = second | (first & np.uint64(2**rest - 1)) << np.uint64(second_bits)
    by_low: NDArray[np.uint64]
    if low_bits + place <= 32:
        by_low = _with_places(low.astype(np.uint32), np.uint32(place)).astype(np.uint64)
    else:
        by_low = _with_places(low, shift)
    order = (by_low & places).view(np.intp) + starts
    high = take(first, order)
    if rest:
        high >>= np.uint64(rest)
    by_high = _with_places(high, shift)
    by_low = take(by_low, (by_high & places).view(np.intp) + starts)
    order = (by_low & places).view(np.intp)
    order += starts
    by_high >>= shift
    by_low >>= shift
    if rest:
        by_high = by_high << np.uint64(rest) | by_low >> np.uint64(second_bits)
        by_low &= np.uint64(2**second_bits - 1)
    return order, by_high, by_low


def lowest(values: NDArray[np.float64], k: int) -> NDArray[np.intp]:
    """The ``k`` lowest values of each row in stable order, as flat positions: (rows, n) to (rows, k)."""
    rows, n = values.shape
    if enabled() and values.size:
        codes, used = _column_codes((values + 0.0).reshape(-1, 1).view(np.uint64))
        bits, shift = bits_and_shift(int(used[0]))
        place = n.bit_length()
        if bits + place <= 64:
            keys = _keys_with_places(codes, np.array([shift]), place, rows)[0]
            keys.sort(axis=1)
            order: NDArray[np.intp] = _places_of_keys(keys, place, k)
            return order
    return stable_order(*whole_numbers(values))[:, :k]


def heights_of_columns(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """For each value, how many values of its row and column are not higher, minus one: (rows, n, columns) to (columns, rows, n).

    Only with compiled loops, and for at least one value.
    """
    rows, n, columns = values.shape
    codes, used = _column_codes((values + 0.0).reshape(-1, columns).view(np.uint64))
    bits, shifts = zip(*map(bits_and_shift, used.tolist()), strict=True)
    place = n.bit_length()
    # low bits for which there is no room, so that equal keys are sorted again
    rest = [max(width + place - 64, 0) for width in bits]
    keys = _keys_with_places(codes, np.add(shifts, rest), place, rows)
    keys.sort(axis=2)
    heights: NDArray[np.intp] = _heights_of_keys(keys, codes, place, np.array(rest) > 0)
    return heights


def order_of_pairs(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Stable lexicographic order of pairs (rows, n, 2), as positions in ``values.reshape(-1, 2)``: (rows, n)."""
    rows, n = values.shape[:2]
    if enabled():
        codes, used = _column_codes((values + 0.0).reshape(-1, 2).view(np.uint64))
        (first_bits, first_shift), (second_bits, second_shift) = map(bits_and_shift, used.tolist())
        place = n.bit_length()
        rest = max(first_bits + place - 64, 0)
        if rest + second_bits + place <= 64:
            narrow = rest + second_bits + place <= 32
            low = np.empty((rows, n), dtype=np.uint32 if narrow else np.uint64)
            _low_keys(codes, first_shift, second_shift, rest, second_bits, place, low)
            low.sort(axis=1)
            high = _high_keys(low, codes, first_shift + rest, place)
            high.sort(axis=1)
            order: NDArray[np.intp] = _places_by_both(low, high, place)
            return order
    first, second = np.ascontiguousarray(values[..., 0]), np.ascontiguousarray(values[..., 1])
    return order_by_two(*whole_numbers(first), *whole_numbers(second))[0]


def bits_and_shift(used: int) -> tuple[int, int]:
    """Number of bits from the highest to the lowest used bit, and the position of the lowest."""
    trailing = max((used & -used).bit_length() - 1, 0)
    return used.bit_length() - trailing, trailing


def _by_digit(digit: NDArray[np.uint64], bits: int, place: int) -> NDArray[np.intp]:
    """Stable order of each row, as positions within the row that fit into ``place`` bits."""
    if bits + place <= 32:
        return _sorted_places(digit.astype(np.uint32), np.uint32(place))
    return _sorted_places(digit, np.uint64(place))


def _sorted_places(digit: NDArray[Unsigned], place: Unsigned) -> NDArray[np.intp]:
    key = _with_places(digit, place)
    key &= (digit.dtype.type(1) << place) - digit.dtype.type(1)
    return key.view(np.intp) if key.dtype == np.uint64 else key.astype(np.intp)


def _with_places(digit: NDArray[Unsigned], place: Unsigned) -> NDArray[Unsigned]:
    """Sort the numbers of each row, with their original places in the low bits."""
    # sorting packed integers is vectorised by SIMD, unlike argsort
    key = digit << place
    key |= np.arange(digit.shape[1], dtype=digit.dtype)
    key.sort(axis=1)
    return key


# ------------------------------------------------------------ compiled steps between NumPy's sorts


@compiled
def _column_codes(bits: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Compiled version of `whole_numbers`, for each column.

    Parameters
    ----------
    bits : ndarray of uint64, shape (n, columns)
        Bit patterns of the floats, which must not include -0.0.

    Returns
    -------
    codes : ndarray of uint64, shape (columns, n)
        Integers, with common trailing zero bits not yet removed.
    used : ndarray of uint64, shape (columns,)
        Bitwise or of all codes.
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


@compiled
def _low_keys(
    codes: NDArray[np.uint64],
    shift_first: int,
    shift_second: int,
    rest: int,
    second_bits: int,
    place: int,
    keys: NDArray[Any],
) -> None:
    """Pack the second numbers, the low ``rest`` bits of the first, and the places into ``keys`` (rows, n)."""
    rows, n = keys.shape
    some = np.uint64(2**rest - 1)
    for row in range(rows):
        for i in range(n):
            low = codes[1, row * n + i] >> np.uint64(shift_second)
            if rest:
                low |= (codes[0, row * n + i] >> np.uint64(shift_first) & some) << np.uint64(second_bits)
            keys[row, i] = low << np.uint64(place) | np.uint64(i)


@compiled
def _high_keys(low: NDArray[Any], codes: NDArray[np.uint64], shift: int, place: int) -> NDArray[np.uint64]:
    """First numbers in the order of the sorted keys (rows, n), with their places in this order: (rows, n)."""
    rows, n = low.shape
    keys = np.empty((rows, n), dtype=np.uint64)
    places = np.uint64(2**place - 1)
    for row in range(rows):
        for i in range(n):
            where = row * n + np.intp(np.uint64(low[row, i]) & places)
            keys[row, i] = codes[0, where] >> np.uint64(shift) << np.uint64(place) | np.uint64(i)
    return keys


@compiled
def _places_by_both(low: NDArray[Any], high: NDArray[np.uint64], place: int) -> NDArray[np.intp]:
    """Order by the first numbers, then by the order of ``low``, as flat positions: (rows, n)."""
    rows, n = low.shape
    order = np.empty((rows, n), dtype=np.intp)
    places = np.uint64(2**place - 1)
    for row in range(rows):
        for i in range(n):
            by_low = low[row, np.intp(high[row, i] & places)]
            order[row, i] = row * n + np.intp(np.uint64(by_low) & places)
    return order


@compiled
def _keys_with_places(codes: NDArray[np.uint64], shifts: NDArray[np.intp], place: int, rows: int) -> NDArray[np.uint64]:
    """Numbers of each column without their low bits, and their places within rows: (columns, rows, n)."""
    columns = len(codes)
    n = codes.shape[1] // rows
    keys = np.empty((columns, rows, n), dtype=np.uint64)
    for column in range(columns):
        shift = np.uint64(shifts[column])
        for row in range(rows):
            for i in range(n):
                keys[column, row, i] = codes[column, row * n + i] >> shift << np.uint64(place) | np.uint64(i)
    return keys


@compiled
def _places_of_keys(keys: NDArray[np.uint64], place: int, first: int) -> NDArray[np.intp]:
    """First places of sorted keys, as flat positions: (rows, n) to (rows, first)."""
    rows, n = keys.shape
    order = np.empty((rows, first), dtype=np.intp)
    places = np.uint64(2**place - 1)
    for row in range(rows):
        for i in range(first):
            order[row, i] = row * n + np.intp(keys[row, i] & places)
    return order


@compiled
def _heights_of_keys(
    keys: NDArray[np.uint64], codes: NDArray[np.uint64], place: int, again: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Compiled part of `heights_of_columns`, from sorted keys (columns, rows, n); those of some columns are sorted again."""
    columns, rows, n = keys.shape
    heights = np.empty((columns, rows, n), dtype=np.intp)
    places = np.uint64(2**place - 1)
    for column in range(columns):
        for row in range(rows):
            code, key = codes[column, row * n : row * n + n], keys[column, row]
            if again[column]:
                for i in range(1, n):
                    j = i
                    while j and key[j] ^ key[j - 1] <= places and code[key[j] & places] < code[key[j - 1] & places]:
                        key[j], key[j - 1] = key[j - 1], key[j]
                        j -= 1
            height = n - 1
            after = code[key[n - 1] & places]
            for i in range(n - 1, -1, -1):
                here = code[key[i] & places]
                height = height if here == after else i
                after = here
                heights[column, row, key[i] & places] = height
    return heights
