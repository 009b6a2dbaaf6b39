"""NAS-Bench-Macro (Su et al. 2021, arXiv 2103.11922): a chain of 8 layers in three stages."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import UnknownName
from nasbench_kit.spaces.chain import Chain
from nasbench_kit.spaces.mbconv import conv, head, mbconv
from nasbench_kit.spaces.space import Genotypes

__all__ = ["STAGES", "NASBenchMacro"]

STAGES = ((0, 2), (2, 5), (5, 8))  # layers of each stage
WIDTHS = (64, 128, 256)
STEM, HEAD, IMAGE = 32, 1280, 32
_DATASETS = {"cifar10": 10}


class NASBenchMacro(Chain):
    """The search space of NAS-Bench-Macro: 6,561 genotypes, 3,969 networks.

    Genes are layers: 0 identity, 1 MBConv of expansion 3 and kernel 3, 2 MBConv of expansion 6 and kernel 5. The first
    layer of a stage halves the image, so its identity is a 1x1 convolution of stride 2 and cannot be dropped; the
    other identities of a stage can.

    Examples
    --------
    >>> space = NASBenchMacro()
    >>> space.decode(space.canonical(space.encode(["20102012"])))
    ['20120012']
    """

    def __init__(self) -> None:
        super().__init__(
            8, "012", identity="0", spans=[(start + 1, end) for start, end in STAGES], name="nas-bench-macro"
        )

    def costs(self, dataset: str) -> tuple[str, ...]:
        if dataset not in _DATASETS:
            raise UnknownName(f"dataset of {self.name}", dataset, _DATASETS)
        return ("params", "flops")

    def _cost(self, rows: Genotypes, name: str, dataset: str) -> NDArray[Any]:
        fixed, by_layer = _additive(name, _DATASETS[dataset])
        total: NDArray[np.int64] = fixed + by_layer[np.arange(8), rows].sum(axis=1)
        return total


@cache
def _additive(cost: str, classes: int) -> tuple[int, NDArray[np.int64]]:
    """The cost outside the layers, and each layer's for each of its values: (8, 3)."""
    table = np.zeros((8, 3), dtype=np.int64)
    inputs, side = STEM, IMAGE
    for (start, end), width in zip(STAGES, WIDTHS, strict=True):
        for layer in range(start, end):
            stride = 2 if layer == start else 1
            if layer == start:  # its identity is a 1x1 convolution of stride 2
                table[layer, 0] = conv(cost, inputs * width, width, side // 2)
            table[layer, 1] = mbconv(cost, inputs, width, side, stride=stride, expansion=3, kernel=3)
            table[layer, 2] = mbconv(cost, inputs, width, side, stride=stride, expansion=6, kernel=5)
            inputs, side = width, side // stride
    return conv(cost, 27 * STEM, STEM, IMAGE) + head(cost, inputs, HEAD, side, classes), table
