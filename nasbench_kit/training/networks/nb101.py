"""NAS-Bench-101: three stacks of cells with operations on their vertices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from nasbench_kit.spaces.nb101.cost import NB101Skeleton, pruned_matrix, vertex_channels
from nasbench_kit.spaces.nb101.space import OPERATIONS
from nasbench_kit.spaces.nb101.tables import EDGES, VERTICES
from nasbench_kit.training.networks.layers import classifier, conv_norm

__all__ = ["NB101Network"]

INPUT, OUTPUT = 0, VERTICES - 1


class NB101Network(nn.Module):
    """Stem, stacks of cells separated by max pooling, and classifier.

    Parameters
    ----------
    genes : sequence of 26 int
        A valid genotype. Vertices and edges on no path from input to output are pruned.
    skeleton : NB101Skeleton
    """

    def __init__(self, genes: Sequence[int], skeleton: NB101Skeleton) -> None:
        super().__init__()
        inputs = outputs = skeleton.channels
        self.stem = conv_norm(skeleton.image[0], inputs, 3)
        stacks = []
        for stack in range(skeleton.stacks):
            outputs *= 2 if stack else 1
            cells: list[nn.Module] = [nn.MaxPool2d(2, ceil_mode=True)] if stack else []
            for _ in range(skeleton.cells):
                cells.append(Cell(genes, inputs, outputs))
                inputs = outputs
            stacks.append(nn.Sequential(*cells))
        self.stacks = nn.Sequential(*stacks)
        self.classifier = classifier(outputs, skeleton.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes) for images (batch, channels, height, width)."""
        logits: Tensor = self.classifier(self.stacks(self.stem(images)))
        return logits


class Cell(nn.Module):
    """A cell: inner vertices sum their inputs, the output concatenates them (Ying et al. 2019, section 2.3).

    Every edge from the input has its own 1x1 convolution, batch norm and ReLU, which project to the channels of the
    target. Edges between inner vertices pass on as many of the leading channels as the target has. An edge from the
    input to the output is added to the concatenation. See `vertex_channels` for the number of channels of each vertex.
    """

    def __init__(self, genes: Sequence[int], inputs: int, outputs: int) -> None:
        super().__init__()
        row = np.array([genes], dtype=np.uint8)
        matrix = pruned_matrix(row)
        channels = vertex_channels(matrix, outputs)[0].tolist()
        self.channels = channels
        self.sources = {
            target: np.flatnonzero(matrix[0, :, target]).tolist()
            for target in range(1, VERTICES)
            if matrix[0, :, target].any()
        }
        self.projections = nn.ModuleDict(
            {
                str(target): conv_norm(inputs, channels[target], 1)
                for target, sources in self.sources.items()
                if INPUT in sources
            }
        )
        operations = row[0, EDGES:].tolist()
        self.operations = nn.ModuleDict(
            {
                str(vertex): _operation(OPERATIONS[operations[vertex - 1]], channels[vertex])
                for vertex in self.sources
                if vertex != OUTPUT
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        values = {INPUT: x}
        for vertex, operation in self.operations.items():
            target = int(vertex)
            values[target] = operation(sum(self._given(values, source, target) for source in self.sources[target]))
        feeders = [values[source] for source in self.sources[OUTPUT] if source != INPUT]
        output = torch.cat(feeders, dim=1) if feeders else None
        if INPUT in self.sources[OUTPUT]:
            projected: Tensor = self.projections[str(OUTPUT)](x)
            output = projected if output is None else output + projected
        assert output is not None  # the output of a valid cell has an input
        return output

    def _given(self, values: dict[int, Tensor], source: int, target: int) -> Tensor:
        if source == INPUT:
            projected: Tensor = self.projections[str(target)](values[INPUT])
            return projected
        return values[source][:, : self.channels[target]]


def _operation(name: str, channels: int) -> nn.Module:
    if name == "maxpool3x3":
        return nn.MaxPool2d(3, stride=1, padding=1)
    return conv_norm(channels, channels, 3 if name == "conv3x3-bn-relu" else 1)
