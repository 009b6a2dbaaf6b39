"""Networks that stack a normal and a reduction cell, in the skeleton of `nasbench_kit.spaces.blocks.cell_stack`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nasbench_kit.spaces.blocks.cell_pair import INPUTS, Cell
from nasbench_kit.spaces.blocks.cell_stack import CellStack
from nasbench_kit.training.networks.cell_operations import FactorizedReduction, make_operation, relu_conv
from nasbench_kit.training.networks.layers import classifier, conv_norm

__all__ = ["CellStackNetwork"]


class CellStackNetwork(nn.Module):
    """Stem, chain of cells, and classifier.

    Parameters
    ----------
    pair : sequence of Cell
        The normal and the reduction cell.
    skeleton : CellStack
    """

    def __init__(self, pair: Sequence[Cell], skeleton: CellStack) -> None:
        super().__init__()
        width = skeleton.channels
        before = last = skeleton.stem * width
        self.stem = conv_norm(skeleton.image[0], last, 3, activation=None)
        cells, apart = [], False
        for layer in range(skeleton.layers):
            reduces = skeleton.reduces(layer)
            width *= 2 if reduces else 1
            cell = CellModule(pair[int(reduces)], before, last, width, reduces=reduces, apart=apart)
            before, last, apart = last, cell.channels, reduces
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


class CellModule(nn.Module):
    """A cell whose nodes combine two inputs, each after an operation.

    Parameters
    ----------
    cell : Cell
    before, last : int
        Channels of the cell's two inputs.
    width : int
        Channels of a node that sums its inputs; one that concatenates them has twice as many.
    reduces : bool
        Whether operations on the cell's own inputs have stride 2.
    apart : bool
        Whether the first input is twice as large as the second.

    Attributes
    ----------
    output : tuple of int
        The nodes that are concatenated.
    channels : int
        Channels of the output.
    """

    def __init__(self, cell: Cell, before: int, last: int, width: int, *, reduces: bool, apart: bool) -> None:
        super().__init__()
        self.halves, self.output = cell.halves, cell.output
        self.concatenates = [join == "concatenation" for join in cell.joins]
        channels = [width] * INPUTS + [width * (1 + wide) for wide in self.concatenates]
        self.channels = sum(channels[node] for node in cell.output)
        self.inputs = nn.ModuleList(
            [FactorizedReduction(before, width) if apart else relu_conv(before, width), relu_conv(last, width)]
        )
        self.operations = nn.ModuleList(
            nn.ModuleList(
                make_operation(operation, channels[source], width, 2 if reduces and source < INPUTS else 1)
                for source, operation in halves
            )
            for halves in cell.halves
        )

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        values = [self.inputs[0](before), self.inputs[1](last)]
        for halves, operations, wide in zip(self.halves, self.operations, self.concatenates, strict=True):
            first, second = (op(values[source]) for op, (source, _) in zip(operations, halves, strict=True))
            values.append(torch.cat([first, second], dim=1) if wide else first + second)
        return torch.cat([values[node] for node in self.output], dim=1)
