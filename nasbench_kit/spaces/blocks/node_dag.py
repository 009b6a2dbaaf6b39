"""Cells with operations on nodes: one gene per edge, then one gene per inner vertex."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import InvalidArchitecture, UnknownName
from nasbench_kit.graphs import (
    edge_list,
    edge_names,
    edges_to_matrix,
    matrix_to_edges,
    node_paths,
    on_a_path,
    split_nodes,
)
from nasbench_kit.spaces.blocks.cell_dag import CellDAG
from nasbench_kit.spaces.blocks.natives import whole_numbers
from nasbench_kit.spaces.blocks.node_natives import INPUT, OUTPUT, decoded, decoded_texts, encoded, encoded_stack
from nasbench_kit.spaces.diagram import Arrow, Diagram, Node
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["NodeDAG"]


class NodeDAG(CellDAG):
    """A space of cells that are DAGs with an operation on each inner vertex.

    The first vertex is the input and the last is the output. Vertices that are not on a path from input to output are
    ignored. A genotype is valid if there is such a path and if at most ``most_edges`` edges lie on such paths.

    Parameters
    ----------
    vertices : int
        Number of vertices, including input and output.
    operations : sequence of str
        Operations that an inner vertex may have.
    most_edges : int, optional
        Maximum number of edges; default: no limit.
    name : str
        Name of the space.

    Notes
    -----
    The native form is ``{"matrix": [[0, 1, ...], ...], "ops": ["input", ..., "output"]}`` with 2 to ``vertices``
    vertices. A smaller cell leaves the last inner vertices unused.

    Canonical forms are exact and are found by refinement, in about 5 microseconds per cell of 7 vertices and 25
    microseconds per cell of 12 vertices. Networks are only counted for spaces of up to 2^24 genotypes.

    Examples
    --------
    >>> cells = NodeDAG(4, ["conv3x3", "maxpool"], most_edges=4)
    >>> cells.encode([{"matrix": [[0, 1, 0], [0, 0, 1], [0, 0, 0]], "ops": ["input", "maxpool", "output"]}])
    array([[1, 0, 0, 0, 1, 0, 1, 0]], dtype=uint8)
    >>> cells.canonical([[0, 1, 0, 0, 0, 1, 0, 1], [1, 0, 0, 0, 1, 0, 1, 0]])  # the other vertex is not used
    array([[1, 0, 0, 0, 1, 0, 1, 0],
           [1, 0, 0, 0, 1, 0, 1, 0]], dtype=uint8)
    >>> cells.networks
    24
    """

    version = 1

    def __init__(
        self, vertices: int, operations: Sequence[str], *, most_edges: int | None = None, name: str = "node-dag"
    ) -> None:
        self.name, self.vertices, self.operations = name, vertices, tuple(operations)
        edges = vertices * (vertices - 1) // 2
        self.most_edges = edges if most_edges is None else most_edges
        if vertices < 2 or self.most_edges < 1:
            raise ValueError(f"{name}: a cell needs at least an input, an output and one edge")
        if vertices > 2 and not 1 <= len(set(self.operations)) == len(self.operations) <= 256:
            raise ValueError(f"{name}: inner vertices need 1 to 256 distinct operations")
        self.cardinalities = (2,) * edges + (len(self.operations),) * (vertices - 2)

    @property
    def gene_names(self) -> tuple[str, ...]:
        inner = (f"vertex {i}" for i in range(2, self.vertices))
        return (*edge_names(self.vertices), *inner)

    @property
    def gene_values(self) -> tuple[tuple[str, ...] | range, ...]:
        edges = self.genes - (self.vertices - 2)
        return (range(2),) * edges + (self.operations,) * (self.vertices - 2)

    def _matrix(self, rows: Genotypes) -> NDArray[np.int64]:
        return edges_to_matrix(split_nodes(rows, self.vertices, fixed=2)[0].astype(np.int64))

    def paths(self, rows: Genotypes, longest: int) -> NDArray[np.bool_]:
        labels = split_nodes(rows, self.vertices, fixed=2)[1]
        return node_paths(self._matrix(rows), labels, len(self.operations), longest)

    def canonical_rows(self, rows: Genotypes) -> Genotypes:
        matrix, kept = self._pruned(rows)
        operations = split_nodes(rows, self.vertices, fixed=2)[1].astype(np.int64)
        order = self._order(matrix, kept, operations)
        row = np.arange(len(rows))[:, np.newaxis]
        edges = matrix_to_edges(matrix[row[..., np.newaxis], order[:, :, np.newaxis], order[:, np.newaxis, :]])
        labels = np.where(kept[:, 1:-1], operations, 0)[row, order[:, 1:-1] - 1]
        return np.concatenate([edges, labels], axis=1).astype(np.uint8)

    # ---------------------------------------------------------------- native forms

    def encode(self, natives: Iterable[Any]) -> Genotypes:
        """Encode native forms as genotypes.

        Parameters
        ----------
        natives : iterable of dict, or a dict of stacked arrays
            The latter is ``{"matrix": ..., "ops": ...}`` with arrays of shape (n, v, v) and (n, v), for n cells of v
            vertices each. It is the fastest, because no Python object per cell is needed.

        Returns
        -------
        ndarray of uint8, shape (n, genes)

        Raises
        ------
        InvalidArchitecture
            Lists the first five native forms that cannot be read, with the reasons.

        Examples
        --------
        >>> import numpy as np
        >>> cells = NodeDAG(4, ["conv3x3", "maxpool"], most_edges=4)
        >>> matrices = np.array([[[0, 1, 0], [0, 0, 1], [0, 0, 0]], [[0, 0, 1], [0, 0, 0], [0, 0, 0]]])
        >>> ops = np.array([["input", "maxpool", "output"], ["input", "conv3x3", "output"]])
        >>> cells.encode({"matrix": matrices, "ops": ops})
        array([[1, 0, 0, 0, 1, 0, 1, 0],
               [0, 0, 0, 1, 0, 0, 0, 0]], dtype=uint8)
        """
        if isinstance(natives, (str, bytes)):
            return super().encode(natives)
        if isinstance(natives, dict):
            matrices, ops = self._stack(natives)
            rows, done = encoded_stack(matrices, ops, self.vertices, self.operations)
            rest: Iterable[tuple[int, Any]] = (
                (i, {"matrix": matrices[i], "ops": ops[i].tolist()}) for i in np.flatnonzero(~done).tolist()
            )
        else:
            listed = list(natives)
            rows, done = encoded(listed, self.vertices, self.operations)
            rest = ((i, listed[i]) for i in np.flatnonzero(~done).tolist())
        rows[~done] = self._encode_each(rest)
        return rows

    def _stack(self, natives: dict[str, Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """The stacked matrices and ops of a dict; InvalidArchitecture for arrays of other shapes."""
        if set(natives) != {"matrix", "ops"}:
            raise InvalidArchitecture(f'{self.name}: stacked native forms are a dict {{"matrix": ..., "ops": ...}}')
        try:
            matrices, ops = np.asarray(natives["matrix"]), np.asarray(natives["ops"])
        except ValueError:  # ragged
            matrices = ops = np.array(None)
        if matrices.ndim == 2 and ops.ndim == 1:
            raise TypeError("encode takes a list of native forms; for a single one write encode([{...}])")
        if matrices.ndim != 3 or ops.ndim != 2 or matrices.shape != (*ops.shape, ops.shape[1]):
            raise InvalidArchitecture(
                f"{self.name}: stacked native forms have a matrix of shape (n, v, v) and ops of shape (n, v), not "
                f"{matrices.shape} and {ops.shape}"
            )
        return matrices, ops

    def decode(self, X: ArrayLike) -> list[Any]:
        return decoded(self.check(X), self.vertices, self.operations)

    def decode_texts(self, X: ArrayLike) -> list[str]:
        return decoded_texts(self.check(X), self.vertices, self.operations)

    def encode_one(self, native: Any) -> Sequence[int]:
        if not isinstance(native, dict) or set(native) != {"matrix", "ops"}:
            raise InvalidArchitecture(
                'a native form is a dict {"matrix": [[0, 1, ...], ...], "ops": ["input", ..., "output"]}'
            )
        matrix, words = whole_numbers(native["matrix"], "the matrix"), native["ops"]
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
            raise InvalidArchitecture(
                f"the matrix must be square with 2 to {self.vertices} vertices, not of shape {matrix.shape}"
            )
        v = len(matrix)
        if ((matrix != 0) & (matrix != 1)).any():
            raise InvalidArchitecture("the matrix must contain only zeros and ones")
        if np.tril(matrix).any():
            raise InvalidArchitecture(
                "the matrix must be strictly upper-triangular: edges go from earlier to later vertices"
            )
        if isinstance(words, (str, bytes)) or not hasattr(words, "__len__") or len(words) != v:
            raise InvalidArchitecture(f"a matrix of {v} vertices needs a list of {v} ops")
        words = [str(word) for word in words]
        if words[0] != INPUT or words[-1] != OUTPUT:
            raise InvalidArchitecture(f"the first op must be '{INPUT}' and the last '{OUTPUT}'")
        if v > self.vertices:  # the size limit applies after pruning dangling vertices
            kept = np.flatnonzero(on_a_path(matrix[np.newaxis])[0])
            if not 2 <= len(kept) <= self.vertices:
                raise InvalidArchitecture(
                    f"a cell has 2 to {self.vertices} vertices on paths from input to output; this one has {len(kept)} "
                    f"(of {v})"
                )
            matrix, words, v = matrix[np.ix_(kept, kept)], [words[i] for i in kept], len(kept)
        for word in words[1:-1]:
            if word not in self.operations:
                raise InvalidArchitecture(str(UnknownName("operation", word, self.operations)))
        full = np.zeros((self.vertices, self.vertices), dtype=np.int64)
        place = [*range(v - 1), self.vertices - 1]
        full[np.ix_(place, place)] = matrix
        labels = [self.operations.index(word) for word in words[1:-1]] + [0] * (self.vertices - v)
        return [*matrix_to_edges(full)[0].tolist(), *labels]

    def diagrams_of(self, row: Sequence[int]) -> list[Diagram]:
        kept = self._pruned(np.array([row], dtype=np.uint8))[1][0].tolist()
        labels = [self.operations[gene] for gene in row[len(edge_list(self.vertices)) :]]
        inner = [Node(label, True, there) for label, there in zip(labels, kept[1:-1], strict=True)]
        arrows = [
            Arrow(i, j, used=kept[i] and kept[j])
            for (i, j), there in zip(edge_list(self.vertices), row, strict=False)
            if there
        ]
        return [Diagram(self.name, [Node(INPUT), *inner, Node(OUTPUT)], arrows)]

    def decode_one(self, row: Sequence[int]) -> dict[str, Any]:
        edges = len(edge_list(self.vertices))
        labels = [self.operations[gene] for gene in row[edges:]]
        return {"matrix": edges_to_matrix(row[:edges])[0].tolist(), "ops": [INPUT, *labels, OUTPUT]}
