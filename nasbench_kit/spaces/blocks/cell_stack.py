"""Skeleton and costs of networks that stack the two cells of a cell pair, as NASNet and DARTS do.

A 3x3 convolution to a multiple of the first cells' channels is followed by a sequence of cells, average pooling and a
classifier. The cells at one and two thirds of the sequence are reduction cells: they have twice the channels, and
operations on their own two inputs have stride 2. Each cell reads the outputs of the two preceding cells, each through
ReLU, a 1x1 convolution to the cell's channels, and batch norm. If the first of them is twice as large because of a
reduction in between, a factorized reduction is used instead: two 1x1 convolutions of stride 2, offset by one pixel,
with half of the channels each.

A node has the cell's channels if it sums its halves, and twice as many if it concatenates them; an operation that reads
such a node reduces its channels (see `nasbench_kit.spaces.blocks.cell_operations`). The number of channels that a cell
outputs, and that later cells read, depends on the nodes that it concatenates, and thus on both cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.blocks.cell_operations import operation_cost
from nasbench_kit.spaces.blocks.cell_pair import INPUTS, CellPair
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.skeleton import Skeleton, area, halved

__all__ = ["CellStack", "stack_cost"]

_BLOCK = 8192  # rows per block, so that intermediate arrays stay in the cache


@dataclass(frozen=True, kw_only=True)
class CellStack(Skeleton):
    """The network around a pair of cells; see the module docstring.

    Attributes
    ----------
    channels : int
        Channels of the first cells.
    layers : int
        Number of cells.
    stem : int
        Channels of the stem, as a multiple of those of the first cells.
    """

    channels: int
    layers: int
    stem: int = 3

    def reduces(self, layer: int) -> bool:
        """Whether the cell at this position, from 0, is a reduction cell."""
        return layer in (self.layers // 3, 2 * self.layers // 3)


def stack_cost(space: CellPair, rows: Genotypes, name: str, skeleton: CellStack) -> NDArray[np.int64]:
    """Compute ``"params"`` or ``"flops"`` (multiply-adds of convolutions and classifier) in a skeleton: (n,)."""
    parts = [_cost(space, rows[i : i + _BLOCK], name, skeleton) for i in range(0, len(rows), _BLOCK)]
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def _cost(space: CellPair, rows: Genotypes, name: str, skeleton: CellStack) -> NDArray[np.int64]:
    params = name == "params"
    cells = space.by_node(rows)
    counted = [_uses(space, cells[:, cell]) for cell in range(2)]
    width, size = skeleton.channels, skeleton.size
    stem = skeleton.stem * width
    weights = 9 * skeleton.image[0] * stem
    total = np.full(len(rows), weights + 2 * stem if params else weights * area(size), dtype=np.int64)
    before = last = np.full(len(rows), stem, dtype=np.int64)  # channels of a cell's two inputs
    for layer in range(skeleton.layers):
        reduces = skeleton.reduces(layer)
        uses, output = counted[int(reduces)]
        inside = halved(size) if reduces else size
        width *= 2 if reduces else 1
        # a factorized reduction has as many weights and norms as the 1x1 convolution that it replaces
        read = (before + last) * width
        total += read + 4 * width if params else read * area(size)
        arriving = [(width, 2 if reduces else 1, size), (width, 1, inside), (2 * width, 1, inside)]
        for count, (inputs, stride, at) in zip(uses, arriving, strict=False):
            costs = [operation_cost(operation, inputs, width, stride, at) for operation in space.operations]
            total += count @ np.array([cost[0 if params else 1] for cost in costs], dtype=np.int64)
        before, last, size = last, output * width, inside
    return np.asarray(total + (last + params) * skeleton.classes)


def _uses(space: CellPair, cell: Genotypes) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """How often each operation reads the cell's inputs, summing nodes, and concatenating nodes; and the output.

    The counts have shape (n, operations) each. The output's channels are given as a multiple of the cell's: (n,).
    """
    n = len(cell)
    sources, operations = (cell[..., i:4:2].reshape(n, -1) for i in (0, 1))
    chosen = operations[:, :, np.newaxis] == np.arange(len(space.operations))
    own = sources < INPUTS
    doubled = np.zeros((n, space.nodes), dtype=np.bool_)
    if len(space.joins) > 1:
        doubled = cell[..., 4] == space.joins.index("concatenation")
    wide = np.concatenate([np.zeros((n, INPUTS), dtype=np.bool_), doubled], axis=1)
    from_wide = np.take_along_axis(wide, sources.astype(np.intp), axis=1)
    kinds = [own, ~own & ~from_wide, from_wide][: 1 + len(space.joins)]
    put_out = np.ones((n, space.nodes), dtype=np.bool_)
    if not space.concatenates_all:
        put_out = (sources[:, :, np.newaxis] != np.arange(INPUTS, INPUTS + space.nodes)).all(axis=1)
    return [(chosen & kind[:, :, np.newaxis]).sum(axis=1) for kind in kinds], (put_out * (1 + doubled)).sum(axis=1)
