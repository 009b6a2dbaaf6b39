"""NAS-Bench-101"s cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.compiled.compiled_loop import compiled_loop

__all__ = ["cell_classes"]


@compiled_loop
def cell_classes(
    rows: NDArray[np.uint8],
    highest: NDArray[np.uint8],
    of_mask: NDArray[np.uint32],
    of_arrangement: NDArray[np.uint8],
    of_labelling: NDArray[np.int32],
    arrangement_bits: int,
) -> NDArray[np.int32]:
    """`nasbench_kit.spaces.nb101.NB101Space._classes`: (n, 26) to (n,), -1 where a row is no valid genotype."""
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
