"""Costs of the layers that the macro benchmarks are made of: convolutions with batch norm, and MBConv of three of them.

``params`` counts parameters, ``flops`` multiply-adds of convolutions and classifier, ``mmacs`` what thop 0.0.31 counts: also 2
operations for each element of a batch norm, (h w + 1) for each channel that is pooled, and 2 for each weight of the classifier.
"""

from __future__ import annotations

from nasbench_kit.spaces.skeleton import area, halved

__all__ = ["conv", "head", "mbconv"]

Size = tuple[int, int]  # height and width


def conv(cost: str, weights: int, channels: int, size: Size) -> int:
    """A convolution of so many weights, with its output's channels and size, and its batch norm."""
    if cost == "params":
        return weights + 2 * channels
    return weights * area(size) + (2 * channels * area(size) if cost == "mmacs" else 0)


def mbconv(cost: str, inputs: int, outputs: int, size: Size, *, stride: int, expansion: int, kernel: int) -> int:
    """An MBConv at an input's size: 1x1 to the expanded channels, depthwise, 1x1 to the outputs."""
    inner, out = expansion * inputs, halved(size, stride)
    return (
        conv(cost, inputs * inner, inner, size)
        + conv(cost, kernel**2 * inner, inner, out)
        + conv(cost, inner * outputs, outputs, out)
    )


def head(cost: str, inputs: int, features: int, size: Size, classes: int) -> int:
    """A 1x1 convolution to the features, average pooling, and the classifier."""
    total = conv(cost, inputs * features, features, size)
    if cost == "params":
        return total + (features + 1) * classes
    if cost == "flops":
        return total + features * classes
    return total + (area(size) + 1) * features + 2 * features * classes
