"""Skeleton and costs of Genetic CNN networks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.blocks.staged_dag import all_stages, fan_in, sum_over_stages
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.skeleton import Skeleton, area

__all__ = ["SKELETONS", "STAGES", "GeneticCNNSkeleton", "network_cost"]

STAGES = (3, 4, 5)  # nodes of each stage


@dataclass(frozen=True, kw_only=True)
class GeneticCNNSkeleton(Skeleton):
    """The network around the stages: a LeNet (Xie and Yuille 2017, sections 3.1 and 4.2).

    Attributes
    ----------
    channels : tuple of int
        Filters of each stage.
    kernel : int
        Kernel size of all convolutions, which are padded to keep the image size within a stage.
    pool : int
        Kernel size of the max pooling of stride 2 after each stage; output sizes are rounded up.
    hidden : int
        Features of the fully connected layer before the classifier.
    dropout : float
        Dropout rate between the fully connected layer and the classifier.
    """

    channels: tuple[int, ...] = (8, 16, 32)
    kernel: int = 5
    pool: int = 3
    hidden: int = 128
    dropout: float = 0.5

    def pooled(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width after pooling.

        Raises
        ------
        ValueError
            If the image is too small to be pooled.
        """
        height, width = ((side - self.pool + 1) // 2 + 1 for side in size)
        if min(height, width) < 1:
            raise ValueError(
                f"images of {self.image[1]}x{self.image[2]} are too small for {len(self.channels)} poolings of side "
                f"{self.pool}: use larger images or a smaller pool"
            )
        return height, width


# The network of the paper's CIFAR-10 search for each dataset, and a small one for the digits dataset.
SKELETONS = {
    "cifar10": GeneticCNNSkeleton(image=(3, 32, 32), classes=10),
    "cifar100": GeneticCNNSkeleton(image=(3, 32, 32), classes=100),
    "ImageNet16-120": GeneticCNNSkeleton(image=(3, 16, 16), classes=120),
    "mnist": GeneticCNNSkeleton(image=(1, 28, 28), classes=10),
    "digits": GeneticCNNSkeleton(
        image=(1, 8, 8), classes=10, channels=(4, 8, 16), kernel=3, pool=2, hidden=32, dropout=0.0
    ),
}


def network_cost(rows: Genotypes, name: str, skeleton: GeneticCNNSkeleton) -> NDArray[np.int64]:
    """Compute ``"params"`` or ``"flops"`` (multiply-adds of convolutional and linear layers) in a skeleton: (n,)."""
    fixed, by_mask = _figures(name, skeleton)
    return fixed + sum_over_stages(rows, by_mask)


@cache
def _figures(name: str, skeleton: GeneticCNNSkeleton) -> tuple[int, list[NDArray[np.int64]]]:
    """Fixed cost, and the cost of each stage for all of its masks."""
    params, by_mask = name == "params", []
    inputs, size = skeleton.image[0], skeleton.size
    for nodes, width in zip(STAGES, skeleton.channels, strict=True):
        there = (fan_in(all_stages(nodes), nodes)[:, :-1] > 0).sum(axis=1)
        # the stage's input and output are convolutions too; a stage without edges has a single convolution
        convolutions = np.where(there > 0, there + 2, 1)
        weights = skeleton.kernel**2 * width * (inputs + (convolutions - 1) * width)
        by_mask.append(weights + 2 * width * convolutions if params else weights * area(size))
        inputs, size = width, skeleton.pooled(size)
    flat = inputs * area(size)
    return (flat + params) * skeleton.hidden + (skeleton.hidden + params) * skeleton.classes, by_mask
