"""Find NAS-Bench-101 cells by their official hash.

Computing the hashes of all 423,624 cells takes half a minute. ``hash_prefixes.npy`` therefore holds the first three
bytes of each, in the order of `NB101.network_index`; ``tools/make_hash_prefixes.py`` writes it. A prefix belongs to few
cells, whose full hashes decide.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

__all__ = ["candidates", "prefixes_of", "sorted_cells"]

BYTES = 3
FILE = "hash_prefixes.npy"


def prefixes_of(hashes: NDArray[np.str_]) -> NDArray[np.uint8]:
    """The first bytes of hashes: (n,) strings of hexadecimal digits to (n, `BYTES`)."""
    text = "".join(word[: 2 * BYTES] for word in hashes.tolist())
    return np.frombuffer(bytes.fromhex(text), dtype=np.uint8).reshape(-1, BYTES)


def candidates(hashes: NDArray[np.str_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The cells whose hashes have the same first bytes.

    Parameters
    ----------
    hashes : ndarray of str, shape (n,)

    Returns
    -------
    which, cells : ndarray of intp, shape (m,)
        Pairs of the position of a hash and of a cell that it may belong to.
    """
    known, order = _index()
    wanted = _numbers(prefixes_of(hashes))
    left, right = np.searchsorted(known, wanted), np.searchsorted(known, wanted, side="right")
    count = right - left
    which = np.repeat(np.arange(len(hashes)), count)
    place = np.arange(len(which)) + np.repeat(left - (np.cumsum(count) - count), count)
    return which, order[place]


def sorted_cells(hashes_of: Callable[[NDArray[np.intp]], NDArray[np.str_]]) -> NDArray[np.intp]:
    """All cells in ascending order of their hashes, given a function that computes those of a few cells: (423624,)."""
    known, order = _index()
    equal = known[1:] == known[:-1]
    tied = np.flatnonzero(np.append(equal, False) | np.insert(equal, 0, False))
    found = order.copy()
    # within a run of equal first bytes, whole hashes decide; runs stay where they are
    found[tied] = order[tied][np.lexsort((hashes_of(order[tied]), known[tied]))]
    return found


@cache
def _index() -> tuple[NDArray[np.uint32], NDArray[np.intp]]:
    """The prefixes of all cells, ascending, and the cell of each."""
    with (files(__package__) / FILE).open("rb") as file:
        numbers = _numbers(np.load(cast(BinaryIO, file), allow_pickle=False))
    order = np.argsort(numbers, kind="stable")
    return numbers[order], order


def _numbers(prefixes: NDArray[np.uint8]) -> NDArray[np.uint32]:
    wide = prefixes.astype(np.uint32)
    return wide[:, 0] << np.uint32(16) | wide[:, 1] << np.uint32(8) | wide[:, 2]
