"""Skeletons of networks in NSGA-Net's micro space.

They follow Lu et al. 2019, arXiv 1810.03522, section 3.1, and the authors' code, which is based on NASNet and DARTS: see
`nasbench_kit.spaces.blocks.cell_stack`.
"""

from __future__ import annotations

from nasbench_kit.spaces.blocks.cell_stack import CellStack

__all__ = ["SKELETONS"]

# The network of the authors' search for each dataset, and a small one for the digits dataset.
SKELETONS = {
    "cifar10": CellStack(image=(3, 32, 32), classes=10, channels=16, layers=8),
    "cifar100": CellStack(image=(3, 32, 32), classes=100, channels=16, layers=8),
    "ImageNet16-120": CellStack(image=(3, 16, 16), classes=120, channels=16, layers=8),
    "mnist": CellStack(image=(1, 28, 28), classes=10, channels=16, layers=8),
    "digits": CellStack(image=(1, 8, 8), classes=10, channels=4, layers=3),
}
