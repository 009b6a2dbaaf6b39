"""Parameters and multiply-adds of the operations in spaces of cell pairs.

An operation turns an input of some channels and size into an output of the cell's channels. Convolutions come after
ReLU, have no bias, and are followed by batch norm. Where an operation without weights has to change the number of
channels, it is followed by a 1x1 convolution and batch norm. The PyTorch modules of the same names are in
`nasbench_kit.training.networks.cell_operations`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from nasbench_kit.spaces.skeleton import area, halved

__all__ = ["operation_cost"]

Size = tuple[int, int]
Cost = tuple[int, int]  # parameters, multiply-adds


def operation_cost(name: str, inputs: int, outputs: int, stride: int, size: Size) -> Cost:
    """Parameters and multiply-adds of an operation.

    Parameters
    ----------
    name : str
        A name in the operations of a space, such as ``"sep_conv_3x3"``.
    inputs, outputs : int
        Channels.
    stride : int
        1 or 2.
    size : tuple of int
        Height and width of the input.
    """
    return _COSTS[name](inputs, outputs, stride, size)


def _conv(kernel: int, inputs: int, outputs: int, stride: int, size: Size) -> Cost:
    weights = kernel**2 * inputs * outputs
    return weights + 2 * outputs, weights * area(halved(size, stride))


def _pool(inputs: int, outputs: int, stride: int, size: Size) -> Cost:
    return (0, 0) if inputs == outputs else _conv(1, inputs, outputs, stride, size)


def _skip(inputs: int, outputs: int, stride: int, size: Size) -> Cost:
    # a factorized reduction has as many weights and norms as the 1x1 convolution of stride 2
    return (0, 0) if stride == 1 and inputs == outputs else _conv(1, inputs, outputs, stride, size)


def _depthwise(kernel: int, inputs: int, outputs: int, stride: int, size: Size) -> Cost:
    weights = kernel**2 * inputs + inputs * outputs  # including the 1x1 convolution after it
    return weights + 2 * outputs, weights * area(halved(size, stride))


def _separable(kernel: int, inputs: int, outputs: int, stride: int, size: Size) -> Cost:
    first = _depthwise(kernel, inputs, outputs, stride, size)
    second = _depthwise(kernel, outputs, outputs, 1, halved(size, stride))
    return first[0] + second[0], first[1] + second[1]


def _lines(kernel: int, inputs: int, outputs: int, stride: int, size: Size) -> Cost:
    # the first convolution halves the width, the second the height
    height, width = halved(size, stride)
    first, second = kernel * inputs * outputs, kernel * outputs**2
    return first + second + 2 * outputs, first * size[0] * width + second * height * width


_COSTS: dict[str, Callable[[int, int, int, Size], Cost]] = {
    "identity": _skip,
    "skip_connect": _skip,
    "avg_pool_3x3": _pool,
    **{f"max_pool_{k}x{k}": _pool for k in (3, 5, 7)},
    **{f"conv_{k}x{k}": functools.partial(_conv, k) for k in (1, 3)},
    "dilated_conv_3x3": functools.partial(_conv, 3),
    **{f"sep_conv_{k}x{k}": functools.partial(_separable, k) for k in (3, 5, 7)},
    **{f"dil_conv_{k}x{k}": functools.partial(_depthwise, k) for k in (3, 5)},
    "conv_1x3_3x1": functools.partial(_lines, 3),
    "conv_1x7_7x1": functools.partial(_lines, 7),
    "conv_7x1_1x7": functools.partial(_lines, 7),  # the same layers, as NSGA-Net names them
}
