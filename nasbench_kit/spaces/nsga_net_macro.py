"""NSGA-Net's macro space (Lu et al. 2019, arXiv 1810.03522): three phases of six nodes."""

from __future__ import annotations

from nasbench_kit.spaces.staged_dag import StagedDAG

__all__ = ["NSGANetMacro"]


class NSGANetMacro(StagedDAG):
    """NSGA-Net's macro space: 2^48 genotypes, 11,967^3 = 1,713,783,168,063 networks.

    Genes are bits, three times 15 + 1 of them: the edges e12, e13, e23, e14, ... of a phase's six nodes, as in Genetic CNN,
    and one that joins the phase's input to its output. Without any edge a phase is its first convolution alone, and that bit
    says nothing.

    Examples
    --------
    >>> space = NSGANetMacro()
    >>> phase = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1]  # e12, e16, e26, e36, and input to output
    >>> space.encode([[phase, phase, phase]]).shape
    (1, 48)
    >>> space.networks
    1713783168063
    """

    def __init__(self) -> None:
        super().__init__((6, 6, 6), skip=True, name="nsga-net-macro")
