"""MacroNAS (den Ottelander et al. 2021, arXiv 2004.08996): a chain of 14 layers in four stages."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from nasbench_kit.spaces.blocks.chain import Chain
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.macronas.cost import SKELETONS, STAGES, network_cost

__all__ = ["MacroNAS"]


class MacroNAS(Chain):
    """The search space of MacroNAS: 4,782,969 genotypes, 208,537 networks.

    Each gene is a layer: 0 identity (I), 1 MBConv of expansion 3 and kernel 3, 2 MBConv of expansion 6 and kernel 5.
    The four stages have 4, 4, 4 and 2 layers. Downsampling takes place between stages, so identities can be dropped
    within a stage.

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

    cost_names = ("params", "flops", "mmacs")  # mmacs in millions, as published

    labels = ("identity", "MBConv e3 k3", "MBConv e6 k5")

    skeletons = SKELETONS

    def cost_rows(self, rows: Genotypes, name: str, skeleton: Any) -> NDArray[Any]:
        return network_cost(rows, name, skeleton)
