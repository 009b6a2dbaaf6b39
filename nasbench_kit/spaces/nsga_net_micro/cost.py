"""Parameters and multiply-adds of NSGA-Net's micro networks, from the definition.

The skeleton (Lu et al. 2019, arXiv 1810.03522, section 3.1, and the authors' code, which follows NASNet and DARTS): a 3x3
convolution to three times the channels, then a row of cells. The cells at one and two thirds of the row are reduction cells:
they have twice the channels, and what they take from their own two inputs goes at stride 2. A cell takes the outputs of the
two cells before it, each through ReLU, a 1x1 convolution and batch norm to the cell's channels; where the first of them is
twice as large, since a reduction lies between, a factorized reduction does it instead: two 1x1 convolutions of stride 2, the
second a pixel apart, half of the channels each. Average pooling and a classifier end it.

A cell concatenates the nodes that no other takes, so how many channels it has, and what follows has to read, depends on both
cells.
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
    """The network around the cells: see the module.

    Attributes
    ----------
    channels : int
        Of the first cells; 16 in the authors' search.
    layers : int
        Cells in a row; 8 in the authors' search.
    stem : int
        The stem's channels are so many times those of the first cells.
    """

    channels: int = 16
    layers: int = 8
    stem: int = 3

    def reduces(self, layer: int) -> bool:
        """Whether this cell of the row, from 0, is a reduction cell."""
        return layer in (self.layers // 3, 2 * self.layers // 3)


# The network of the authors' search for each dataset, and a small one for the handwritten digits.
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
    """``"params"`` or ``"flops"`` (multiply-adds of convolutions and classifier) of genotypes in a skeleton: (n,)."""
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
        # a factorized reduction has as many weights and norms as the 1x1 convolution that it stands for
        read = (before + last) * width
        total += read + 4 * width if params else read * area(size)
        for uses, stride in ((own, 2 if reduces else 1), (others, 1)):
            arriving = size if stride == 2 else inside
            total += uses @ np.array(list(_operations(params, width, stride, arriving)), dtype=np.int64)
        before, last, size = last, unused * width, inside
    return np.asarray(total + (last + params) * skeleton.classes)


def _uses(halves: Genotypes) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """How often each operation is applied to a cell's own inputs, and to nodes, (n, 9) each; how many nodes are unused."""
    sources, operations = halves[..., 0], halves[..., 1]
    chosen = operations[:, :, np.newaxis] == np.arange(9)
    own = (sources < 2)[:, :, np.newaxis]
    taken = (sources[:, :, np.newaxis] == np.arange(2, 2 + NODES)).any(axis=1)
    return (chosen & own).sum(axis=1), (chosen & ~own).sum(axis=1), NODES - taken.sum(axis=1)


def _operations(params: bool, c: int, stride: int, size: tuple[int, int]) -> Iterator[int]:
    """The cost of each operation on ``c`` channels at an input's size, in the order of the space."""
    out = area(halved(size, stride))

    def figure(weights: int, norms: int) -> int:
        return weights + norms * 2 * c if params else weights * out

    def depthwise(kernel: int) -> int:
        return kernel**2 * c + c**2  # and the 1x1 convolution after it

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
