"""Shared base of cell spaces with operations on nodes or edges: pruning, edge limits, and canonical vertex order."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.graphs import canonical_order, on_a_path
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["CellDAG"]

INPUT, OUTPUT, UNUSED = -1, -2, -3  # labels of vertices without an operation


class CellDAG(Space):
    """A space of DAGs whose first vertex is the input and whose last vertex is the output.

    Vertices that are not on a path from input to output are ignored. A genotype is valid if there is such a path and if
    at most ``most_edges`` edges lie on such paths.
    """

    vertices: int
    most_edges: int

    @abstractmethod
    def _matrix(self, rows: Genotypes) -> NDArray[np.int64]:
        """Adjacency matrices of edge labels, 0 for no edge: (n, v, v)."""

    def _pruned(self, rows: Genotypes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """`_matrix` restricted to edges on paths from input to output, and a mask of the vertices kept: (n, v)."""
        matrix = self._matrix(rows)
        kept = on_a_path(matrix)
        return matrix * (kept[:, :, np.newaxis] & kept[:, np.newaxis, :]), kept

    def valid_rows(self, rows: Genotypes) -> NDArray[np.bool_]:
        edges = np.count_nonzero(self._pruned(rows)[0], axis=(1, 2))
        return np.asarray(super().valid_rows(rows) & (edges > 0) & (edges <= self.most_edges))

    def why_invalid(self, row: NDArray[Any]) -> str:
        if not ((row >= 0) & (row < np.array(self.cardinalities)) & (row == np.floor(row))).all():
            return super().why_invalid(row)
        edges = np.count_nonzero(self._pruned(row[np.newaxis].astype(np.uint8))[0])
        if not edges:
            return "there is no path from input to output"
        return f"{edges} edges lie on paths from input to output, but at most {self.most_edges} are allowed"

    @staticmethod
    def _order(matrix: NDArray[np.int64], kept: NDArray[np.bool_], inner: NDArray[np.int64]) -> NDArray[np.intp]:
        """Canonical vertex order of pruned cells: input, used vertices, unused vertices, output.

        Parameters
        ----------
        matrix : ndarray of int64, shape (n, v, v)
        kept : ndarray of bool, shape (n, v)
        inner : ndarray of int64, shape (n, v - 2)
            Labels of the inner vertices, all non-negative.

        Returns
        -------
        ndarray of int, shape (n, v)
        """
        labels = np.full(kept.shape, INPUT, dtype=np.int64)
        labels[:, 1:-1] = inner
        labels[:, -1] = OUTPUT
        labels[~kept] = UNUSED
        order = canonical_order(matrix, labels)
        ordered = np.take_along_axis(labels, order, axis=1)
        place = np.where(ordered == OUTPUT, 2, ordered == UNUSED)
        return np.take_along_axis(order, np.argsort(place, axis=1, kind="stable"), axis=1)
