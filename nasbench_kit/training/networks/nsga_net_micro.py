"""NSGA-Net's micro space: a chain of normal and reduction cells, in the skeleton of the space's cost module."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasbench_kit.spaces.nsga_net_micro.cost import NSGANetMicroSkeleton
from nasbench_kit.spaces.nsga_net_micro.space import CELL_GENES, INPUTS, NODES, OPERATIONS
from nasbench_kit.training.networks.layers import classifier, conv_norm

__all__ = ["NSGANetMicroNetwork"]


class NSGANetMicroNetwork(nn.Module):
    """Stem, chain of cells, and classifier.

    Parameters
    ----------
    genes : sequence of 40 int
    skeleton : NSGANetMicroSkeleton
    """

    def __init__(self, genes: Sequence[int], skeleton: NSGANetMicroSkeleton) -> None:
        super().__init__()
        width = skeleton.channels
        before = last = skeleton.stem * width
        self.stem = conv_norm(skeleton.image[0], last, 3, activation=None)
        cells, apart = [], False
        for layer in range(skeleton.layers):
            reduces = skeleton.reduces(layer)
            width *= 2 if reduces else 1
            half = genes[CELL_GENES:] if reduces else genes[:CELL_GENES]
            cell = Cell(half, before, last, width, reduces=reduces, apart=apart)
            before, last, apart = last, len(cell.unused) * width, reduces
            cells.append(cell)
        self.cells = nn.ModuleList(cells)
        self.classifier = classifier(last, skeleton.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes) for images (batch, channels, height, width)."""
        before = last = self.stem(images)
        for cell in self.cells:
            before, last = last, cell(before, last)
        logits: Tensor = self.classifier(last)
        return logits


class Cell(nn.Module):
    """A cell whose nodes sum two inputs, each after an operation; nodes without successors are concatenated.

    Parameters
    ----------
    genes : sequence of 20 int
    before, last : int
        Channels of the cell's two inputs.
    width : int
        Channels of each node.
    reduces : bool
        Whether operations on the cell's own inputs have stride 2.
    apart : bool
        Whether the first input is twice as large as the second.
    """

    def __init__(self, genes: Sequence[int], before: int, last: int, width: int, *, reduces: bool, apart: bool) -> None:
        super().__init__()
        self.halves = [
            [(genes[i], genes[i + 1]), (genes[i + 2], genes[i + 3])] for i in range(0, CELL_GENES, CELL_GENES // NODES)
        ]
        taken = {source for halves in self.halves for source, _ in halves}
        self.unused = [node for node in range(INPUTS, INPUTS + NODES) if node not in taken]
        self.inputs = nn.ModuleList(
            [FactorizedReduction(before, width) if apart else _relu_conv(before, width), _relu_conv(last, width)]
        )
        self.operations = nn.ModuleList(
            nn.ModuleList(
                _MAKERS[OPERATIONS[operation]](width, 2 if reduces and source < INPUTS else 1)
                for source, operation in halves
            )
            for halves in self.halves
        )

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        values = [self.inputs[0](before), self.inputs[1](last)]
        for halves, operations in zip(self.halves, self.operations, strict=True):
            first, second = (op(values[source]) for op, (source, _) in zip(operations, halves, strict=True))
            values.append(first + second)
        return torch.cat([values[node] for node in self.unused], dim=1)


class FactorizedReduction(nn.Module):
    """Halve the size without losing pixels: concatenate two 1x1 convolutions of stride 2, a pixel apart."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs // 2, 1, stride=2, bias=False)
        self.second = nn.Conv2d(inputs, outputs - outputs // 2, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(x)
        # the shift reads zeros beyond the border, which only affects odd sizes
        shifted = F.pad(x, (-1, 1, -1, 1))
        y: Tensor = self.norm(torch.cat([self.first(x), self.second(shifted)], dim=1))
        return y


def _relu_conv(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.ReLU(), conv_norm(inputs, outputs, 1, activation=None))


def _depthwise(width: int, kernel: int, stride: int, dilation: int = 1) -> nn.Sequential:
    """Return ReLU, a depthwise convolution, a 1x1 convolution and batch norm."""
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(width, width, kernel, stride, padding, dilation=dilation, groups=width, bias=False),
        nn.Conv2d(width, width, 1, bias=False),
        nn.BatchNorm2d(width),
    )


def _separable(kernel: int) -> Callable[[int, int], nn.Module]:
    return lambda width, stride: nn.Sequential(_depthwise(width, kernel, stride), _depthwise(width, kernel, 1))


def _dilated(kernel: int) -> Callable[[int, int], nn.Module]:
    return lambda width, stride: _depthwise(width, kernel, stride, dilation=2)


def _seven(width: int, stride: int) -> nn.Module:
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(width, width, (1, 7), stride=(1, stride), padding=(0, 3), bias=False),
        nn.Conv2d(width, width, (7, 1), stride=(stride, 1), padding=(3, 0), bias=False),
        nn.BatchNorm2d(width),
    )


_MAKERS: dict[str, Callable[[int, int], nn.Module]] = {
    "max_pool_3x3": lambda width, stride: nn.MaxPool2d(3, stride, padding=1),
    "avg_pool_3x3": lambda width, stride: nn.AvgPool2d(3, stride, padding=1, count_include_pad=False),
    "skip_connect": lambda width, stride: nn.Identity() if stride == 1 else FactorizedReduction(width, width),
    "sep_conv_3x3": _separable(3),
    "sep_conv_5x5": _separable(5),
    "dil_conv_3x3": _dilated(3),
    "dil_conv_5x5": _dilated(5),
    "sep_conv_7x7": _separable(7),
    "conv_7x1_1x7": _seven,
}
