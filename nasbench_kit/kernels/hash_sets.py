"""A set of 64-bit keys for each run: open addressing with linear probing, vectorised over runs or compiled.

To add a key takes 20 to 40 nanoseconds in the compiled form, which is a cache miss for most sets of many runs. The NumPy form
takes 100 for many keys at a time, and 400 for one key per run, because a few of them meet others and are tried again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled

__all__ = ["HashSets"]

ROOM = 128  # initial slots per set, a power of 2
LARGE = 2**14  # slots from which a set doubles instead of growing fourfold
SPREAD = np.uint64(0x9E3779B97F4A7C15)  # multiplicative hashing (Knuth, The art of computer programming 3, section 6.4)


class HashSets:
    """A set of 64-bit keys for each run.

    Keys are compared as they are, so that sets are exact, but for 0 and 2**64 - 1, which count as the same key.

    Parameters
    ----------
    runs : int
        Number of runs.

    Attributes
    ----------
    counts : ndarray of int, shape (runs,)
        Number of keys of each set.
    table : ndarray of uint64, shape (runs, slots)
        The keys plus 1; 0 marks a free slot. At least half of the slots of a set are free.

    Examples
    --------
    >>> sets = HashSets(2)
    >>> sets.add(np.array([0, 0, 1]), np.array([5, 5, 5], dtype=np.uint64))
    array([ True, False,  True])
    >>> sets.holds(np.array([0, 1]), np.array([[5, 6], [5, 7]], dtype=np.uint64))
    array([[ True, False],
           [ True, False]])
    """

    def __init__(self, runs: int) -> None:
        self.table = np.zeros((runs, ROOM), dtype=np.uint64)
        self.counts = np.zeros(runs, dtype=np.int64)

    def add(self, run: NDArray[np.intp], keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Add keys (n,) to the sets of their runs (n,); returns which were new, the first of equal ones only: (n,)."""
        new = np.zeros(len(keys), dtype=np.bool_)
        if enabled():
            done = _add(self.table, self.shift, run, keys, 0, self.counts, new)
            while done < len(keys):
                self._grow()
                done = _add(self.table, self.shift, run, keys, done, self.counts, new)
            return new
        added = np.bincount(run, minlength=len(self.counts))
        while 2 * int((self.counts + added).max(initial=0)) > self.table.shape[1]:
            self._grow()
        new[_claimed(self.table, run, _stored(keys))] = True
        self.counts += added if new.all() else np.bincount(run[new], minlength=len(self.counts))
        return new

    def holds(self, run: NDArray[np.intp], keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether the sets of some runs (k,) hold keys (k, n): (k, n)."""
        if enabled():
            held: NDArray[np.bool_] = _holds(self.table, self.shift, run, keys)
            return held
        sought = _stored(keys.reshape(-1))
        slots = self.table.shape[1]
        start = np.repeat(run * slots, keys.shape[1])
        place, left = _places(sought, slots), np.arange(len(sought))
        found = np.zeros(len(sought), dtype=np.bool_)
        flat = self.table.reshape(-1)
        while len(left):
            there = flat.take(start[left] + place[left])
            same = there == sought[left]
            found[left[same]] = True
            left = left[(there != 0) & ~same]
            place[left] = (place[left] + 1) & (slots - 1)
        return found.reshape(keys.shape)

    @property
    def shift(self) -> int:
        """How far to shift a hash to the right, so that it is a slot."""
        return 65 - self.table.shape[1].bit_length()

    def _grow(self) -> None:
        slots = self.table.shape[1] * (4 if self.table.shape[1] < LARGE else 2)
        old, self.table = self.table, np.zeros((len(self.table), slots), dtype=np.uint64)
        if enabled():
            _move(old, self.table, self.shift)
            return
        run, place = np.nonzero(old)
        _claimed(self.table, run, old[run, place])


def _stored(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Keys as they are stored: (n,)."""
    stored: NDArray[np.uint64] = np.maximum(keys + np.uint64(1), np.uint64(1))
    return stored


def _places(stored: NDArray[np.uint64], slots: int) -> NDArray[np.intp]:
    """The slot at which the search for each key begins: (n,)."""
    return ((stored * SPREAD) >> np.uint64(65 - slots.bit_length())).astype(np.intp)


def _claimed(table: NDArray[np.uint64], run: NDArray[np.intp], stored: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Put keys (n,) into the sets of their runs (n,); returns the positions of those that were new."""
    slots = table.shape[1]
    flat = table.reshape(-1)
    start, place, left = run * slots, _places(stored, slots), np.arange(len(stored))
    new = []
    while len(left):
        at = start[left] + place[left]
        there = flat.take(at)
        free = there == 0
        # several keys may claim a free slot; it goes to the first of them, as the last one that is written
        claimants, slot = left[free], at[free]
        flat[slot[::-1]] = claimants[::-1].astype(np.uint64)
        won = flat.take(slot) == claimants.astype(np.uint64)
        winners = claimants[won]
        flat[slot[won]] = stored[winners]
        new.append(winners)
        # the others look at the slot again, because it may now hold the same key
        lost = free.copy()
        lost[free] = ~won
        ahead = ~free & (there != stored[left])
        place[left[ahead]] = (place[left[ahead]] + 1) & (slots - 1)
        left = left[lost | ahead]
    return np.concatenate(new) if new else left


@compiled
def _add(
    table: NDArray[np.uint64],
    shift: int,
    run: NDArray[np.intp],
    keys: NDArray[np.uint64],
    first: int,
    counts: NDArray[np.int64],
    new: NDArray[np.bool_],
) -> int:
    """Compiled version of `HashSets.add` from position ``first``; returns the position at which a set is half full."""
    slots = table.shape[1]
    for i in range(first, len(keys)):
        row = run[i]
        if 2 * (counts[row] + 1) > slots:
            return i
        stored = keys[i] + np.uint64(1)
        if stored == 0:
            stored = np.uint64(1)
        place = np.int64((stored * SPREAD) >> np.uint64(shift))
        while table[row, place] != 0 and table[row, place] != stored:
            place = (place + 1) & (slots - 1)
        if table[row, place] == 0:
            table[row, place] = stored
            counts[row] += 1
            new[i] = True
    return len(keys)


@compiled
def _holds(table: NDArray[np.uint64], shift: int, run: NDArray[np.intp], keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Compiled version of `HashSets.holds`."""
    slots = table.shape[1]
    held = np.zeros(keys.shape, dtype=np.bool_)
    for i in range(keys.shape[0]):
        row = run[i]
        for j in range(keys.shape[1]):
            stored = keys[i, j] + np.uint64(1)
            if stored == 0:
                stored = np.uint64(1)
            place = np.int64((stored * SPREAD) >> np.uint64(shift))
            while table[row, place] != 0 and table[row, place] != stored:
                place = (place + 1) & (slots - 1)
            held[i, j] = table[row, place] == stored
    return held


@compiled
def _move(old: NDArray[np.uint64], table: NDArray[np.uint64], shift: int) -> None:
    """Put the keys of sets into a larger table."""
    slots = table.shape[1]
    for row in range(old.shape[0]):
        for i in range(old.shape[1]):
            stored = old[row, i]
            if stored != 0:
                place = np.int64((stored * SPREAD) >> np.uint64(shift))
                while table[row, place] != 0:
                    place = (place + 1) & (slots - 1)
                table[row, place] = stored
