"""The state of the machine that reads a pickle: its bytes, stack and memo, and the checks of whatever it makes."""

from __future__ import annotations

import bisect
import struct
from operator import itemgetter
from typing import Any, ClassVar, Protocol

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders.pickle_runs import Templates
from nasbench_kit.loaders.pickle_values import (
    GLOBALS,
    MAX_ITEM,
    MAX_KEY,
    MAX_MADE,
    MAX_TEXT,
    NO_TABLE,
    NUMBERS,
    Global,
    NumberType,
    shown,
)

__all__ = ["ByteSource", "Bytes", "Stack"]


class ByteSource(Protocol):
    """A source of the bytes of a pickle."""

    seekable: bool  # whether earlier offsets can be read again

    @property
    def size(self) -> int | None:
        """The total size in bytes; None until a window has reached the end."""
        ...

    def window(self, offset: int) -> bytes:
        """The bytes from ``offset`` on: at least `MAX_ITEM`, or all up to the end."""
        ...


class Bytes:
    """A pickle in memory."""

    seekable = True

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def window(self, offset: int) -> bytes:
        """See `ByteSource`."""
        return self._data[offset:]


class Stack:
    """The state of the machine, without its instructions."""

    max_bytes = MAX_TEXT  # of a bytes value
    globals: ClassVar = GLOBALS

    def __init__(
        self,
        source: ByteSource,
        where: object,
        start: int,
        templates: Templates | None = None,
    ) -> None:
        self._source, self._where = source, where
        self._base = self._position = start
        self._buffer = b""
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._memoized = 0
        self._runs: list[tuple[int, tuple[str, ...]]] = []  # memo entries of whole runs: first number, strings
        self._templates = templates or Templates()
        self._level = -1  # marks that belong to what is read around the current item
        self._made_so_far = self._sets = 0
        self._refill(start)

    @property
    def offset(self) -> int:
        """Byte offset of the next instruction."""
        return self._base + self._position

    def _refill(self, offset: int) -> None:
        """Ensure that the buffer holds a whole item."""
        if offset - self._base + MAX_ITEM > len(self._buffer):
            self._buffer = self._source.window(offset)
            self._base = offset
        self._position = offset - self._base

    def _fail(self, position: int, text: str) -> SourceError:
        return SourceError(f"{self._where}: byte {self._base + position}: {text}")

    def _cut_off(self, position: int) -> SourceError:
        end = self._base + len(self._buffer)
        if self._source.size is not None and end >= self._source.size:
            return SourceError(
                f"{self._where} ends at byte {end}, in the middle of a value; the download is incomplete, download it again"
            )
        return self._fail(position, f"a value of more than {MAX_ITEM} bytes; this is not the record of an architecture")

    # ---------------------------------------------------------------- stack and memo

    def _unmark(self) -> list[Any]:
        """Restore the stack before the last mark, but never beyond the current item."""
        if len(self._marks) <= self._level:
            raise IndexError
        self._stack = self._marks.pop()
        return self._stack

    def _recall(self, number: int, position: int) -> Any:
        """A memo entry not stored as a single value."""
        found = self._in_runs(number)
        if found is None:
            raise self._fail(position, f"memo entry {number} was never written; the file is damaged")
        return found

    def _in_runs(self, number: int) -> str | None:
        """The memo entry if it is a string of a run, else None."""
        at = bisect.bisect_right(self._runs, number, key=itemgetter(0)) - 1
        if at < 0:
            return None
        first, keys = self._runs[at]
        return keys[number - first] if number < first + len(keys) else None

    # ---------------------------------------------------------------- values

    def _set_items(self, target: Any, items: list[Any], position: int) -> None:
        if type(target) is not dict or len(items) % 2:
            raise self._fail(position, f"{shown(target)} is not a dict to put pairs into; the file is damaged")
        size = len(target) + len(items) // 2
        target.update(zip(self._hashable(items[::2], position), items[1::2], strict=True))
        if len(target) < size:
            raise self._fail(position, "a dict has a key twice; the file is damaged")

    def _hashable(self, keys: list[Any], position: int) -> list[Any]:
        """Return the keys if they are strings, integers or short tuples that begin with a string.

        Other hashable values could be nested arbitrarily deeply or have colliding hashes, which makes dicts quadratically
        slow. Strings are safe because their hashes are randomised per process.
        """
        types = set(map(type, keys))
        if types <= {str}:
            return keys
        for key in keys:
            for part in key if type(key) is tuple else (key,):
                if type(part) is not str and not (type(part) is int and -MAX_KEY < part < MAX_KEY):
                    raise self._fail(
                        position, f"a key must be a string, an integer or a tuple of these, not {shown(key)}"
                    )
            if type(key) is tuple and not (key and type(key[0]) is str and len(key) <= 4):
                raise self._fail(
                    position,
                    f"a key must be a string, an integer or a short tuple that begins with a string: {NO_TABLE}",
                )
        return keys

    def _spend(self, count: int, position: int) -> None:
        """Count what is created from recalled values, as a few bytes could otherwise create gigabytes."""
        self._made_so_far += count
        if self._made_so_far > MAX_MADE:
            raise self._fail(
                position, f"more than {MAX_MADE} values and bytes are created from recalled values: {NO_TABLE}"
            )

    def _global(self, module: Any, name: Any, position: int) -> Global:
        known = self.globals.get((module, name)) if type(module) is str and type(name) is str else None
        if known is None:
            raise self._fail(
                position, f"the pickle asks for {shown(module)}.{shown(name)}, which is refused: {NO_TABLE}"
            )
        return known

    def _made(self, what: Any, arguments: Any, position: int) -> Any:
        """The result of calling one of the allowed names."""
        # match on types, so that arrays are never compared for equality
        match what if isinstance(what, Global) else None, arguments if type(arguments) is tuple else None:
            case Global.ORDERED_DICT, ():
                return {}
            case Global.SET, (list(values),):
                self._spend(len(values) + 25, position)  # an empty set takes as much memory as 25 members
                return set(self._hashable(values, position))
            case Global.ENCODE, (str(text), str(codec)) if codec == "latin1":
                self._spend(len(text), position)
                try:
                    return text.encode("latin-1")
                except UnicodeEncodeError:
                    raise self._fail(
                        position, "a bytes value is not encodable as Latin-1; the file is damaged"
                    ) from None
            case Global.DTYPE, (str(name), _, _) if name in NUMBERS:
                return NumberType(name)
            case Global.SCALAR, (NumberType() as name, bytes(data)) if len(data) == struct.calcsize(NUMBERS[name]):
                return struct.unpack(NUMBERS[name], data)[0]
        asked = what.value if isinstance(what, Global) else shown(what)
        raise self._fail(position, f"{asked} would be called with unexpected arguments: {NO_TABLE}")

    def _build(self, what: Any, state: Any, position: int) -> None:
        """Set the state of an object other than a plain value; refused here."""
        raise self._fail(position, f"the state of an object would be set: {NO_TABLE}")
