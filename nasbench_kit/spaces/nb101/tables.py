"""Lookup tables from NAS-Bench-101 genotypes (21 edge bits and 5 operations) to equivalence classes.

The tables are built by trying every order of the inner vertices of every pruned graph, which takes about half a second.
Lookups are therefore exact by construction:

- the edges determine the *shape* (one of 2,494 unlabelled pruned graphs) and an *arrangement* (which operation genes go
  to the shape's inner vertices, and in which order);
- the arrangement maps the operations index to the index of the shape's labelling;
- shape and labelling determine the class: the orbit of the labelling under the symmetries of the shape.

For each cell, the official file stores the first graph in its enumeration order: by number of vertices, then by edges
as a number whose bit x + y (y - 1) / 2 is the edge x -> y, then by labels in product order (Ying et al. 2019, arXiv
1902.09635, appendix S1). Shapes and classes are numbered in that order, with those graphs as representatives.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.graphs.enumeration import Orders, least_masks

__all__ = [
    "ARRANGEMENT_BITS",
    "EDGES",
    "INNER",
    "INVALID",
    "LABELS",
    "MOST_EDGES",
    "VERTICES",
    "Tables",
    "pruned_masks",
    "tables",
]

VERTICES, INNER, EDGES, LABELS, MOST_EDGES = 7, 5, 21, 3, 9
MASKS, LABELLINGS = 2**EDGES, LABELS**INNER
INVALID = -1

ARRANGEMENT_BITS = 9  # there are 326 ordered selections from five genes
_POPCOUNT = np.array([bin(i).count("1") for i in range(2**11)], dtype=np.uint8)


@cache
def tables() -> Tables:
    """Return the tables, built at first use."""
    return Tables()


class Tables:
    """Lookup tables from genotypes to classes and back.

    Attributes
    ----------
    of_mask : ndarray of uint32, shape (2^21,)
        For each edge mask, the offset of its shape's labellings in ``of_labelling``, with the arrangement in the low
        bits.
    of_arrangement : ndarray of uint8, shape (arrangements * 243,)
        Labelling index for each arrangement and operations index.
    of_labelling : ndarray of int32
        Class of each labelling of each shape, concatenated by shape; `INVALID` at the end.
    class_mask : ndarray of uint32, shape (classes,)
        Edges of each class's representative, among its own vertices.
    class_labelling : ndarray of uint8, shape (classes,)
        Labelling index of each class's representative.
    class_inner : ndarray of uint8, shape (classes,)
        Number of inner vertices of each class's representative.
    is_valid : ndarray of bool, shape (2^21,)
        Whether cells with this edge mask are valid; operations do not matter.
    valid_masks : ndarray of uint32
        All valid edge masks.
    """

    def __init__(self) -> None:
        pruned, kept = pruned_masks(np.arange(MASKS, dtype=np.uint32))
        valid = (kept != 0) & (popcount(pruned) <= MOST_EDGES)
        arrangements: dict[tuple[int, ...], int] = {}
        of_labelling: list[NDArray[np.int32]] = []
        class_mask: list[NDArray[np.uint32]] = []
        class_labelling: list[NDArray[np.uint8]] = []
        self.of_mask = np.zeros(MASKS, dtype=np.uint32)
        begin = classes = 0
        inner_of_kept = _POPCOUNT[kept].astype(np.int64) - 2
        masks_of: list[NDArray[np.intp]] = [np.flatnonzero(valid & (inner_of_kept == k)) for k in range(INNER + 1)]
        for inner, members in enumerate(masks_of):
            orders = Orders(inner + 2, fixed_ends=True)
            graphs, where = np.unique(pruned[members], return_inverse=True)
            least, order = least_masks(orders, graphs)
            shapes, shape = np.unique(least, return_inverse=True)
            # assignment of genes to the shape's inner vertices, for each order and set of vertices
            number = np.zeros((len(orders.places), 2**INNER), dtype=np.uint32)
            used = np.unique(order[where].astype(np.int64) * 2**INNER + (kept[members] >> 1 & 31))
            for code in used.tolist():
                o, genes = divmod(code, 2**INNER)
                gene_of = [gene for gene in range(INNER) if genes >> gene & 1]
                slots = np.argsort(orders.places[o, 1 : inner + 1])
                arrangement = tuple(gene_of[i] for i in slots)
                number[o, genes] = arrangements.setdefault(arrangement, len(arrangements))
            arrangement_of = number[order[where], kept[members] >> 1 & 31]
            first = begin + shape[where].astype(np.uint32) * np.uint32(LABELS**inner)
            self.of_mask[members] = first << np.uint32(ARRANGEMENT_BITS) | arrangement_of
            orbit = _least_labellings(orders, shapes)
            own = orbit == np.arange(LABELS**inner)
            index = np.cumsum(own.ravel()).reshape(own.shape).astype(np.int32) - 1 + classes
            of_labelling.append(np.take_along_axis(index, orbit.astype(np.intp), axis=1).ravel())
            shape_of_class, labelling = np.nonzero(own)
            class_mask.append(shapes[shape_of_class])
            class_labelling.append(labelling.astype(np.uint8))
            begin += own.size
            classes += len(labelling)
        self.of_mask[~valid] = begin << ARRANGEMENT_BITS
        self.of_labelling = np.concatenate([*of_labelling, np.full(LABELLINGS, INVALID, dtype=np.int32)])
        self.of_arrangement = np.concatenate([_arranged(arrangement) for arrangement in arrangements])
        self.class_mask = np.concatenate(class_mask)
        self.class_labelling = np.concatenate(class_labelling)
        self.class_inner = np.repeat(np.arange(INNER + 1, dtype=np.uint8), [len(part) for part in class_mask])
        self.is_valid = valid
        self.valid_masks = np.flatnonzero(valid).astype(np.uint32)

    def look_up(self, mask: NDArray[np.intp], operations: NDArray[np.uint32]) -> NDArray[np.int32]:
        """Class of each cell, `INVALID` if it has none, from its edge mask and its operations index."""
        # all indices are in range; mode="clip" only skips NumPy's bounds check
        entry = self.of_mask.take(mask, mode="clip")
        arranged = (entry & np.uint32(2**ARRANGEMENT_BITS - 1)) * np.uint32(LABELLINGS) + operations
        first = entry >> np.uint32(ARRANGEMENT_BITS)
        found: NDArray[np.int32] = self.of_labelling.take(
            first + self.of_arrangement.take(arranged, mode="clip"), mode="clip"
        )
        return found


def popcount(masks: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Number of ones among the lowest 22 bits of each mask."""
    count: NDArray[np.uint8] = _POPCOUNT[masks & 2047] + _POPCOUNT[masks >> 11]
    return count


