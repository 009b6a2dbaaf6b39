"""Network size as a proxy of accuracy: a baseline that is hard to beat (Ning et al. 2021, arXiv 2008.03064)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nasbench_kit.training.proxies.layers import weighted_layers

__all__ = ["flops", "params"]


def params(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the number of parameters, including batch norms and unused layers: the cost ``params`` of the spaces."""
    return float(sum(parameter.numel() for parameter in network.parameters()))


def flops(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the multiply-adds of convolutions and linear layers per image, without biases, as the cost ``flops``.

    NAS-Bench-201's published values, and thus its cost on its datasets, also count the classifier's biases, one per
    class.
    """
    total = 0

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        # the first axis of a weight has the outputs, but for transposed convolutions the inputs
        each = inputs[0] if getattr(layer, "transposed", False) else output
        total += each.numel() * layer.weight[0].numel()

    for layer in weighted_layers(network):
        layer.register_forward_hook(count)
    with torch.no_grad():
        network.eval()(images[:1])
    return float(total)
