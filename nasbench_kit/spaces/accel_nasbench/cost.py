"""Skeleton and costs of Accel-NASBench networks."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.blocks.mbconv import conv, head
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.skeleton import Skeleton, halved

__all__ = ["BLOCKS", "CHOICES", "SKELETONS", "AccelNASBenchSkeleton", "network_cost", "squeezed"]

BLOCKS = 7
# The values of the four genes of each block: expansion, kernel size, layers, squeeze-and-excitation. Only the sixth block
# may have four layers, as in EfficientNet-B0.
_USUAL = ((1, 4, 6), (3, 5), (1, 2, 3), (False, True))
CHOICES = tuple((*_USUAL[:2], (1, 2, 3, 4), _USUAL[3]) if block == 5 else _USUAL for block in range(BLOCKS))

Size = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class AccelNASBenchSkeleton(Skeleton):
    """The network around the blocks: that of EfficientNet-B0 (Ahmad et al. 2024, and the authors' code).

    Attributes
    ----------
    stem, stem_stride : int
        Channels and stride of the first 3x3 convolution.
    channels, strides : tuple of 7 int
        Channels of each block, and the stride of its first layer.
    head : int
        Channels of the last 1x1 convolution.
    """

    stem: int = 32
    stem_stride: int = 2
    channels: tuple[int, ...] = (16, 24, 40, 80, 112, 192, 320)
    strides: tuple[int, ...] = (1, 2, 2, 2, 1, 2, 1)
    head: int = 1280


# The published network, and two of ours for small images.
SKELETONS = {
    "imagenet": AccelNASBenchSkeleton(image=(3, 224, 224), classes=1000),
    "cifar10": AccelNASBenchSkeleton(image=(3, 32, 32), classes=10, stem_stride=1, strides=(1, 1, 2, 2, 1, 2, 1)),
    "digits": AccelNASBenchSkeleton(
        image=(1, 8, 8),
        classes=10,
        stem=8,
        stem_stride=1,
        channels=(8, 8, 8, 12, 12, 16, 16),
        strides=(1, 1, 2, 1, 1, 1, 1),
        head=64,
    ),
}


def squeezed(inputs: int) -> int:
    """Channels inside the squeeze-and-excitation of a layer, a quarter of the channels that enter the layer."""
    return max(1, inputs // 4)


def network_cost(rows: Genotypes, name: str, skeleton: AccelNASBenchSkeleton) -> NDArray[np.int64]:
    """Compute ``"params"`` or ``"flops"`` (multiply-adds of convolutions and classifier) in a skeleton: (n,)."""
    fixed, tables = _additive(name, skeleton)
    total = np.full(len(rows), fixed, dtype=np.int64)
    for block, table in enumerate(tables):
        total += table[tuple(rows[:, 4 * block : 4 * block + 4].T)]
    return total


@cache
def _additive(cost: str, skeleton: AccelNASBenchSkeleton) -> tuple[int, list[NDArray[np.int64]]]:
    """Fixed cost, and the cost of each block for all values of its genes: one array (3, 2, 3 or 4, 2) per block."""
    inputs, size = skeleton.stem, halved(skeleton.size, skeleton.stem_stride)
    fixed = conv(cost, 9 * skeleton.image[0] * inputs, inputs, size)
    tables = []
    for choices, outputs, stride in zip(CHOICES, skeleton.channels, skeleton.strides, strict=True):
        costs = [_block(cost, inputs, outputs, size, stride, *genes) for genes in itertools.product(*choices)]
        tables.append(np.array(costs, dtype=np.int64).reshape([len(values) for values in choices]))
        inputs, size = outputs, halved(size, stride)
    return fixed + head(cost, inputs, skeleton.head, size, skeleton.classes), tables


def _block(
    cost: str,
    inputs: int,
    outputs: int,
    size: Size,
    stride: int,
    expansion: int,
    kernel: int,
    layers: int,
    squeeze: bool,
) -> int:
    total = 0
    for layer in range(layers):
        inner, out = expansion * inputs, halved(size, stride if layer == 0 else 1)
        if expansion > 1:
            total += conv(cost, inputs * inner, inner, size)
        total += conv(cost, kernel**2 * inner, inner, out) + conv(cost, inner * outputs, outputs, out)
        if squeeze:  # two 1x1 convolutions of the pooled channels, with biases and without batch norm
            few = squeezed(inputs)
            total += 2 * inner * few + (few + inner if cost == "params" else 0)
        inputs, size = outputs, out
    return total
