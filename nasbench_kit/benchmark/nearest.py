"""The stored genotype nearest to any genotype: the one that differs in the fewest genes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Nearest"]

_BLOCK = 2**22  # distances per matrix product, so that they stay near the cache


class Nearest:
    """Finds the row of a table that agrees with a genotype in the most genes.

    Agreements are counted by a product of one-hot codes, in float32, which is exact up to 2**24 genes.

    Parameters
    ----------
    rows : ndarray of uint8, shape (k, genes)
        At least one.
    cardinalities : tuple of int

    Examples
    --------
    >>> rows = np.array([[0, 0, 0], [2, 1, 0]], dtype=np.uint8)
    >>> Nearest(rows, (3, 2, 2)).find(np.array([[2, 0, 1], [2, 1, 1]], dtype=np.uint8))
    array([0, 1])
    """

    def __init__(self, rows: Genotypes, cardinalities: tuple[int, ...]) -> None:
        self._starts = np.cumsum([0, *cardinalities[:-1]])
        self._width = sum(cardinalities)
        self._codes = np.ascontiguousarray(self._one_hot(rows).T)

    def find(self, X: Genotypes) -> NDArray[np.intp]:
        """Position of the nearest row of each genotype (n, genes), the first of several: (n,).

        O(n k sum(cardinalities)) operations.
        """
        found = np.empty(len(X), dtype=np.intp)
        step = max(1, _BLOCK // self._codes.shape[1])
        for start in range(0, len(X), step):
            part = slice(start, start + step)
            found[part] = (self._one_hot(X[part]) @ self._codes).argmax(axis=1)
        return found

    def _one_hot(self, rows: Genotypes) -> NDArray[np.float32]:
        codes = np.zeros((len(rows), self._width), dtype=np.float32)
        codes[np.arange(len(rows))[:, np.newaxis], self._starts + rows] = 1.0
        return codes
