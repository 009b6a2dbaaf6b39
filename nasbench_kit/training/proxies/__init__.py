"""Training-free proxies: what an untrained network and one batch of images say about its accuracy. Higher is better in all."""

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

#: Each takes a copy of the network that it may spoil, images and labels, and draws from PyTorch's generator.
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
    """Training-free proxies of a network's accuracy, from one batch.

    All are computed in training mode, with the batch's own statistics in batch norms, unless the proxy says otherwise. On
    the CPU, with the same number of threads, the same seed gives the same bits, whichever proxies are asked for. Neither
    the network nor PyTorch's generators are changed.

    Parameters
    ----------
    network : nn.Module
        Gives logits (n, classes) for images, or a pair in training mode, whose second part is not looked at.
    images : Tensor or array_like, shape (n, channels, height, width)
        At least two, standardised as for training. ``synflow``, ``zen``, ``params`` and ``flops`` use their shape alone.
    labels : Tensor or array_like of int, shape (n,)
    names : sequence of str, optional
        Of `PROXIES`; all unless given.
    seed : int
        Of what a proxy or the network (dropout) draws. The initial weights are the network's own.

    Returns
    -------
    dict of str to float
        Higher promises more accuracy. ``nan`` where a proxy is not defined for the network, ``-inf`` for the logarithm of
        zero: a network whose output does not depend on its images has a ``synflow`` and a ``naswot`` of ``-inf``.

    Raises
    ------
    UnknownName
        A proxy that does not exist.
    ValueError
        Images and labels that do not fit.
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
    """Name, value and seconds of each proxy; see `proxies`. None makes use of what another has computed.

    The seconds are those of the computation, without copying the network.
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
            "a proxy takes at least two images (n, channels, height, width) and their labels (n,), "
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
    """The device and the floating type of a network; those of the CPU where it has no parameters."""
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.is_floating_point():
            return tensor.device, tensor.dtype
    return torch.device("cpu"), torch.get_default_dtype()
