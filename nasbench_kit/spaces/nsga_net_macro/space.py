"""NSGA-Net's macro space (Lu et al. 2019, arXiv 1810.03522): three phases of six nodes."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from nasbench_kit.spaces.blocks.staged_dag import StagedDAG
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.nsga_net_macro.cost import PHASES, SKELETONS, network_cost

__all__ = ["NSGANetMacro"]


class NSGANetMacro(StagedDAG):
    """NSGA-Net's macro space: 2^48 genotypes, 11,967^3 = 1,713,783,168,063 networks.

    The 3 * (15 + 1) genes are bits. For each phase there are the edges e12, e13, e23, e14, ... of its six nodes, as in
    Genetic CNN, and a bit that connects the phase's input to its output. A phase without edges consists only of its
    first convolution, and that last bit has no effect.

    Examples
    --------
    >>> space = NSGANetMacro()
    >>> phase = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1]  # e12, e16, e26, e36, and input to output
    >>> space.encode([[phase, phase, phase]]).shape
    (1, 48)
    >>> space.networks
    1713783168063
    >>> space.cost(space.encode([[phase, phase, phase]]), "params", dataset="cifar10")
    array([896298])
    """

    def __init__(self) -> None:
        super().__init__(PHASES, skip=True, name="nsga-net-macro")

    skeletons = SKELETONS

    def cost_rows(self, rows: Genotypes, name: str, skeleton: Any) -> NDArray[Any]:
        return network_cost(rows, name, skeleton)
