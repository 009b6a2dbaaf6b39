"""Train many small networks at once, each as if it were trained alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from nasbench_kit.training.batches import image_order, steps_an_epoch
from nasbench_kit.training.datasets import PARTS, Dataset
from nasbench_kit.training.optimisers import make_optimiser
from nasbench_kit.training.recipes import Recipe, learning_rate
from nasbench_kit.training.stacks.recording import NotStackable
from nasbench_kit.training.stacks.stack import Stack

__all__ = ["check_recipe", "train_stack"]

EVALUATED_AT_ONCE = 250  # images


def train_stack(
    networks: Sequence[Sequence[nn.Module]],
    data: Dataset,
    recipe: Recipe,
    seeds: Sequence[int],
    *,
    device: str = "cpu",
) -> dict[str, NDArray[np.float64]]:
    """Train networks with every seed, and evaluate them after every epoch.

    Everything is done as by `train` without mixed precision. The results are the same up to rounding, which depends on what
    is trained beside a network: the same stack gives the same bits on the CPU, with the same number of threads.

    Parameters
    ----------
    networks : sequence of n sequences of modules
        The networks of each architecture, one for each seed, with their initial weights. They are not modified.
    data : Dataset
    recipe : Recipe
        Without augmentation, cutout, clipping and auxiliary heads.
    seeds : sequence of int
        The training seeds, which determine the order of the images.
    device : str
        ``cpu``, ``cuda``, ``cuda:1``, ...

    Returns
    -------
    dict of str to ndarray, each (n, epochs, seeds)
        ``train_accuracy``, ``valid_accuracy``, ``test_accuracy`` (percent) and ``train_loss``, ... (mean cross-entropy,
        nats), in evaluation mode; ``nan`` if the dataset has no such part.

    Raises
    ------
    NotStackable
        If the recipe, or a network, cannot be stacked.
    """
    check_recipe(recipe)
    where = torch.device(device)
    stack = Stack(networks, data.shape, where, recipe.norm_momentum, recipe.norm_epsilon)
    if stack.steps[-1].shape != (data.classes,):
        raise NotStackable(f"the networks do not return logits of {data.classes} classes")
    images = _standardised(data, stack.dtype).to(where)
    labels = torch.from_numpy(data.labels).to(where)
    parts = {part: torch.from_numpy(data.part(part)).to(where) for part in PARTS}
    optimiser = make_optimiser(stack.parameters, recipe)
    shape = (len(networks), recipe.epochs, len(seeds))
    results = {f"{part}_{metric}": np.full(shape, np.nan) for part in PARTS for metric in ("accuracy", "loss")}
    for epoch in range(recipe.epochs):
        _train_epoch(stack, optimiser, recipe, epoch, seeds, images, labels, parts["train"])
        kept: dict[int, Tensor] = {}
        for part, chosen in parts.items():
            if len(chosen):
                accuracy, loss = _evaluated(stack, images[..., chosen], labels[chosen], kept)
                results[f"{part}_accuracy"][:, epoch] = accuracy.view(shape[0], shape[2]).cpu().numpy()
                results[f"{part}_loss"][:, epoch] = loss.view(shape[0], shape[2]).cpu().numpy()
    return results


def check_recipe(recipe: Recipe) -> None:
    """Raise NotStackable if a stack cannot follow the recipe."""
    for name, none in (("augmentation", "none"), ("cutout", 0), ("clip", 0), ("auxiliary", 0)):
        if getattr(recipe, name) != none:
            raise NotStackable(f"networks cannot be trained in a stack with {name} {getattr(recipe, name)!r}")


def _standardised(data: Dataset, dtype: torch.dtype) -> Tensor:
    """Return all images, standardised: (channels, height, width, images)."""
    mean, std = (torch.from_numpy(values).to(dtype).view(-1, 1, 1) for values in (data.mean, data.std))
    return ((torch.from_numpy(data.images).to(dtype) - mean) / std).permute(1, 2, 3, 0).contiguous()


def _train_epoch(
    stack: Stack,
    optimiser: torch.optim.Optimizer,
    recipe: Recipe,
    epoch: int,
    seeds: Sequence[int],
    images: Tensor,
    labels: Tensor,
    part: Tensor,
) -> None:
    orders = torch.stack([part[image_order(seed, epoch, len(part)).to(part.device)] for seed in seeds])
    batches = orders.split(recipe.batch_size, dim=1)[: steps_an_epoch(len(part), recipe.batch_size)]
    for number, batch in enumerate(batches):
        step = epoch * len(batches) + number
        optimiser.param_groups[0]["lr"] = learning_rate(recipe, step, recipe.epochs, len(batches))
        logits = stack.logits(images[..., batch].permute(3, 0, 1, 2, 4).contiguous(), training=True)
        targets = labels[batch].repeat(len(logits) // len(seeds), 1)
        losses = F.cross_entropy(logits, targets, reduction="none", label_smoothing=recipe.label_smoothing)
        optimiser.zero_grad()
        losses.mean(dim=1).sum().backward()
        optimiser.step()


def _evaluated(stack: Stack, images: Tensor, labels: Tensor, kept: dict[int, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the accuracy (percent) and the mean loss of each network, each (networks,)."""
    with torch.no_grad():
        blocks = [block.expand(stack.seeds, *block.shape) for block in images.split(EVALUATED_AT_ONCE, dim=3)]
        logits = torch.cat([stack.logits(block, training=False, kept=kept) for block in blocks], dim=2)
        losses = F.cross_entropy(logits, labels.repeat(len(logits), 1), reduction="none")
        hits = (logits.argmax(dim=1) == labels).sum(dim=1)
        return 100 * hits.double() / len(labels), losses.double().mean(dim=1)
