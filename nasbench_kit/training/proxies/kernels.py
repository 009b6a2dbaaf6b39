"""Proxies of how differently an untrained network treats different images: by its Jacobian, or by its ReLUs."""

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
    """How little the images' gradients are correlated: ``-sum(log(v + k) + 1 / (v + k))``, v the correlations' eigenvalues.

    Mellor et al. 2020, first version (arXiv 2006.04647v1), section 3, with k = 1e-5: row i of the Jacobian is the
    gradient of the sum of image i's logits by its pixels, and the matrix is that of the correlations between rows. As in
    the authors' code all rows come from one backward pass, so that through batch norms an image's row has the gradient of
    the other images' logits too. With as many images as an image has values the matrix is singular; then 1 / k outweighs
    all else, and fewer images say more.

    ``nan`` where the gradient of some image has no variation, as in a network that does not look at its images.
    """
    x = images.detach().clone().requires_grad_()
    total = logits_of(network, x.clone()).sum()  # a clone: the network may begin with what works in place
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
    """The log-determinant of the kernel of ReLU codes: how well they tell the images of a batch apart.

    Mellor et al. 2021 (arXiv 2006.04647v3), section 3: an image's code has one bit for every ReLU unit, 1 where its input is
    above 0; the kernel of two images is the number of units minus the Hamming distance of their codes.

    All ReLU and ReLU6 count, whether they are modules or functions; implementations that hook modules miss functions. No
    other activation does. ``nan`` where there is none; ``-inf`` where the kernel is singular, as it is where two images have
    the same code.
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
    """Sums up the kernel (images, images) over all ReLUs that are run within."""

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
            active = (output > 0).flatten(1).double()  # the output is above 0 where the input is
            count, both = active.sum(dim=1), active @ active.T
            self.kernel = self.kernel.to(both.device) + active.shape[1] - count[:, None] - count + 2 * both
            self.units += active.shape[1]
        return output
