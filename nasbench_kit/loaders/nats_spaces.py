"""NATS-Bench's two search spaces: their budgets, their known members, and which of them a file is about."""

from __future__ import annotations

import bz2
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nasbench_kit.spaces.nats_size.space import NATSSize
from nasbench_kit.spaces.nb201.space import NB201

__all__ = ["SIZE", "TOPOLOGY", "NATSSpace", "is_pickle", "space_in"]

_BZ2 = b"BZh"
# what the first architecture in a file looks like: |nor_conv_3x3~0|+|... or 8:8:8:8:8
_NATIVE = re.compile(rb"(?P<topology>\|\w{4,16}~0\|\+)|(?P<size>\b\d{1,2}(?::\d{1,2}){4}\b)")
_START = 2**22  # bytes decompressed to find it; one architecture's record has less


@dataclass(frozen=True)
class NATSSpace:
    """What the files of one of the two spaces have of their own.

    Attributes
    ----------
    benchmark : str
        Name of its published files, and of its store.
    space : callable
    budgets : mapping of str to int
        The files' names of the epoch budgets.
    known : mapping of str to str
        SHA-256 of three members of the published folder: the meta file and records 0 and 11.
    """

    benchmark: str
    space: Callable[[], NB201 | NATSSize]
    budgets: Mapping[str, int]
    known: Mapping[str, str]


TOPOLOGY = NATSSpace(
    "nats",
    NB201,
    {"12": 12, "200": 200},
    {
        "meta.pickle.pbz2": "7ecc7932fabec6b80551e07b845346de99d83c673f67a1891d619576b3fa053c",
        "000000.pickle.pbz2": "0103573dc07d29661807b7952fa0930a53203dc8aa6759ff0c5e0e1111300185",
        "000011.pickle.pbz2": "9e70770646c83f824f0a51422aaa7e89afca861a257ec285cdfada7264345276",
    },
)
SIZE = NATSSpace(
    "nats-size",
    NATSSize,
    {"01": 1, "12": 12, "90": 90},
    {
        "meta.pickle.pbz2": "63abccf2cfd42604a24c270aafb1faa56fbdaf1418368af82346750642c45383",
        "000000.pickle.pbz2": "76265ad39ba47dcef1b754872370336158d430c0d869ab2f752dadf684bea378",
        "000011.pickle.pbz2": "0b267775cbff4841dac9769ebab098d2b70e56d58e393eeb5968e8db57be9e5a",
    },
)


def is_pickle(start: bytes) -> bool:
    """Whether these are the first bytes of a compressed pickle like the official ones."""
    if not start.startswith(_BZ2):
        return False
    content = _unpacked(start, 256)
    if content is None:
        return False
    if not content:  # the file is truncated within its first block
        return True
    return content.startswith(b"\x80") and (b"meta_archs" in content or b"OrderedDict" in content)


def space_in(start: bytes) -> NATSSpace:
    """The space of the first architecture in a compressed pickle, of which the first bytes are given.

    The topology space where none is found, whose loader then says what is wrong.
    """
    found = _NATIVE.search(_unpacked(start, _START) or b"")
    return SIZE if found and found["size"] else TOPOLOGY


def _unpacked(start: bytes, most: int) -> bytes | None:
    """At most so many bytes of the first bz2 stream; None if it is none."""
    try:
        return bz2.BZ2Decompressor().decompress(start, max_length=most)
    except (OSError, ValueError):
        return None
