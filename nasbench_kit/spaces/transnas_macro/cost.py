"""Skeletons and costs of TransNAS-Bench-101's macro networks: modules of residual blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.transnas_micro.cost import TransNASSkeleton, stem_cost

__all__ = ["ABSENT", "BOTH", "DOUBLED", "HALVED", "SKELETONS", "network_cost"]

ABSENT, NORMAL, DOUBLED, HALVED, BOTH = range(5)  # values of a gene

SKELETONS = {
    "cifar10": TransNASSkeleton(image=(3, 32, 32), classes=10, base=16, stem_stride=1),
    "digits": TransNASSkeleton(image=(1, 8, 8), classes=10, base=2, stem_stride=1, blocks=1),
}


def network_cost(rows: Genotypes, name: str, skeleton: TransNASSkeleton) -> NDArray[np.int64]:
    """Compute ``"params"`` or ``"flops"`` (multiply-adds of convolutions and classifier) in a skeleton: (n,)."""
    fixed, (height, width) = stem_cost(name, skeleton)
    n = len(rows)
    total = np.full(n, fixed, dtype=np.int64)
    channels = np.full(n, skeleton.base, dtype=np.int64)
    heights, widths = np.full(n, height, dtype=np.int64), np.full(n, width, dtype=np.int64)
    for gene in rows.T:
        halves = (gene == HALVED) | (gene == BOTH)
        outputs = channels * np.where((gene == DOUBLED) | (gene == BOTH), 2, 1)
        heights, widths = np.where(halves, -(-heights // 2), heights), np.where(halves, -(-widths // 2), widths)
        pixels = heights * widths
        first = _block(name, channels, outputs, pixels, (outputs != channels) | halves)
        other = _block(name, outputs, outputs, pixels, np.zeros(n, dtype=np.bool_))
        total += np.where(gene == ABSENT, 0, first + (skeleton.blocks - 1) * other)
        channels = outputs
    return total + (channels + 1) * skeleton.classes - (0 if name == "params" else skeleton.classes)


def _block(
    name: str,
    inputs: NDArray[np.int64],
    outputs: NDArray[np.int64],
    pixels: NDArray[np.int64],
    shortcut: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Two 3x3 convolutions, and a 1x1 convolution on the shortcut where it is needed, with their batch norms."""
    weights = 9 * inputs * outputs + 9 * outputs**2 + shortcut * inputs * outputs
    norms = (2 + shortcut) * 2 * outputs
    return np.asarray(weights + norms if name == "params" else weights * pixels)
