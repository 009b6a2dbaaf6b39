"""The stored genotype that stands for any genotype: that of the same network, or the one that differs in the fewest genes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.benchmark.queries import Queries
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Nearest", "StoredRows"]

_BLOCK = 2**17  # counts per block, so that they stay in the cache


class Nearest:
    """Finds the row of a table that agrees with a genotype in the most genes.

    Agreements are counted gene by gene in bytes, which is as fast as a matrix product of one-hot codes on one core and
    needs no threads, so that many searches can run side by side.

    Parameters
    ----------
    rows : ndarray of uint8, shape (k, genes)
        At least one.

    Examples
    --------
    >>> rows = np.array([[0, 0, 0], [2, 1, 0]], dtype=np.uint8)
    >>> Nearest(rows).find(np.array([[2, 0, 1], [2, 1, 1]], dtype=np.uint8))
    array([0, 1])
    """

    def __init__(self, rows: Genotypes) -> None:
        self._genes = np.ascontiguousarray(rows.T)
        self._count = np.uint8 if len(self._genes) < 256 else np.uint16

    def find(self, X: Genotypes) -> NDArray[np.intp]:
        """Position of the nearest row of each genotype (n, genes), the first of several: (n,). O(n k genes)."""
        stored = self._genes.shape[1]
        step = max(1, _BLOCK // stored)
        found = np.empty(len(X), dtype=np.intp)
        same = np.empty((step, stored), dtype=np.bool_)
        for start in range(0, len(X), step):
            part = X[start : start + step]
            agreements = np.zeros((len(part), stored), dtype=self._count)
            here = same[: len(part)]
            for values, row in zip(part.T, self._genes, strict=True):
                np.equal(values[:, np.newaxis], row, out=here)
                agreements += here.view(np.uint8)
            found[start : start + step] = agreements.argmax(axis=1)
        return found


class StoredRows:
    """Some rows of a table, which answer for all genotypes of its space.

    Parameters
    ----------
    bench : Queries
    rows : ndarray of int, shape (k,)
        Positions in ``bench.architectures``, at least one.

    Attributes
    ----------
    genotypes : ndarray of uint8, shape (k, genes)
    """

    def __init__(self, bench: Queries, rows: NDArray[np.intp]) -> None:
        self.genotypes = np.array(bench.architectures[rows])
        self._bench, self._nearest = bench, Nearest(self.genotypes)
        # position of each record here, -1 for those that are not here and for the record -1, which is none
        self._of_record = np.full(len(bench) + 1, -1, dtype=np.intp)
        self._of_record[rows] = np.arange(len(rows))

    def answering(self, X: Genotypes) -> Genotypes:
        """The genotype that answers each valid row of ``X``: (n, genes).

        That of the row's own record or its network's where it is here, else the one that differs in the fewest genes; of
        several, the one with the smallest key.
        """
        where = self._of_record[self._bench.records(X)]
        unknown = np.flatnonzero(where < 0)
        if len(unknown):
            where[unknown] = self._nearest.find(X[unknown])
        answers: Genotypes = self.genotypes[where]
        return answers
