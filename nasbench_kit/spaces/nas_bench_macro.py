"""NAS-Bench-Macro (Su et al. 2021, arXiv 2103.11922): a chain of 8 layers in three stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.chain import Chain
from nasbench_kit.spaces.mbconv import conv, head, mbconv
from nasbench_kit.spaces.skeleton import Skeleton, halved
from nasbench_kit.spaces.space import Genotypes

__all__ = ["SKELETONS", "STAGES", "NASBenchMacro", "NASBenchMacroSkeleton", "network_cost"]

STAGES = ((0, 2), (2, 5), (5, 8))  # layers of each stage


class NASBenchMacro(Chain):
    """The search space of NAS-Bench-Macro: 6,561 genotypes, 3,969 networks.

    Genes are layers: 0 identity, 1 MBConv of expansion 3 and kernel 3, 2 MBConv of expansion 6 and kernel 5. The first
    layer of a stage halves the image, so its identity is a 1x1 convolution of stride 2 and cannot be dropped; the
    other identities of a stage can.

    Examples
    --------
    >>> space = NASBenchMacro()
    >>> space.decode(space.canonical(space.encode(["20102012"])))
    ['20120012']
    """

    def __init__(self) -> None:
        super().__init__(
            8, "012", identity="0", spans=[(start + 1, end) for start, end in STAGES], name="nas-bench-macro"
        )

    def _skeletons(self) -> tuple[Mapping[str, Skeleton], Callable[..., NDArray[Any]]]:
        return SKELETONS, network_cost


@dataclass(frozen=True, kw_only=True)
class NASBenchMacroSkeleton(Skeleton):
    """The network around the chain (Su et al. 2021, appendix, and the authors' code).

    Attributes
    ----------
    stem : int
        Channels of the first 3x3 convolution.
    channels : tuple of int
        Of each stage; the first layer of a stage halves the image.
    head : int
        Channels of the last 1x1 convolution.
    """

    stem: int = 32
    channels: tuple[int, ...] = (64, 128, 256)
    head: int = 1280


# The published network, and a small one for the handwritten digits.
SKELETONS = {
    "cifar10": NASBenchMacroSkeleton(image=(3, 32, 32), classes=10),
    "digits": NASBenchMacroSkeleton(image=(1, 8, 8), classes=10, stem=8, channels=(12, 16, 24), head=64),
}


def network_cost(rows: Genotypes, name: str, skeleton: NASBenchMacroSkeleton) -> NDArray[np.int64]:
    """``"params"`` or ``"flops"`` (multiply-adds of convolutions and classifier) of chains in a skeleton: (n,)."""
    fixed, by_layer = _additive(name, skeleton)
    total: NDArray[np.int64] = fixed + by_layer[np.arange(8), rows].sum(axis=1)
    return total


@cache
def _additive(cost: str, skeleton: NASBenchMacroSkeleton) -> tuple[int, NDArray[np.int64]]:
    """The cost outside the layers, and each layer's for each of its values: (8, 3)."""
    table = np.zeros((8, 3), dtype=np.int64)
    inputs, size = skeleton.stem, skeleton.size
    fixed = conv(cost, 9 * skeleton.image[0] * inputs, inputs, size)
    for (start, end), width in zip(STAGES, skeleton.channels, strict=True):
        for layer in range(start, end):
            stride = 2 if layer == start else 1
            if layer == start:  # its identity is a 1x1 convolution of stride 2
                table[layer, 0] = conv(cost, inputs * width, width, halved(size))
            table[layer, 1] = mbconv(cost, inputs, width, size, stride=stride, expansion=3, kernel=3)
            table[layer, 2] = mbconv(cost, inputs, width, size, stride=stride, expansion=6, kernel=5)
            inputs, size = width, halved(size, stride)
    return fixed + head(cost, inputs, skeleton.head, size, skeleton.classes), table
