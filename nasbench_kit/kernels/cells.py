"""Isomorphism classes of cells of 7 vertices, by table lookup."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled

__all__ = ["BLOCK", "EDGES", "INNER", "LABELLINGS", "LABELS", "as_floats", "cell_classes"]

EDGES, INNER, LABELS = 21, 5, 3  # of a cell: edge genes, inner vertices, operations
LABELLINGS = LABELS**INNER
BLOCK = 8192  # rows per block, so that intermediate arrays stay in the cache

# The products of a row's genes with these weights are its edge mask and operations index, exact in 32-bit floats.
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
    """Class of each row, -1 for invalid genotypes: (n, 26) to (n,).

    The running time is dominated by three gathers per row, the first from a table of 8 MB.
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
        # all indices are in range; mode="clip" only skips NumPy's bounds check
        entry = of_mask.take(mask.astype(np.intp), mode="clip")
        arranged = (entry & np.uint32(2**arrangement_bits - 1)) * np.uint32(LABELLINGS) + operations.astype(np.uint32)
        first = entry >> np.uint32(arrangement_bits)
        block = of_labelling.take(first + of_arrangement.take(arranged, mode="clip"), mode="clip")
        if inside is not None:
            block[~inside] = -1
        classes[start : start + BLOCK] = block
    return classes


def as_floats(rows: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    """Convert at most `BLOCK` rows to floats, and check gene ranges.

    Also returns a mask of the rows whose genes are all in range, or None if all rows are. Other rows are set to 0.
    """
    # flattened, the array is long enough for SIMD
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
    """Compiled version of `cell_classes`: (n, 26) to (n,), -1 for invalid genotypes."""
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
