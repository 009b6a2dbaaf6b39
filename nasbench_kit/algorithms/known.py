"""Which genotypes each run has evaluated: a hash table a run, all of them looked up at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.hashing import hash_rows
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Known"]

ROOM = 128  # places of a table at first


class Known:
    """The genotypes of each of some runs, to within a chance of 2**-63 a pair of being taken for one another.

    Parameters
    ----------
    runs : int

    Examples
    --------
    >>> known = Known(2)
    >>> known.add(np.array([[1, 2], [3, 4]], dtype=np.uint8))
    >>> known.holds(np.array([0, 1]), np.array([[[1, 2], [3, 4]], [[1, 2], [3, 4]]], dtype=np.uint8))
    array([[ True, False],
           [False,  True]])
    """

    def __init__(self, runs: int) -> None:
        self._table = np.zeros(
            (runs, ROOM), dtype=np.uint64
        )  # hashes, at the place they say or one of the next; 0: free
        self._count = 0  # of genotypes of each run

    def add(self, X: Genotypes) -> None:
        """Take note of one genotype of each run: (runs, genes)."""
        if 2 * (self._count + 1) > self._table.shape[1]:
            old, self._table = self._table, np.zeros((len(self._table), 4 * self._table.shape[1]), dtype=np.uint64)
            run, place = np.nonzero(old)
            self._insert(run, old[run, place])
        self._insert(np.arange(len(X)), _hashes(X))
        self._count += 1

    def holds(self, runs: NDArray[np.intp], X: Genotypes) -> NDArray[np.bool_]:
        """Which genotypes (k, n, genes) the runs (k,) have: (k, n)."""
        shape = X.shape[:2]
        sought = _hashes(X.reshape(-1, X.shape[2]))
        run, left = np.repeat(runs, shape[1]), np.arange(len(sought))
        found = np.zeros(len(sought), dtype=np.bool_)
        place = self._place(sought)
        while len(left):
            there = self._table[run[left], place[left]]
            found[left] = there == sought[left]
            left = left[(there != 0) & (there != sought[left])]
            place[left] = (place[left] + 1) % self._table.shape[1]
        return found.reshape(shape)

    def _insert(self, run: NDArray[np.intp], hashes: NDArray[np.uint64]) -> None:
        place = self._place(hashes)
        while len(run):
            free = self._table[run, place] == 0
            self._table[run[free], place[free]] = hashes[free]
            # two of the same run may have found the same place free: one of them has to go on
            left = self._table[run, place] != hashes
            run, hashes, place = run[left], hashes[left], (place[left] + 1) % self._table.shape[1]

    def _place(self, hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
        return (hashes >> np.uint64(1)).astype(np.intp) % self._table.shape[1]


def _hashes(X: Genotypes) -> NDArray[np.uint64]:
    """Of genotypes (n, genes), none of them 0: (n,)."""
    return hash_rows(X) | np.uint64(1)
