"""Per-run sets of evaluated genotypes or networks, as vectorised hash tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.operators.duplicates import repeats
from nasbench_kit.kernels.hashing import hash_rows
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Known", "network_names", "new_neighbours"]

ROOM = 128  # initial slots per table


class Known:
    """A set of genotypes for each run; different genotypes collide with probability 2**-63 per pair.

    Parameters
    ----------
    runs : int
        Number of runs.

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
        )  # open addressing with linear probing; 0 marks a free slot
        self._count = 0  # genotypes per run

    def add(self, X: Genotypes) -> None:
        """Add one genotype to each run: (runs, genes)."""
        if 2 * (self._count + 1) > self._table.shape[1]:
            old, self._table = self._table, np.zeros((len(self._table), 4 * self._table.shape[1]), dtype=np.uint64)
            run, place = np.nonzero(old)
            self._insert(run, old[run, place])
        self._insert(np.arange(len(X)), _hashes(X))
        self._count += 1

    def holds(self, runs: NDArray[np.intp], X: Genotypes) -> NDArray[np.bool_]:
        """Whether the given runs (k,) contain the genotypes (k, n, genes): (k, n)."""
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
            # two genotypes of a run may have claimed the same slot; one of them must move on
            left = self._table[run, place] != hashes
            run, hashes, place = run[left], hashes[left], (place[left] + 1) % self._table.shape[1]

    def _place(self, hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
        return (hashes >> np.uint64(1)).astype(np.intp) % self._table.shape[1]


def network_names(X: Genotypes, space: Space) -> Genotypes:
    """Bytes that are equal for equal networks, to be remembered in place of genotypes: (n, genes) to (n, 8)."""
    return space.key(X).view(np.uint8).reshape(-1, 8)


def new_neighbours(
    X: Genotypes,
    runs: NDArray[np.intp],
    known: Known,
    space: Space,
    order: NDArray[np.uint32],
    *,
    networks: bool = False,
) -> tuple[Genotypes, NDArray[np.intp]]:
    """Valid genotypes one gene away from one genotype of each run, without known ones.

    Parameters
    ----------
    X : ndarray of uint8, shape (k, genes)
    runs : ndarray of int, shape (k,)
        The run of each genotype.
    known : Known
    space : Space
    order : ndarray of uint32, shape (k, width)
        Random numbers that determine the order of the neighbours, where width is the number of one-gene changes.
    networks : bool
        Whether ``known`` holds `network_names`. Then, no two of the neighbours are the same network.

    Returns
    -------
    neighbours : ndarray of uint8, shape (k, width, genes)
        The first ones are those sought; the others are known or invalid.
    count : ndarray of int, shape (k,)
        Number of those sought.
    """
    changes = space.one_gene_changes(X)
    sought = space.is_valid(changes.reshape(-1, space.genes)).reshape(changes.shape[:2])
    names = changes
    if networks:
        names = np.zeros((*sought.shape, 8), dtype=np.uint8)
        names[sought] = network_names(changes[sought], space)
    sought &= ~known.holds(runs, names)
    place = np.where(sought, order, np.iinfo(np.uint32).max).argsort(axis=1, kind="stable")
    if networks:
        again = repeats(np.take_along_axis(names.view(np.uint64)[..., 0], place, axis=1))
        left = np.take_along_axis(sought, place, axis=1) & ~again
        place = np.take_along_axis(place, (~left).argsort(axis=1, kind="stable"), axis=1)
        sought = left
    return np.take_along_axis(changes, place[..., np.newaxis], axis=1), sought.sum(axis=1)


def _hashes(X: Genotypes) -> NDArray[np.uint64]:
    """Non-zero hashes of genotypes (n, genes): (n,)."""
    return hash_rows(X) | np.uint64(1)
