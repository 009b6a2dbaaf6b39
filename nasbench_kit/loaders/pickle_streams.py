"""Streaming reader for a pickled dict with one entry too large for memory.

Each item of that entry is discarded once complete. Small objects that later items may share, such as strings and types, are
kept; anything else is read again when a later item refers to it.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from operator import itemgetter
from typing import Any

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders.pickle_runs import Templates
from nasbench_kit.loaders.pickle_stack import ByteSource
from nasbench_kit.loaders.pickle_values import Global, NumberType, name_of, shown
from nasbench_kit.loaders.pickles import Machine

__all__ = ["Item", "read_stream"]

MAX_KEPT = 10**7  # strings of finished items kept for later ones
MAX_KEPT_TEXT = 128
MAX_REREADS = 16  # finished items that may be read again for a single item
MAX_REREAD = 2**26  # bytes of finished items that may be read again per file

Item = Callable[[Any, Any, int], None]  # key, value, byte offset

# size in bytes of what may follow a finished item: SETITEMS, or the next key as BININT1, BININT2 or BININT
_AFTER_ITEM = {0x75: 1, 0x4B: 2, 0x4D: 3, 0x4A: 5}


def read_stream(
    source: ByteSource, where: object, key: str, item: Item, *, start: int = 0
) -> tuple[dict[str, Any], int]:
    """Read a pickled dict with one huge dict entry, item by item.

    Parameters
    ----------
    source, where, start
        As in `nasbench_kit.loaders.pickles.read_pickle`.
    key : str
        Key of the huge entry, a dict with integer keys and dict values.
    item : callable
        Called with the key, value and byte offset of each item, which is discarded afterwards.

    Returns
    -------
    rest : dict
        All other entries.
    end : int
        Byte offset of the end of the pickle.

    Raises
    ------
    SourceError
        As in `read_pickle`. Errors from ``item`` are propagated.
    """
    machine = _Stream(source, where, start, key, item)
    result, end = machine.read()
    if not isinstance(result, dict) or not isinstance(result.get(key), dict):
        found = f"one with {', '.join(map(shown, list(result)[:5]))}" if isinstance(result, dict) else shown(result)
        raise SourceError(f"{where}: expected a dict with the key {key!r}, not {found}")
    for number, value in result.pop(key).items():  # items that the pickler wrote outside a batch
        item(number, value, machine.offset)
    return result, end


class _Stream(Machine):
    """The machine of `read_pickle`, but passing the items of one dict to a callback instead of collecting them."""

    def __init__(
        self, source: ByteSource, where: object, start: int, key: str, item: Item, templates: Templates | None = None
    ) -> None:
        super().__init__(source, where, start, templates)
        self._key, self._item = key, item
        # what is kept of finished items, and where the rest can be read again
        self._kept: dict[int, Any] = {}
        self._strings: dict[str, str] = {}
        self._items: list[tuple[int, int]] = []  # first memo number, byte offset
        self._reread: tuple[int, _Stream] | None = None
        self._rereads = 0
        self._reread_bytes = [0]  # per file: shared with the machines that reread items

    def _takes_over(self) -> bool:
        """Read a batch of items if the mark begins one."""
        if self._stack[-2:-1] != [self._key] or type(self._stack[-1]) is not dict:
            return False
        self._batch()
        return True

    def _batch(self) -> None:
        """Read a batch of the huge dict; each item is passed on and discarded once complete."""
        if self._stack[-1]:
            raise self._fail(self._position, f"{self._key!r} has items outside its batches; the file is damaged")
        self._marks.append(self._stack)
        level = len(self._marks)
        self._kept.update(self._memo)  # memo entries from before the batch, which are few
        self._memo.clear()
        while True:
            start = self.offset
            self._refill(start)
            self._stack = []
            key = self._batch_key()
            if key is None:
                break
            self._run(level)
            while self._skip_frame() not in _AFTER_ITEM:  # a mark or a string continues the dict
                self._run(level)
            if len(self._stack) != 1:
                raise self._fail(self._position, f"the value of {key} is not a non-empty dict")
            value = self._stack.pop()
            self._forget(start)
            self._item(key, value, start)
        self._stack = self._marks.pop()
        self._refill(self.offset)

    def _batch_key(self) -> int | None:
        """The key of the next item; None at the end of the batch."""
        opcode = self._skip_frame()
        buffer, position = self._buffer, self._position
        size = _AFTER_ITEM.get(opcode)
        if size is None:
            if opcode < 0:
                raise self._cut_off(position)
            raise self._fail(
                position, f"a key of {self._key!r} must be an integer, but {name_of(opcode)} does not push one"
            )
        if position + size > len(buffer):
            raise self._cut_off(position)
        self._position = position + size
        if size == 1:
            return None
        return int.from_bytes(buffer[position + 1 : position + size], "little", signed=size == 5)

    def _skip_frame(self) -> int:
        """The next instruction after any frame headers; -1 at the end."""
        buffer = self._buffer
        while self._position < len(buffer) and buffer[self._position] == 0x95:
            self._position += 9
        return buffer[self._position] if self._position < len(buffer) else -1

    def _forget(self, start: int) -> None:
        """Drop the memo entries of a finished item, except strings and types that later items may share."""
        last = self._items[-1][0] if self._items else 0
        first = min([*self._memo, *(number for number, _ in self._runs)], default=last)
        if first < last:
            raise self._fail(self._position, f"memo entry {first} comes after a later one; the file is damaged")
        self._items.append((first, start))
        for number, value in self._memo.items():
            if isinstance(value, (NumberType, Global)):
                self._kept[number] = value
            elif type(value) is str and len(value) <= MAX_KEPT_TEXT and len(self._kept) < MAX_KEPT:
                self._kept[number] = self._strings.setdefault(value, value)
        self._memo.clear()
        self._runs.clear()
        self._rereads = self._made_so_far = self._sets = 0

    def _recall(self, number: int, position: int) -> Any:
        """A memo entry from before the current item, or from a run."""
        if number in self._kept:
            return self._kept[number]
        at = bisect.bisect_right(self._items, number, key=itemgetter(0)) - 1
        if at < 0 or self._in_runs(number) is not None:
            return super()._recall(number, position)
        value = self._read_again(at, number, position)
        if type(value) is str and len(self._kept) < MAX_KEPT:
            self._kept[number] = value
        return value

    def _read_again(self, at: int, number: int, position: int) -> Any:
        """Reread a finished item to recover a value that a later item shares."""
        if self._reread is None or self._reread[0] != at:
            first, start = self._items[at]
            if not self._source.seekable or self._rereads >= MAX_REREADS:
                raise self._fail(
                    position, f"memo entry {number} belongs to a discarded item; unpack the file and read it again"
                )
            machine = _Stream(self._source, self._where, start, self._key, self._item, self._templates)
            machine._kept, machine._items, machine._memoized = self._kept, self._items, first
            machine._rereads = self._rereads + 1  # a shared count, as chains of items would otherwise multiply
            machine._reread_bytes = self._reread_bytes
            machine._marks.append([])
            machine._batch_key()
            machine._run(1)
            self._rereads = machine._rereads
            self._reread_bytes[0] += machine.offset - start
            if self._reread_bytes[0] > MAX_REREAD:
                raise self._fail(
                    position, f"more than {MAX_REREAD} bytes of finished items must be read again; the file is damaged"
                )
            self._reread = at, machine
        machine = self._reread[1]
        found = machine._memo[number] if number in machine._memo else machine._in_runs(number)
        if found is None:
            raise self._fail(position, f"memo entry {number} was never written; the file is damaged")
        return found
