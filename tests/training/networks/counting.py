"""Parameters and multiply-adds of any module, counted on the module itself: written apart from the costs that they test."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="networks need torch")
nn = torch.nn


def params(network):
    return sum(parameter.numel() for parameter in network.parameters())


def multiply_adds(network, image, *, biases=False):
    """Of convolutions and linear layers for one image, by hooks on a forward pass."""
    return _count(network, image, lambda module, _, output: _multiply_adds(module, output, biases))


def thop(network, image):
    """What thop 0.0.31 counts: also batch norms and average pooling, and linear layers twice."""

    def figure(module, inputs, output):
        if isinstance(module, nn.BatchNorm2d):
            return 2 * output.numel()
        if isinstance(module, nn.AdaptiveAvgPool2d):
            return (inputs[0][0, 0].numel() + 1) * output.numel()
        return _multiply_adds(module, output, False) * (2 if isinstance(module, nn.Linear) else 1)

    return _count(network, image, figure)


def _multiply_adds(module, output, biases):
    if isinstance(module, nn.Conv2d):
        return output.numel() * module.weight[0].numel()
    if isinstance(module, nn.Linear):
        return module.weight.numel() + (module.bias.numel() if biases else 0)
    return 0


def _count(network, image, figure):
    counted = []
    hooks = [
        module.register_forward_hook(lambda *args: counted.append(figure(*args)))
        for module in network.modules()
        if not list(module.children())
    ]
    device = next(network.parameters()).device
    network.eval()
    with torch.no_grad():
        network(torch.zeros(1, *image, device=device))
    for hook in hooks:
        hook.remove()
    return sum(counted)
