"""The Zen-score: the sensitivity of a network with Gaussian weights to small changes of its images."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from nasbench_kit.training.proxies.layers import log, weighted_layers

__all__ = ["zen"]

STEP = 0.01  # Lin et al. 2021: alpha


def zen(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the log change of the last feature map under perturbed images, plus the log scale removed by batch norms.

    Lin et al. 2021 (arXiv 2102.01063), algorithm 1: ``log E ||f(x) - f(x + 0.01 e)|| + sum of log s``, where f is the
    network up to global pooling, x and e are images drawn from N(0, 1), and s is, for each batch norm, the root of the
    mean variance of its input channels. All weights are drawn from N(0, 1), biases are 0, and batch norms have their
    initial values.

    - f is the last four-dimensional tensor with more than one pixel, or the output if there is none.
    - The norm is the Frobenius norm, as in the paper; the authors' code sums absolute values.
    - Variances are those of the batch x, as in the paper; the authors' code uses running variances, which are mixed
      with their initial value of 1. Batch norms with constant input are skipped.
    - Residual connections are kept, as in other implementations for cells, where they cannot be identified; the paper
      removes them.
    - Only the shape of ``images`` is used. The score is a single draw; average over seeds to get the mean of the paper.

    ``-inf`` if the feature map does not depend on the images.
    """
    network = network.double()
    scale = _Scale()
    with torch.no_grad():
        for layer in weighted_layers(network):
            layer.weight.normal_()
            if layer.bias is not None:
                layer.bias.zero_()
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.weight is not None:
                module.weight.fill_(1.0)
                module.bias.zero_()
        x = torch.randn_like(images, dtype=torch.float64)
        near = x + STEP * torch.randn_like(x)
        hooks = [
            module.register_forward_pre_hook(scale)
            for module in network.modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm)
        ]
        feature = _feature_map(network, x)
        for hook in hooks:
            hook.remove()
        moved = (feature - _feature_map(network, near)).flatten(1).norm(dim=1).mean()
    return log(moved) + scale.log


class _Scale:
    """Accumulate the logarithms of the scales that batch norms divide by."""

    def __init__(self) -> None:
        self.log = 0.0

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0]
        variance = float(x.var(dim=[i for i in range(x.dim()) if i != 1], unbiased=False).mean())
        if variance > 0:
            self.log += log(variance) / 2


def _feature_map(network: nn.Module, images: Tensor) -> Tensor:
    with _LastFeatureMap() as seen:
        outputs = network(images)
    if seen.found is not None:
        return seen.found
    return outputs[0] if isinstance(outputs, (tuple, list)) else outputs


class _LastFeatureMap(TorchDispatchMode):
    """Keep the last four-dimensional tensor with more than one pixel created within the context."""

    found: Tensor | None = None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        first = output[0] if isinstance(output, (tuple, list)) and output else output
        if isinstance(first, torch.Tensor) and first.dim() == 4 and first.shape[2:].numel() > 1:
            self.found = first
        return output
