"""Pickles of plain values -> those values, without ever running what a pickle says.

An interpreter of the few opcodes that tables of numbers need. Nothing is imported, looked up or called: a "global" is one
of a few names, each of which stands for an operation written out here. Everything else is refused where it stands.

A pickle of one huge dict is read item by item (`read_stream`), so that its object graph never exists as a whole.
"""

from __future__ import annotations

import bisect
import enum
import re
import struct
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import SourceError

__all__ = ["MAX_ITEM", "Bytes", "Item", "Source", "Templates", "read_pickle", "read_stream", "shown"]

# bytes of one item of a stream, or of what stands around them; an architecture's record has 0.4 MB
MAX_ITEM = 4 * 2**20
MAX_TEXT = 4096  # bytes of one string
MAX_TEMPLATES = 256
MAX_KEPT = 10**7  # strings of finished items that later ones may share
MAX_KEPT_TEXT = 128
MAX_REREADS = 16  # finished items that one item may share values with

Item = Callable[[int, Any, int], None]  # key, value, byte offset


class Source(Protocol):
    """Where the bytes of a pickle come from."""

    seekable: bool  # whether an offset may be asked for again

    @property
    def size(self) -> int | None:
        """The byte at which they end; None as long as no window has come to it."""
        ...

    def window(self, offset: int) -> bytes:
        """The bytes from ``offset`` on: at least `MAX_ITEM` of them, or all up to the end."""
        ...


class Bytes:
    """A pickle that is in memory already."""

    seekable = True

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def window(self, offset: int) -> bytes:
        """See `Source`."""
        return self._data[offset:]


class _Global(enum.Enum):
    """The only names that a pickle may ask for, and what they stand for here."""

    ORDERED_DICT = "collections.OrderedDict"
    SET = "set"
    ENCODE = "bytes, as protocol 2 writes them"
    DTYPE = "numpy.dtype"
    SCALAR = "a numpy number"


_GLOBALS = {
    ("collections", "OrderedDict"): _Global.ORDERED_DICT,
    ("builtins", "set"): _Global.SET,
    ("__builtin__", "set"): _Global.SET,
    ("_codecs", "encode"): _Global.ENCODE,
    ("numpy", "dtype"): _Global.DTYPE,
    ("numpy.core.multiarray", "scalar"): _Global.SCALAR,
    ("numpy._core.multiarray", "scalar"): _Global.SCALAR,
}
_NUMBERS = {"f8": "<d", "f4": "<f", "i8": "<q", "i4": "<i"}  # numpy's name of a type -> that of struct


class _NumberType(str):
    """The name of a numpy type, as a value that only `_Global.SCALAR` takes."""

    __slots__ = ()


def shown(value: object) -> str:
    """A value as an error message shows it: short, and never by walking through a structure."""
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        text = repr(value)
        return text if len(text) <= 60 else f"{text[:60]}..."
    return type(value).__name__


def read_pickle(
    source: Source, where: object, *, start: int = 0, templates: Templates | None = None
) -> tuple[Any, int]:
    """Read one pickle of at most `MAX_ITEM` bytes.

    Parameters
    ----------
    source : Source
    where : object
        What errors call the source: its path.
    start : int
        The byte at which the pickle begins.
    templates : Templates, optional
        What one pickle was found to repeat, for the next one of the same kind.

    Returns
    -------
    value : None, bool, int, float, str, bytes, list, tuple, set or dict of such
        Numpy's numbers come as Python's, an OrderedDict as a dict.
    end : int
        The byte after the pickle.

    Raises
    ------
    SourceError
        With the byte at which the pickle is cut off, damaged, or asks for something that is no plain value.
    """
    return _Machine(source, where, start, templates=templates).read()


