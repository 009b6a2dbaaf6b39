"""Which paths from input to output a cell has, as words of the operations along them, for cells in batches.

Features are ordered by length; words of equal length are numbers whose digits are the operations, the first one being
the most significant.

>>> import numpy as np
>>> edge_paths(np.array([[[0, 1, 2], [0, 0, 2], [0, 0, 0]]]), operations=2, longest=2).astype(int)
array([[0, 1, 0, 1, 0, 0]])
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["edge_paths", "node_paths"]

Words = list[NDArray[np.bool_]]  # for each length, which words occur: (n, operations**length)


def edge_paths(matrix: NDArray[np.integer], operations: int, longest: int) -> NDArray[np.bool_]:
    """Paths of cells with operations on edges.

    Parameters
    ----------
    matrix : ndarray of int, shape (n, v, v)
        Operations 1 ... ``operations`` of the edges from row to column, 0 for no edge; upper-triangular.
    operations : int
    longest : int
        Paths of more operations are left out; v - 1, if that is less.

    Returns
    -------
    ndarray of bool, shape (n, operations + ... + operations**longest)
        The path encoding of White, Neiswanger and Savani 2021 (arXiv 1910.11858, section 4); an edge without an
        operation carries no path.
    """
    vertices = matrix.shape[1]
    longest = min(longest, vertices - 1)
    label = matrix[..., np.newaxis] == np.arange(1, operations + 1)
    reached = [_none(len(matrix), operations, longest) for _ in range(vertices)]
    reached[0][0][:] = True
    for target in range(1, vertices):
        for source in range(target):
            for length in range(min(source + 1, longest)):  # of longer paths there are none
                words = reached[source][length][:, :, np.newaxis] & label[:, source, target, np.newaxis]
                reached[target][length + 1] |= words.reshape(len(matrix), operations ** (length + 1))
    return np.concatenate(reached[-1][1:], axis=1)


def node_paths(
    matrix: NDArray[np.integer], labels: NDArray[np.integer], operations: int, longest: int
) -> NDArray[np.bool_]:
    """Paths of cells with operations on inner vertices.

    Parameters
    ----------
    matrix : ndarray of int, shape (n, v, v)
        Non-zero where there is an edge from row to column; upper-triangular.
    labels : ndarray of int, shape (n, v - 2)
        Operations 0 ... ``operations`` - 1 of the inner vertices.
    operations : int
    longest : int
        Paths of more operations are left out; v - 2, if that is less.

    Returns
    -------
    ndarray of bool, shape (n, 1 + operations + ... + operations**longest)
        As for `edge_paths`; the first feature is the edge from input to output.
    """
    vertices = matrix.shape[1]
    longest = min(longest, vertices - 2)
    there = matrix != 0
    label = labels[..., np.newaxis] == np.arange(operations)
    reached = [_none(len(matrix), operations, longest) for _ in range(vertices)]
    reached[0][0][:] = True
    for target in range(1, vertices):
        entering = _none(len(matrix), operations, longest)
        for source in range(target):
            for length in range(min(source, longest) + 1):  # of longer paths there are none
                entering[length] |= reached[source][length] & there[:, source, target, np.newaxis]
        if target == vertices - 1:
            return np.concatenate(entering, axis=1)
        for length in range(min(target, longest)):
            words = entering[length][:, :, np.newaxis] & label[:, target - 1, np.newaxis]
            reached[target][length + 1] = words.reshape(len(matrix), operations ** (length + 1))
    raise AssertionError("a cell has at least an input and an output")


def _none(n: int, operations: int, longest: int) -> Words:
    return [np.zeros((n, operations**length), dtype=np.bool_) for length in range(longest + 1)]
