"""Layers shared by several networks: convolutions with batch norm, and the classifier."""

from __future__ import annotations

from torch import nn

__all__ = ["classifier", "conv_norm"]


def conv_norm(
    inputs: int,
    outputs: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = nn.ReLU,
) -> nn.Sequential:
    """Return a padded convolution without bias, batch norm, and an optional activation."""
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([activation()] if activation else []))


def classifier(inputs: int, classes: int) -> nn.Sequential:
    """Return global average pooling followed by a linear layer."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))
