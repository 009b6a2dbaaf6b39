"""Evaluated points that may become members of archives, until the archives are merged with them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Candidates", "Points"]

Points = tuple[NDArray[np.int64], Genotypes, NDArray[np.float64]]  # runs (k,), genotypes (k, genes) and values (k, m)

BUFFERED = 4096  # points that compiled loops note before they are copied


class Candidates:
    """Points that wait to be merged into the archives, in the order in which they were evaluated.

    Parameters
    ----------
    genes, objectives : int

    Attributes
    ----------
    filled : int
        The number of points in the buffer, into which compiled loops write.
    """

    def __init__(self, genes: int, objectives: int) -> None:
        self._waiting: list[Points] = []
        self._buffer: Points = np.empty(0, np.int64), np.empty((0, genes), np.uint8), np.empty((0, objectives))
        self.filled = 0

    def add(self, run: NDArray[np.int64], X: Genotypes, F: NDArray[np.float64]) -> None:
        """Add some points."""
        self._empty_buffer()
        self._waiting.append((run, X, F))

    def buffer(self, more: int) -> Points:
        """The buffer, with room for as many points after the first `filled` ones."""
        run, X, F = self._buffer
        if self.filled + more > len(run):
            self._empty_buffer()
            if more > len(run):
                count = max(BUFFERED, more)
                run, X, F = (
                    np.empty(count, np.int64),
                    np.empty((count, X.shape[1]), np.uint8),
                    np.empty((count, F.shape[1])),
                )
                self._buffer = run, X, F
        return self._buffer

    def taken(self) -> list[Points]:
        """All points, which no longer wait afterwards."""
        self._empty_buffer()
        waiting, self._waiting = self._waiting, []
        return waiting

    def _empty_buffer(self) -> None:
        if self.filled:
            run, X, F = self._buffer
            kept = slice(self.filled)
            self._waiting.append((run[kept].copy(), X[kept].copy(), F[kept].copy()))
            self.filled = 0
