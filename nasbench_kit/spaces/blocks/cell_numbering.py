"""The canonical numbering of cells whose nodes combine two (input, operation) halves."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

__all__ = ["canonical_cells"]

INPUTS = 2  # of a cell
_BLOCK = 8192  # cells per block, so that intermediate arrays stay in the cache
_LATE = np.iinfo(np.int64).max


def canonical_cells(
    sources: NDArray[np.int64], operations: NDArray[np.int64], joins: NDArray[np.int64], *, labels: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Lexicographically smallest numbering of each cell, over the orders of halves and the numberings of nodes.

    Built greedily: among the nodes whose inputs are already numbered, the one with the smallest code comes next. In
    case of ties, the best choice depends on later nodes, so all orders are tried for such cells.

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
    number = np.full((n, nodes + INPUTS), -1)  # new number of each input and node, -1 if not numbered yet
    number[:, :INPUTS] = range(INPUTS)
    row = np.arange(n)
    best = np.empty((n, nodes), dtype=np.int64)
    unclear = np.zeros(n, dtype=np.bool_)
    for place in range(nodes):
        renumbered = number[row[:, np.newaxis, np.newaxis], sources]
        code = code_of(renumbered, operations, joins)
        code[number[:, INPUTS:] >= 0] = _LATE  # numbered already
        first = code.argmin(axis=1)
        best[:, place] = code[row, first]
        unclear |= (code == best[:, place, np.newaxis]).sum(axis=1) > 1
        number[row, INPUTS + first] = INPUTS + place
    if unclear.any():
        which = np.flatnonzero(unclear)
        best[which] = _best_of_all_orders(sources[which], operations[which], joins[which], code_of)
    return best


def _best_of_all_orders(
    sources: NDArray[np.int64], operations: NDArray[np.int64], joins: NDArray[np.int64], code_of: _Codes
) -> NDArray[np.int64]:
    nodes = joins.shape[1]
    least = np.full(joins.shape, _LATE)
    for order in itertools.permutations(range(nodes)):
        place_of = np.array([0, 1, *(INPUTS + np.argsort(order))])
        code = code_of(place_of[sources], operations, joins)[:, order]
        # an order is admissible only if every node comes after its inputs
        latest = place_of[sources].max(axis=2)[:, order]
        possible = (latest < INPUTS + np.arange(nodes)).all(axis=1)
        differs = (code != least).argmax(axis=1)[:, np.newaxis]
        less = np.take_along_axis(code, differs, axis=1) < np.take_along_axis(least, differs, axis=1)
        better = possible & less[:, 0]
        least[better] = code[better]
    return least
