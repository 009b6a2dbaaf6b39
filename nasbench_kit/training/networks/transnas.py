"""TransNAS-Bench-101: modules of cells (micro) or of residual blocks (macro) behind a stem, with a classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from nasbench_kit.spaces.nb201.cost import EDGES
from nasbench_kit.spaces.transnas_macro.cost import ABSENT
from nasbench_kit.spaces.transnas_micro.cost import CONV1, NONE, SKIP, MicroSkeleton, TransNASSkeleton
from nasbench_kit.training.networks.layers import classifier, conv_norm

__all__ = ["TransNASMacroNetwork", "TransNASMicroNetwork"]

Block = Callable[[int, int, int], nn.Module]  # input and output channels, stride


class _Network(nn.Module):
    """Stem, modules and classifier."""

    def __init__(self, modules: Sequence[int], block: Block, skeleton: TransNASSkeleton) -> None:
        super().__init__()
        base, stride = skeleton.base, skeleton.stem_stride
        half = -(-base // 2)
        self.stem = nn.Sequential(
            conv_norm(skeleton.image[0], half, 3, stride=stride, activation=None),
            nn.ReLU(),
            conv_norm(half, base, 3, stride=stride, activation=None),
        )
        channels, stages = base, []
        for module in modules:
            outputs, stride = channels * (2 if module in (2, 4) else 1), 2 if module > 2 else 1
            blocks = [block(channels, outputs, stride)]
            blocks += [block(outputs, outputs, 1) for _ in range(1, skeleton.blocks)]
            stages.append(nn.Sequential(*blocks))
            channels = outputs
        self.stages = nn.ModuleList(stages)
        self.classifier = classifier(channels, skeleton.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes) for images (batch, channels, height, width)."""
        x = self.stem(images)
        for stage in self.stages:
            x = stage(x)
        logits: Tensor = self.classifier(x)
        return logits


class TransNASMicroNetwork(_Network):
    """A network of equal cells in fixed modules.

    Parameters
    ----------
    genes : sequence of 6 int
        The operations on the cell's edges, as in the space ``transnas-micro``.
    skeleton : MicroSkeleton
    """

    def __init__(self, genes: Sequence[int], skeleton: MicroSkeleton) -> None:
        super().__init__(skeleton.modules, lambda a, b, stride: Cell(genes, a, b, stride), skeleton)


class TransNASMacroNetwork(_Network):
    """A network of residual blocks in searched modules.

    Parameters
    ----------
    genes : sequence of 6 int
        The modules, as in the space ``transnas-macro``.
    skeleton : TransNASSkeleton
    """

    def __init__(self, genes: Sequence[int], skeleton: TransNASSkeleton) -> None:
        super().__init__([int(gene) for gene in genes if gene != ABSENT], _ResidualBlock, skeleton)


class Cell(nn.Module):
    """A cell; edges from its input have its stride and change the channels."""

    def __init__(self, genes: Sequence[int], inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.outputs, self.stride = outputs, stride
        self.edges = nn.ModuleList(
            _operation(int(gene), inputs, outputs, stride)
            if source == 0
            else _operation(int(gene), outputs, outputs, 1)
            for gene, (source, _) in zip(genes, EDGES, strict=True)
        )
        self.there = [gene != NONE for gene in genes]

    def forward(self, x: Tensor) -> Tensor:
        height, width = (-(-side // self.stride) for side in x.shape[2:])
        zero = x.new_zeros((x.shape[0], self.outputs, height, width))
        nodes = [x, zero, zero, zero]
        for (source, target), operation, there in zip(EDGES, self.edges, self.there, strict=True):
            if there:
                nodes[target] = nodes[target] + operation(nodes[source])
        return nodes[3]


def _operation(gene: int, inputs: int, outputs: int, stride: int) -> nn.Module:
    if gene == NONE or (gene == SKIP and stride == 1 and inputs == outputs):
        return nn.Identity()
    if gene == SKIP:
        return _Reduction(inputs, outputs, stride)
    kernel = 1 if gene == CONV1 else 3
    return nn.Sequential(nn.ReLU(), conv_norm(inputs, outputs, kernel, stride=stride, activation=None))


class _Reduction(nn.Module):
    """A skip that changes shape: two 1x1 convolutions, the second one shifted by a pixel, for half of the channels each."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(inputs, part, 1, stride=stride, bias=False) for part in (outputs // 2, outputs - outputs // 2)
        )
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(x)
        shifted = nn.functional.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]
        y: Tensor = self.norm(torch.cat([self.convs[0](x), self.convs[1](shifted)], dim=1))
        return y


class _ResidualBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReLU(),
            conv_norm(inputs, outputs, 3, stride=stride, activation=None),
            nn.ReLU(),
            conv_norm(outputs, outputs, 3, activation=None),
        )
        changes = stride != 1 or inputs != outputs
        self.shortcut = conv_norm(inputs, outputs, 1, stride=stride, activation=None) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.shortcut(x) + self.layers(x)
        return y
