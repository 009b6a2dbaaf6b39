"""Proxies from the pruning literature: the saliency of weights or feature maps for the loss of one batch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasbench_kit.training.proxies.layers import logits_of, weighted_layers

__all__ = ["fisher", "grad_norm", "grasp", "snip"]


def grad_norm(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the sum over layers of the Euclidean norm of the loss gradient with respect to the layer's weights.

    Abdelfattah et al. 2021 (arXiv 2101.08134), section 3.2: the sum of ``||dL/dtheta||`` for one batch, where L is the
    mean cross-entropy. As in their code, only the weights of convolutions and linear layers count, without biases and
    batch norms.
    """
    _, gradients = _weights_and_gradients(network, images, labels)
    return sum((float(gradient.double().norm()) for gradient in gradients), 0.0)


def snip(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the first-order change of the loss when weights are removed: the sum of ``|theta * dL/dtheta|``.

    Lee, Ajanthan and Torr 2019 (arXiv 1810.02340), section 4, without their normalisation, and summed over a network's
    weights as in Abdelfattah et al. 2021, section 3.2. Only the weights of convolutions and linear layers count,
    without biases and batch norms.
    """
    weights, gradients = _weights_and_gradients(network, images, labels)
    return sum((float((w.double() * g.double()).abs().sum()) for w, g in zip(weights, gradients, strict=True)), 0.0)


def grasp(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the first-order change of the gradient norm when weights are removed: the sum of ``-(H g) * theta``.

    Wang, Zhang and Grosse 2020 (arXiv 2002.07376), section 4, with the sign and the sum of Abdelfattah et al. 2021,
    section 3.2. H is the Hessian and g the gradient of the mean cross-entropy of one batch, both with respect to the
    weights of convolutions and linear layers. Here the temperature is 1, and there is a single batch. Implementations
    with Wang's temperature of 200, or with separate batches for the two gradients, give different values.
    """
    weights = [layer.weight for layer in weighted_layers(network)]
    loss = _loss(network, images, labels)
    if not weights or not loss.requires_grad:
        return 0.0
    gradients = torch.autograd.grad(loss, weights, create_graph=True, allow_unused=True)
    used = [gradient for gradient in gradients if gradient is not None and gradient.requires_grad]
    if not used:
        return 0.0
    product = torch.stack([(gradient * gradient.detach()).sum() for gradient in used]).sum()
    curved = torch.autograd.grad(product, weights, allow_unused=True)
    terms = (w.detach().double() * h.double() for w, h in zip(weights, curved, strict=True) if h is not None)
    return 0.0 - sum(float(term.sum()) for term in terms)


def fisher(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the second-order change of the loss when channels are removed: half the mean square of ``z . dL/dz``.

    Theis et al. 2018 (arXiv 1801.05787), applied to blocks by Turner et al. 2020 (arXiv 1906.04113) and to whole
    networks by Abdelfattah et al. 2021, section 3.2. For every output channel of a convolution or linear layer, the
    product of activation and gradient is summed over the pixels of an image, squared, averaged over the images and
    halved. The result is the sum over all channels of all layers. Activations are taken before batch norm and include
    the logits.
    """
    outputs: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        outputs.append(output)
        return output.clone()  # the next layer may work in place

    for layer in weighted_layers(network):
        layer.register_forward_hook(keep)
    loss = _loss(network, images, labels)
    if not outputs:
        return 0.0
    total = 0.0
    for z, gradient in zip(outputs, torch.autograd.grad(loss, outputs, allow_unused=True), strict=True):
        if gradient is not None:
            saliency = (z.detach().double() * gradient.double()).flatten(2 if z.dim() > 2 else 1)
            per_channel = saliency.sum(dim=2) if z.dim() > 2 else saliency
            total += float(per_channel.square().mean(dim=0).sum()) / 2
    return total


def _loss(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits_of(network, images), labels)


def _weights_and_gradients(network: nn.Module, images: Tensor, labels: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Return the weights of all layers and their loss gradients, zero for weights that do not affect the loss."""
    weights = [layer.weight for layer in weighted_layers(network)]
    loss = _loss(network, images, labels)
    if not weights or not loss.requires_grad:
        return [], []
    gradients = torch.autograd.grad(loss, weights, allow_unused=True)
    found = [torch.zeros_like(w) if g is None else g for w, g in zip(weights, gradients, strict=True)]
    return [weight.detach() for weight in weights], found
