"""Skeleton and costs of networks in NSGA-Net's macro space."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.blocks.staged_dag import all_stages, fan_in, sum_over_stages
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.skeleton import Skeleton, area, halved

__all__ = ["PHASES", "SKELETONS", "NSGANetMacroSkeleton", "network_cost"]

PHASES = (6, 6, 6)  # nodes of each phase


@dataclass(frozen=True, kw_only=True)
class NSGANetMacroSkeleton(Skeleton):
    """The network around the phases (Lu et al. 2019, section 3.1, and the authors' code).

    A phase starts with a convolution to its number of channels (3x3 in the first phase, 1x1 in the others) and ends
    with batch norm and ReLU. Phases are separated by max pooling by 2; the network ends with global average pooling and
    a linear layer.

    Attributes
    ----------
    channels : tuple of int
        Channels of each phase: C, 2C and 4C, with C = 32 in the authors' search.
    join : {"concat", "sum"}
        How the inputs of a node are combined: concatenated and projected by a 1x1 convolution, as in the authors' code,
        or summed.

    Notes
    -----
    The authors' first convolution is not padded, which reduces their images to 30x30. Ours is padded and keeps the
    size. The number of parameters is the same.
    """

    channels: tuple[int, ...] = (32, 64, 128)
    join: str = "concat"

    choices: ClassVar = {"join": ("concat", "sum")}


# The network of the authors' search for each dataset, and a small one for the digits dataset.
SKELETONS = {
    "cifar10": NSGANetMacroSkeleton(image=(3, 32, 32), classes=10),
    "cifar100": NSGANetMacroSkeleton(image=(3, 32, 32), classes=100),
    "ImageNet16-120": NSGANetMacroSkeleton(image=(3, 16, 16), classes=120),
    "mnist": NSGANetMacroSkeleton(image=(1, 28, 28), classes=10),
    "digits": NSGANetMacroSkeleton(image=(1, 8, 8), classes=10, channels=(4, 8, 16)),
}


def network_cost(rows: Genotypes, name: str, skeleton: NSGANetMacroSkeleton) -> NDArray[np.int64]:
    """Compute ``"params"`` or ``"flops"`` (multiply-adds of convolutions and classifier) in a skeleton: (n,)."""
    fixed, by_mask = _figures(name, skeleton)
    return fixed + sum_over_stages(rows, by_mask)


@cache
def _figures(name: str, skeleton: NSGANetMacroSkeleton) -> tuple[int, list[NDArray[np.int64]]]:
    """Cost of the classifier, and of each phase for all of its masks; the last gene is the highest bit."""
    params, by_mask = name == "params", []
    inputs, size = skeleton.image[0], skeleton.size
    for phase, (nodes, width) in enumerate(zip(PHASES, skeleton.channels, strict=True)):
        joined = np.tile(fan_in(all_stages(nodes), nodes), (2, 1))
        there = (joined[:, :-1] > 0).sum(axis=1)
        joined[len(joined) // 2 :, -1] += there[len(joined) // 2 :] > 0  # the skip from the phase's input
        projected = np.where(joined > 1, joined, 0).sum(axis=1) if skeleton.join == "concat" else 0
        weights = (1 if phase else 9) * inputs * width + (9 * there + projected) * width**2
        by_mask.append(weights + 2 * width * (there + 1) if params else weights * area(size))
        inputs, size = width, halved(size)
    return (inputs + params) * skeleton.classes, by_mask