def pruned_masks(masks: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Prune vertices that are not on a path from input to output.

    Parameters
    ----------
    masks : ndarray of uint32, shape (n,)
        Edges of 7 vertices.

    Returns
    -------
    masks : ndarray of uint32, shape (n,)
        Edges of the pruned graph, with the remaining vertices renumbered.
    kept : ndarray of uint8, shape (n,)
        Bit i tells whether vertex i is kept. 0 if the input does not reach the output.
    """
    columns = [(masks >> np.uint32(v * (v - 1) // 2) & np.uint32((1 << v) - 1)).astype(np.uint8) for v in range(7)]
    reached = np.ones(masks.shape, dtype=np.uint8)
    for v in range(1, VERTICES):
        reached |= ((columns[v] & reached) != 0).astype(np.uint8) << np.uint8(v)
    reaching = np.full(masks.shape, 1 << (VERTICES - 1), dtype=np.uint8)
    for v in reversed(range(1, VERTICES)):
        reaching |= columns[v] * (reaching >> np.uint8(v) & np.uint8(1))
    kept = reached & reaching
    kept *= kept >> np.uint8(VERTICES - 1) & np.uint8(1)
    result = np.zeros(masks.shape, dtype=np.uint32)
    for v in range(1, VERTICES):
        column = _compressed[kept, columns[v]] * (kept >> np.uint8(v) & np.uint8(1))
        result |= column.astype(np.uint32) << _begins[kept, v]
    return result, kept


def _compress_tables() -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Compressed kept bits of each column, and the first bit of each vertex's column after pruning."""
    compressed = np.zeros((128, 64), dtype=np.uint8)
    begins = np.zeros((128, VERTICES), dtype=np.uint32)
    column = np.arange(64)
    for kept in range(128):
        vertices = [v for v in range(VERTICES) if kept >> v & 1]
        for new, old in enumerate(vertices):
            if old < VERTICES - 1:
                compressed[kept] |= ((column >> old & 1) << new).astype(np.uint8)
            begins[kept, old] = new * (new - 1) // 2
    return compressed, begins


_compressed, _begins = _compress_tables()


def _least_labellings(orders: Orders, shapes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Smallest labelling in the orbit of each labelling under its shape's symmetries: (shapes, 3^inner)."""
    inner = orders.vertices - 2
    count = LABELS**inner
    weights = [LABELS ** (inner - 1 - i) for i in range(inner)]
    digits = np.arange(count)[:, np.newaxis] // np.array(weights, dtype=np.int64) % LABELS
    least = np.tile(np.arange(count), (len(shapes), 1))
    for order in range(1, len(orders.places)):
        symmetric = np.flatnonzero(orders.apply(order, shapes) == shapes)
        if len(symmetric):
            slot = orders.places[order, 1:-1].astype(np.intp) - 1
            moved = (digits * np.array(weights, dtype=np.int64)[slot]).sum(axis=1)
            least[symmetric] = np.minimum(least[symmetric], moved)
    return least.astype(np.uint8)


def _arranged(arrangement: tuple[int, ...]) -> NDArray[np.uint8]:
    """Labelling index for each index of five operations (first operation most significant)."""
    number = np.zeros(LABELLINGS, dtype=np.int64)
    operations = np.arange(LABELLINGS)
    for gene in arrangement:
        number = number * LABELS + operations // LABELS ** (INNER - 1 - gene) % LABELS
    return number.astype(np.uint8)
