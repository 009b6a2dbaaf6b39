"""NAS-Bench-201: stages of cells with operations on their edges; the reference for `nasbench_kit.training.stacked`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nasbench_kit.spaces.nb201.cost import CONV1, CONV3, EDGES, NONE, POOL, SKIP, NB201Skeleton

__all__ = ["NB201Network", "ResidualReduction"]


class NB201Network(nn.Module):
    """Stem, stages of cells separated by reductions, and head.

    Parameters
    ----------
    genes : sequence of 6 int
        The operations on the cell's edges, as in the space ``nb201``.
    skeleton : NB201Skeleton
    """

    def __init__(self, genes: Sequence[int], skeleton: NB201Skeleton) -> None:
        super().__init__()
        channels = skeleton.channels
        self.stem = nn.Sequential(
            nn.Conv2d(skeleton.image[0], channels[0], 3, padding=1, bias=False), nn.BatchNorm2d(channels[0])
        )
        self.reductions = nn.ModuleList(
            _pool_reduction(a, b) if skeleton.reduction == "pool" else ResidualReduction(a, b)
            for a, b in itertools.pairwise(channels)
        )
        self.stages = nn.ModuleList(
            nn.Sequential(*(_Cell(genes, width) for _ in range(skeleton.cells))) for width in channels
        )
        self.norm = nn.BatchNorm2d(channels[-1])
        self.classifier = nn.Linear(channels[-1], skeleton.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes) for images (batch, channels, side, side)."""
        x = self.stages[0](self.stem(images))
        for reduction, stage in zip(self.reductions, self.stages[1:], strict=True):
            x = stage(reduction(x))
        logits: Tensor = self.classifier(torch.relu(self.norm(x)).mean(dim=(2, 3)))
        return logits


def _pool_reduction(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.AvgPool2d(2, ceil_mode=True), nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
    )


class ResidualReduction(nn.Module):
    """Two 3x3 convolutions, the first of stride 2, with a shortcut of average pooling and a 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, ceil_mode=True), nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.shortcut(x) + self.layers(x)
        return y


class _Cell(nn.Module):
    def __init__(self, genes: Sequence[int], channels: int) -> None:
        super().__init__()
        self.edges = nn.ModuleList(_operation(int(gene), channels) for gene in genes)

    def forward(self, x: Tensor) -> Tensor:
        nodes = [x] + [torch.zeros_like(x)] * 3
        for (source, target), operation in zip(EDGES, self.edges, strict=True):
            nodes[target] = nodes[target] + operation(nodes[source])
        return nodes[3]


class _Zero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


def _operation(gene: int, channels: int) -> nn.Module:
    if gene == NONE:
        return _Zero()
    if gene == SKIP:
        return nn.Identity()
    if gene == POOL:
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    kernel = {CONV1: 1, CONV3: 3}[gene]
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(channels),
    )
