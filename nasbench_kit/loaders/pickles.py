"""Safe reader for pickles of plain values, which never executes code from the pickle.

It interprets only the instructions that tables of numbers need. Nothing is imported, looked up or called: a "global" must be
one of a few known names, each implemented by the kit. Everything else is refused.

Frequent instructions are interpreted here, the others in `nasbench_kit.loaders.pickle_instructions`. Most of a record
consists of runs of numbers, which `nasbench_kit.loaders.pickle_fast_runs` reads at NumPy speed. Pickles too large to read
as a whole are handled by `nasbench_kit.loaders.pickle_streams`, pickles with arrays by
`nasbench_kit.loaders.pickle_arrays`.
"""

from __future__ import annotations

import struct
from typing import Any

from nasbench_kit.loaders.pickle_fast_runs import FastRuns
from nasbench_kit.loaders.pickle_instructions import Instructions
from nasbench_kit.loaders.pickle_runs import Templates
from nasbench_kit.loaders.pickle_stack import ByteSource
from nasbench_kit.loaders.pickle_values import name_of

__all__ = ["Machine", "read_pickle"]

_UINT = struct.Struct("<I").unpack_from
_FLOAT = struct.Struct(">d").unpack_from
_LONGEST = 9  # bytes of the longest fixed-size instruction


def read_pickle(
    source: ByteSource, where: object, *, start: int = 0, templates: Templates | None = None
) -> tuple[Any, int]:
    """Read one pickle of at most `MAX_ITEM` bytes.

    Parameters
    ----------
    source : ByteSource
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


class Machine(FastRuns, Instructions):
    """The pickle stack machine, restricted to the instructions that build plain values."""

    def read(self) -> tuple[Any, int]:
        self._run(-1)
        return self._stack[0], self.offset

    def _run(self, level: int) -> None:
        """Run until the pickle stops, or until a dict is complete at ``level`` open marks."""
        self._level = level
        buffer, position, stack, marks, memo = self._buffer, self._position, self._stack, self._marks, self._memo
        instructions = self.instructions
        opcode = 0
        try:
            while True:
                opcode = buffer[position]
                if opcode == 0x94:  # MEMOIZE
                    memo[self._memoized] = stack[-1]
                    self._memoized += 1
                    position += 1
                elif opcode == 0x6A or opcode == 0x68:  # LONG_BINGET, BINGET
                    if opcode == 0x68:
                        number, after = buffer[position + 1], position + 2
                    else:
                        number, after = _UINT(buffer, position + 1)[0], position + 5
                    stack.append(memo[number] if number in memo else self._recall(number, position))
                    position = after
                elif opcode == 0x47:  # BINFLOAT
                    stack.append(_FLOAT(buffer, position + 1)[0])
                    position += 9
                elif opcode == 0x72 or opcode == 0x71:  # LONG_BINPUT, BINPUT
                    if opcode == 0x71:
                        number, after = buffer[position + 1], position + 2
                    else:
                        number, after = _UINT(buffer, position + 1)[0], position + 5
                    if number in memo:
                        raise self._fail(position, f"memo entry {number} is written twice; the file is damaged")
                    memo[number] = stack[-1]
                    position = after
                elif opcode == 0x8C:  # SHORT_BINUNICODE
                    after = position + 2 + buffer[position + 1]
                    if after > len(buffer):
                        raise self._cut_off(position)
                    stack.append(str(buffer[position + 2 : after], "utf-8"))
                    position = after
                elif opcode == 0x4B:  # BININT1
                    stack.append(buffer[position + 1])
                    position += 2
                elif opcode == 0x28:  # MARK
                    self._position = position + 1
                    if level < 0 and len(marks) <= 1 and self._takes_over():
                        self._level, buffer, position = level, self._buffer, self._position
                        continue
                    after = self._fast_run(position + 1)
                    if after:
                        position = after
                        continue
                    marks.append(stack)
                    self._stack = stack = []
                    position += 1
                elif opcode == 0x7D:  # EMPTY_DICT
                    stack.append({})
                    position += 1
                elif opcode == 0x86:  # TUPLE2
                    stack[-2:] = [(stack[-2], stack[-1])]
                    position += 1
                elif opcode in instructions:
                    position = instructions[opcode](self, position)
                    stack = self._stack
                elif opcode == 0x75 or opcode == 0x73:  # SETITEMS, SETITEM
                    if opcode == 0x75:
                        items, stack = stack, self._unmark()
                    else:
                        items = stack[-2:]
                        del stack[-2:]
                    self._set_items(stack[-1], items, position)
                    position += 1
                    if len(marks) == level:
                        self._position = position
                        return
                elif opcode == 0x2E:  # STOP
                    if level >= 0 or marks or len(stack) != 1:
                        raise self._fail(position, "the pickle stops with unfinished values; the file is damaged")
                    self._position = position + 1
                    return
                else:
                    raise self._refused(opcode, position)
        except (IndexError, struct.error):
            if position + _LONGEST > len(buffer):
                raise self._cut_off(position) from None
            raise self._fail(
                position, f"the instruction {name_of(opcode)} lacks an operand; the file is damaged"
            ) from None
        except UnicodeDecodeError:
            raise self._fail(position, "a string is not valid UTF-8; the file is damaged") from None

    def _takes_over(self) -> bool:
        """Whether a subclass has read what follows the mark at this position."""
        return False
