"""A pickled dict of which one entry is too large for memory, read item by item.

Its items are forgotten as soon as they are complete. What later ones may share with them is kept where it is small: strings
and types; all else is read once more where it is asked for.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from operator import itemgetter
from typing import Any

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders.pickle_runs import Templates
from nasbench_kit.loaders.pickles import Global, Machine, NumberType, Source, name_of, shown

__all__ = ["Item", "read_stream"]

MAX_KEPT = 10**7  # strings of finished items that later ones may share
MAX_KEPT_TEXT = 128
MAX_REREADS = 16  # finished items that may be read again for the sake of one
MAX_REREAD = 2**26  # bytes of finished items that may be read again in a file

Item = Callable[[Any, Any, int], None]  # key, value, byte offset

# what may follow a finished item: SETITEMS, or the next key by BININT1, BININT2, BININT; with their bytes
_AFTER_ITEM = {0x75: 1, 0x4B: 2, 0x4D: 3, 0x4A: 5}


def read_stream(source: Source, where: object, key: str, item: Item, *, start: int = 0) -> tuple[dict[str, Any], int]:
    """Read a pickled dict of which one entry is a huge dict, item by item.

    Parameters
    ----------
    source, where, start
        As in `nasbench_kit.loaders.pickles.read_pickle`.
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
    machine = _Stream(source, where, start, key, item)
    result, end = machine.read()
    if not isinstance(result, dict) or not isinstance(result.get(key), dict):
        found = f"one with {', '.join(map(shown, list(result)[:5]))}" if isinstance(result, dict) else shown(result)
        raise SourceError(f"{where}: a dict with the key {key!r} is expected, not {found}")
    for number, value in result.pop(key).items():  # what the pickler wrote outside of a batch
        item(number, value, machine.offset)
    return result, end


class _Stream(Machine):
    """The machine of `read_pickle`, which hands on the items of one dict instead of collecting them."""

    def __init__(
        self, source: Source, where: object, start: int, key: str, item: Item, templates: Templates | None = None
    ) -> None:
        super().__init__(source, where, start, templates)
        self._key, self._item = key, item
        # of finished items: what is kept, and where the rest can be read again
        self._kept: dict[int, Any] = {}
        self._strings: dict[str, str] = {}
        self._items: list[tuple[int, int]] = []  # first memo number, byte offset
        self._reread: tuple[int, _Stream] | None = None
        self._rereads = 0
        self._reread_bytes = [0]  # of the file: shared with the machines that read again

    def _takes_over(self) -> bool:
        """Read a batch of items if that is what the mark begins."""
        if self._stack[-2:-1] != [self._key] or type(self._stack[-1]) is not dict:
            return False
        self._batch()
        return True

    def _batch(self) -> None:
        """Read the items of a batch of the huge dict; each is handed on and forgotten as soon as it is complete."""
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
                position, f"a key of {self._key!r} is a whole number, which {name_of(opcode)} does not make"
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
            if isinstance(value, (NumberType, Global)):
                self._kept[number] = value
            elif type(value) is str and len(value) <= MAX_KEPT_TEXT and len(self._kept) < MAX_KEPT:
                self._kept[number] = self._strings.setdefault(value, value)
        self._memo.clear()
        self._runs.clear()
        self._rereads = self._made_so_far = self._sets = 0

    def _recall(self, number: int, position: int) -> Any:
        """A memo entry that is not that of a string or value read just now."""
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
        """Read a finished item once more for the sake of one of its values, which a later one shares."""
        if self._reread is None or self._reread[0] != at:
            first, start = self._items[at]
            if not self._source.seekable or self._rereads >= MAX_REREADS:
                raise self._fail(
                    position, f"memo entry {number} belongs to an item that was forgotten; read an unpacked file"
                )
            machine = _Stream(self._source, self._where, start, self._key, self._item, self._templates)
            machine._kept, machine._items, machine._memoized = self._kept, self._items, first
            machine._rereads = self._rereads + 1  # one count for all, or chains of items would multiply
            machine._reread_bytes = self._reread_bytes
            machine._marks.append([])
            machine._batch_key()
            machine._run(1)
            self._rereads = machine._rereads
            self._reread_bytes[0] += machine.offset - start
            if self._reread_bytes[0] > MAX_REREAD:
                raise self._fail(
                    position, f"more than {MAX_REREAD} bytes of finished items are asked for again; the file is damaged"
                )
            self._reread = at, machine
        machine = self._reread[1]
        found = machine._memo[number] if number in machine._memo else machine._in_runs(number)
        if found is None:
            raise self._fail(position, f"memo entry {number} was never written; the file is damaged")
        return found
