"""The stored genotype nearest to any genotype: the one that differs in the fewest genes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Nearest"]

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
