"""Parameters and multiply-adds of any module, counted on the module itself: written apart from the costs that they test."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="networks need torch")
nn = torch.nn


def params(network):
    return sum(parameter.numel() for parameter in network.parameters())


def costs(network, image, *, biases=False):
    """By name, what the spaces' costs are: parameters, and what is counted by hooks on one forward pass of one image.

    ``flops`` are the multiply-adds of convolutions and linear layers, of the latter with their biases where asked for;
    ``mmacs`` are what thop 0.0.31 counts, in millions.
    """
    flops, macs = [], []

    def count(module, inputs, output):
        flops.append(_multiply_adds(module, output, biases))
        macs.append(_thop(module, inputs, output))

    hooks = [module.register_forward_hook(count) for module in network.modules() if not list(module.children())]
    network.eval()
    with torch.no_grad():
        network(torch.zeros(1, *image))
    for hook in hooks:
        hook.remove()
    return {"params": params(network), "flops": sum(flops), "mmacs": round(sum(macs) / 1e6, 2)}


def _multiply_adds(module, output, biases):
    if isinstance(module, nn.Conv2d):
        return output.numel() * module.weight[0].numel()
    if isinstance(module, nn.Linear):
        return module.weight.numel() + (module.bias.numel() if biases else 0)
    return 0


def _thop(module, inputs, output):
    """Also batch norms and average pooling, and linear layers twice."""
    if isinstance(module, nn.BatchNorm2d):
        return 2 * output.numel()
    if isinstance(module, nn.AdaptiveAvgPool2d):
        return (inputs[0][0, 0].numel() + 1) * output.numel()
    return _multiply_adds(module, output, False) * (2 if isinstance(module, nn.Linear) else 1)
