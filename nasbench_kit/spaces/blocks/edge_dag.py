"""Cells with operations on edges: one gene per edge; nodes sum their inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import InvalidArchitecture
from nasbench_kit.graphs import edge_list, edge_names, edge_paths, edges_to_matrix, matrix_to_edges
from nasbench_kit.spaces.blocks.cell_dag import CellDAG
from nasbench_kit.spaces.blocks.natives import whole_numbers
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.diagram import Arrow, Diagram, Node
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["EdgeDAG"]


class EdgeDAG(CellDAG):
    """A space of cells that are DAGs with an operation on each edge.

    The first node is the input and the last node is the output.

    Parameters
    ----------
    nodes : int
        Number of nodes, including input and output.
    operations : sequence of str
        Operations that an edge may have.
    missing : bool
        Whether edges may also be missing. Otherwise the DAG is fully connected and every genotype is valid.
    most_edges : int, optional
        Only with ``missing``: a genotype is valid if the input reaches the output and at most this many edges lie on
        paths between them.
    name : str
        Name of the space.

    Notes
    -----
    The native form is a list with one number per edge, in the order e12, e13, e23, ...: the index of the operation, or
    -1 for no connection. With ``missing``, genes are shifted by one, so that 0 is no connection.

    Two cells are the same network if they are isomorphic after removing edges that lie on no path from input to output.
    The semantics of operations are not considered: a space that knows its operations, such as nb201, identifies more
    networks. Canonical forms are exact and are found by refinement, in about 5 microseconds per cell of 7 nodes and
    25 microseconds per cell of 12 nodes.

    Examples
    --------
    >>> EdgeDAG(4, ["conv1x1", "conv3x3", "maxpool"]).encode([[0, 2, 1, 1, 2, 0]])
    array([[0, 2, 1, 1, 2, 0]], dtype=uint8)
    >>> cells = EdgeDAG(6, ["conv1x1", "conv3x3", "maxpool"], missing=True, most_edges=9)
    >>> X = cells.encode([[2, 0, -1, -1, 1, 0, 1, -1, -1, -1, -1, -1, -1, 2, 1]])
    >>> X
    array([[3, 1, 0, 0, 2, 1, 2, 0, 0, 0, 0, 0, 0, 3, 2]], dtype=uint8)
    >>> cells.decode(X)
    [[2, 0, -1, -1, 1, 0, 1, -1, -1, -1, -1, -1, -1, 2, 1]]
    """

    version = 1

    def __init__(
        self,
        nodes: int,
        operations: Sequence[str],
        *,
        missing: bool = False,
        most_edges: int | None = None,
        name: str = "edge-dag",
    ) -> None:
        self.name, self.vertices, self.operations, self.missing = name, nodes, tuple(operations), missing
        edges = nodes * (nodes - 1) // 2
        self.most_edges = edges if most_edges is None else most_edges
        if nodes < 2 or self.most_edges < 1:
            raise ValueError(f"{name}: a cell needs at least an input, an output and one edge")
        if not 1 <= len(set(self.operations)) == len(self.operations) <= 255:
            raise ValueError(f"{name}: edges need 1 to 255 distinct operations")
        if most_edges is not None and not missing:
            raise ValueError(f"{name}: most_edges requires missing=True")
        self.cardinalities = (len(self.operations) + missing,) * edges

    @property
    def gene_names(self) -> tuple[str, ...]:
        return edge_names(self.vertices)

    @property
    def gene_values(self) -> tuple[tuple[str, ...] | range, ...]:
        missing = "no connection"
        while missing in self.operations:
            missing += " at all"
        return (((missing,) if self.missing else ()) + self.operations,) * self.genes

    @property
    def unconstrained(self) -> bool:
        return not self.missing

    def valid_rows(self, rows: Genotypes) -> NDArray[np.bool_]:
        # a fully connected cell always has a path from input to output
        return super().valid_rows(rows) if self.missing else Space.valid_rows(self, rows)

    def _matrix(self, rows: Genotypes) -> NDArray[np.int64]:
        return edges_to_matrix(rows.astype(np.int64) + (not self.missing))

    def paths(self, rows: Genotypes, longest: int) -> NDArray[np.bool_]:
        return edge_paths(self._matrix(rows), len(self.operations), longest)

    def canonical_rows(self, rows: Genotypes) -> Genotypes:
        matrix, kept = self._pruned(rows)
        order = self._order(matrix, kept, np.zeros((len(rows), self.vertices - 2), dtype=np.int64))
        row = np.arange(len(rows))[:, np.newaxis, np.newaxis]
        edges = matrix_to_edges(matrix[row, order[:, :, np.newaxis], order[:, np.newaxis, :]])
        return (edges - (not self.missing)).astype(np.uint8)

    def encode_one(self, native: Any) -> Sequence[int]:
        values = whole_numbers(native, "a native form")
        least = -1 if self.missing else 0
        if values.shape != (self.genes,):
            raise InvalidArchitecture(f"expected a list of {self.genes} edges, not an array of shape {values.shape}")
        if ((values < least) | (values >= len(self.operations))).any():
            raise InvalidArchitecture(f"an edge must be one of {least} ... {len(self.operations) - 1}")
        genes: list[int] = (values + self.missing).tolist()
        return genes

    def diagrams_of(self, row: Sequence[int]) -> list[Diagram]:
        _, kept = self._pruned(np.array([row], dtype=np.uint8))
        used = kept[0].tolist()
        nodes = [Node("input"), *(Node(str(i), used=used[i]) for i in range(1, self.vertices - 1)), Node("output")]
        arrows = [
            Arrow(i, j, self.operations[gene - self.missing], used[i] and used[j])
            for (i, j), gene in zip(edge_list(self.vertices), row, strict=True)
            if gene >= self.missing
        ]
        return [Diagram(self.name, nodes, arrows)]

    def decode_one(self, row: Sequence[int]) -> list[int]:
        return [gene - self.missing for gene in row]
