"""Isomorphism classes of all small DAGs, by trying every order of their vertices.

A DAG of v vertices is represented as a mask whose bit k is the edge at position k in encoding order (e12 is bit 0).
There are 2^(v (v - 1) / 2) masks, which limits this method to v <= 7.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.graphs.encoding import edge_list

__all__ = ["Orders", "least_masks"]

_CHUNK = 7  # bits looked up at a time
_BACKWARD = np.uint32(1 << 31)  # flag for masks with an edge from a later to an earlier vertex


class Orders:
    """All permutations of the movable vertices of a DAG, and their action on masks.

    Parameters
    ----------
    vertices : int
        Number of vertices.
    fixed_ends : bool
        Whether the first and the last vertex (input and output) are fixed.

    Attributes
    ----------
    places : ndarray of uint8, shape (orders, vertices)
        New position of each vertex; the first order is the identity.
    """

    def __init__(self, vertices: int, *, fixed_ends: bool = False) -> None:
        movable = range(1, vertices - 1) if fixed_ends else range(vertices)
        self.vertices = vertices
        self.edges = edge_list(vertices)
        orders = list(itertools.permutations(movable))
        self.places = np.tile(np.arange(vertices, dtype=np.uint8), (len(orders), 1))
        self.places[:, list(movable)] = orders

    def apply(self, order: int, masks: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Permute the vertices of masks; results of 2^31 or more have an edge that goes backward."""
        place = self.places[order].tolist()
        position = {edge: k for k, edge in enumerate(self.edges)}
        moved = [
            np.uint32(1 << position[place[i], place[j]]) if place[i] < place[j] else _BACKWARD for i, j in self.edges
        ]
        result = np.zeros(masks.shape, dtype=np.uint32)
        for start in range(0, len(moved), _CHUNK):
            table = np.zeros(1, dtype=np.uint32)
            for bit in moved[start : start + _CHUNK]:
                table = np.concatenate([table, table | bit])
            result |= table.take((masks >> np.uint32(start)) & np.uint32(len(table) - 1))
        return result


def least_masks(orders: Orders, masks: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
    """Smallest isomorphic mask of each mask, and the index of the first order that produces it.

    Examples
    --------
    >>> orders = Orders(3)
    >>> least_masks(orders, np.arange(8, dtype=np.uint32))[0].tolist()
    [0, 1, 1, 3, 1, 5, 6, 7]
    """
    least = masks.astype(np.uint32)
    which = np.zeros(masks.shape, dtype=np.uint16)
    for order in range(1, len(orders.places)):
        moved = orders.apply(order, masks)
        less = moved < least
        least[less] = moved[less]
        which[less] = order
    return least, which
