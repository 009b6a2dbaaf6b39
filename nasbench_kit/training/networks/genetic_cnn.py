"""Genetic CNN: stages of convolutions that sum their inputs, each stage followed by pooling."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nasbench_kit.spaces.genetic_cnn.cost import STAGES, GeneticCNNSkeleton
from nasbench_kit.spaces.skeleton import area
from nasbench_kit.training.networks.layers import conv_norm
from nasbench_kit.training.networks.stage_graph import stage_graph

__all__ = ["GeneticCNNNetwork"]


class GeneticCNNNetwork(nn.Module):
    """Stages, each followed by max pooling, and two fully connected layers.

    Parameters
    ----------
    genes : sequence of 19 int
    skeleton : GeneticCNNSkeleton
    """

    def __init__(self, genes: Sequence[int], skeleton: GeneticCNNSkeleton) -> None:
        super().__init__()
        inputs, size, start, stages = skeleton.image[0], skeleton.size, 0, []
        for nodes, width in zip(STAGES, skeleton.channels, strict=True):
            end = start + nodes * (nodes - 1) // 2
            stages.append(Stage(genes[start:end], nodes, inputs, width, skeleton.kernel))
            inputs, size, start = width, skeleton.pooled(size), end
        self.stages = nn.ModuleList(stages)
        self.pool = nn.MaxPool2d(skeleton.pool, stride=2, ceil_mode=True)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(inputs * area(size), skeleton.hidden),
            nn.ReLU(),
            nn.Dropout(skeleton.dropout),
            nn.Linear(skeleton.hidden, skeleton.classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes) for images (batch, channels, height, width)."""
        x = images
        for stage in self.stages:
            x = self.pool(stage(x))
        logits: Tensor = self.classifier(x)
        return logits


class Stage(nn.Module):
    """A stage: input node, connected nodes and output node; each a convolution, batch norm and ReLU.

    A node's inputs are summed. A stage without edges has a single convolution (Xie and Yuille 2017, section 3.1).
    """

    def __init__(self, edges: Sequence[int], nodes: int, inputs: int, width: int, kernel: int) -> None:
        super().__init__()
        self.sources, self.last = stage_graph(edges, nodes)
        self.input = conv_norm(inputs, width, kernel)
        self.nodes = nn.ModuleDict({str(node): conv_norm(width, width, kernel) for node in self.sources})
        self.output = conv_norm(width, width, kernel) if self.sources else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        values = {0: self.input(x)}
        for node, sources in self.sources.items():
            values[node] = self.nodes[str(node)](_sum(values, sources))
        output: Tensor = self.output(_sum(values, self.last or [0]))
        return output


def _sum(values: dict[int, Tensor], sources: Sequence[int]) -> Tensor:
    return torch.stack([values[source] for source in sources]).sum(dim=0) if len(sources) > 1 else values[sources[0]]
