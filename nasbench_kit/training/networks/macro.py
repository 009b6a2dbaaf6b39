"""MacroNAS and NAS-Bench-Macro: chains of MBConv layers and identities."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

from nasbench_kit.spaces.macronas import cost as macronas
from nasbench_kit.spaces.macronas.cost import MacroNASSkeleton
from nasbench_kit.spaces.nas_bench_macro import cost as nas_bench_macro
from nasbench_kit.spaces.nas_bench_macro.cost import NASBenchMacroSkeleton
from nasbench_kit.training.networks.layers import classifier, conv_norm

__all__ = ["MBConv", "MacroNASNetwork", "NASBenchMacroNetwork"]

MBCONVS = {1: (3, 3), 2: (6, 5)}  # gene value: (expansion, kernel size)


class MBConv(nn.Module):
    """Inverted residual block: 1x1 expansion, depthwise and 1x1 convolution, with a shortcut if the shapes agree.

    Source: MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381, section 3).
    """

    def __init__(
        self, inputs: int, outputs: int, *, expansion: int, kernel: int, stride: int, activation: type[nn.Module]
    ) -> None:
        super().__init__()
        inner = expansion * inputs
        self.layers = nn.Sequential(
            conv_norm(inputs, inner, 1, activation=activation),
            conv_norm(inner, inner, kernel, stride=stride, groups=inner, activation=activation),
            conv_norm(inner, outputs, 1, activation=None),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class MacroNASNetwork(nn.Module):
    """Stem, four stages separated by fixed MBConvs of stride 2, 1x1 convolution, and classifier.

    Parameters
    ----------
    genes : sequence of 14 int
    skeleton : MacroNASSkeleton
    """

    def __init__(self, genes: Sequence[int], skeleton: MacroNASSkeleton) -> None:
        super().__init__()
        widths, act = skeleton.channels, nn.ReLU6
        self.stem = conv_norm(skeleton.image[0], widths[0], 3, activation=act)
        self.reductions = nn.ModuleList(
            MBConv(a, b, expansion=3, kernel=3, stride=2, activation=act) for a, b in itertools.pairwise(widths)
        )
        self.stages = nn.ModuleList(
            nn.Sequential(*(_macronas_layer(genes[layer], width) for layer in range(*span)))
            for span, width in zip(macronas.STAGES, widths, strict=True)
        )
        self.head = conv_norm(widths[-1], skeleton.head, 1, activation=act)
        self.classifier = classifier(skeleton.head, skeleton.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes) for images (batch, channels, height, width)."""
        x = self.stages[0](self.stem(images))
        for reduction, stage in zip(self.reductions, self.stages[1:], strict=True):
            x = stage(reduction(x))
        logits: Tensor = self.classifier(self.head(x))
        return logits


def _macronas_layer(gene: int, width: int) -> nn.Module:
    if gene == 0:
        return nn.Identity()
    expansion, kernel = MBCONVS[gene]
    return MBConv(width, width, expansion=expansion, kernel=kernel, stride=1, activation=nn.ReLU6)


class NASBenchMacroNetwork(nn.Module):
    """Stem, three stages whose first layer has stride 2, 1x1 convolution, and classifier.

    Parameters
    ----------
    genes : sequence of 8 int
    skeleton : NASBenchMacroSkeleton
    """

    def __init__(self, genes: Sequence[int], skeleton: NASBenchMacroSkeleton) -> None:
        super().__init__()
        self.stem = conv_norm(skeleton.image[0], skeleton.stem, 3)
        inputs, stages = skeleton.stem, []
        for (start, end), width in zip(nas_bench_macro.STAGES, skeleton.channels, strict=True):
            first = _macro_layer(genes[start], inputs, width, stride=2)
            others = (_macro_layer(genes[layer], width, width, stride=1) for layer in range(start + 1, end))
            stages.append(nn.Sequential(first, *others))
            inputs = width
        self.stages = nn.Sequential(*stages)
        self.head = conv_norm(inputs, skeleton.head, 1)
        self.classifier = classifier(skeleton.head, skeleton.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes) for images (batch, channels, height, width)."""
        logits: Tensor = self.classifier(self.head(self.stages(self.stem(images))))
        return logits


def _macro_layer(gene: int, inputs: int, outputs: int, *, stride: int) -> nn.Module:
    if gene == 0:
        return nn.Identity() if stride == 1 else conv_norm(inputs, outputs, 1, stride=stride, activation=None)
    expansion, kernel = MBCONVS[gene]
    return MBConv(inputs, outputs, expansion=expansion, kernel=kernel, stride=stride, activation=nn.ReLU)
