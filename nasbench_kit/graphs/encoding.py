"""Conversion of DAGs between vectors with one value per edge and upper-triangular matrices.

The edges of a DAG with nodes 1 ... v are in the order e12, e13, e23, e14, e24, e34, ..., which is column by column of
the upper triangle. The meaning of a value (presence of an edge, or its operation) depends on the encoding.

Identical nodes, such as layers of one type, need one bit per edge.

>>> edges_to_matrix([1, 1, 0, 0, 1, 1])
array([[[0, 1, 1, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 1],
        [0, 0, 0, 0]]])
>>> edges_to_matrix([1, 1, 0, 0, 1, 1], diagonal=1)  # some authors put ones on the diagonal
array([[[1, 1, 1, 0],
        [0, 1, 0, 1],
        [0, 0, 1, 1],
        [0, 0, 0, 1]]])
>>> matrix_to_edges(_)
array([[1, 1, 0, 0, 1, 1]])

Node types, e.g. MBConv3x3, MBConv5x5 or Identity, follow after the edges.

>>> join_nodes([1, 1, 0, 0, 1, 1], [0, 1, 2, 0])
array([[1, 1, 0, 0, 1, 1, 0, 1, 2, 0]])
>>> split_nodes(_, vertices=4)
(array([[1, 1, 0, 0, 1, 1]]), array([[0, 1, 2, 0]]))

A cell with operations on nodes has an input and an output without an operation. Here, the four inner nodes have the
operations 0 conv1x1, 1 conv3x3 or 2 maxpool.

>>> cell = join_nodes([1, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1], [0, 1, 0, 2])
>>> edges, operations = split_nodes(cell, vertices=6, fixed=2)
>>> operations
array([[0, 1, 0, 2]])
>>> [name for name, there in zip(edge_names(6, ends=True), edges[0]) if there]
['eI1', 'eI2', 'e13', 'eI4', 'e2O', 'e3O', 'e4O']

With operations on edges, -1 stands for no connection.

>>> edges_to_matrix([2, 0, -1, -1, 1, 0, 1, -1, -1, -1, -1, -1, -1, 2, 1], diagonal=-1, missing=-1)
array([[[-1,  2,  0, -1,  1, -1],
        [-1, -1, -1,  1, -1, -1],
        [-1, -1, -1,  0, -1, -1],
        [-1, -1, -1, -1, -1,  2],
        [-1, -1, -1, -1, -1,  1],
        [-1, -1, -1, -1, -1, -1]]])

In a fully connected DAG, every edge has an operation.

>>> dict(zip(edge_names(4), [0, 2, 1, 1, 2, 0]))
{'e12': 0, 'e13': 2, 'e23': 1, 'e14': 1, 'e24': 2, 'e34': 0}
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "edge_list",
    "edge_names",
    "edges_to_matrix",
    "join_nodes",
    "matrix_to_edges",
    "nodes_of",
    "split_nodes",
]


@cache
def edge_list(vertices: int) -> tuple[tuple[int, int], ...]:
    """Edges (source, target) of a DAG in encoding order, with nodes numbered from 0."""
    return tuple((source, target) for target in range(vertices) for source in range(target))


def edge_names(vertices: int, *, ends: bool = False) -> tuple[str, ...]:
    """Names of all edges in encoding order: ``("e12", "e13", "e23", ...)``.

    With ``ends``, the first node is the input I and the last the output O: ``("eI1", "eI2", "e12", ..., "eIO", ...)``.
    """
    names = [str(node + 1) for node in range(vertices)]
    if ends:
        names = ["I", *names[: vertices - 2], "O"]
    return tuple(f"e{names[source]}{names[target]}" for source, target in edge_list(vertices))


def nodes_of(edges: int) -> int:
    """Number of nodes of a DAG with this many possible edges; raises ValueError if there is none."""
    vertices = (1 + math.isqrt(1 + 8 * edges)) // 2
    if vertices * (vertices - 1) // 2 != edges:
        raise ValueError(
            f"{edges} is not a valid number of edges: a DAG of v nodes has v (v - 1) / 2 values, "
            f"{vertices * (vertices - 1) // 2} for {vertices} nodes and {vertices * (vertices + 1) // 2} for {vertices + 1}"
        )
    return vertices


def edges_to_matrix(values: ArrayLike, *, diagonal: int = 0, missing: int = 0) -> NDArray[Any]:
    """Convert vectors of edge values to upper-triangular matrices.

    Parameters
    ----------
    values : array_like of int, shape (n, v (v - 1) / 2) or (v (v - 1) / 2,)
        Edge values.
    diagonal : int
        Value on the diagonal.
    missing : int
        Value below the diagonal.

    Returns
    -------
    ndarray, shape (n, v, v)
        Entry (i, j) is the edge from i to j.

    Raises
    ------
    ValueError
        If the length does not match any number of nodes.
    """
    rows = np.atleast_2d(np.asarray(values))
    vertices = nodes_of(rows.shape[1])
    matrix = np.full((len(rows), vertices, vertices), missing, dtype=rows.dtype)
    sources, targets = _ends(vertices)
    matrix[:, sources, targets] = rows
    matrix[:, range(vertices), range(vertices)] = diagonal
    return matrix


def matrix_to_edges(matrix: ArrayLike, *, missing: int = 0) -> NDArray[Any]:
    """Convert upper-triangular matrices to vectors of edge values: (n, v, v) or (v, v) to (n, v (v - 1) / 2).

    The diagonal is ignored. Raises ValueError if a value below it differs from ``missing``.
    """
    matrices = np.asarray(matrix)
    if matrices.ndim == 2:
        matrices = matrices[np.newaxis]
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2]:
        raise ValueError(f"matrices must have the shape (n, v, v) or (v, v), not {np.shape(matrix)}")
    vertices = matrices.shape[1]
    below = (np.tril(matrices != missing, -1)).any(axis=(1, 2))
    if below.any():
        raise ValueError(f"matrix {int(below.argmax())} is not upper-triangular: edges go from earlier to later nodes")
    sources, targets = _ends(vertices)
    edges: NDArray[Any] = matrices[:, sources, targets]
    return edges


def join_nodes(edges: ArrayLike, nodes: ArrayLike) -> NDArray[Any]:
    """Concatenate edge values (n, e) and node types (n, k), edges first: (n, e + k)."""
    return np.concatenate([np.atleast_2d(np.asarray(edges)), np.atleast_2d(np.asarray(nodes))], axis=1)


def split_nodes(genotypes: ArrayLike, vertices: int, *, fixed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    """Inverse of `join_nodes` for DAGs in which ``fixed`` vertices (input, output) have no type."""
    rows = np.atleast_2d(np.asarray(genotypes))
    edges = vertices * (vertices - 1) // 2
    if rows.shape[1] != edges + vertices - fixed:
        raise ValueError(
            f"{vertices} vertices need {edges} edges and {vertices - fixed} node types, {edges + vertices - fixed} values, "
            f"not {rows.shape[1]}"
        )
    return rows[:, :edges], rows[:, edges:]


@cache
def _ends(vertices: int) -> tuple[list[int], list[int]]:
    return [edge[0] for edge in edge_list(vertices)], [edge[1] for edge in edge_list(vertices)]
