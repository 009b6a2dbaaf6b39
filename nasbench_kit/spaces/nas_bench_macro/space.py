"""NAS-Bench-Macro (Su et al. 2021, arXiv 2103.11922): a chain of 8 layers in three stages."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from nasbench_kit.spaces.blocks.chain import Chain
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.nas_bench_macro.cost import SKELETONS, STAGES, network_cost

__all__ = ["NASBenchMacro"]


class NASBenchMacro(Chain):
    """The search space of NAS-Bench-Macro: 6,561 genotypes, 3,969 networks.

    Each gene is a layer: 0 identity, 1 MBConv of expansion 3 and kernel 3, 2 MBConv of expansion 6 and kernel 5. The
    first layer of each stage halves the image, so its identity is a 1x1 convolution of stride 2 and cannot be dropped;
    all other identities can.

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

    labels = ("identity", "MBConv e3 k3", "MBConv e6 k5")

    skeletons = SKELETONS

    def cost_rows(self, rows: Genotypes, name: str, skeleton: Any) -> NDArray[Any]:
        return network_cost(rows, name, skeleton)
