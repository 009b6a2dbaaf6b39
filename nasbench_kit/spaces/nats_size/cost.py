"""The fixed cell, skeleton and costs of NATS-Bench's size search space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.nb201.cost import EDGES, NONE, OPERATIONS, SKIP
from nasbench_kit.spaces.skeleton import Skeleton, area, halved

__all__ = ["CELL", "LAYERS", "SKELETONS", "NATSSizeSkeleton", "network_cost"]

# The operations on the edges of every cell, in NAS-Bench-201's order: the best cell of the topology space on CIFAR-100.
CELL = tuple(
    map(OPERATIONS.index, ("nor_conv_3x3", "nor_conv_3x3", "nor_conv_3x3", "skip_connect", *["nor_conv_3x3"] * 2))
)

# What each gene gives the output channels of; the stem has as many channels as the first cell.
LAYERS = ("cell", "reduction", "cell", "reduction", "cell")


@dataclass(frozen=True, kw_only=True)
class NATSSizeSkeleton(Skeleton):
    """The network whose widths are searched (Dong et al. 2021, section 3.2, and the authors' code).

    A stem, then cells and residual blocks of stride 2 in turn, as `LAYERS` lists them.

    Attributes
    ----------
    step : int
        Channels per gene value: a gene of value v gives its layer (v + 1) * step channels.
    """

    step: int = 8


# The published networks, and a small one for the digits dataset.
SKELETONS = {
    "cifar10": NATSSizeSkeleton(image=(3, 32, 32), classes=10),
    "cifar10-valid": NATSSizeSkeleton(image=(3, 32, 32), classes=10),
    "cifar100": NATSSizeSkeleton(image=(3, 32, 32), classes=100),
    "ImageNet16-120": NATSSizeSkeleton(image=(3, 16, 16), classes=120),
    "digits": NATSSizeSkeleton(image=(1, 8, 8), classes=10, step=2),
}


def network_cost(rows: Genotypes, name: str, skeleton: NATSSizeSkeleton) -> NDArray[np.int64]:
    """Compute ``"params"`` (count) or ``"flops"`` (multiply-adds of convolutions and classifier) in a skeleton.

    The published multiply-adds count the classifier's biases, as do these.

    Parameters
    ----------
    rows : ndarray of uint8, shape (n, 5)
    name : {"params", "flops"}
    skeleton : NATSSizeSkeleton

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    widths = (rows.astype(np.int64) + 1) * skeleton.step
    size, first, last = skeleton.size, widths[:, 0], widths[:, -1]
    conv = _params if name == "params" else _multiply_adds
    total = conv(9 * skeleton.image[0] * first, first, area(size)) + (last + 1) * skeleton.classes
    if name == "params":
        total += 2 * last  # the batch norm before the classifier
    inputs = first
    for layer, outputs in zip(LAYERS, widths.T, strict=True):
        if layer == "reduction":
            size = halved(size)
            total += conv(9 * inputs * outputs, outputs, area(size)) + conv(9 * outputs**2, outputs, area(size))
            total += conv(inputs * outputs, 0 * outputs, area(size))  # the shortcut has no batch norm
        else:
            total += _cell(conv, inputs, outputs, area(size))
        inputs = outputs
    return total


Ints = NDArray[np.int64]
Conv = Callable[[Ints, Ints, int], Ints]


def _cell(conv: Conv, inputs: Ints, outputs: Ints, pixels: int) -> Ints:
    """Cost of a cell. Edges from its input change the channels, for which a skip needs a convolution."""
    total = np.zeros_like(outputs)
    for (source, _), operation in zip(EDGES, CELL, strict=True):
        arriving = inputs if source == 0 else outputs
        if operation == SKIP:
            total += np.where(arriving == outputs, 0, conv(arriving * outputs, outputs, pixels))
        elif operation != NONE:
            total += conv(9 * arriving * outputs, outputs, pixels)
    return total


def _params(weights: Ints, channels: Ints, pixels: int) -> Ints:
    """Parameters of a convolution and its batch norm."""
    return weights + 2 * channels


def _multiply_adds(weights: Ints, channels: Ints, pixels: int) -> Ints:
    return weights * pixels
