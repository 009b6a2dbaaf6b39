"""Parameters and multiply-adds of NAS-Bench-101's networks, from the definition.

The skeleton: a 3x3 convolution to 128 channels, then 3 stacks of 3 cells with 128, 256 and 512 channels at half the side
each, average pooling, a classifier. In a cell the output's channels are shared out among the vertices that feed it, the
first of them getting one more where the division leaves a rest; other vertices have as many as the widest that they feed.
An edge from the input is a 1x1 projection of its own. So the figures depend on the order of the vertices, and two graphs of
one cell may differ: the published ones belong to the graph that the file stores (Ying et al. 2019, arXiv 1902.09635, section
2.3, and the official package's ``compute_vertex_channels``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.graphs import edges_to_matrix, on_a_path
from nasbench_kit.spaces.nb101_tables import EDGES
from nasbench_kit.spaces.space import Genotypes

__all__ = ["CLASSES", "network_cost", "vertex_channels"]

CLASSES = {"cifar10": 10}
STEM, STACKS, CELLS, IMAGE = 128, 3, 3, 32
KERNEL = np.array([9, 1, 0])  # weights of an operation for each pair of channels
_BLOCK = 8192


def network_cost(rows: Genotypes, name: str, classes: int) -> NDArray[np.int64]:
    """``"params"`` (count) or ``"flops"`` (multiply-adds of convolutions and classifier) of valid genotypes: (n,)."""
    parts = [_cost(rows[i : i + _BLOCK], name, classes) for i in range(0, len(rows), _BLOCK)]
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def vertex_channels(matrix: NDArray[np.bool_], outputs: int) -> NDArray[np.int64]:
    """The output channels of each vertex of pruned cells: (n, v, v) to (n, v); 0 for the input and unused vertices."""
    n, v = matrix.shape[:2]
    feeds = matrix[:, 1:-1, -1]
    feeders = np.maximum(feeds.sum(axis=1, keepdims=True), 1)
    share = outputs // feeders + (np.cumsum(feeds, axis=1) <= outputs % feeders)
    channels = np.zeros((n, v), dtype=np.int64)
    channels[:, 1:-1] = np.where(feeds, share, 0)
    for vertex in reversed(range(1, v - 1)):
        widest = np.where(matrix[:, vertex, :-1], channels[:, :-1], 0).max(axis=1)
        channels[:, vertex] = np.where(feeds[:, vertex - 1], channels[:, vertex], widest)
    channels[:, -1] = outputs
    return channels


def _cost(rows: Genotypes, name: str, classes: int) -> NDArray[np.int64]:
    matrix = edges_to_matrix(rows[:, :EDGES]) != 0
    kept = on_a_path(matrix)
    matrix &= kept[:, :, np.newaxis] & kept[:, np.newaxis, :]
    kernel = KERNEL[rows[:, EDGES:]]
    params = name == "params"
    fixed = 27 * STEM + 2 * STEM if params else 27 * STEM * IMAGE**2
    total = np.full(len(rows), fixed, dtype=np.int64)
    inputs, outputs, side = STEM, STEM, IMAGE
    for stack in range(STACKS):
        if stack:
            outputs, side = 2 * outputs, side // 2
        channels = vertex_channels(matrix, outputs)
        inner = channels[:, 1:-1]
        weights = CELLS * (kernel * inner**2).sum(axis=1)
        projected = np.where(matrix[:, 0, 1:], channels[:, 1:], 0).sum(axis=1)
        weights += projected * (inputs + (CELLS - 1) * outputs)
        if params:
            norms = np.where(kernel > 0, inner, 0).sum(axis=1) + projected
            total += weights + 2 * CELLS * norms
        else:
            total += weights * side**2
        inputs = outputs
    return total + (outputs * classes + (classes if params else 0))
