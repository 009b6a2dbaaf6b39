"""SynFlow: the total synaptic flow through a network's weights, computed without data."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nasbench_kit.training.proxies.layers import log, logits_of, weighted_layers, without_batch_norm

__all__ = ["synflow"]


def synflow(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the logarithm of the sum of ``|theta * dR/dtheta|``, where R is the sum of the logits of an image of ones.

    Tanaka et al. 2020 (arXiv 2006.05467), algorithm 1, applied to a whole network as in Abdelfattah et al. 2021 (arXiv
    2101.08134), section 3.2. All parameters are replaced by their absolute values, so that nothing cancels, and the sum
    is over the weights of convolutions and linear layers. As in Abdelfattah's code, batch norms are skipped, since they
    would only scale (the later variant that keeps them, ``synflow_bn``, is a different proxy). Dropout is off. The
    computation uses float64 and one image. As in NASLib, the result is the logarithm, which preserves the order: the
    sum itself grows by a factor per layer, up to 1e50 in these spaces.

    Bounded activations such as ReLU6 would block the gradient once absolute weights push them beyond their bound. The
    bound is removed here, which gives the ReLU that the definition assumes.
    """
    network = without_batch_norm(network).double().eval()
    for module in network.modules():
        if isinstance(module, nn.Hardtanh) and module.min_val == 0:  # ReLU6 is one
            module.forward = torch.relu
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    weights = [layer.weight for layer in weighted_layers(network)]
    flow = logits_of(network, torch.ones_like(images[:1], dtype=torch.float64)).sum()
    if not weights or not flow.requires_grad:
        return log(0.0)
    gradients = torch.autograd.grad(flow, weights, allow_unused=True)
    terms = [(w.detach() * g).abs().sum() for w, g in zip(weights, gradients, strict=True) if g is not None]
    return log(torch.stack(terms).sum()) if terms else log(0.0)
