"""What the proxies share: a copy to work on, its logits, and the layers whose weights they look at."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

__all__ = ["fresh_copy", "log", "logits_of", "weighted_layers", "without_batch_norm"]


def fresh_copy(network: nn.Module) -> nn.Module:
    """A copy in training mode, all of whose parameters carry gradients, whatever was frozen."""
    found = copy.deepcopy(network).train()
    for parameter in found.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    return found


def logits_of(network: nn.Module, images: Tensor) -> Tensor:
    """The logits (n, classes); of a pair the first, for the second is an auxiliary head's."""
    outputs = network(images)
    return outputs[0] if isinstance(outputs, (tuple, list)) else outputs


def weighted_layers(network: nn.Module) -> list[nn.Module]:
    """The convolutions and linear layers. Their weights, without biases and batch norms, are what Abdelfattah et al. score."""
    return [module for module in network.modules() if isinstance(module, (nn.modules.conv._ConvNd, nn.Linear))]


def without_batch_norm(network: nn.Module) -> nn.Module:
    """The same network with its batch norms passing on what they get. It is changed."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.forward = _as_it_is
    return network


def _as_it_is(x: Tensor) -> Tensor:
    return x


def log(value: float | Tensor) -> float:
    """The natural logarithm; ``-inf`` for 0, ``nan`` for what is negative or not a number."""
    number = float(value.detach()) if isinstance(value, torch.Tensor) else float(value)
    if number == 0:
        return -math.inf
    return math.log(number) if number > 0 else math.nan
