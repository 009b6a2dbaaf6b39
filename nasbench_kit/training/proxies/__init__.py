"""Training-free proxies that estimate accuracy from an untrained network and one batch of images. Higher is better."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from nasbench_kit.errors import UnknownName
from nasbench_kit.training.proxies.gradients import fisher, grad_norm, grasp, snip
from nasbench_kit.training.proxies.kernels import jacob_cov, naswot
from nasbench_kit.training.proxies.layers import fresh_copy
from nasbench_kit.training.proxies.sizes import flops, params
from nasbench_kit.training.proxies.synflow import synflow
from nasbench_kit.training.proxies.zen import zen

__all__ = ["PROXIES", "proxies", "timed_proxies"]

#: Each takes a copy of the network that it may modify, images and labels, and draws from PyTorch's global generator.
PROXIES: dict[str, Callable[[nn.Module, Tensor, Tensor], float]] = {
    "synflow": synflow,
    "snip": snip,
    "grasp": grasp,
    "grad_norm": grad_norm,
    "fisher": fisher,
    "jacob_cov": jacob_cov,
    "naswot": naswot,
    "zen": zen,
    "params": params,
    "flops": flops,
}


def proxies(
    network: nn.Module,
    images: Tensor | ArrayLike,
    labels: Tensor | ArrayLike,
    names: Sequence[str] | None = None,
    *,
    seed: int = 0,
) -> dict[str, float]:
    """Compute training-free proxies of a network's accuracy from one batch.

    Unless documented otherwise, proxies are computed in training mode, so that batch norms use the statistics of the
    batch. On the CPU, with the same number of threads, results for a seed are bitwise reproducible, regardless of which
    other proxies are computed. Neither the network nor PyTorch's generators are changed.

    Parameters
    ----------
    network : nn.Module
        Maps images to logits (n, classes), or in training mode to a pair whose second element is ignored.
    images : Tensor or array_like, shape (n, channels, height, width)
        At least two images, standardised as for training. ``synflow``, ``zen``, ``params`` and ``flops`` only use their
        shape.
    labels : Tensor or array_like of int, shape (n,)
    names : sequence of str, optional
        Names from `PROXIES` (default: all).
    seed : int
        Seed of random draws by proxies or the network (dropout). The initial weights are those of the network.

    Returns
    -------
    dict of str to float
        Higher values predict higher accuracy. ``nan`` if a proxy is undefined for the network, ``-inf`` for the
        logarithm of zero: ``synflow`` and ``naswot`` are ``-inf`` if the output does not depend on the images.

    Raises
    ------
    UnknownName
        If a proxy does not exist.
    ValueError
        If images and labels do not match.
    """
    return {name: value for name, value, _ in timed_proxies(network, images, labels, names, seed=seed)}


def timed_proxies(
    network: nn.Module,
    images: Tensor | ArrayLike,
    labels: Tensor | ArrayLike,
    names: Sequence[str] | None = None,
    *,
    seed: int = 0,
) -> Iterator[tuple[str, float, float]]:
    """Yield name, value and seconds of each proxy; see `proxies`. No intermediate results are shared between proxies.

    The seconds do not include copying the network.
    """
    chosen = list(PROXIES) if names is None else list(names)
    for name in chosen:
        if name not in PROXIES:
            raise UnknownName("proxy", name, PROXIES)
    device, dtype = _place(network)
    x = torch.as_tensor(images).to(device, dtype)
    y = torch.as_tensor(labels).to(device, torch.int64)
    if x.dim() != 4 or len(x) < 2 or y.shape != (len(x),):
        raise ValueError(
            "a proxy needs at least two images (n, channels, height, width) and their labels (n,), "
            f"not {tuple(x.shape)} and {tuple(y.shape)}"
        )
    for name in chosen:
        spoilt = fresh_copy(network)
        start = time.perf_counter()
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch.enable_grad():
            torch.manual_seed(seed)
            value = PROXIES[name](spoilt, x, y)
        yield name, value, time.perf_counter() - start


def _place(network: nn.Module) -> tuple[torch.device, Any]:
    """Return the device and floating-point type of a network, by default the CPU's if it has no parameters."""
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.is_floating_point():
            return tensor.device, tensor.dtype
    return torch.device("cpu"), torch.get_default_dtype()
