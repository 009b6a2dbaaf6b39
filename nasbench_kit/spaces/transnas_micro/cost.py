"""Operations, skeleton and costs of TransNAS-Bench-101's cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.nb201.cost import EDGES
from nasbench_kit.spaces.skeleton import Skeleton, area, halved

__all__ = ["CONV1", "CONV3", "NONE", "OPERATIONS", "SKELETONS", "SKIP", "TransNASSkeleton", "network_cost", "stem_cost"]

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3")
NONE, SKIP, CONV1, CONV3 = range(4)


@dataclass(frozen=True, kw_only=True)
class TransNASSkeleton(Skeleton):
    """The network around the cells (Duan et al. 2021, section 3.2, and the authors' code), with a classifier.

    A stem of two 3x3 convolutions, then modules, then average pooling and a linear layer. A module is a number of
    blocks; its first block may double the channels, halve the resolution, or both.

    Attributes
    ----------
    base : int
        Channels after the stem; its first convolution has half of them, rounded up.
    stem_stride : int
        Stride of each of the stem's two convolutions.
    blocks : int
        Blocks (cells, or pairs of convolutions with a shortcut) of each module.
    """

    base: int = 64
    stem_stride: int = 2
    blocks: int = 2


@dataclass(frozen=True, kw_only=True)
class MicroSkeleton(TransNASSkeleton):
    """A `TransNASSkeleton` whose modules are fixed, since the cells are searched.

    Attributes
    ----------
    modules : tuple of int
        1 neither doubles nor halves, 2 doubles the channels, 3 halves the resolution, 4 does both.
    """

    modules: tuple[int, ...] = (4, 1, 4, 1, 4)

    any_length: ClassVar = ("modules",)

    def __post_init__(self) -> None:
        if not set(self.modules) <= {1, 2, 3, 4}:
            raise ValueError(f"modules must be 1, 2, 3 or 4 each, not {self.modules}")


SKELETONS = {
    "cifar10": MicroSkeleton(image=(3, 32, 32), classes=10, base=16, stem_stride=1),
    "digits": MicroSkeleton(image=(1, 8, 8), classes=10, base=4, stem_stride=1, modules=(4, 1, 4), blocks=1),
}


def network_cost(rows: Genotypes, name: str, skeleton: MicroSkeleton) -> NDArray[np.int64]:
    """Compute ``"params"`` or ``"flops"`` (multiply-adds of convolutions and classifier) in a skeleton: (n,)."""
    fixed, size = stem_cost(name, skeleton)
    total = np.full(len(rows), fixed, dtype=np.int64)
    channels = skeleton.base
    for module in skeleton.modules:
        outputs, stride = channels * (2 if module in (2, 4) else 1), 2 if module > 2 else 1
        for block in range(skeleton.blocks):
            first = block == 0
            size = halved(size, stride if first else 1)
            total += _cell(rows, name, channels if first else outputs, outputs, stride if first else 1, size)
        channels = outputs
    return total + (channels + 1) * skeleton.classes - (0 if name == "params" else skeleton.classes)


def stem_cost(name: str, skeleton: TransNASSkeleton) -> tuple[int, tuple[int, int]]:
    """Cost of the stem, and the size of its output."""
    half = -(-skeleton.base // 2)
    size = halved(skeleton.size, skeleton.stem_stride)
    total = _conv(name, 9 * skeleton.image[0] * half, half, size)
    size = halved(size, skeleton.stem_stride)
    return total + _conv(name, 9 * half * skeleton.base, skeleton.base, size), size


def _conv(name: str, weights: int, channels: int, size: tuple[int, int]) -> int:
    """Cost of a convolution with its batch norm."""
    return weights + 2 * channels if name == "params" else weights * area(size)


def _cell(
    rows: Genotypes, name: str, inputs: int, outputs: int, stride: int, size: tuple[int, int]
) -> NDArray[np.int64]:
    total = np.zeros(len(rows), dtype=np.int64)
    for gene, (source, _) in zip(rows.T, EDGES, strict=True):
        arriving = inputs if source == 0 else outputs
        free = source > 0 or (stride == 1 and inputs == outputs)  # whether a skip is the identity
        by_operation = [
            0,
            0 if free else _conv(name, arriving * outputs, outputs, size),
            _conv(name, arriving * outputs, outputs, size),
            _conv(name, 9 * arriving * outputs, outputs, size),
        ]
        total += np.array(by_operation, dtype=np.int64)[gene]
    return total