def read_stream(source: Source, where: object, key: str, item: Item, *, start: int = 0) -> tuple[dict[str, Any], int]:
    """Read a pickled dict of which one entry is a huge dict, item by item.

    Parameters
    ----------
    source, where, start
        As in `read_pickle`.
    key : str
        The entry that is the huge dict; its keys are integers, its values dicts.
    item : callable
        Gets the key, the value and the byte offset of each item, which is forgotten afterwards.

    Returns
    -------
    rest : dict
        All other entries.
    end : int
        The byte after the pickle.

    Raises
    ------
    SourceError
        As in `read_pickle`, and what ``item`` raises.
    """
    machine = _Machine(source, where, start, key, item)
    result, end = machine.read()
    if not isinstance(result, dict) or not isinstance(result.get(key), dict):
        raise SourceError(f"{where}: a dict with the key {key!r} is expected, not {shown(result)}")
    for number, value in result.pop(key).items():  # what the pickler wrote outside of a batch
        item(number, value, machine.offset)
    return result, end


class _Machine:
    """The stack machine that a pickle is a program for, with only the instructions that build plain values."""

    def __init__(
        self,
        source: Source,
        where: object,
        start: int,
        key: str | None = None,
        item: Item | None = None,
        templates: Templates | None = None,
    ) -> None:
        self._source, self._where, self._key, self._item = source, where, key, item
        self._base = self._position = start
        self._buffer = b""
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._memoized = 0
        self._runs: list[tuple[int, tuple[str, ...]]] = []  # the memo of whole runs: first number, strings
        # of finished items: what is kept, and where the rest can be read again
        self._kept: dict[int, Any] = {}
        self._strings: dict[str, str] = {}
        self._items: list[tuple[int, int]] = []  # first memo number, byte offset
        self._reread: tuple[int, _Machine] | None = None
        self._rereads = self._depth = 0
        self._templates = templates or Templates()
        self._refill(start)

    @property
    def offset(self) -> int:
        """The byte that is read next."""
        return self._base + self._position

    def read(self) -> tuple[Any, int]:
        self._run(-1)
        return self._stack[0], self.offset

    def _refill(self, offset: int) -> None:
        """Make sure that a whole item can be read without looking for more bytes."""
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
                f"{self._where} ends at byte {end}, in the middle of a value; the download broke off, get it again"
            )
        return self._fail(position, f"more than {MAX_ITEM} bytes belong together: this is no record of an architecture")

    # ---------------------------------------------------------------- the instructions

    def _run(self, level: int) -> None:
        """Run until the pickle stops, or until a dict is finished at ``level`` open marks."""
        buffer, position, stack, marks, memo = self._buffer, self._position, self._stack, self._marks, self._memo
        opcode = 0
        try:
            while True:
                opcode = buffer[position]
                if opcode == 0x58 or opcode == 0x8C:  # BINUNICODE, SHORT_BINUNICODE
                    if opcode == 0x58:
                        start, size = position + 5, int.from_bytes(buffer[position + 1 : position + 5], "little")
                    else:
                        start, size = position + 2, buffer[position + 1]
                    if size > MAX_TEXT:
                        raise self._fail(
                            position, f"a string of {size} bytes; none of a table has more than {MAX_TEXT}"
                        )
                    if start + size > len(buffer):
                        raise self._cut_off(position)
                    stack.append(str(buffer[start : start + size], "utf-8"))
                    position = start + size
                elif opcode == 0x94:  # MEMOIZE
                    memo[self._memoized] = stack[-1]
                    self._memoized += 1
                    position += 1
                elif opcode == 0x71 or opcode == 0x72:  # BINPUT, LONG_BINPUT
                    if opcode == 0x71:
                        number, after = buffer[position + 1], position + 2
                    else:
                        number, after = _UINT(buffer, position + 1)[0], position + 5
                    if number in memo:
                        raise self._fail(position, f"memo entry {number} is written twice; the file is damaged")
                    memo[number] = stack[-1]
                    position = after
                elif opcode == 0x47:  # BINFLOAT
                    stack.append(_FLOAT(buffer, position + 1)[0])
                    position += 9
                elif opcode == 0x4B:  # BININT1
                    stack.append(buffer[position + 1])
                    position += 2
                elif opcode == 0x68 or opcode == 0x6A:  # BINGET, LONG_BINGET
                    if opcode == 0x68:
                        number, after = buffer[position + 1], position + 2
                    else:
                        number, after = _UINT(buffer, position + 1)[0], position + 5
                    stack.append(memo[number] if number in memo else self._recall(number, position))
                    position = after
                elif opcode == 0x28:  # MARK
                    if (
                        level < 0
                        and len(marks) <= 1
                        and self._item
                        and stack[-2:-1] == [self._key]
                        and type(stack[-1]) is dict
                    ):
                        self._position = position + 1
                        self._batch()
                        buffer, position = self._buffer, self._position
                        continue
                    after = self._fast_run(position + 1)
                    if after:
                        position = after
                        continue
                    marks.append(stack)
                    self._stack = stack = []
                    position += 1
                elif opcode == 0x75 or opcode == 0x73:  # SETITEMS, SETITEM
                    if opcode == 0x75:
                        items, stack = stack, self._unmark(level)
                    else:
                        items = stack[-2:]
                        del stack[-2:]
                    self._set_items(stack[-1], items, position)
                    position += 1
                    if len(marks) == level:
                        self._position = position
                        return
                elif opcode == 0x7D:  # EMPTY_DICT
                    stack.append({})
                    position += 1
                elif opcode == 0x86:  # TUPLE2
                    stack[-2:] = [(stack[-2], stack[-1])]
                    position += 1
                elif opcode == 0x4D:  # BININT2
                    stack.append(buffer[position + 1] | buffer[position + 2] << 8)
                    position += 3
                elif opcode == 0x5D:  # EMPTY_LIST
                    stack.append([])
                    position += 1
                elif opcode == 0x61 or opcode == 0x65:  # APPEND, APPENDS
                    if opcode == 0x61:
                        items = [stack.pop()]
                    else:
                        items, stack = stack, self._unmark(level)
                    if type(stack[-1]) is not list:
                        raise self._fail(position, f"{shown(stack[-1])} is no list to append to; the file is damaged")
                    stack[-1].extend(items)
                    position += 1
                elif opcode == 0x4E:  # NONE
                    stack.append(None)
                    position += 1
                elif opcode == 0x29:  # EMPTY_TUPLE
                    stack.append(())
                    position += 1
                elif opcode == 0x52:  # REDUCE
                    arguments = stack.pop()
                    stack[-1] = self._made(stack[-1], arguments, position)
                    position += 1
                elif opcode == 0x43 or opcode == 0x42:  # SHORT_BINBYTES, BINBYTES
                    if opcode == 0x43:
                        start, size = position + 2, buffer[position + 1]
                    else:
                        start, size = position + 5, _UINT(buffer, position + 1)[0]
                    if size > MAX_TEXT:
                        raise self._fail(
                            position, f"bytes of length {size}; none of a table are longer than {MAX_TEXT}"
                        )
                    if start + size > len(buffer):
                        raise self._cut_off(position)
                    stack.append(buffer[start : start + size])
                    position = start + size
                elif opcode == 0x4A:  # BININT
                    stack.append(_INT(buffer, position + 1)[0])
                    position += 5
                elif opcode == 0x95:  # FRAME: its length is the writer's business
                    position += 9
                elif opcode == 0x88 or opcode == 0x89:  # NEWTRUE, NEWFALSE
                    stack.append(opcode == 0x88)
                    position += 1
                elif opcode == 0x85 or opcode == 0x87:  # TUPLE1, TUPLE3
                    size = 1 if opcode == 0x85 else 3
                    if len(stack) < size:
                        raise IndexError
                    stack[-size:] = [tuple(stack[-size:])]
                    position += 1
                elif opcode == 0x74:  # TUPLE
                    items, stack = stack, self._unmark(level)
                    stack.append(tuple(items))
                    position += 1
                elif opcode == 0x8F:  # EMPTY_SET
                    stack.append(set())
                    position += 1
                elif opcode == 0x90:  # ADDITEMS
                    items, stack = stack, self._unmark(level)
                    if type(stack[-1]) is not set:
                        raise self._fail(position, f"{shown(stack[-1])} is no set to add to; the file is damaged")
                    stack[-1].update(self._hashable(items, position))
                    position += 1
                elif opcode == 0x93:  # STACK_GLOBAL
                    name = stack.pop()
                    stack[-1] = self._global(stack[-1], name, position)
                    position += 1
                elif opcode == 0x63:  # GLOBAL
                    lines = buffer[position + 1 : position + 257].split(b"\n", 2)
                    if len(lines) < 3:
                        raise self._fail(position, "a global without a name; the file is damaged")
                    module, name = (str(line, "utf-8") for line in lines[:2])
                    stack.append(self._global(module, name, position))
                    position += 3 + len(lines[0]) + len(lines[1])
                elif opcode == 0x62:  # BUILD
                    state = stack.pop()
                    if not isinstance(stack[-1], _NumberType) or not _little_endian(state):
                        raise self._fail(position, f"a pickled object would be changed: {_NO_TABLE}")
                    position += 1
                elif opcode == 0x8A:  # LONG1
                    size = buffer[position + 1]
                    if position + 2 + size > len(buffer):
                        raise self._cut_off(position)
                    stack.append(int.from_bytes(buffer[position + 2 : position + 2 + size], "little", signed=True))
                    position += 2 + size
                elif opcode == 0x80:  # PROTO
                    if not 2 <= buffer[position + 1] <= 5:
                        raise self._fail(position, f"pickle protocol {buffer[position + 1]}; 2 to 5 are known")
                    position += 2
                elif opcode == 0x2E:  # STOP
                    if level >= 0 or marks or len(stack) != 1:
                        raise self._fail(position, "the pickle stops with unfinished values; the file is damaged")
                    self._position = position + 1
                    return
                else:
                    raise self._fail(position, f"the instruction {_name_of(opcode)} is refused: {_NO_TABLE}")
        except (IndexError, struct.error):
            if position + _LONGEST > len(buffer):
                raise self._cut_off(position) from None
            raise self._fail(
                position, f"the instruction {_name_of(opcode)} finds nothing to work on; the file is damaged"
            ) from None
        except UnicodeDecodeError:
            raise self._fail(position, "a string that is no text; the file is damaged") from None

    def _unmark(self, level: int) -> list[Any]:
        """Go back to the stack before the last mark, but never behind the item that is being read."""
        if len(self._marks) <= level:
            raise IndexError
        self._stack = self._marks.pop()
        return self._stack

    def _set_items(self, target: Any, items: list[Any], position: int) -> None:
        if type(target) is not dict or len(items) % 2:
            raise self._fail(position, f"{shown(target)} is no dict to put pairs into; the file is damaged")
        size = len(target) + len(items) // 2
        target.update(zip(self._hashable(items[::2], position), items[1::2], strict=True))
        if len(target) < size:
            raise self._fail(position, "a dict has a key twice; the file is damaged")

    def _hashable(self, keys: list[Any], position: int) -> list[Any]:
        """The keys, if they are strings, whole numbers or pairs of those: what else can be hashed may nest without end."""
        if not set(map(type, keys)) <= {str, int}:
            for key in keys:
                if not all(type(part) in (str, int) for part in (key if type(key) is tuple else (key,))):
                    raise self._fail(position, f"a key is a string, a whole number or a pair, not {shown(key)}")
        return keys

    def _global(self, module: Any, name: Any, position: int) -> _Global:
        known = _GLOBALS.get((module, name)) if type(module) is str and type(name) is str else None
        if known is None:
            raise self._fail(
                position, f"the pickle asks for {shown(module)}.{shown(name)}, which is refused: {_NO_TABLE}"
            )
        return known

    def _made(self, what: Any, arguments: Any, position: int) -> Any:
        """What one of the allowed names makes of its arguments."""
        match what, arguments if type(arguments) is tuple else None:
            case _Global.ORDERED_DICT, ():
                return {}
            case _Global.SET, (list(values),):
                return set(self._hashable(values, position))
            case _Global.ENCODE, (str(text), "latin1"):
                try:
                    return text.encode("latin-1")
                except UnicodeEncodeError:
                    raise self._fail(position, "bytes that are none; the file is damaged") from None
            case _Global.DTYPE, (str(name), _, _) if name in _NUMBERS:
                return _NumberType(name)
            case _Global.SCALAR, (_NumberType() as name, bytes(data)) if len(data) == struct.calcsize(_NUMBERS[name]):
                return struct.unpack(_NUMBERS[name], data)[0]
        asked = what.value if isinstance(what, _Global) else shown(what)
        raise self._fail(position, f"{asked} would be called with other arguments than a table needs: {_NO_TABLE}")

    # ---------------------------------------------------------------- runs: most of a record, at numpy's speed

    def _fast_run(self, position: int) -> int:
        """Put a whole run of pairs into the dict on the stack if it is one that can be read at once; the byte after it, or 0."""
        buffer, stack = self._buffer, self._stack
        if not stack or type(stack[-1]) is not dict:
            return 0
        opcode = buffer[position] if position < len(buffer) else 0
        if opcode == 0x4B:
            match = _INT_RUN.match(buffer, position)
            if not match:
                return 0
            pairs = np.frombuffer(match[1], dtype=_INT_PAIR)
            self._set_run(stack[-1], pairs["key"].tolist(), pairs["value"].tolist(), position)
            return match.end()
        if opcode == 0x6A:
            match = _SHARED_RUN.match(buffer, position)
            if not match:
                return 0
            pairs = np.frombuffer(match[1], dtype=_SHARED_PAIR)
            self._set_run(stack[-1], self._shared(pairs["number"], position), pairs["value"].tolist(), position)
            return match.end()
        if opcode == 0x58 or opcode == 0x8C:
            matched = self._templates.match(buffer, position)
            if matched is None:
                return 0
            template, values = matched
            first = self._memoized
            if template.numbered is not None:
                first = template.first_number(buffer, position)
            else:
                self._memoized += len(template.keys)
            if self._runs and first <= self._runs[-1][0]:
                raise self._fail(position, f"memo entry {first} comes after a later one; the file is damaged")
            self._runs.append((first, template.keys))
            self._set_run(stack[-1], template.keys, values.tolist(), position)
            return position + template.size + 1
        return 0

    def _shared(self, numbers: NDArray[np.uint32], position: int) -> list[Any] | tuple[str, ...]:
        """The values of memo entries: strings that two dicts share follow one another as they did in the first."""
        first = int(numbers[0])
        at = bisect.bisect_right(self._runs, first, key=_first) - 1
        if at >= 0:
            start, keys = self._runs[at]
            part = keys[first - start : first - start + len(numbers)]
            if len(part) == len(numbers) and (np.diff(numbers.astype(np.int64)) == 1).all():
                return part
        memo = self._memo
        values = [memo[number] if number in memo else self._recall(number, position) for number in numbers.tolist()]
        return self._hashable(values, position)

    def _set_run(self, target: dict[Any, Any], keys: Any, values: list[float], position: int) -> None:
        size = len(target) + len(values)
        target.update(zip(keys, values, strict=True))
        if len(target) < size:
            raise self._fail(position, "a dict has a key twice; the file is damaged")

    # ---------------------------------------------------------------- streams

    def _batch(self) -> None:
        """Read the items of a batch of the huge dict; each is handed on and forgotten as soon as it is complete."""
        assert self._item is not None
        if self._stack[-1]:
            raise self._fail(self._position, f"{self._key!r} has items outside of its batches; the file is damaged")
        self._marks.append(self._stack)
        level = len(self._marks)
        self._kept.update(self._memo)  # of what stands before the batch, which is small
        self._memo.clear()
        while True:
            start = self.offset
            self._refill(start)
            self._stack = []
            key = self._batch_key()
            if key is None:
                break
            self._run(level)
            while self._skip_frame() not in _AFTER_ITEM:  # a dict that goes on is followed by a mark or by a string
                self._run(level)
            if len(self._stack) != 1:
                raise self._fail(self._position, f"the value of {key} is no dict with something in it")
            value = self._stack.pop()
            self._forget(start)
            self._item(key, value, start)
        self._stack = self._marks.pop()
        self._refill(self.offset)

    def _batch_key(self) -> int | None:
        """The key of the next item, None at the end of the batch."""
        opcode = self._skip_frame()
        buffer, position = self._buffer, self._position
        size = _AFTER_ITEM.get(opcode)
        if size is None:
            if opcode < 0:
                raise self._cut_off(position)
            raise self._fail(
                position, f"a key of {self._key!r} is a whole number, which {_name_of(opcode)} does not make"
            )
        if position + size > len(buffer):
            raise self._cut_off(position)
        self._position = position + size
        if size == 1:
            return None
        return int.from_bytes(buffer[position + 1 : position + size], "little", signed=size == 5)

    def _skip_frame(self) -> int:
        """The next instruction, -1 at the end; a frame's header says nothing of the values."""
        buffer = self._buffer
        while self._position < len(buffer) and buffer[self._position] == 0x95:
            self._position += 9
        return buffer[self._position] if self._position < len(buffer) else -1

    def _forget(self, start: int) -> None:
        """Drop what a finished item has put into the memo, but for its strings and types, which later items may share."""
        last = self._items[-1][0] if self._items else 0
        first = min([*self._memo, *(number for number, _ in self._runs)], default=last)
        if first < last:
            raise self._fail(self._position, f"memo entry {first} comes after a later one; the file is damaged")
        self._items.append((first, start))
        for number, value in self._memo.items():
            if isinstance(value, (_NumberType, _Global)):
                self._kept[number] = value
            elif type(value) is str and len(value) <= MAX_KEPT_TEXT and len(self._kept) < MAX_KEPT:
                self._kept[number] = self._strings.setdefault(value, value)
        self._memo.clear()
        self._runs.clear()
        self._rereads = 0

    def _recall(self, number: int, position: int) -> Any:
        """A memo entry that is not that of a string or value read just now."""
        if number in self._kept:
            return self._kept[number]
        found = self._in_runs(number)
        if found is not None:
            return found
        at = bisect.bisect_right(self._items, number, key=_first) - 1
        if at >= 0:
            value = self._read_again(at, number, position)
            if type(value) is str and len(self._kept) < MAX_KEPT:
                self._kept[number] = value
            return value
        raise self._fail(position, f"memo entry {number} was never written; the file is damaged")

    def _read_again(self, at: int, number: int, position: int) -> Any:
        """Read a finished item once more for the sake of one of its values, which a later one shares."""
        if self._reread is None or self._reread[0] != at:
            first, start = self._items[at]
            if not self._source.seekable or self._rereads >= MAX_REREADS or self._depth >= MAX_REREADS:
                raise self._fail(
                    position, f"memo entry {number} belongs to an item that was forgotten; read an unpacked file"
                )
            self._rereads += 1
            machine = _Machine(self._source, self._where, start, templates=self._templates)
            machine._kept, machine._items, machine._memoized = self._kept, self._items, first
            machine._depth = self._depth + 1
            machine._marks.append([])
            machine._batch_key()
            machine._run(1)
            self._reread = at, machine
        machine = self._reread[1]
        found = machine._memo[number] if number in machine._memo else machine._in_runs(number)
        if found is None:
            raise self._fail(position, f"memo entry {number} was never written; the file is damaged")
        return found

    def _in_runs(self, number: int) -> str | None:
        """A memo entry that is a string of a run, if it is one."""
        at = bisect.bisect_right(self._runs, number, key=_first) - 1
        if at < 0:
            return None
        first, keys = self._runs[at]
        return keys[number - first] if number < first + len(keys) else None


