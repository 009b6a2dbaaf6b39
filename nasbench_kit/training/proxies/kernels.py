"""Proxies that measure how well an untrained network distinguishes images, by its Jacobian or its ReLU codes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from nasbench_kit.training.proxies.layers import logits_of

__all__ = ["jacob_cov", "naswot"]

JACOBIAN_SHIFT = 1e-5  # Mellor et al. 2020, version 1: k


def jacob_cov(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Score how uncorrelated the images' gradients are: ``-sum(log(v + k) + 1 / (v + k))``.

    Mellor et al. 2020, first version (arXiv 2006.04647v1), section 3, with k = 1e-5. Row i of the Jacobian is the
    gradient of the sum of image i's logits with respect to its pixels, and v are the eigenvalues of the correlation
    matrix of the rows. As in the authors' code, all rows come from one backward pass, so that with batch norms the row
    of an image also contains gradients of the other images' logits. If there are at least as many images as values per
    image, the matrix is singular and the term 1 / k dominates; use fewer images then.

    ``nan`` if the gradient of an image is constant, as in a network that ignores its images.
    """
    x = images.detach().clone().requires_grad_()
    total = logits_of(network, x.clone()).sum()  # a clone, as the first layer may work in place
    if not total.requires_grad:
        return math.nan
    (gradient,) = torch.autograd.grad(total, x, allow_unused=True)
    if gradient is None:
        return math.nan
    rows: NDArray[np.float64] = gradient.detach().double().cpu().flatten(1).numpy()
    centred = rows - rows.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    if not np.isfinite(length).all() or not (length > 0).all():
        return math.nan
    unit = centred / length
    v = np.linalg.eigvalsh(unit @ unit.T) + JACOBIAN_SHIFT
    return float(-(np.log(v) + 1 / v).sum())


def naswot(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the log-determinant of the kernel of ReLU codes, which measures how well they separate the images.

    Mellor et al. 2021 (arXiv 2006.04647v3), section 3: an image's code has one bit per ReLU unit, which is 1 if its
    input is above 0. The kernel of two images is the number of units minus the Hamming distance of their codes.

    Every ReLU and ReLU6 counts, whether a module or a function; implementations that hook modules miss functions. Other
    activations do not count. ``nan`` if there is no ReLU, ``-inf`` if the kernel is singular, e.g. because two images
    have the same code.
    """
    codes = _ReLUCodes(len(images))
    with torch.no_grad(), codes:
        network(images)
    if not codes.units:
        return math.nan
    v = np.linalg.eigvalsh(codes.kernel.cpu().numpy())
    if v[0] <= v[-1] * len(v) * np.finfo(np.float64).eps:
        return -math.inf
    return float(np.log(v).sum())


class _ReLUCodes(TorchDispatchMode):
    """Accumulate the kernel (images, images) over all ReLUs that run within the context."""

    def __init__(self, images: int) -> None:
        super().__init__()
        self.images, self.units = images, 0
        self.kernel: Any = torch.zeros(images, images, dtype=torch.float64)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        aten = torch.ops.aten
        relu = func in (aten.relu.default, aten.relu_.default)
        relu6 = func in (aten.hardtanh.default, aten.hardtanh_.default) and len(args) > 1 and args[1] == 0
        if (relu or relu6) and output.dim() > 1 and len(output) == self.images:
            active = (output > 0).flatten(1).double()  # output > 0 wherever input > 0
            count, both = active.sum(dim=1), active @ active.T
            self.kernel = self.kernel.to(both.device) + active.shape[1] - count[:, None] - count + 2 * both
            self.units += active.shape[1]
        return output
