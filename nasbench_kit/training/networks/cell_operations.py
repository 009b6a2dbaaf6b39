"""The operations in spaces of cell pairs, as PyTorch modules.

Their costs are in `nasbench_kit.spaces.blocks.cell_operations`, under the same names.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasbench_kit.training.networks.layers import conv_norm

__all__ = ["FactorizedReduction", "make_operation", "relu_conv"]


def make_operation(name: str, inputs: int, outputs: int, stride: int) -> nn.Module:
    """Return an operation by name, from and to so many channels; at stride 2 it halves height and width."""
    return _MAKERS[name](inputs, outputs, stride)


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


def relu_conv(inputs: int, outputs: int) -> nn.Module:
    """Return ReLU, a 1x1 convolution and batch norm."""
    return nn.Sequential(nn.ReLU(), conv_norm(inputs, outputs, 1, activation=None))


def _conv(kernel: int, dilation: int, inputs: int, outputs: int, stride: int) -> nn.Module:
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation=dilation, bias=False),
        nn.BatchNorm2d(outputs),
    )


def _depthwise(kernel: int, dilation: int, inputs: int, outputs: int, stride: int) -> nn.Module:
    """Return ReLU, a depthwise convolution, a 1x1 convolution and batch norm."""
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(inputs, inputs, kernel, stride, padding, dilation=dilation, groups=inputs, bias=False),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
    )


def _separable(kernel: int, inputs: int, outputs: int, stride: int) -> nn.Module:
    return nn.Sequential(
        _depthwise(kernel, 1, inputs, outputs, stride),
        _depthwise(kernel, 1, outputs, outputs, 1),
    )


def _lines(kernel: int, inputs: int, outputs: int, stride: int) -> nn.Module:
    half = kernel // 2
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(inputs, outputs, (1, kernel), stride=(1, stride), padding=(0, half), bias=False),
        nn.Conv2d(outputs, outputs, (kernel, 1), stride=(stride, 1), padding=(half, 0), bias=False),
        nn.BatchNorm2d(outputs),
    )


def _max_pool(kernel: int, inputs: int, outputs: int, stride: int) -> nn.Module:
    return _projected(nn.MaxPool2d(kernel, stride, padding=kernel // 2), inputs, outputs)


def _avg_pool(kernel: int, inputs: int, outputs: int, stride: int) -> nn.Module:
    return _projected(nn.AvgPool2d(kernel, stride, padding=kernel // 2, count_include_pad=False), inputs, outputs)


def _projected(pool: nn.Module, inputs: int, outputs: int) -> nn.Module:
    return pool if inputs == outputs else nn.Sequential(pool, conv_norm(inputs, outputs, 1, activation=None))


def _skip(inputs: int, outputs: int, stride: int) -> nn.Module:
    if stride == 2:
        return FactorizedReduction(inputs, outputs)
    return nn.Identity() if inputs == outputs else relu_conv(inputs, outputs)


_MAKERS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "identity": _skip,
    "skip_connect": _skip,
    "avg_pool_3x3": functools.partial(_avg_pool, 3),
    **{f"max_pool_{k}x{k}": functools.partial(_max_pool, k) for k in (3, 5, 7)},
    **{f"conv_{k}x{k}": functools.partial(_conv, k, 1) for k in (1, 3)},
    "dilated_conv_3x3": functools.partial(_conv, 3, 2),
    **{f"sep_conv_{k}x{k}": functools.partial(_separable, k) for k in (3, 5, 7)},
    **{f"dil_conv_{k}x{k}": functools.partial(_depthwise, k, 2) for k in (3, 5)},
    "conv_1x3_3x1": functools.partial(_lines, 3),
    "conv_1x7_7x1": functools.partial(_lines, 7),
    "conv_7x1_1x7": functools.partial(_lines, 7),  # the same layers, as NSGA-Net names them
}