class Templates:
    """The runs that were met so far, by how they begin; may be shared by several threads."""

    def __init__(self) -> None:
        self._known: dict[bytes, list[_Template]] = {}
        self._count = 0

    def match(self, buffer: bytes, position: int) -> tuple[_Template, NDArray[np.float64]] | None:
        """The template of the run at ``position`` and the run's numbers; None where it is no regular run."""
        start = buffer[position : position + 12]  # no memo number is in these bytes
        for template in self._known.get(start, ()):
            values = template.values(buffer, position)
            if values is not None:
                return template, values
        made = _Template.of(buffer, position)
        values = made.values(buffer, position) if made else None
        if made is None or values is None:
            return None
        if self._count < MAX_TEMPLATES:
            self._count += 1
            self._known.setdefault(start, []).append(made)
        return made, values


class _Template:
    """A run of ``string, number`` pairs whose strings are known: the next one like it is compared as a whole.

    Records repeat the same few hundred strings, ``x-valid@0``, ``x-valid@1``, ..., between numbers that differ.

    Attributes
    ----------
    keys : tuple of str
    size : int
        Bytes of the run, without the instruction that ends it.
    numbered : ndarray of int or None, shape (keys, 4)
        Where the memo numbers stand in protocol 2; later protocols write none.
    """

    def __init__(self, data: bytes, keys: tuple[str, ...], floats: list[int], numbers: list[int]) -> None:
        self.keys, self.size = keys, len(data)
        self._floats = np.array(floats)[:, np.newaxis] + np.arange(8)
        self.numbered = np.array(numbers)[:, np.newaxis] + np.arange(4) if numbers else None
        self._bytes = np.frombuffer(data, dtype=np.uint8)
        self._mask = np.full(self.size, 255, dtype=np.uint8)
        self._mask[self._floats] = 0
        if self.numbered is not None:
            self._mask[self.numbered] = 0

    @classmethod
    def of(cls, buffer: bytes, position: int) -> _Template | None:
        """The template of the run that begins here; None where there is no regular one."""
        pattern = _STRING_RUNS[buffer[position]]
        keys, floats, numbers = [], [], []
        at = position
        while match := pattern.match(buffer, at):
            if match[1][0] != len(match[2]) or (buffer[position] == 0x58 and match[1][1:] != b"\0\0\0"):
                return None
            keys.append(str(match[2], "ascii"))
            floats.append(match.end() - 8 - position)
            if buffer[position] == 0x58:
                numbers.append(match.end() - 13 - position)
            at = match.end()
        if not keys or buffer[at : at + 1] != b"u" or len(set(keys)) < len(keys):
            return None
        return cls(buffer[position:at], tuple(keys), floats, numbers)

    def values(self, buffer: bytes, position: int) -> NDArray[np.float64] | None:
        """The numbers of the run at ``position``; None where it is another run."""
        end = position + self.size
        if buffer[end : end + 1] != b"u":
            return None
        data = np.frombuffer(buffer, dtype=np.uint8, count=self.size, offset=position)
        if ((data ^ self._bytes) & self._mask).any():
            return None
        if self.numbered is not None:
            numbers = data[self.numbered].view("<u4")[:, 0].astype(np.int64)
            if (np.diff(numbers) != 1).any():
                return None
        return data[self._floats].view(">f8")[:, 0].astype(np.float64)

    def first_number(self, buffer: bytes, position: int) -> int:
        """The memo number of the first string."""
        assert self.numbered is not None
        number: int = _UINT(buffer, position + int(self.numbered[0, 0]))[0]
        return number


