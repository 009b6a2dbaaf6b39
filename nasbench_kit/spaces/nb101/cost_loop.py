"""The compiled form of NAS-Bench-101's costs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled
from nasbench_kit.spaces.nb101.tables import EDGES, VERTICES

__all__ = ["add_weights"]


@compiled
def add_weights(
    rows: NDArray[np.uint8],
    kernel: NDArray[np.int64],
    stacks: NDArray[np.int64],
    cells: int,
    params: bool,
    total: NDArray[np.int64],
) -> None:
    """Add the weights of all cells of valid genotypes (n, 26) to their costs (n,).

    ``stacks`` has the input channels, the output channels and the image area of each stack; parameters are not multiplied by the
    area, but batch norms are counted.
    """
    last = VERTICES - 1
    target_bits = np.empty(VERTICES, dtype=np.int64)  # the vertices that each vertex feeds
    channels = np.empty(VERTICES, dtype=np.int64)
    for i in range(len(rows)):
        target_bits[:] = 0
        edge, reached, reaching = 0, 1, 1 << last
        for target in range(1, VERTICES):
            for source in range(target):
                if rows[i, edge]:
                    target_bits[source] |= 1 << target
                    reached |= (reached >> source & 1) << target
                edge += 1
        for source in range(last - 1, -1, -1):
            if target_bits[source] & reaching:
                reaching |= 1 << source
        kept = reached & reaching
        for source in range(VERTICES):
            target_bits[source] = target_bits[source] & kept if kept >> source & 1 else 0
        feeders = 0
        for source in range(1, last):
            feeders += target_bits[source] >> last & 1
        for stack in range(len(stacks)):
            inputs, outputs = stacks[stack, 0], stacks[stack, 1]
            share, more = outputs // max(feeders, 1), outputs % max(feeders, 1)
            channels[:] = 0
            channels[last] = outputs
            for vertex in range(1, last):
                if target_bits[vertex] >> last & 1:
                    channels[vertex] = share + np.int64(more > 0)
                    more -= 1
            weights, norms, projected = np.int64(0), np.int64(0), np.int64(0)
            for vertex in range(last - 1, 0, -1):
                if not target_bits[vertex] >> last & 1:
                    for target in range(vertex + 1, last):
                        if target_bits[vertex] >> target & 1:
                            channels[vertex] = max(channels[vertex], channels[target])
                factor = kernel[rows[i, EDGES + vertex - 1]]
                weights += factor * channels[vertex] ** 2
                norms += channels[vertex] * np.int64(factor > 0)
            for target in range(1, VERTICES):
                if target_bits[0] >> target & 1:
                    projected += channels[target]
            weights = cells * weights + projected * (inputs + (cells - 1) * outputs)
            total[i] += weights + 2 * cells * (norms + projected) if params else weights * stacks[stack, 2]
