"""Pruning of DAGs to the vertices on paths from input to output."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["on_a_path"]


def on_a_path(adjacency: NDArray[Any]) -> NDArray[np.bool_]:
    """Mask of the vertices on a path from the first to the last vertex.

    Parameters
    ----------
    adjacency : ndarray, shape (n, v, v)
        Upper-triangular; 0 for no edge.

    Returns
    -------
    ndarray of bool, shape (n, v)
        All False if the last vertex cannot be reached from the first.

    Examples
    --------
    >>> on_a_path(np.array([[[0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]]))
    array([[ True, False, False,  True]])
    """
    there = adjacency != 0
    v = there.shape[1]
    reached = np.zeros(there.shape[:2], dtype=np.bool_)
    reaching = np.zeros(there.shape[:2], dtype=np.bool_)
    reached[:, 0] = True
    reaching[:, -1] = True
    for vertex in range(1, v):
        reached[:, vertex] = (reached[:, :vertex] & there[:, :vertex, vertex]).any(axis=1)
    for vertex in reversed(range(v - 1)):
        reaching[:, vertex] = (reaching[:, vertex + 1 :] & there[:, vertex, vertex + 1 :]).any(axis=1)
    both = reached & reaching
    return both & both[:, -1:]
