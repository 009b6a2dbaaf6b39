"""Accel-NASBench: blocks of inverted residuals, optionally with squeeze-and-excitation."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from nasbench_kit.spaces.accel_nasbench.cost import CHOICES, AccelNASBenchSkeleton, squeezed
from nasbench_kit.training.networks.layers import classifier, conv_norm

__all__ = ["AccelNASBenchNetwork"]


class AccelNASBenchNetwork(nn.Module):
    """Stem, seven blocks, 1x1 convolution, and classifier, with SiLU activations.

    The authors' dropout and stochastic depth, which act in training only, are left out.

    Parameters
    ----------
    genes : sequence of 28 int
    skeleton : AccelNASBenchSkeleton
    """

    def __init__(self, genes: Sequence[int], skeleton: AccelNASBenchSkeleton) -> None:
        super().__init__()
        inputs = skeleton.stem
        self.stem = conv_norm(skeleton.image[0], inputs, 3, stride=skeleton.stem_stride, activation=nn.SiLU)
        blocks = []
        for block, (choices, outputs, stride) in enumerate(
            zip(CHOICES, skeleton.channels, skeleton.strides, strict=True)
        ):
            expansion, kernel, layers, squeeze = (
                values[gene] for values, gene in zip(choices, genes[4 * block : 4 * block + 4], strict=True)
            )
            blocks.append(
                nn.Sequential(
                    *(
                        _Layer(
                            outputs if i else inputs,
                            outputs,
                            expansion=expansion,
                            kernel=kernel,
                            stride=1 if i else stride,
                            squeeze=bool(squeeze),
                        )
                        for i in range(layers)
                    )
                )
            )
            inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = conv_norm(inputs, skeleton.head, 1, activation=nn.SiLU)
        self.classifier = classifier(skeleton.head, skeleton.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes) for images (batch, channels, height, width)."""
        logits: Tensor = self.classifier(self.head(self.blocks(self.stem(images))))
        return logits


class _Layer(nn.Module):
    """1x1 expansion unless it is 1, depthwise convolution, squeeze-and-excitation, 1x1 projection, shortcut if it fits."""

    def __init__(self, inputs: int, outputs: int, *, expansion: int, kernel: int, stride: int, squeeze: bool) -> None:
        super().__init__()
        inner = expansion * inputs
        layers: list[nn.Module] = [conv_norm(inputs, inner, 1, activation=nn.SiLU)] if expansion > 1 else []
        layers.append(conv_norm(inner, inner, kernel, stride=stride, groups=inner, activation=nn.SiLU))
        if squeeze:
            layers.append(_SqueezeExcitation(inner, squeezed(inputs)))
        layers.append(conv_norm(inner, outputs, 1, activation=None))
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class _SqueezeExcitation(nn.Module):
    """Scales each channel by a function of all channels' means (Hu et al. 2018, arXiv 1709.01507)."""

    def __init__(self, channels: int, few: int) -> None:
        super().__init__()
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, few, 1),
            nn.SiLU(),
            nn.Conv2d(few, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        scale: Tensor = self.scale(x)
        return x * scale
