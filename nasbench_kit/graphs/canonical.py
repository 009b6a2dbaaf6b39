"""Exact canonical forms of batches of labelled DAGs: equal if and only if the graphs are isomorphic.

Vertex colours are refined from labels, depths and neighbours. If vertices share a colour, each of them is
individualised in turn and the refinement continues (McKay and Piperno 2014, Practical graph isomorphism II). The
smallest of the orders found is the canonical one. Colours are 64-bit hashes. Collisions only cost additional trials and
never give a wrong result, because orders are compared by the resulting graphs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.graphs.whole import whole_numbers
from nasbench_kit.kernels.hashing import mix

__all__ = ["MOST_ORDERS", "canonical_form", "canonical_order", "class_index"]

MOST_ORDERS = 50_000  # maximum number of vertex orders tried per graph; beyond it, ValueError is raised

MOST_VERTICES = 255  # the first byte of a colour is the depth

_CELLS = 200_000  # adjacency entries per block, so that intermediate arrays stay in the cache


def canonical_form(
    adjacency: ArrayLike, labels: ArrayLike | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Canonical forms of labelled DAGs: equal if and only if the graphs are isomorphic.

    Parameters
    ----------
    adjacency : array_like of int, shape (n, v, v) or (v, v)
        Entry (i, j) is 0 if there is no edge from i to j, and the label of the edge otherwise (1 for unlabelled edges).
        Vertices may be in any order, but there must be no cycle.
    labels : array_like of int, shape (n, v) or (v,), optional
        Label of each vertex; default: all equal.

    Returns
    -------
    adjacency : ndarray of int64, shape (n, v, v)
        Strictly upper-triangular.
    labels : ndarray of int64, shape (n, v)

    Raises
    ------
    ValueError
        If a shape or dtype is wrong, a graph has more than `MOST_VERTICES` vertices or a cycle, or a graph is so
        symmetric that more than `MOST_ORDERS` vertex orders would have to be tried. The last cannot happen with up to 8
        vertices. Vertices with the same neighbours do not contribute, because their order does not matter.

    Notes
    -----
    If the refinement distinguishes all vertices, as for nearly all graphs, n graphs take about 10 n v^3 operations.

    Examples
    --------
    >>> first = [[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
    >>> a, _ = canonical_form(first, [7, 3, 5, 7])
    >>> b, _ = canonical_form(first, [7, 5, 3, 7])
    >>> bool((a == b).all())
    True
    """
    graphs, names = _checked(adjacency, labels)
    order = _order(graphs, names)
    rows = np.arange(len(graphs))[:, np.newaxis]
    return graphs[rows[..., np.newaxis], order[:, :, np.newaxis], order[:, np.newaxis, :]], names[rows, order]


def canonical_order(adjacency: ArrayLike, labels: ArrayLike | None = None) -> NDArray[np.intp]:
    """Vertex order that yields the canonical form: (n, v). Arguments and errors as in `canonical_form`."""
    return _order(*_checked(adjacency, labels))


def class_index(adjacency: ArrayLike, labels: ArrayLike | None = None) -> NDArray[np.int64]:
    """Isomorphism class of each graph of a batch, numbered from 0 in order of first appearance.

    Parameters
    ----------
    adjacency, labels
        See `canonical_form`.

    Returns
    -------
    ndarray of int64, shape (n,)
        Equal if and only if the graphs are isomorphic.

    Examples
    --------
    >>> chain, fork = [[0, 1, 0], [0, 0, 1], [0, 0, 0]], [[0, 1, 1], [0, 0, 0], [0, 0, 0]]
    >>> turned = [[0, 0, 0], [1, 0, 1], [0, 0, 0]]
    >>> class_index([chain, fork, turned, chain])
    array([0, 1, 1, 0])
    """
    graphs, names = canonical_form(adjacency, labels)
    n, v = names.shape
    rows = np.concatenate([graphs.reshape(n, v * v), names], axis=1)
    codes = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.itemsize * rows.shape[1])))[:, 0]
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first, kind="stable"), kind="stable")[inverse].astype(np.int64)


