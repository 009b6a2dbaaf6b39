"""The isomorphism classes of cells of 7 vertices, by table look-up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled

__all__ = ["BLOCK", "EDGES", "INNER", "LABELLINGS", "LABELS", "as_floats", "cell_classes"]

EDGES, INNER, LABELS = 21, 5, 3  # of a cell: edge genes, inner vertices, operations
LABELLINGS = LABELS**INNER
BLOCK = 8192  # rows at a time: intermediate arrays stay in the cache

# The product of a row's genes with these is its mask of edges, and its operations' number: exact in 32-bit floats.
_EDGE_WEIGHTS = (2.0 ** np.arange(EDGES)).astype(np.float32)
_OPERATION_WEIGHTS = (float(LABELS) ** np.arange(INNER)[::-1]).astype(np.float32)
_HIGHEST = np.tile(np.repeat(np.array([1, LABELS - 1], dtype=np.uint8), [EDGES, INNER]), BLOCK)


def cell_classes(
    rows: NDArray[np.uint8],
    of_mask: NDArray[np.uint32],
    of_arrangement: NDArray[np.uint8],
    of_labelling: NDArray[np.int32],
    arrangement_bits: int,
) -> NDArray[np.int32]:
    """The class of each row, -1 where it is no valid genotype: (n, 26) to (n,).

    The limit is three gathers per row, the first from a table of 8 MB.
    """
    if enabled():
        found: NDArray[np.int32] = _cell_classes(
            np.ascontiguousarray(rows),
            _HIGHEST[: EDGES + INNER],
            of_mask,
            of_arrangement,
            of_labelling,
            arrangement_bits,
        )
        return found
    classes = np.empty(len(rows), dtype=np.int32)
    for start in range(0, len(rows), BLOCK):
        genes, inside = as_floats(rows[start : start + BLOCK])
        mask, operations = genes[:, :EDGES] @ _EDGE_WEIGHTS, genes[:, EDGES:] @ _OPERATION_WEIGHTS
        # every index is within its table: "clip" only spares NumPy the check
        entry = of_mask.take(mask.astype(np.intp), mode="clip")
        arranged = (entry & np.uint32(2**arrangement_bits - 1)) * np.uint32(LABELLINGS) + operations.astype(np.uint32)
        first = entry >> np.uint32(arrangement_bits)
        block = of_labelling.take(first + of_arrangement.take(arranged, mode="clip"), mode="clip")
        if inside is not None:
            block[~inside] = -1
        classes[start : start + BLOCK] = block
    return classes


def as_floats(rows: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    """At most `BLOCK` rows as floats, and in which of them each gene has one of its values; None where all do.

    The others become 0.
    """
    # side by side the genes make rows long enough for SIMD
    allowed = rows.reshape(-1) <= _HIGHEST[: rows.size]
    if allowed.all():
        return rows.astype(np.float32), None
    inside = np.logical_and.reduce(allowed.reshape(rows.shape), axis=1)
    return (rows * inside[:, np.newaxis]).astype(np.float32), inside


@compiled
def _cell_classes(
    rows: NDArray[np.uint8],
    highest: NDArray[np.uint8],
    of_mask: NDArray[np.uint32],
    of_arrangement: NDArray[np.uint8],
    of_labelling: NDArray[np.int32],
    arrangement_bits: int,
) -> NDArray[np.int32]:
    """`nasbench_kit.spaces.nb101.space.NB101Space._classes`: (n, 26) to (n,), -1 where a row is no valid genotype."""
    classes = np.empty(len(rows), dtype=np.int32)
    low = np.uint32(2**arrangement_bits - 1)
    for i in range(len(rows)):
        outside = np.uint8(0)
        for gene in range(26):
            outside |= np.uint8(rows[i, gene] > highest[gene])
        mask = np.uint32(0)
        for gene in range(21):
            mask |= np.uint32(rows[i, gene]) << np.uint32(gene)
        if outside:
            classes[i] = -1
            continue
        operations = 0
        for gene in range(21, 26):
            operations = 3 * operations + np.int64(rows[i, gene])
        entry = of_mask[np.int64(mask)]
        arranged = np.int64(entry & low) * 243 + operations
        classes[i] = of_labelling[np.int64(entry >> np.uint32(arrangement_bits)) + np.int64(of_arrangement[arranged])]
    return classes
