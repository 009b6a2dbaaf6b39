"""NATS-Bench, size search space: NAS-Bench-201's layers with searched widths around a fixed cell."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nasbench_kit.spaces.nats_size.cost import CELL, LAYERS, NATSSizeSkeleton
from nasbench_kit.spaces.nb201.cost import EDGES, SKIP
from nasbench_kit.training.networks.layers import conv_norm
from nasbench_kit.training.networks.nb201 import ResidualReduction

__all__ = ["NATSSizeNetwork"]


class NATSSizeNetwork(nn.Module):
    """Stem, cells and reductions in turn, and head.

    Parameters
    ----------
    genes : sequence of 5 int
        The width of each layer, as in the space ``nats-size``.
    skeleton : NATSSizeSkeleton
    """

    def __init__(self, genes: Sequence[int], skeleton: NATSSizeSkeleton) -> None:
        super().__init__()
        widths = [(int(gene) + 1) * skeleton.step for gene in genes]
        self.stem = conv_norm(skeleton.image[0], widths[0], 3, activation=None)
        made = {"cell": _Cell, "reduction": ResidualReduction}
        self.layers = nn.Sequential(
            *(made[layer](a, b) for layer, a, b in zip(LAYERS, [widths[0], *widths], widths, strict=False))
        )
        self.norm = nn.BatchNorm2d(widths[-1])
        self.classifier = nn.Linear(widths[-1], skeleton.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes) for images (batch, channels, height, width)."""
        x = self.layers(self.stem(images))
        logits: Tensor = self.classifier(torch.relu(self.norm(x)).mean(dim=(2, 3)))
        return logits


class _Cell(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.edges = nn.ModuleList(
            _operation(operation, inputs if source == 0 else outputs, outputs)
            for (source, _), operation in zip(EDGES, CELL, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        sums: list[Tensor | None] = [x, None, None, None]
        for (source, target), operation in zip(EDGES, self.edges, strict=True):
            y = operation(sums[source])
            before = sums[target]
            sums[target] = y if before is None else before + y
        output = sums[3]
        assert output is not None
        return output


def _operation(operation: int, inputs: int, outputs: int) -> nn.Module:
    if operation == SKIP:
        return nn.Identity() if inputs == outputs else conv_norm(inputs, outputs, 1, activation=None)
    return nn.Sequential(nn.ReLU(), conv_norm(inputs, outputs, 3, activation=None))
