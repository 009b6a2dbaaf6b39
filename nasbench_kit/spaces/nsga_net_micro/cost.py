"""Skeleton and costs of networks in NSGA-Net's micro space.

The skeleton follows Lu et al. 2019, arXiv 1810.03522, section 3.1, and the authors' code, which is based on NASNet and
DARTS. A 3x3 convolution to three times the channels is followed by a sequence of cells, average pooling and a
classifier. The cells at one and two thirds of the sequence are reduction cells: they have twice the channels, and
operations on their own two inputs have stride 2. Each cell reads the outputs of the two preceding cells, each through
ReLU, a 1x1 convolution to the cell's channels, and batch norm. If the first of them is twice as large because of a
reduction in between, a factorized reduction is used instead: two 1x1 convolutions of stride 2, offset by one pixel,
with half of the channels each.

A cell concatenates the nodes that no other node uses. The number of channels that a cell outputs, and that later cells
read, therefore depends on both cell types.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.skeleton import Skeleton, area, halved

__all__ = ["SKELETONS", "NSGANetMicroSkeleton", "network_cost"]


@dataclass(frozen=True, kw_only=True)
class NSGANetMicroSkeleton(Skeleton):
    """The network around the cells; see the module docstring.

    Attributes
    ----------
    channels : int
        Channels of the first cells; 16 in the authors' search.
    layers : int
        Number of cells; 8 in the authors' search.
    stem : int
        Channels of the stem, as a multiple of those of the first cells.
    """

    channels: int = 16
    layers: int = 8
    stem: int = 3

    def reduces(self, layer: int) -> bool:
        """Whether the cell at this position, from 0, is a reduction cell."""
        return layer in (self.layers // 3, 2 * self.layers // 3)


# The network of the authors' search for each dataset, and a small one for the digits dataset.
SKELETONS = {
    "cifar10": NSGANetMicroSkeleton(image=(3, 32, 32), classes=10),
    "cifar100": NSGANetMicroSkeleton(image=(3, 32, 32), classes=100),
    "ImageNet16-120": NSGANetMicroSkeleton(image=(3, 16, 16), classes=120),
    "mnist": NSGANetMicroSkeleton(image=(1, 28, 28), classes=10),
    "digits": NSGANetMicroSkeleton(image=(1, 8, 8), classes=10, channels=4, layers=3),
}

NODES = 5
_BLOCK = 8192


def network_cost(rows: Genotypes, name: str, skeleton: NSGANetMicroSkeleton) -> NDArray[np.int64]:
    """Compute ``"params"`` or ``"flops"`` (multiply-adds of convolutions and classifier) in a skeleton: (n,)."""
    parts = [_cost(rows[i : i + _BLOCK], name, skeleton) for i in range(0, len(rows), _BLOCK)]
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def _cost(rows: Genotypes, name: str, skeleton: NSGANetMicroSkeleton) -> NDArray[np.int64]:
    params = name == "params"
    halves = rows.reshape(len(rows), 2, 2 * NODES, 2)
    counted = [_uses(halves[:, cell]) for cell in range(2)]
    width, size = skeleton.channels, skeleton.size
    stem = skeleton.stem * width
    weights = 9 * skeleton.image[0] * stem
    total = np.full(len(rows), weights + 2 * stem if params else weights * area(size), dtype=np.int64)
    before = last = np.full(len(rows), stem, dtype=np.int64)  # channels of a cell's two inputs
    for layer in range(skeleton.layers):
        reduces = skeleton.reduces(layer)
        own, others, unused = counted[int(reduces)]
        inside = halved(size) if reduces else size
        width *= 2 if reduces else 1
        # a factorized reduction has as many weights and norms as the 1x1 convolution that it replaces
        read = (before + last) * width
        total += read + 4 * width if params else read * area(size)
        for uses, stride in ((own, 2 if reduces else 1), (others, 1)):
            arriving = size if stride == 2 else inside
            total += uses @ np.array(list(_operations(params, width, stride, arriving)), dtype=np.int64)
        before, last, size = last, unused * width, inside
    return np.asarray(total + (last + params) * skeleton.classes)


def _uses(halves: Genotypes) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Counts of each operation on cell inputs and on nodes, (n, 9) each, and the number of unused nodes (n,)."""
    sources, operations = halves[..., 0], halves[..., 1]
    chosen = operations[:, :, np.newaxis] == np.arange(9)
    own = (sources < 2)[:, :, np.newaxis]
    taken = (sources[:, :, np.newaxis] == np.arange(2, 2 + NODES)).any(axis=1)
    return (chosen & own).sum(axis=1), (chosen & ~own).sum(axis=1), NODES - taken.sum(axis=1)


def _operations(params: bool, c: int, stride: int, size: tuple[int, int]) -> Iterator[int]:
    """Cost of each operation on ``c`` channels at this input size, in the order of `OPERATIONS`."""
    out = area(halved(size, stride))

    def figure(weights: int, norms: int) -> int:
        return weights + norms * 2 * c if params else weights * out

    def depthwise(kernel: int) -> int:
        return kernel**2 * c + c**2  # including the 1x1 convolution after it

    yield 0  # max_pool_3x3
    yield 0  # avg_pool_3x3
    yield figure(c**2, 1) if stride == 2 else 0  # skip_connect: a factorized reduction
    yield figure(2 * depthwise(3), 2)  # sep_conv_3x3
    yield figure(2 * depthwise(5), 2)  # sep_conv_5x5
    yield figure(depthwise(3), 1)  # dil_conv_3x3
    yield figure(depthwise(5), 1)  # dil_conv_5x5
    yield figure(2 * depthwise(7), 2)  # sep_conv_7x7
    # conv_7x1_1x7: the first convolution halves the width, the second the height
    tall = size[0] * halved(size, stride)[1]
    yield figure(14 * c**2, 1) if params else 7 * c**2 * (tall + out)
