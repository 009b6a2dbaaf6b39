"""The general encodings of DAGs: a value for each edge in one vector, or an upper-triangular matrix, in both directions.

The edges of a DAG with nodes 1 ... v stand in the order e12, e13, e23, e14, e24, e34, ...: column by column of the upper
triangle. What a value means (there is an edge or not; the operation of an edge) is the encoding's own business:

Nodes that are all alike, such as layers of one type, take one bit an edge.

>>> edges_to_matrix([1, 1, 0, 0, 1, 1])
array([[[0, 1, 1, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 1],
        [0, 0, 0, 0]]])
>>> edges_to_matrix([1, 1, 0, 0, 1, 1], diagonal=1)  # some authors write a one for each node
array([[[1, 1, 1, 0],
        [0, 1, 0, 1],
        [0, 0, 1, 1],
        [0, 0, 0, 1]]])
>>> matrix_to_edges(_)
array([[1, 1, 0, 0, 1, 1]])

Nodes of several types take their types after the edges, e.g. of MBConv3x3, MBConv5x5, Identity.

>>> join_nodes([1, 1, 0, 0, 1, 1], [0, 1, 2, 0])
array([[1, 1, 0, 0, 1, 1, 0, 1, 2, 0]])
>>> split_nodes(_, vertices=4)
(array([[1, 1, 0, 0, 1, 1]]), array([[0, 1, 2, 0]]))

A cell with operations on its nodes has an input and an output without an operation; here with 0 conv1x1, 1 conv3x3,
2 maxpool on the four nodes between.

>>> cell = join_nodes([1, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1], [0, 1, 0, 2])
>>> edges, operations = split_nodes(cell, vertices=6, fixed=2)
>>> operations
array([[0, 1, 0, 2]])
>>> [name for name, there in zip(edge_names(6, ends=True), edges[0]) if there]
['eI1', 'eI2', 'e13', 'eI4', 'e2O', 'e3O', 'e4O']

Operations on edges: -1 is no connection.

>>> edges_to_matrix([2, 0, -1, -1, 1, 0, 1, -1, -1, -1, -1, -1, -1, 2, 1], diagonal=-1, missing=-1)
array([[[-1,  2,  0, -1,  1, -1],
        [-1, -1, -1,  1, -1, -1],
        [-1, -1, -1,  0, -1, -1],
        [-1, -1, -1, -1, -1,  2],
        [-1, -1, -1, -1, -1,  1],
        [-1, -1, -1, -1, -1, -1]]])

On a fully connected DAG every edge has an operation.

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
    """The edges (source, target) of a DAG, nodes counted from 0, in the order of the encodings."""
    return tuple((source, target) for target in range(vertices) for source in range(target))


def edge_names(vertices: int, *, ends: bool = False) -> tuple[str, ...]:
    """The names of all edges in the order of the encodings: ``("e12", "e13", "e23", ...)``.

    With ``ends`` the first node is the input I and the last the output O: ``("eI1", "eI2", "e12", ..., "eIO", ...)``.
    """
    names = [str(node + 1) for node in range(vertices)]
    if ends:
        names = ["I", *names[: vertices - 2], "O"]
    return tuple(f"e{names[source]}{names[target]}" for source, target in edge_list(vertices))


def nodes_of(edges: int) -> int:
    """The number of nodes of a DAG whose vector has so many edges; raises ValueError where there is none."""
    vertices = (1 + math.isqrt(1 + 8 * edges)) // 2
    if vertices * (vertices - 1) // 2 != edges:
        raise ValueError(
            f"{edges} is no number of edges: a DAG of v nodes has v (v - 1) / 2 values, "
            f"{vertices * (vertices - 1) // 2} for {vertices} nodes and {vertices * (vertices + 1) // 2} for {vertices + 1}"
        )
    return vertices


def edges_to_matrix(values: ArrayLike, *, diagonal: int = 0, missing: int = 0) -> NDArray[Any]:
    """Vectors of edge values as upper-triangular matrices.

    Parameters
    ----------
    values : array_like of int, shape (n, v (v - 1) / 2) or (v (v - 1) / 2,)
    diagonal : int
        What stands on the diagonal.
    missing : int
        What stands below it.

    Returns
    -------
    ndarray, shape (n, v, v)
        Row i, column j: the edge from i to j.

    Raises
    ------
    ValueError
        Where the length is that of no DAG.
    """
    rows = np.atleast_2d(np.asarray(values))
    vertices = nodes_of(rows.shape[1])
    matrix = np.full((len(rows), vertices, vertices), missing, dtype=rows.dtype)
    sources, targets = _ends(vertices)
    matrix[:, sources, targets] = rows
    matrix[:, range(vertices), range(vertices)] = diagonal
    return matrix


def matrix_to_edges(matrix: ArrayLike, *, missing: int = 0) -> NDArray[Any]:
    """Upper-triangular matrices as vectors of edge values: (n, v, v) or (v, v) to (n, v (v - 1) / 2).

    The diagonal is not looked at. Raises ValueError where something other than ``missing`` stands below it.
    """
    matrices = np.asarray(matrix)
    if matrices.ndim == 2:
        matrices = matrices[np.newaxis]
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2]:
        raise ValueError(f"matrices have the shape (n, v, v) or (v, v), not {np.shape(matrix)}")
    vertices = matrices.shape[1]
    below = (np.tril(matrices != missing, -1)).any(axis=(1, 2))
    if below.any():
        raise ValueError(f"matrix {int(below.argmax())} is not upper-triangular: edges go from earlier to later nodes")
    sources, targets = _ends(vertices)
    edges: NDArray[Any] = matrices[:, sources, targets]
    return edges


def join_nodes(edges: ArrayLike, nodes: ArrayLike) -> NDArray[Any]:
    """Edge values (n, e) and node types (n, k) as one vector each, edges first: (n, e + k)."""
    return np.concatenate([np.atleast_2d(np.asarray(edges)), np.atleast_2d(np.asarray(nodes))], axis=1)


def split_nodes(genotypes: ArrayLike, vertices: int, *, fixed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    """The inverse of `join_nodes` for DAGs of so many vertices, ``fixed`` of them (input, output) without a type."""
    rows = np.atleast_2d(np.asarray(genotypes))
    edges = vertices * (vertices - 1) // 2
    if rows.shape[1] != edges + vertices - fixed:
        raise ValueError(
            f"{vertices} vertices take {edges} edges and {vertices - fixed} node types, {edges + vertices - fixed} values, "
            f"not {rows.shape[1]}"
        )
    return rows[:, :edges], rows[:, edges:]


@cache
def _ends(vertices: int) -> tuple[list[int], list[int]]:
    return [edge[0] for edge in edge_list(vertices)], [edge[1] for edge in edge_list(vertices)]
