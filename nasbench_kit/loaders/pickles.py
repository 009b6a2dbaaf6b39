"""Safe reader for pickles of plain values, which never executes code from the pickle.

It interprets only the opcodes that tables of numbers need. Nothing is imported, looked up or called: a "global" must be one
of a few known names, each implemented here. Everything else is refused.

Most of a record consists of runs of numbers, which `nasbench_kit.loaders.pickle_runs` reads at NumPy speed. Pickles too
large to read as a whole are handled by `nasbench_kit.loaders.pickle_streams`, pickles with arrays by
`nasbench_kit.loaders.pickle_arrays`.
"""

from __future__ import annotations

import bisect
import enum
import struct
from operator import itemgetter
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders.pickle_runs import INT_PAIR, INT_RUN, SHARED_PAIR, SHARED_RUN, Templates

__all__ = [
    "MAX_ITEM",
    "NO_TABLE",
    "Bytes",
    "Global",
    "Machine",
    "NumberType",
    "Source",
    "name_of",
    "read_pickle",
    "shown",
]

# bytes of a pickle, or of one item of a stream; an architecture's record is 0.4 MB
MAX_ITEM = 4 * 2**20
MAX_TEXT = 4096  # bytes of a string
MAX_MADE = 2**22  # set members and encoded bytes that a pickle or item may create from recalled values
MAX_SETS = 10_000  # per pickle or item: an empty set takes one byte of a pickle, but 200 bytes of memory
MAX_KEY = 2**60  # bound on integer keys: larger ones can have colliding hashes, which makes dicts quadratically slow


class Source(Protocol):
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
        """See `Source`."""
        return self._data[offset:]


class Global(enum.Enum):
    """The only names a pickle may refer to."""

    ORDERED_DICT = "collections.OrderedDict"
    SET = "set"
    ENCODE = "bytes, as protocol 2 writes them"
    DTYPE = "numpy.dtype"
    SCALAR = "a numpy number"
    NDARRAY = "numpy.ndarray"
    RECONSTRUCT = "a numpy array"


_GLOBALS = {
    ("collections", "OrderedDict"): Global.ORDERED_DICT,
    ("builtins", "set"): Global.SET,
    ("__builtin__", "set"): Global.SET,
    ("_codecs", "encode"): Global.ENCODE,
    ("numpy", "dtype"): Global.DTYPE,
    ("numpy.core.multiarray", "scalar"): Global.SCALAR,
    ("numpy._core.multiarray", "scalar"): Global.SCALAR,
}
_NUMBERS = {"f8": "<d", "f4": "<f", "i8": "<q", "i4": "<i"}  # NumPy type name -> struct format


class NumberType(str):
    """The name of a NumPy type, accepted only as an argument of `Global.SCALAR`."""

    __slots__ = ()


