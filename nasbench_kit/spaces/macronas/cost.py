"""Skeleton and costs of MacroNAS networks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.blocks.mbconv import conv, head, mbconv
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.skeleton import Skeleton, halved

__all__ = ["SKELETONS", "STAGES", "MacroNASSkeleton", "network_cost"]

STAGES = ((0, 4), (4, 8), (8, 12), (12, 14))  # layers of each stage


@dataclass(frozen=True, kw_only=True)
class MacroNASSkeleton(Skeleton):
    """The network around the chain (den Ottelander et al. 2021, section 3, and the authors' code).

    Attributes
    ----------
    channels : tuple of int
        Channels of each stage; the stem has as many as the first. Stages are connected by a fixed MBConv of expansion
        3, kernel 3 and stride 2.
    head : int
        Channels of the last 1x1 convolution.
    """

    channels: tuple[int, ...] = (32, 64, 128, 256)
    head: int = 1280


# The published networks, and a small one for the digits dataset.
SKELETONS = {
    "cifar10": MacroNASSkeleton(image=(3, 32, 32), classes=10),
    "cifar100": MacroNASSkeleton(image=(3, 32, 32), classes=100),
    "digits": MacroNASSkeleton(image=(1, 8, 8), classes=10, channels=(8, 12, 16, 24), head=64),
}


def network_cost(rows: Genotypes, name: str, skeleton: MacroNASSkeleton) -> NDArray[Any]:
    """Compute ``"params"``, ``"flops"`` or ``"mmacs"`` of chains in a skeleton: (n,)."""
    fixed, by_layer = _additive(name, skeleton)
    total: NDArray[np.int64] = fixed + by_layer[np.arange(14), rows].sum(axis=1)
    return np.round(total / 1e6, 2) if name == "mmacs" else total


@cache
def _additive(cost: str, skeleton: MacroNASSkeleton) -> tuple[int, NDArray[np.int64]]:
    """Fixed cost, and the cost of each layer for each gene value: (14, 3)."""
    table = np.zeros((14, 3), dtype=np.int64)
    widths, size = skeleton.channels, skeleton.size
    fixed = conv(cost, 9 * skeleton.image[0] * widths[0], widths[0], size)
    for i, ((start, end), width) in enumerate(zip(STAGES, widths, strict=True)):
        if i:
            fixed += mbconv(cost, widths[i - 1], width, size, stride=2, expansion=3, kernel=3)
            size = halved(size)
        table[start:end, 1] = mbconv(cost, width, width, size, stride=1, expansion=3, kernel=3)
        table[start:end, 2] = mbconv(cost, width, width, size, stride=1, expansion=6, kernel=5)
    return fixed + head(cost, widths[-1], skeleton.head, size, skeleton.classes), table
