"""Skeletons of networks in the space of DARTS; see `nasbench_kit.spaces.blocks.cell_stack`.

For images of 32x32 and 16x16 pixels, it has the 8 cells and 32 channels of the networks that were trained for
NAS-Bench-301 (Zela et al. 2022, arXiv 2008.09777). Liu et al. 2019, arXiv 1806.09055, search with 8 cells and 16
channels, and train what they find with 20 cells and 36 channels. Auxiliary heads are not part of the network.
"""

from __future__ import annotations

from nasbench_kit.spaces.blocks.cell_stack import CellStack

__all__ = ["SKELETONS"]

SKELETONS = {
    "cifar10": CellStack(image=(3, 32, 32), classes=10, channels=32, layers=8),
    "cifar100": CellStack(image=(3, 32, 32), classes=100, channels=32, layers=8),
    "ImageNet16-120": CellStack(image=(3, 16, 16), classes=120, channels=32, layers=8),
    "mnist": CellStack(image=(1, 28, 28), classes=10, channels=32, layers=8),
    "digits": CellStack(image=(1, 8, 8), classes=10, channels=4, layers=3),
}
