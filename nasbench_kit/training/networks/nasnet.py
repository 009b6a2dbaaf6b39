"""The NASNet space: a chain of normal and reduction cells."""

from __future__ import annotations

from collections.abc import Sequence

from nasbench_kit.spaces.blocks.cell_stack import CellStack
from nasbench_kit.spaces.nasnet.space import NASNet
from nasbench_kit.training.networks.cell_stack import CellStackNetwork

__all__ = ["NASNetNetwork"]


class NASNetNetwork(CellStackNetwork):
    """Stem, chain of cells, and classifier.

    Parameters
    ----------
    genes : sequence of 50 int
    skeleton : CellStack
    """

    def __init__(self, genes: Sequence[int], skeleton: CellStack) -> None:
        super().__init__(NASNet().cells(genes), skeleton)