def _checked(adjacency: ArrayLike, labels: ArrayLike | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    graphs = whole_numbers(adjacency, "adjacency")
    shape = graphs.shape
    if graphs.ndim == 2:
        graphs = graphs[np.newaxis]
    if graphs.ndim != 3 or graphs.shape[1] != graphs.shape[2]:
        raise ValueError(f"adjacency must have the shape (n, v, v) or (v, v), not {shape}")
    if not 1 <= graphs.shape[1] <= MOST_VERTICES:
        raise ValueError(f"graphs must have 1 to {MOST_VERTICES} vertices, not {graphs.shape[1]}")
    n, v = graphs.shape[:2]
    names = np.zeros((n, v), dtype=np.int64) if labels is None else whole_numbers(labels, "labels")
    if names.ndim == 1:
        names = np.broadcast_to(names, (n, len(names)))
    if names.shape != (n, v):
        raise ValueError(f"labels must have the shape ({n}, {v}), one per vertex, not {names.shape}")
    return graphs, names


def _order(graphs: NDArray[np.int64], names: NDArray[np.int64]) -> NDArray[np.intp]:
    order = np.empty(names.shape, dtype=np.intp)
    block = max(1, _CELLS // max(1, names.shape[1]) ** 2)
    for start in range(0, len(graphs), block):
        end = start + block
        order[start:end] = _block_order(graphs[start:end], names[start:end], start, block)
    return order


def _block_order(graphs: NDArray[np.int64], names: NDArray[np.int64], first: int, block: int) -> NDArray[np.intp]:
    search = _Search(graphs, names, first)
    everyone = np.arange(len(graphs))
    colour = search.refine(everyone, search.start)
    tied = np.flatnonzero(_ties(np.sort(colour, axis=1)).any(axis=1))
    if len(tied):
        colour[tied] += _twin_rank(graphs[tied], names[tied])
        colour[tied] = search.refine(tied, colour[tied])
    stack = [(everyone, colour)]
    while stack:
        graph, colour = stack.pop()
        order = colour.argsort(axis=1)
        ties = _ties(np.take_along_axis(colour, order, axis=1))
        discrete = ~ties.any(axis=1)
        search.offer(graph[discrete], order[discrete])
        for start in range(0, int((~discrete).sum()), block):  # depth-first, to limit memory
            part = np.flatnonzero(~discrete)[start : start + block]
            row, which = _first_tied(order[part], ties[part])
            tried = colour[part][row]
            tried[np.arange(len(row)), which] += np.uint64(1)  # set apart from the others of its colour
            stack.append((graph[part][row], search.refine(graph[part][row], tried)))
    return search.best


class _Search:
    """Search state of a block of graphs, with the smallest order found so far for each."""

    def __init__(self, graphs: NDArray[np.int64], names: NDArray[np.int64], first: int) -> None:
        self.graphs, self.names, self.first = graphs, names, first
        n, v = names.shape
        there = graphs != 0
        self.depth = _depths(there, first).astype(np.uint64) << np.uint64(56)
        self.start = self._coloured(np.arange(n), mix(mix(names.astype(np.uint64))))
        # factors of sums over neighbours: hashed edge labels, made odd, for each direction
        inner = np.where(there, mix(graphs.astype(np.uint64)) | np.uint64(1), np.uint64(0))
        self.incoming = inner
        self.outgoing = np.where(there, mix(inner) | np.uint64(1), np.uint64(0))
        self.upper = np.triu_indices(v, 1)
        self.best = np.zeros((n, v), dtype=np.intp)
        self.code = np.full((n, v + len(self.upper[0])), np.iinfo(np.int64).max)
        self.tried = np.zeros(n, dtype=np.int64)

    def _coloured(self, graph: NDArray[np.intp], colour: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Make colours increase with depth, so that sorting by colour gives a topological order."""
        # the last bit is reserved for individualising a vertex
        return self.depth[graph] | (colour >> np.uint64(9) << np.uint64(1))

    def refine(self, graph: NDArray[np.intp], colour: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Refine colours (k, v) of a subset of graphs until the partition of each is stable.

        The number of rounds depends only on the graph itself, so that results do not depend on the batch.
        """
        colour = colour.copy()
        active = np.arange(len(graph))
        count = _count(colour)
        while len(active):
            now, where = colour[active], graph[active]
            term = mix(now)[:, :, np.newaxis]
            change = (term * self.incoming[where]).sum(axis=1)
            change += mix((mix(now)[:, np.newaxis, :] * self.outgoing[where]).sum(axis=2))
            colour[active] = now = self._coloured(where, mix(now + mix(change)))
            finer = _count(now)
            going = (finer > count) & (finer < now.shape[1])
            active, count = active[going], finer[going]
        return colour

    def offer(self, graph: NDArray[np.intp], order: NDArray[np.intp]) -> None:
        """Update the smallest order of each graph, compared by labels, then by edges."""
        if not len(graph):
            return
        self.tried += np.bincount(graph, minlength=len(self.tried))
        if self.tried.max() > MOST_ORDERS:
            raise ValueError(
                f"graph {self.first + int(self.tried.argmax())} is too symmetric: more than {MOST_ORDERS:,} orders of its "
                f"{order.shape[1]} vertices would have to be tried"
            )
        row = graph[:, np.newaxis]
        code = np.concatenate(
            [self.names[row, order], self.graphs[row, order[:, self.upper[0]], order[:, self.upper[1]]]], axis=1
        )
        if len(graph) > 1 and (graph[1:] == graph[:-1]).any():
            ranked = np.lexsort((*code.T[::-1], graph))
            least = np.ones(len(ranked), dtype=np.bool_)
            least[1:] = graph[ranked[1:]] != graph[ranked[:-1]]
            graph, order, code = graph[ranked[least]], order[ranked[least]], code[ranked[least]]
        old = self.code[graph]
        differs = old != code
        place = differs.argmax(axis=1)[:, np.newaxis]
        less = np.take_along_axis(code, place, axis=1) < np.take_along_axis(old, place, axis=1)
        graph, better = graph[less[:, 0]], less[:, 0]
        self.best[graph], self.code[graph] = order[better], code[better]


def _depths(there: NDArray[np.bool_], first: int) -> NDArray[np.int64]:
    """Length of the longest path that ends in each vertex: (n, v)."""
    n, v = there.shape[:2]
    depth = np.zeros((n, v), dtype=np.int64)
    for _ in range(v + 1):
        deeper: NDArray[np.int64] = np.where(there, depth[:, :, np.newaxis] + 1, 0).max(axis=1, initial=0)
        changed = (deeper != depth).any(axis=1)
        depth = deeper
        if not changed.any():
            return depth
    raise ValueError(f"graph {first + int(changed.argmax())} has a cycle; graphs must be acyclic")


def _twin_rank(graphs: NDArray[np.int64], names: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Number of earlier vertices with the same label and neighbours, whose order does not matter."""
    rank = np.zeros(names.shape, dtype=np.uint64)
    for later in range(names.shape[1]):
        for earlier in range(later):
            same = (graphs[:, earlier] == graphs[:, later]).all(axis=1)
            same &= (graphs[:, :, earlier] == graphs[:, :, later]).all(axis=1)
            rank[:, later] += same & (names[:, earlier] == names[:, later])
    return rank


def _ties(ascending: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Where a colour equals the next one: (n, v), the last always False."""
    ties = np.zeros(ascending.shape, dtype=np.bool_)
    ties[:, :-1] = ascending[:, 1:] == ascending[:, :-1]
    return ties


def _count(colour: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Number of distinct colours in each row."""
    count: NDArray[np.intp] = colour.shape[1] - _ties(np.sort(colour, axis=1)).sum(axis=1)
    return count


def _first_tied(order: NDArray[np.intp], ties: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and vertex indices of the first set of equally coloured vertices in each row."""
    start = ties.argmax(axis=1)
    position = np.arange(order.shape[1])
    # the set ends at the first position from the start that is not tied with its successor
    end = np.where((position >= start[:, np.newaxis]) & ~ties, position, order.shape[1]).min(axis=1)
    row, place = np.nonzero((position >= start[:, np.newaxis]) & (position <= end[:, np.newaxis]))
    which: NDArray[np.intp] = order[row, place]
    return row, which
