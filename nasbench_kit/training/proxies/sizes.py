"""The size of a network as a proxy of its accuracy: a baseline that is hard to beat (Ning et al. 2021, arXiv 2008.03064)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nasbench_kit.training.proxies.layers import weighted_layers

__all__ = ["flops", "params"]


def params(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The number of parameters, those of batch norms and unused layers included: the cost ``params`` of the spaces."""
    return float(sum(parameter.numel() for parameter in network.parameters()))


def flops(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The multiply-adds of convolutions and linear layers for one image, without biases: the cost ``flops`` of the spaces.

    NAS-Bench-201's published figures, and so its cost on its datasets, add the classifier's biases, one a class.
    """
    total = 0

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        # a weight's first axis are the outputs, of a transposed convolution the inputs
        each = inputs[0] if getattr(layer, "transposed", False) else output
        total += each.numel() * layer.weight[0].numel()

    for layer in weighted_layers(network):
        layer.register_forward_hook(count)
    with torch.no_grad():
        network.eval()(images[:1])
    return float(total)
