"""Skeletons of networks in the NASNet space; see `nasbench_kit.spaces.blocks.cell_stack`.

Zoph et al. 2018, arXiv 1707.07012, section 3 and appendix A, and the authors' code (``cifar_config`` of
tensorflow/models, slim/nets/nasnet): on CIFAR-10, 6 normal cells before, between and after two reduction cells, with
32 channels at first and a stem of three times as many.

What the paper leaves open is as in DARTS: both inputs of a cell are always projected, and an identity of stride 2 is a
factorized reduction. An operation that reads a concatenation reduces its channels by its own first convolution; pooling
and identity are followed or replaced by a 1x1 convolution. An unused concatenation adds all of its channels to the output.
"""

from __future__ import annotations

from nasbench_kit.spaces.blocks.cell_stack import CellStack

__all__ = ["SKELETONS"]

SKELETONS = {
    "cifar10": CellStack(image=(3, 32, 32), classes=10, channels=32, layers=20),
    "cifar100": CellStack(image=(3, 32, 32), classes=100, channels=32, layers=20),
    "ImageNet16-120": CellStack(image=(3, 16, 16), classes=120, channels=32, layers=20),
    "mnist": CellStack(image=(1, 28, 28), classes=10, channels=32, layers=20),
    "digits": CellStack(image=(1, 8, 8), classes=10, channels=4, layers=3),
}
