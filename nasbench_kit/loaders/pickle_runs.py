"""Vectorised reading of runs of ``key, number`` pairs, which make up 90 % of a pickled record."""

from __future__ import annotations

import re
import struct

import numpy as np
from numpy.typing import NDArray

__all__ = ["INT_PAIR", "INT_RUN", "SHARED_PAIR", "SHARED_RUN", "Templates"]

MAX_TEMPLATES = 256
MAX_KEYS = 1024  # of a template, which takes 100 bytes per key; a training has 200 epochs

# after a mark: pairs of a small integer or memo entry and a float, up to the SETITEMS instruction
INT_RUN = re.compile(rb"((?:K.G.{8})+)u", re.DOTALL)
INT_PAIR = np.dtype([("", "u1"), ("key", "u1"), ("", "u1"), ("value", ">f8")])
SHARED_RUN = re.compile(rb"((?:j.{4}G.{8})+)u", re.DOTALL)
SHARED_PAIR = np.dtype([("", "u1"), ("number", "<u4"), ("", "u1"), ("value", ">f8")])
# a pair of a memoised string and a float: in protocol 2 and in later protocols
_STRING_PAIRS = {
    0x58: re.compile(rb"X(.{4})([a-z-]{1,32}@[0-9]{1,4})r.{4}G.{8}", re.DOTALL),
    0x8C: re.compile(rb"\x8c(.)([a-z-]{1,32}@[0-9]{1,4})\x94G.{8}", re.DOTALL),
}
_UINT = struct.Struct("<I").unpack_from


class Templates:
    """Cache of the runs seen so far, keyed by their first bytes; may be shared between threads."""

    def __init__(self) -> None:
        self._known: dict[bytes, list[_Template]] = {}
        self._count = 0

    def match(self, buffer: bytes, position: int) -> tuple[_Template, NDArray[np.float64]] | None:
        """The template of the run at ``position`` and the run's numbers; None if the run is irregular."""
        start = buffer[position : position + 12]  # too short to contain a memo number
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
    """A run of ``string, number`` pairs with known strings, so that similar runs can be matched as a whole.

    Records repeat the same few hundred strings, ``x-valid@0``, ``x-valid@1``, ..., with different numbers in between.

    Attributes
    ----------
    keys : tuple of str
    size : int
        Bytes of the run, without the final instruction.
    numbered : ndarray of int or None, shape (keys, 4)
        Positions of the memo numbers in protocol 2; later protocols write none.
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
        """The template of the run at ``position``; None if the run is irregular."""
        pattern = _STRING_PAIRS[buffer[position]]
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
        if not keys or len(keys) > MAX_KEYS or buffer[at : at + 1] != b"u" or len(set(keys)) < len(keys):
            return None
        return cls(buffer[position:at], tuple(keys), floats, numbers)

    def values(self, buffer: bytes, position: int) -> NDArray[np.float64] | None:
        """The numbers of the run at ``position``; None if it does not match the template."""
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
