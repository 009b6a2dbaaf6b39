"""Skeleton and costs of NAS-Bench-101 networks.

The skeleton is a 3x3 convolution to 128 channels, 3 stacks of 3 cells with 128, 256 and 512 channels, each at half the
image size of the preceding one, average pooling, and a classifier. Within a cell, the output channels are divided among
the vertices that feed the output; if the division leaves a remainder, the first ones get one more. Every other vertex
has as many channels as the widest vertex that it feeds. Each edge from the input is a separate 1x1 projection. Costs
therefore depend on the vertex order, and isomorphic graphs may have different costs. The published values belong to the
graphs stored in the official file (Ying et al. 2019, arXiv 1902.09635, section 2.3, and ``compute_vertex_channels`` of
the official package).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.graphs import edges_to_matrix, on_a_path
from nasbench_kit.kernels.compiling import enabled
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.nb101.cost_loop import add_weights
from nasbench_kit.spaces.nb101.tables import EDGES
from nasbench_kit.spaces.skeleton import Skeleton, area, halved

__all__ = ["SKELETONS", "NB101Skeleton", "network_cost", "pruned_matrix", "vertex_channels"]

KERNEL = np.array([9, 1, 0])  # weights of each operation per pair of channels
_BLOCK = 8192


@dataclass(frozen=True, kw_only=True)
class NB101Skeleton(Skeleton):
    """The network around the cell (Ying et al. 2019, section 2.2).

    Attributes
    ----------
    channels : int
        Channels of the stem and the first stack; doubled at each further stack, where the image is halved.
    stacks : int
        Number of stacks.
    cells : int
        Cells per stack.
    """

    channels: int = 128
    stacks: int = 3
    cells: int = 3


# The published network, and a small one for the digits dataset. The channels of the latter are divisible by 1 to 4, so
# that its costs do not depend on the vertex order.
SKELETONS = {
    "cifar10": NB101Skeleton(image=(3, 32, 32), classes=10),
    "digits": NB101Skeleton(image=(1, 8, 8), classes=10, channels=12, cells=1),
}


def network_cost(rows: Genotypes, name: str, skeleton: NB101Skeleton) -> NDArray[np.int64]:
    """Compute ``"params"`` or ``"flops"`` (multiply-adds of convolutions and classifier) of valid genotypes: (n,)."""
    parts = [_cost(rows[i : i + _BLOCK], name, skeleton) for i in range(0, len(rows), _BLOCK)]
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def pruned_matrix(rows: Genotypes) -> NDArray[np.bool_]:
    """Adjacency of valid genotypes, restricted to paths from input to output: (n, 7, 7)."""
    matrix = edges_to_matrix(rows[:, :EDGES]) != 0
    kept = on_a_path(matrix)
    return np.asarray(matrix & kept[:, :, np.newaxis] & kept[:, np.newaxis, :])


def vertex_channels(matrix: NDArray[np.bool_], outputs: int) -> NDArray[np.int64]:
    """Output channels of each vertex of pruned cells: (n, v, v) to (n, v); 0 for the input and unused vertices."""
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


def _cost(rows: Genotypes, name: str, skeleton: NB101Skeleton) -> NDArray[np.int64]:
    params, cells, size = name == "params", skeleton.cells, skeleton.size
    inputs = skeleton.channels
    stem = 9 * skeleton.image[0] * inputs
    total = np.full(len(rows), stem + 2 * inputs if params else stem * area(size), dtype=np.int64)
    stacks = []
    for stack in range(skeleton.stacks):
        outputs = 2 * inputs if stack else inputs
        size = halved(size) if stack else size
        stacks.append((inputs, outputs, area(size)))
        inputs = outputs
    total += (inputs + params) * skeleton.classes
    if enabled():
        add_weights(np.ascontiguousarray(rows), KERNEL, np.array(stacks).reshape(-1, 3), cells, params, total)
        return total
    matrix, kernel = pruned_matrix(rows), KERNEL[rows[:, EDGES:]]
    for inputs, outputs, pixels in stacks:
        channels = vertex_channels(matrix, outputs)
        inner = channels[:, 1:-1]
        weights = cells * (kernel * inner**2).sum(axis=1)
        projected = np.where(matrix[:, 0, 1:], channels[:, 1:], 0).sum(axis=1)
        weights += projected * (inputs + (cells - 1) * outputs)
        if params:
            norms = np.where(kernel > 0, inner, 0).sum(axis=1) + projected
            total += weights + 2 * cells * norms
        else:
            total += weights * pixels
    return total
