"""The canonical numbering of cells whose nodes combine two (input, operation) halves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled

__all__ = ["canonical_cells", "canonical_loop"]

INPUTS = 2  # of a cell
_BLOCK = 8192  # cells per block, so that intermediate arrays stay in the cache
_LATE = np.iinfo(np.int64).max


def canonical_cells(
    sources: NDArray[np.int64], operations: NDArray[np.int64], joins: NDArray[np.int64], *, labels: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Lexicographically smallest numbering of each cell, over the orders of halves and the numberings of nodes.

    Built node by node: among those whose inputs are already numbered, the one with the smallest code comes next. In case
    of ties, the best choice depends on later nodes, so every choice is followed until another one has a smaller code.

    Parameters
    ----------
    sources, operations : ndarray of int64, shape (n, nodes, 2)
        The halves of each node. Sources 0 and 1 are the cell's inputs, 2 is the first node.
    joins : ndarray of int64, shape (n, nodes)
        How each node combines its halves.
    labels : tuple of int
        Number of operations, and of ways to combine.

    Returns
    -------
    sources, operations, joins
        As given.
    """
    n, nodes = joins.shape
    code_of = _Codes(nodes, *labels)
    best = np.empty((n, nodes), dtype=np.int64)
    for start in range(0, n, _BLOCK):
        part = slice(start, start + _BLOCK)
        best[part] = _best_codes(sources[part], operations[part], joins[part], code_of)
    return code_of.undo(best)


class _Codes:
    """A node as one number: its smaller half, its larger half, and how it combines them, most significant first."""

    def __init__(self, nodes: int, operations: int, joins: int) -> None:
        self.operations, self.joins = operations, joins
        self.halves = (nodes + INPUTS) * operations

    def __call__(
        self, sources: NDArray[np.int64], operations: NDArray[np.int64], joins: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Code of each node: (..., 2), (..., 2) and (...) to (...); too large to be chosen if a source is -1."""
        halves = sources * self.operations + operations
        first, second = halves[..., 0], halves[..., 1]
        low, high = np.minimum(first, second), np.maximum(first, second)
        return np.where(sources.min(axis=-1) < 0, _LATE, (low * self.halves + high) * self.joins + joins)

    def undo(self, codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        pair, joins = np.divmod(codes, self.joins)
        sources, operations = np.divmod(np.stack(np.divmod(pair, self.halves), axis=-1), self.operations)
        return sources, operations, joins


def _best_codes(
    sources: NDArray[np.int64], operations: NDArray[np.int64], joins: NDArray[np.int64], code_of: _Codes
) -> NDArray[np.int64]:
    """Codes of the nodes of each cell in its canonical order: (n, nodes)."""
    n, nodes = joins.shape
    best = np.empty((n, nodes), dtype=np.int64)
    # partial numberings, in the order of the cells: new number of each input and node, -1 if not numbered yet
    cell = np.arange(n)
    number = np.full((n, nodes + INPUTS), -1)
    number[:, :INPUTS] = range(INPUTS)
    for place in range(nodes):
        ties = len(cell) > n
        own = [values[cell] if ties else values for values in (sources, operations, joins)]
        flat = own[0] + (np.arange(len(cell)) * (nodes + INPUTS))[:, np.newaxis, np.newaxis]
        code = code_of(number.reshape(-1).take(flat), own[1], own[2])
        code[number[:, INPUTS:] >= 0] = _LATE  # numbered already
        least = code.min(axis=1)
        best[:, place] = np.minimum.reduceat(least, np.searchsorted(cell, np.arange(n))) if ties else least
        which, node = np.nonzero(code == best[cell, place][:, np.newaxis])
        cell, number = cell[which], number[which]
        number[np.arange(len(which)), INPUTS + node] = INPUTS + place
    return best


@compiled
def canonical_loop(cells: NDArray[np.uint8], node_genes: int, forms: NDArray[np.uint8]) -> None:
    """Compiled version of `canonical_cells`, from genes to genes: (n, nodes * genes of a node).

    A node's code has its genes as bytes, the smaller half first. Partial numberings that are still tied are in ``numbers``.
    """
    nodes = cells.shape[1] // node_genes
    room = 64
    numbers = np.empty((room, nodes + INPUTS), dtype=np.int64)
    extended = np.empty((room, nodes + INPUTS), dtype=np.int64)
    tied = np.empty((room, 2), dtype=np.int64)  # numberings with the node that comes next
    for i in range(len(cells)):
        genes = cells[i]
        numbers[0, :INPUTS] = np.arange(INPUTS)
        numbers[0, INPUTS:] = -1
        kept = 1
        for place in range(nodes):
            if kept * (nodes - place) > room:
                room = kept * (nodes - place)
                old, numbers = numbers, np.empty((room, nodes + INPUTS), dtype=np.int64)
                numbers[:kept] = old[:kept]
                extended = np.empty((room, nodes + INPUTS), dtype=np.int64)
                tied = np.empty((room, 2), dtype=np.int64)
            least, count = np.int64(_LATE), 0
            for k in range(kept):
                for node in range(nodes):
                    first = node * node_genes
                    one, other = numbers[k, genes[first]], numbers[k, genes[first + 2]]
                    if numbers[k, INPUTS + node] >= 0 or one < 0 or other < 0:
                        continue
                    one = one << 8 | np.int64(genes[first + 1])
                    other = other << 8 | np.int64(genes[first + 3])
                    code = min(one, other) << 24 | max(one, other) << 8
                    if node_genes > 4:
                        code |= np.int64(genes[first + 4])
                    if code > least:
                        continue
                    if code < least:
                        least, count = code, 0
                    tied[count, 0], tied[count, 1] = k, node
                    count += 1
            first = place * node_genes
            forms[i, first], forms[i, first + 1] = least >> 32, least >> 24 & 255
            forms[i, first + 2], forms[i, first + 3] = least >> 16 & 255, least >> 8 & 255
            if node_genes > 4:
                forms[i, first + 4] = least & 255
            if count == 1 and tied[0, 0] == 0:
                numbers[0, INPUTS + tied[0, 1]] = INPUTS + place
                kept = 1
                continue
            for k in range(count):
                for vertex in range(nodes + INPUTS):
                    extended[k, vertex] = numbers[tied[k, 0], vertex]
                extended[k, INPUTS + tied[k, 1]] = INPUTS + place
            numbers, extended = extended, numbers
            kept = count
