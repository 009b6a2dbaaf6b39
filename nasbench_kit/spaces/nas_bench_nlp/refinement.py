"""The order of a cell's vertices by refined colours, for cells in batches: that of `canonical_order`, from lists of inputs.

Colours are the same 64-bit hashes, refined as often. Sums over neighbours go over the three inputs of each node instead of all
pairs of vertices. The few cells in which symmetric vertices are left take `canonical_order` itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.graphs import canonical_order
from nasbench_kit.kernels.hashing import mix
from nasbench_kit.spaces.nas_bench_nlp.cells import BLEND, NODES, SLOTS, SOURCES

__all__ = ["vertex_order"]

Ints = NDArray[np.int64]
Colours = NDArray[np.uint64]

VERTICES = SOURCES + NODES


def vertex_order(operations: Ints, inputs: Ints, labels: Ints) -> NDArray[np.intp]:
    """Canonical order of each cell's vertices, the sources x and hidden states first, then the nodes: (n, 28).

    Parameters
    ----------
    operations : ndarray of int, shape (n, 24)
        0 for nodes that are gone.
    inputs : ndarray of int, shape (n, 24, 3)
        0 for none, otherwise 1 + vertex.
    labels : ndarray of int, shape (n, 28)
        Equal labels of nodes imply equal operations.
    """
    cells = _Cells(operations, inputs, labels)
    order, found = cells.order()
    rest = np.flatnonzero(~found)
    if len(rest):
        order[rest] = canonical_order(cells.adjacency(rest), labels[rest])
    return order


class _Cells:
    """Cells with the edges of their graphs."""

    def __init__(self, operations: Ints, inputs: Ints, labels: Ints) -> None:
        self.operations, self.inputs, self.labels = operations, inputs, labels
        n = len(operations)
        # parallel edges are one, at the first of their slots
        weight = np.where(operations == BLEND, 4, 1)[:, :, np.newaxis] ** np.arange(SLOTS)
        weight[inputs == 0] = 0
        for later in range(SLOTS):
            for earlier in range(later):
                again = (inputs[:, :, earlier] == inputs[:, :, later]) & (weight[:, :, earlier] > 0)
                weight[:, :, earlier] += weight[:, :, later] * again
                weight[:, :, later] *= ~again
        self.weight = weight
        there = weight > 0
        inner = np.where(there, mix(weight.astype(np.uint64)) | np.uint64(1), np.uint64(0))
        self.entering = inner
        self.leaving = np.where(there, mix(inner) | np.uint64(1), np.uint64(0))
        depth = np.zeros((n, 1 + VERTICES), dtype=np.int64)  # by the value of an input
        every = np.arange(n)[:, np.newaxis]
        for node in range(NODES):
            deepest = depth[every, inputs[:, node]].max(axis=1)
            depth[:, 1 + SOURCES + node] = np.where(operations[:, node] > 0, 1 + deepest, 0)
        self.depth = depth[:, 1:].astype(np.uint64) << np.uint64(56)

    def order(self) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Vertices by colour (n, 28), and whether no two have the same one (n,)."""
        every = np.arange(len(self.labels))
        colour = self._coloured(every, mix(mix(self.labels.astype(np.uint64))))
        count = self._refine(every, colour)
        tied = np.flatnonzero(count < VERTICES)
        if len(tied):
            again = colour[tied]
            again[:, SOURCES:] += self._twin_ranks(tied, again)
            count[tied] = self._refine(tied, again)
            colour[tied] = again
        return colour.argsort(axis=1), count == VERTICES

    def adjacency(self, which: NDArray[np.intp]) -> Ints:
        """Matrices of edge labels of some cells: (k, 28, 28)."""
        found = np.zeros((len(which), 1 + VERTICES, VERTICES), dtype=np.int64)  # row 0 takes what is no input
        row, node = np.arange(len(which))[:, np.newaxis], SOURCES + np.arange(NODES)
        for slot in range(SLOTS):
            found[row, self.inputs[which, :, slot], node] += self.weight[which, :, slot]
        return found[:, 1:]

    def _coloured(self, which: NDArray[np.intp], colour: Colours) -> Colours:
        """Colours that increase with depth."""
        return self.depth[which] | (colour >> np.uint64(9) << np.uint64(1))

    def _refine(self, which: NDArray[np.intp], colour: Colours) -> NDArray[np.intp]:
        """Refine colours (k, 28) in place until the partition of each cell is stable; returns the numbers of colours."""
        count = _distinct(colour)
        active = np.arange(len(which))
        while len(active):
            cells = which[active]
            now = colour[active]
            hashed = np.zeros((len(cells), 1 + VERTICES), dtype=np.uint64)
            hashed[:, 1:] = mix(now)
            place = self.inputs[cells] + (np.arange(len(cells)) * (1 + VERTICES))[:, np.newaxis, np.newaxis]
            sums = np.zeros_like(hashed)
            np.add.at(
                sums.reshape(-1), place.ravel(), (hashed[:, 1 + SOURCES :, np.newaxis] * self.leaving[cells]).ravel()
            )
            change = mix(sums[:, 1:])
            change[:, SOURCES:] += (hashed.reshape(-1).take(place) * self.entering[cells]).sum(axis=2)
            colour[active] = now = self._coloured(cells, mix(now + mix(change)))
            finer, before = _distinct(now), count[active]
            count[active] = finer
            active = active[(finer > before) & (finer < VERTICES)]
        return count

    def _twin_ranks(self, which: NDArray[np.intp], colour: Colours) -> Colours:
        """Number of earlier nodes with the same label and neighbours, whose order does not matter: (k, 24)."""
        gone = self.operations[which] == 0
        rank = np.where(gone, np.cumsum(gone, axis=1) - 1, 0).astype(np.uint64)
        of_nodes = np.where(
            gone, np.arange(NODES, dtype=np.uint64), colour[:, SOURCES:]
        )  # no node of depth 1 is as low
        row, earlier, later = (of_nodes[:, :, np.newaxis] == of_nodes[:, np.newaxis, :]).nonzero()
        pair = np.flatnonzero(earlier < later)
        row, earlier, later = row[pair], earlier[pair], later[pair]
        cell = which[row]
        same = self.labels[cell, SOURCES + earlier] == self.labels[cell, SOURCES + later]
        same &= (self._read(cell, earlier) == self._read(cell, later)).all(axis=1)
        same &= (self._readers(cell, earlier) == self._readers(cell, later)).all(axis=1)
        np.add.at(rank, (row[same], later[same]), np.uint64(1))
        return rank

    def _read(self, cell: NDArray[np.intp], node: NDArray[np.intp]) -> Ints:
        """Labels of the edges to nodes (k,) of cells (k,), by the value of an input: (k, 29)."""
        found = np.zeros((len(cell), 1 + VERTICES), dtype=np.int64)
        for slot in range(SLOTS):
            found[np.arange(len(cell)), self.inputs[cell, node, slot]] += self.weight[cell, node, slot]
        return found

    def _readers(self, cell: NDArray[np.intp], node: NDArray[np.intp]) -> Ints:
        """Labels of the edges from nodes (k,) of cells (k,) to all others: (k, 24)."""
        read = self.inputs[cell] == (1 + SOURCES + node)[:, np.newaxis, np.newaxis]
        found: Ints = (self.weight[cell] * read).sum(axis=2)
        return found


def _distinct(colour: Colours) -> NDArray[np.intp]:
    """Number of distinct colours in each row."""
    ascending = np.sort(colour, axis=1)
    return np.asarray(1 + np.count_nonzero(ascending[:, 1:] != ascending[:, :-1], axis=1))
