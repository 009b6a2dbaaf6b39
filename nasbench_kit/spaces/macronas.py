"""MacroNAS (den Ottelander et al. 2020, arXiv 2004.08996): a chain of 14 layers in four stages."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import UnknownName
from nasbench_kit.spaces.chain import Chain
from nasbench_kit.spaces.mbconv import conv, head, mbconv
from nasbench_kit.spaces.space import Genotypes

__all__ = ["MacroNAS"]

STAGES = ((0, 4), (4, 8), (8, 12), (12, 14))  # layers of each stage
WIDTHS = (32, 64, 128, 256)
STEM, HEAD, IMAGE = 32, 1280, 32
_CLASSES = {"cifar10": 10, "cifar100": 100}


class MacroNAS(Chain):
    """The search space of MacroNAS: 4,782,969 genotypes, 208,537 networks.

    Genes are layers: 0 identity (I), 1 MBConv of expansion 3 and kernel 3, 2 MBConv of expansion 6 and kernel 5. The
    image is halved between the stages of 4, 4, 4 and 2 layers, so an identity can be dropped within its stage.

    Examples
    --------
    >>> space = MacroNAS()
    >>> space.decode(space.canonical(space.encode(["I1I2111122222I"])))
    ['12II111122222I']
    >>> space.cost(space.encode(["I" * 14]), "mmacs", dataset="cifar10")
    array([21.31])
    """

    def __init__(self) -> None:
        super().__init__(14, "I12", identity="I", spans=STAGES, name="macronas")

    def costs(self, dataset: str) -> tuple[str, ...]:
        """``params``, ``flops`` (multiply-adds of convolutions and classifier), and ``mmacs`` as published (1e6)."""
        if dataset not in _CLASSES:
            raise UnknownName(f"dataset of {self.name}", dataset, _CLASSES)
        return ("params", "flops", "mmacs")

    def _cost(self, rows: Genotypes, name: str, dataset: str) -> NDArray[Any]:
        fixed, by_layer = _additive(name, _CLASSES[dataset])
        total: NDArray[np.int64] = fixed + by_layer[np.arange(14), rows].sum(axis=1)
        return np.round(total / 1e6, 2) if name == "mmacs" else total


@cache
def _additive(cost: str, classes: int) -> tuple[int, NDArray[np.int64]]:
    """The cost outside the layers, and each layer's for each of its values: (14, 3)."""
    table = np.zeros((14, 3), dtype=np.int64)
    fixed, side = conv(cost, 27 * STEM, STEM, IMAGE), IMAGE
    for i, ((start, end), width) in enumerate(zip(STAGES, WIDTHS, strict=True)):
        if i:
            fixed += mbconv(cost, WIDTHS[i - 1], width, side, stride=2, expansion=3, kernel=3)
            side //= 2
        table[start:end, 1] = mbconv(cost, width, width, side, stride=1, expansion=3, kernel=3)
        table[start:end, 2] = mbconv(cost, width, width, side, stride=1, expansion=6, kernel=5)
    return fixed + head(cost, WIDTHS[-1], HEAD, side, classes), table
