"""Operations, skeleton and costs of NAS-Bench-201."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.skeleton import Skeleton, area, halved

__all__ = [
    "CONV1",
    "CONV3",
    "EDGES",
    "NONE",
    "OPERATIONS",
    "POOL",
    "SKELETONS",
    "SKIP",
    "NB201Skeleton",
    "network_cost",
]

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NONE, SKIP, CONV1, CONV3, POOL = range(5)

# Columns of the upper triangle, which is also the order of the official string.
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))


@dataclass(frozen=True, kw_only=True)
class NB201Skeleton(Skeleton):
    """The network around the cell (Dong and Yang 2020, section 2.1).

    Attributes
    ----------
    channels : tuple of int
        Channels of each stage; each stage after the first works at half the image size of the preceding one.
    cells : int
        Cells per stage.
    reduction : {"residual", "pool"}
        Block between stages: the paper's residual block of stride 2 (two 3x3 convolutions, with average pooling and a
        1x1 convolution on the shortcut), or average pooling by 2 with a 1x1 convolution and batch norm.
    """

    channels: tuple[int, ...] = (16, 32, 64)
    cells: int = 5
    reduction: str = "residual"

    choices: ClassVar = {"reduction": ("residual", "pool")}
    any_length: ClassVar = ("channels",)


# The published networks, and the small one of our own table `nb201-digits`.
SKELETONS = {
    "cifar10": NB201Skeleton(image=(3, 32, 32), classes=10),
    "cifar10-valid": NB201Skeleton(image=(3, 32, 32), classes=10),
    "cifar100": NB201Skeleton(image=(3, 32, 32), classes=100),
    "ImageNet16-120": NB201Skeleton(image=(3, 16, 16), classes=120),
    "digits": NB201Skeleton(image=(1, 8, 8), classes=10, channels=(4, 8, 16), cells=1, reduction="pool"),
}


def network_cost(rows: Genotypes, name: str, skeleton: NB201Skeleton) -> NDArray[np.int64]:
    """Compute ``"params"`` (count) or ``"flops"`` (multiply-adds of convolutions and classifier) in a skeleton.

    Parameters
    ----------
    rows : ndarray of uint8, shape (n, 6)
    name : {"params", "flops"}
    skeleton : NB201Skeleton

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    conv1 = (rows == CONV1).sum(axis=1, dtype=np.int64)
    conv3 = (rows == CONV3).sum(axis=1, dtype=np.int64)
    inputs, size = skeleton.image[0], skeleton.size
    first, last = skeleton.channels[0], skeleton.channels[-1]
    params: NDArray[np.int64] | int = 9 * inputs * first + 2 * first + 2 * last + (last + 1) * skeleton.classes
    flops: NDArray[np.int64] | int = (
        9 * inputs * first * area(size) + (last + 1) * skeleton.classes
    )  # the published values count the bias
    previous = first
    for stage, channels in enumerate(skeleton.channels):
        if stage:
            size = halved(size)
            kernels = previous * channels
            norms = 1
            if skeleton.reduction == "residual":
                kernels += 9 * previous * channels + 9 * channels**2
                norms = 2  # the shortcut has no batch norm
            params += kernels + norms * 2 * channels
            flops += kernels * area(size)
        params = params + skeleton.cells * (
            conv1 * (channels**2 + 2 * channels) + conv3 * (9 * channels**2 + 2 * channels)
        )
        flops = flops + skeleton.cells * area(size) * channels**2 * (conv1 + 9 * conv3)
        previous = channels
    return np.asarray(params if name == "params" else flops)