def shown(value: object) -> str:
    """A short representation for error messages, which never traverses containers."""
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
        Name of the source in error messages, usually its path.
    start : int
        Byte offset at which the pickle begins.
    templates : Templates, optional
        Templates found in earlier pickles of the same kind, to speed up reading.

    Returns
    -------
    value : None, bool, int, float, str, bytes, list, tuple, set or dict of such
        NumPy numbers are converted to Python numbers and an OrderedDict to a dict.
    end : int
        Byte offset of the end of the pickle.

    Raises
    ------
    SourceError
        The pickle is truncated, damaged or contains something other than plain values; the message gives the byte offset.
    """
    return Machine(source, where, start, templates=templates).read()


class Machine:
    """The pickle stack machine, restricted to the instructions that build plain values."""

    max_bytes = MAX_TEXT  # of a bytes value
    globals: ClassVar = _GLOBALS

    def __init__(
        self,
        source: Source,
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
        self._made_so_far = self._sets = 0
        self._refill(start)

    @property
    def offset(self) -> int:
        """Byte offset of the next instruction."""
        return self._base + self._position

    def read(self) -> tuple[Any, int]:
        self._run(-1)
        return self._stack[0], self.offset

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

    # ---------------------------------------------------------------- the instructions

    def _run(self, level: int) -> None:
        """Run until the pickle stops, or until a dict is complete at ``level`` open marks."""
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
                        raise self._fail(position, f"a string of {size} bytes; a table has none longer than {MAX_TEXT}")
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
                    self._position = position + 1
                    if level < 0 and len(marks) <= 1 and self._takes_over():
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
                        raise self._fail(
                            position, f"{shown(stack[-1])} is not a list to append to; the file is damaged"
                        )
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
                    if size > self.max_bytes:
                        raise self._fail(
                            position, f"a bytes value of length {size}; a table has none longer than {self.max_bytes}"
                        )
                    if start + size > len(buffer):
                        raise self._cut_off(position)
                    stack.append(buffer[start : start + size])
                    position = start + size
                elif opcode == 0x4A:  # BININT
                    stack.append(_INT(buffer, position + 1)[0])
                    position += 5
                elif opcode == 0x95:  # FRAME: its length does not matter to the reader
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
                    self._sets += 1
                    if self._sets > MAX_SETS:
                        raise self._fail(position, f"more than {MAX_SETS} sets: {NO_TABLE}")
                    stack.append(set())
                    position += 1
                elif opcode == 0x90:  # ADDITEMS
                    items, stack = stack, self._unmark(level)
                    if type(stack[-1]) is not set:
                        raise self._fail(position, f"{shown(stack[-1])} is not a set to add to; the file is damaged")
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
                    if not isinstance(stack[-1], NumberType) or not _little_endian(state):
                        self._build(stack[-1], state, position)
                    position += 1
                elif opcode == 0x8A:  # LONG1
                    size = buffer[position + 1]
                    if position + 2 + size > len(buffer):
                        raise self._cut_off(position)
                    stack.append(int.from_bytes(buffer[position + 2 : position + 2 + size], "little", signed=True))
                    position += 2 + size
                elif opcode == 0x80:  # PROTO
                    if not 2 <= buffer[position + 1] <= 5:
                        raise self._fail(
                            position, f"pickle protocol {buffer[position + 1]} is not supported, only 2 to 5"
                        )
                    position += 2
                elif opcode == 0x2E:  # STOP
                    if level >= 0 or marks or len(stack) != 1:
                        raise self._fail(position, "the pickle stops with unfinished values; the file is damaged")
                    self._position = position + 1
                    return
                else:
                    position = self._other(opcode, position)
        except (IndexError, struct.error):
            if position + _LONGEST > len(buffer):
                raise self._cut_off(position) from None
            raise self._fail(
                position, f"the instruction {name_of(opcode)} lacks an operand; the file is damaged"
            ) from None
        except UnicodeDecodeError:
            raise self._fail(position, "a string is not valid UTF-8; the file is damaged") from None

    def _unmark(self, level: int) -> list[Any]:
        """Restore the stack before the last mark, but never beyond the current item."""
        if len(self._marks) <= level:
            raise IndexError
        self._stack = self._marks.pop()
        return self._stack

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
            case Global.DTYPE, (str(name), _, _) if name in _NUMBERS:
                return NumberType(name)
            case Global.SCALAR, (NumberType() as name, bytes(data)) if len(data) == struct.calcsize(_NUMBERS[name]):
                return struct.unpack(_NUMBERS[name], data)[0]
        asked = what.value if isinstance(what, Global) else shown(what)
        raise self._fail(position, f"{asked} would be called with unexpected arguments: {NO_TABLE}")

    def _build(self, what: Any, state: Any, position: int) -> None:
        """Set the state of an object other than a plain value; refused here."""
        raise self._fail(position, f"the state of an object would be set: {NO_TABLE}")

    def _other(self, opcode: int, position: int) -> int:
        """Handle an instruction that plain values do not need and return the position after it; refused here."""
        raise self._fail(position, f"the instruction {name_of(opcode)} is refused: {NO_TABLE}")

    # ---------------------------------------------------------------- runs: most of a record, at NumPy speed

    def _fast_run(self, position: int) -> int:
        """Read a regular run of pairs into the dict on the stack; return the position after it, or 0 if irregular."""
        buffer, stack = self._buffer, self._stack
        if not stack or type(stack[-1]) is not dict:
            return 0
        opcode = buffer[position] if position < len(buffer) else 0
        if opcode == 0x4B:
            match = INT_RUN.match(buffer, position)
            if not match:
                return 0
            pairs = np.frombuffer(match[1], dtype=INT_PAIR)
            self._set_run(stack[-1], pairs["key"].tolist(), pairs["value"].tolist(), position)
            return match.end()
        if opcode == 0x6A:
            match = SHARED_RUN.match(buffer, position)
            if not match:
                return 0
            pairs = np.frombuffer(match[1], dtype=SHARED_PAIR)
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
        """The values of memo entries; strings shared by two dicts usually occur in the same order in both."""
        first = int(numbers[0])
        at = bisect.bisect_right(self._runs, first, key=itemgetter(0)) - 1
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

    def _takes_over(self) -> bool:
        """Whether a subclass has read what follows the mark at this position."""
        return False

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


def _little_endian(state: Any) -> bool:
    return isinstance(state, tuple) and len(state) == 8 and isinstance(state[1], str) and state[1] in "<|="


def name_of(opcode: int) -> str:
    """The name of an instruction in the standard library's pickletools."""
    import pickletools  # only needed for errors

    names = {known.code: known.name for known in pickletools.opcodes}
    return f"{names.get(chr(opcode), 'unknown')} (0x{opcode:02x})"


_UINT = struct.Struct("<I").unpack_from
_INT = struct.Struct("<i").unpack_from
_FLOAT = struct.Struct(">d").unpack_from
_LONGEST = 9  # bytes of the longest fixed-size instruction
NO_TABLE = "a table of results does not need this, so the file is not what it claims to be"