def _first(entry: tuple[int, Any]) -> int:
    return entry[0]


def _little_endian(state: Any) -> bool:
    return isinstance(state, tuple) and len(state) == 8 and isinstance(state[1], str) and state[1] in "<|="


def _name_of(opcode: int) -> str:
    import pickletools  # for errors alone

    names = {known.code: known.name for known in pickletools.opcodes}
    return f"{names.get(chr(opcode), 'unknown')} (0x{opcode:02x})"


_UINT = struct.Struct("<I").unpack_from
_INT = struct.Struct("<i").unpack_from
_FLOAT = struct.Struct(">d").unpack_from
_LONGEST = 9  # bytes of the longest instruction of fixed size
_AFTER_ITEM = {0x75: 1, 0x4B: 2, 0x4D: 3, 0x4A: 5}  # SETITEMS, or a key: BININT1, BININT2, BININT; with their bytes
_INT_RUN = re.compile(rb"((?:K.G.{8})+)u", re.DOTALL)
_INT_PAIR = np.dtype([("", "u1"), ("key", "u1"), ("", "u1"), ("value", ">f8")])
_SHARED_RUN = re.compile(rb"((?:j.{4}G.{8})+)u", re.DOTALL)
_SHARED_PAIR = np.dtype([("", "u1"), ("number", "<u4"), ("", "u1"), ("value", ">f8")])
_STRING_RUNS = {
    0x58: re.compile(rb"X(.{4})([a-z-]{1,32}@[0-9]{1,4})r.{4}G.{8}", re.DOTALL),
    0x8C: re.compile(rb"\x8c(.)([a-z-]{1,32}@[0-9]{1,4})\x94G.{8}", re.DOTALL),
}
_NO_TABLE = "a table of results needs no such thing, the file is not what it claims to be"
