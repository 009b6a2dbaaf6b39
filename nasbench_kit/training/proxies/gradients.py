"""Proxies from pruning: what the loss of one batch says about each weight, or about each feature map."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasbench_kit.training.proxies.layers import logits_of, weighted_layers

__all__ = ["fisher", "grad_norm", "grasp", "snip"]


def grad_norm(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The Euclidean norm of the loss's gradient by each layer's weights, summed over the layers.

    Abdelfattah et al. 2021 (arXiv 2101.08134), section 3.2: the sum of ``||dL/dtheta||`` after one batch, L the mean
    cross-entropy. As in their code, the norm is that of each convolution's or linear layer's weights, without biases and
    batch norms.
    """
    _, gradients = _weights_and_gradients(network, images, labels)
    return sum((float(gradient.double().norm()) for gradient in gradients), 0.0)


def snip(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """How much the loss changes, to first order, as each weight is taken out: the sum of ``|theta * dL/dtheta|``.

    Lee, Ajanthan and Torr 2019 (arXiv 1810.02340), section 4, without their normalisation; summed over a network's
    weights as in Abdelfattah et al. 2021, section 3.2. Convolutions and linear layers, without biases and batch norms.
    """
    weights, gradients = _weights_and_gradients(network, images, labels)
    return sum((float((w.double() * g.double()).abs().sum()) for w, g in zip(weights, gradients, strict=True)), 0.0)


def grasp(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """How much the gradient's norm changes, to first order, as each weight is taken out: the sum of ``-(H g) * theta``.

    Wang, Zhang and Grosse 2020 (arXiv 2002.07376), section 4, with the sign and the sum of Abdelfattah et al. 2021,
    section 3.2: H is the Hessian and g the gradient of the mean cross-entropy of one batch, both by the weights of
    convolutions and linear layers. Implementations that keep Wang's temperature of 200, or draw the two gradients from two
    batches, give other values; here the temperature is 1 and the batch is one.
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
    """How much the loss changes, to second order, as each channel is taken out: half the mean square of ``z . dL/dz``.

    Theis et al. 2018 (arXiv 1801.05787), as Turner et al. 2020 (arXiv 1906.04113) score blocks and Abdelfattah
    et al. 2021, section 3.2, whole networks: for every channel of what a convolution or linear layer gives, the product of
    activation and gradient is summed over an image's pixels, squared, averaged over the images and halved; then all
    channels of all layers are summed. The activations are those before batch norm; the classifier's logits count too.
    """
    outputs: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        outputs.append(output)
        return output.clone()  # what comes next may work in place

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
    """The weights of all layers and the loss's gradients by them, zeros where a weight has no part in the loss."""
    weights = [layer.weight for layer in weighted_layers(network)]
    loss = _loss(network, images, labels)
    if not weights or not loss.requires_grad:
        return [], []
    gradients = torch.autograd.grad(loss, weights, allow_unused=True)
    found = [torch.zeros_like(w) if g is None else g for w, g in zip(weights, gradients, strict=True)]
    return [weight.detach() for weight in weights], found
