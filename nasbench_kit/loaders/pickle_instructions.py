"""The instructions that are rare in a record, one method each; those that are frequent are in the loop of `pickles`.

A method is called with the position of its instruction and returns the position after it. Reading beyond the buffer or the
stack raises IndexError or struct.error, which the loop converts.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, ClassVar

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders.pickle_stack import Stack
from nasbench_kit.loaders.pickle_values import MAX_SETS, MAX_TEXT, NO_TABLE, NumberType, name_of, shown

__all__ = ["Instructions"]

_UINT = struct.Struct("<I").unpack_from
_INT = struct.Struct("<i").unpack_from


class Instructions(Stack):
    """The table of rare instructions, by opcode."""

    # ---------------------------------------------------------------- plain values

    def _none(self, position: int) -> int:
        self._stack.append(None)
        return position + 1

    def _boolean(self, position: int) -> int:
        self._stack.append(self._buffer[position] == 0x88)
        return position + 1

    def _two_bytes(self, position: int) -> int:
        self._stack.append(self._buffer[position + 1] | self._buffer[position + 2] << 8)
        return position + 3

    def _four_bytes(self, position: int) -> int:
        self._stack.append(_INT(self._buffer, position + 1)[0])
        return position + 5

    def _long(self, position: int) -> int:
        start, size = position + 2, self._buffer[position + 1]
        if start + size > len(self._buffer):
            raise self._cut_off(position)
        self._stack.append(int.from_bytes(self._buffer[start : start + size], "little", signed=True))
        return start + size

    def _text(self, position: int) -> int:
        start, size = position + 5, _UINT(self._buffer, position + 1)[0]
        if size > MAX_TEXT:
            raise self._fail(position, f"a string of {size} bytes; a table has none longer than {MAX_TEXT}")
        if start + size > len(self._buffer):
            raise self._cut_off(position)
        self._stack.append(str(self._buffer[start : start + size], "utf-8"))
        return int(start + size)

    def _short_bytes(self, position: int) -> int:
        return self._bytes(position, position + 2, self._buffer[position + 1])

    def _long_bytes(self, position: int) -> int:
        return self._bytes(position, position + 5, _UINT(self._buffer, position + 1)[0])

    def _bytes(self, position: int, start: int, size: int) -> int:
        if size > self.max_bytes:
            raise self._fail(position, f"a bytes value of length {size}; a table has none longer than {self.max_bytes}")
        if start + size > len(self._buffer):
            raise self._cut_off(position)
        self._stack.append(self._buffer[start : start + size])
        return start + size

    # ---------------------------------------------------------------- containers

    def _empty_list(self, position: int) -> int:
        self._stack.append([])
        return position + 1

    def _empty_tuple(self, position: int) -> int:
        self._stack.append(())
        return position + 1

    def _empty_set(self, position: int) -> int:
        self._sets += 1
        if self._sets > MAX_SETS:
            raise self._fail(position, f"more than {MAX_SETS} sets: {NO_TABLE}")
        self._stack.append(set())
        return position + 1

    def _one(self, position: int) -> int:
        self._stack[-1] = (self._stack[-1],)
        return position + 1

    def _three(self, position: int) -> int:
        stack = self._stack
        stack[-3:] = [(stack[-3], stack[-2], stack[-1])]
        return position + 1

    def _tuple(self, position: int) -> int:
        items = self._stack
        self._unmark().append(tuple(items))
        return position + 1

    def _append(self, position: int) -> int:
        return self._extend([self._stack.pop()], position)

    def _appends(self, position: int) -> int:
        items = self._stack
        self._unmark()
        return self._extend(items, position)

    def _extend(self, items: list[Any], position: int) -> int:
        target = self._stack[-1]
        if type(target) is not list:
            raise self._fail(position, f"{shown(target)} is not a list to append to; the file is damaged")
        target.extend(items)
        return position + 1

    def _add_items(self, position: int) -> int:
        items = self._stack
        target = self._unmark()[-1]
        if type(target) is not set:
            raise self._fail(position, f"{shown(target)} is not a set to add to; the file is damaged")
        target.update(self._hashable(items, position))
        return position + 1

    # ---------------------------------------------------------------- names and calls

    def _stack_global(self, position: int) -> int:
        name = self._stack.pop()
        self._stack[-1] = self._global(self._stack[-1], name, position)
        return position + 1

    def _named_global(self, position: int) -> int:
        lines = self._buffer[position + 1 : position + 257].split(b"\n", 2)
        if len(lines) < 3:
            raise self._fail(position, "a global without a name; the file is damaged")
        module, name = (str(line, "utf-8") for line in lines[:2])
        self._stack.append(self._global(module, name, position))
        return position + 3 + len(lines[0]) + len(lines[1])

    def _reduce(self, position: int) -> int:
        arguments = self._stack.pop()
        self._stack[-1] = self._made(self._stack[-1], arguments, position)
        return position + 1

    def _set_state(self, position: int) -> int:
        state = self._stack.pop()
        if not isinstance(self._stack[-1], NumberType) or not _little_endian(state):
            self._build(self._stack[-1], state, position)
        return position + 1

    # ---------------------------------------------------------------- the pickle itself

    def _frame(self, position: int) -> int:
        return position + 9  # its length does not matter to the reader

    def _protocol(self, position: int) -> int:
        if not 2 <= self._buffer[position + 1] <= 5:
            raise self._fail(position, f"pickle protocol {self._buffer[position + 1]} is not supported, only 2 to 5")
        return position + 2

    instructions: ClassVar[dict[int, Callable[[Any, int], int]]] = {
        0x29: _empty_tuple,  # EMPTY_TUPLE
        0x42: _long_bytes,  # BINBYTES
        0x43: _short_bytes,  # SHORT_BINBYTES
        0x4A: _four_bytes,  # BININT
        0x4D: _two_bytes,  # BININT2
        0x4E: _none,  # NONE
        0x52: _reduce,  # REDUCE
        0x58: _text,  # BINUNICODE
        0x5D: _empty_list,  # EMPTY_LIST
        0x61: _append,  # APPEND
        0x62: _set_state,  # BUILD
        0x63: _named_global,  # GLOBAL
        0x65: _appends,  # APPENDS
        0x74: _tuple,  # TUPLE
        0x80: _protocol,  # PROTO
        0x85: _one,  # TUPLE1
        0x87: _three,  # TUPLE3
        0x88: _boolean,  # NEWTRUE
        0x89: _boolean,  # NEWFALSE
        0x8A: _long,  # LONG1
        0x8F: _empty_set,  # EMPTY_SET
        0x90: _add_items,  # ADDITEMS
        0x93: _stack_global,  # STACK_GLOBAL
        0x95: _frame,  # FRAME
    }

    def _refused(self, opcode: int, position: int) -> SourceError:
        return self._fail(position, f"the instruction {name_of(opcode)} is refused: {NO_TABLE}")


def _little_endian(state: Any) -> bool:
    return isinstance(state, tuple) and len(state) == 8 and isinstance(state[1], str) and state[1] in "<|="
