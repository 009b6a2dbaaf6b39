"""Safe reader for pickled dicts of NumPy arrays, the format of published image datasets (Python 2 and 3).

Extends `nasbench_kit.loaders.pickles` with Python 2 strings and arrays of plain numbers. An array's shape is checked
against the number of bytes in the pickle before any memory is allocated.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders.pickle_stack import Bytes
from nasbench_kit.loaders.pickle_values import NO_TABLE, Global, NumberType, shown
from nasbench_kit.loaders.pickles import Machine

__all__ = ["read_arrays"]

MAX_BYTES = 2**30  # of an array; the largest published batch is 98 MB
MAX_DIMENSIONS = 8
_TYPES = ("u1", "i1", "i4", "i8", "f4", "f8")


def read_arrays(data: bytes, where: object) -> dict[str, Any]:
    """Read a pickled dict (protocol 2 to 5).

    Parameters
    ----------
    data : bytes
        The whole pickle, without trailing data.
    where : object
        Name of the source in error messages, usually its path.

    Returns
    -------
    dict
        Values are plain, as from `nasbench_kit.loaders.pickles.read_pickle`, or numeric arrays. Python 2 strings are decoded
        as Latin-1; those of 256 bytes or more, which only arrays contain, are returned as bytes.

    Raises
    ------
    SourceError
        The pickle is truncated, damaged or contains anything else; the message gives the byte offset.
    """
    value, end = _Arrays(Bytes(data), where, 0).read()
    if end != len(data):
        raise SourceError(f"{where}: byte {end}: the pickle ends here, but the file continues to byte {len(data)}")
    if type(value) is not dict:
        raise SourceError(f"{where}: expected a dict, not {shown(value)}")
    return value


class _Arrays(Machine):
    """The machine of `read_pickle`, extended by Python 2 strings and numeric arrays."""

    max_bytes = MAX_BYTES
    globals: ClassVar = {
        **Machine.globals,
        ("numpy", "ndarray"): Global.NDARRAY,
        ("numpy.core.multiarray", "_reconstruct"): Global.RECONSTRUCT,
        ("numpy._core.multiarray", "_reconstruct"): Global.RECONSTRUCT,
    }

    def _short_string(self, position: int) -> int:
        start = position + 2
        content = self._content(position, start, self._buffer[position + 1])
        self._stack.append(str(content, "latin-1"))
        return start + len(content)

    def _long_string(self, position: int) -> int:
        start = position + 5
        size = int.from_bytes(self._buffer[position + 1 : start], "little", signed=True)
        content = self._content(position, start, size)
        self._stack.append(content)
        return start + len(content)

    def _content(self, position: int, start: int, size: int) -> bytes:
        if not 0 <= size <= MAX_BYTES:
            raise self._fail(position, f"a string of {size} bytes; the file is damaged")
        if start + size > len(self._buffer):
            raise self._cut_off(position)
        return self._buffer[start : start + size]

    instructions: ClassVar = {
        **Machine.instructions,
        0x54: _long_string,  # BINSTRING
        0x55: _short_string,  # SHORT_BINSTRING
    }

    def _made(self, what: Any, arguments: Any, position: int) -> Any:
        # arrays must never be compared for equality
        if not isinstance(what, Global):
            return super()._made(what, arguments, position)
        match what, arguments if type(arguments) is tuple else None:
            case Global.DTYPE, (str(name), _, _) if name in _TYPES:
                return NumberType(name)
            case Global.SCALAR, (NumberType() as name, _) if name in ("u1", "i1"):
                raise self._fail(position, f"a number of type {name}: {NO_TABLE}")
            case Global.RECONSTRUCT, (Global() as made, (int(size),), str() | bytes() as kind) if (
                made is Global.NDARRAY and size == 0 and kind in ("b", b"b")
            ):
                return np.empty(0, dtype=np.int8)
        return super()._made(what, arguments, position)

    def _build(self, what: Any, state: Any, position: int) -> None:
        """Fill a newly created empty array from its ``__reduce__`` state, in place because the memo refers to it too."""
        if not isinstance(what, np.ndarray) or what.size:
            super()._build(what, state, position)
        match state:
            case (1, tuple(shape), NumberType() as name, bool(columns_first), bytes() | str() as content):
                pass
            case _:
                raise self._fail(position, "an array without its numbers; the file is damaged")
        if len(shape) > MAX_DIMENSIONS or not all(type(side) is int and side >= 0 for side in shape):
            raise self._fail(position, f"an array of the shape {shown(shape)}; the file is damaged")
        if isinstance(content, str):  # a short Python 2 string, see _other
            content = content.encode("latin-1")
        kind = np.dtype(f"<{name}")
        if math.prod(shape) * kind.itemsize != len(content):
            raise self._fail(
                position,
                f"an array of the shape {' x '.join(map(str, shape))} and type {name} has "
                f"{math.prod(shape) * kind.itemsize} bytes, not {len(content)}; the file is damaged",
            )
        array: NDArray[Any] = what
        array.__setstate__((1, shape, kind, columns_first, content))  # type: ignore[arg-type] # numpy.bool, says the stub
