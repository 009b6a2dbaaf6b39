"""Costs of the layers of the macro benchmarks: convolutions with batch norm, MBConv blocks, and the head.

``params`` counts parameters; ``flops`` counts multiply-adds of the convolutions and the classifier; ``mmacs`` follows
thop 0.0.31, which also counts 2 operations per element of a batch norm and (h w + 1) per pooled channel, and 2 per
weight of the classifier.
"""

from __future__ import annotations

from nasbench_kit.spaces.skeleton import area, halved

__all__ = ["conv", "head", "mbconv"]

Size = tuple[int, int]  # height and width


def conv(cost: str, weights: int, channels: int, size: Size) -> int:
    """Cost of a convolution with this many weights, given its output channels and size, plus its batch norm."""
    if cost == "params":
        return weights + 2 * channels
    return weights * area(size) + (2 * channels * area(size) if cost == "mmacs" else 0)


def mbconv(cost: str, inputs: int, outputs: int, size: Size, *, stride: int, expansion: int, kernel: int) -> int:
    """Cost of an MBConv block: 1x1 expansion, depthwise convolution, 1x1 projection; ``size`` is the input size."""
    inner, out = expansion * inputs, halved(size, stride)
    return (
        conv(cost, inputs * inner, inner, size)
        + conv(cost, kernel**2 * inner, inner, out)
        + conv(cost, inner * outputs, outputs, out)
    )


def head(cost: str, inputs: int, features: int, size: Size, classes: int) -> int:
    """Cost of the head: 1x1 convolution to the features, average pooling, and the classifier."""
    total = conv(cost, inputs * features, features, size)
    if cost == "params":
        return total + (features + 1) * classes
    if cost == "flops":
        return total + features * classes
    return total + (area(size) + 1) * features + 2 * features * classes
