"""Helpers shared by the proxies: a working copy, its logits, and the layers with weights."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

__all__ = ["fresh_copy", "log", "logits_of", "weighted_layers", "without_batch_norm"]


def fresh_copy(network: nn.Module) -> nn.Module:
    """Return a copy in training mode in which all parameters require gradients, even frozen ones."""
    found = copy.deepcopy(network).train()
    for parameter in found.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    return found


def logits_of(network: nn.Module, images: Tensor) -> Tensor:
    """Return the logits (n, classes); the second element of a pair belongs to an auxiliary head."""
    outputs = network(images)
    return outputs[0] if isinstance(outputs, (tuple, list)) else outputs


def weighted_layers(network: nn.Module) -> list[nn.Module]:
    """Return the convolutions and linear layers, whose weights without biases are scored by Abdelfattah et al."""
    return [module for module in network.modules() if isinstance(module, (nn.modules.conv._ConvNd, nn.Linear))]


def without_batch_norm(network: nn.Module) -> nn.Module:
    """Replace the batch norms of a network by the identity, in place, and return it."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.forward = _as_it_is
    return network


def _as_it_is(x: Tensor) -> Tensor:
    return x


def log(value: float | Tensor) -> float:
    """Return the natural logarithm, ``-inf`` for 0, and ``nan`` for negative values or ``nan``."""
    number = float(value.detach()) if isinstance(value, torch.Tensor) else float(value)
    if number == 0:
        return -math.inf
    return math.log(number) if number > 0 else math.nan
