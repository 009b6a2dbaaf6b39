"""Skeleton and costs of NAS-Bench-Macro networks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.blocks.mbconv import conv, head, mbconv
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.skeleton import Skeleton, halved

__all__ = ["SKELETONS", "STAGES", "NASBenchMacroSkeleton", "network_cost"]

STAGES = ((0, 2), (2, 5), (5, 8))  # layers of each stage


@dataclass(frozen=True, kw_only=True)
class NASBenchMacroSkeleton(Skeleton):
    """The network around the chain (Su et al. 2021, appendix, and the authors' code).

    Attributes
    ----------
    stem : int
        Channels of the first 3x3 convolution.
    channels : tuple of int
        Channels of each stage; the first layer of a stage halves the image.
    head : int
        Channels of the last 1x1 convolution.
    """

    stem: int = 32
    channels: tuple[int, ...] = (64, 128, 256)
    head: int = 1280


# The published network, and a small one for the digits dataset.
SKELETONS = {
    "cifar10": NASBenchMacroSkeleton(image=(3, 32, 32), classes=10),
    "digits": NASBenchMacroSkeleton(image=(1, 8, 8), classes=10, stem=8, channels=(12, 16, 24), head=64),
}


def network_cost(rows: Genotypes, name: str, skeleton: NASBenchMacroSkeleton) -> NDArray[np.int64]:
    """Compute ``"params"`` or ``"flops"`` (multiply-adds of convolutions and classifier) in a skeleton: (n,)."""
    fixed, by_layer = _additive(name, skeleton)
    total: NDArray[np.int64] = fixed + by_layer[np.arange(8), rows].sum(axis=1)
    return total


@cache
def _additive(cost: str, skeleton: NASBenchMacroSkeleton) -> tuple[int, NDArray[np.int64]]:
    """Fixed cost, and the cost of each layer for each gene value: (8, 3)."""
    table = np.zeros((8, 3), dtype=np.int64)
    inputs, size = skeleton.stem, skeleton.size
    fixed = conv(cost, 9 * skeleton.image[0] * inputs, inputs, size)
    for (start, end), width in zip(STAGES, skeleton.channels, strict=True):
        for layer in range(start, end):
            stride = 2 if layer == start else 1
            if layer == start:  # the identity becomes a 1x1 convolution of stride 2
                table[layer, 0] = conv(cost, inputs * width, width, halved(size))
            table[layer, 1] = mbconv(cost, inputs, width, size, stride=stride, expansion=3, kernel=3)
            table[layer, 2] = mbconv(cost, inputs, width, size, stride=stride, expansion=6, kernel=5)
            inputs, size = width, halved(size, stride)
    return fixed + head(cost, inputs, skeleton.head, size, skeleton.classes), table
