"""Batches for training: the order of the images and their augmentation, both determined by the seed."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nasbench_kit.training.recipes import Recipe

__all__ = ["augmented", "cut_out", "epoch_generator", "image_order", "steps_an_epoch"]

_STREAMS = {"augmentation": 1, "network": 2}  # the image order is seeded separately


def image_order(seed: int, epoch: int, images: int) -> Tensor:
    """Return the image order of one epoch (from 0), (images,). It is the same for all networks with this seed."""
    generator = torch.Generator().manual_seed(1_000_003 * (seed + 1) + epoch)
    return torch.randperm(images, generator=generator)


def steps_an_epoch(images: int, batch_size: int) -> int:
    """Return the number of batches of an epoch. A last batch of one image is left out: batch norm cannot train on it."""
    steps, left = divmod(images, batch_size)
    return steps + (left > (1 if steps else 0))


def epoch_seed(seed: int, epoch: int, stream: str) -> int:
    """Return a seed for one epoch, so that it can be repeated without running the previous epochs."""
    return int(np.random.SeedSequence([seed, epoch, _STREAMS[stream]]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def epoch_generator(seed: int, epoch: int) -> torch.Generator:
    """Return the generator of an epoch's augmentation, on the CPU so that draws are the same for every device."""
    return torch.Generator().manual_seed(epoch_seed(seed, epoch, "augmentation"))


def augmented(images: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Crop and mirror images (n, channels, height, width) according to the recipe, before standardisation."""
    if recipe.augmentation == "none":
        return images
    count, _, height, width = images.shape
    border = height // 8
    top = torch.randint(2 * border + 1, (count, 1), generator=generator)
    left = torch.randint(2 * border + 1, (count, 1), generator=generator)
    mirrored = torch.rand(count, 1, generator=generator) < 0.5
    rows = top + torch.arange(height)
    columns = torch.where(mirrored, left + torch.arange(width).flip(0), left + torch.arange(width))
    rows, columns = rows.to(images.device), columns.to(images.device)
    padded = F.pad(images, (border, border, border, border))
    which = torch.arange(count, device=images.device)[:, None, None]
    # index arrays on both sides of a slice move the channels last
    return padded[which, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def cut_out(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Zero a randomly centred square of ``side`` pixels in each standardised image (DeVries and Taylor 2017)."""
    if not side:
        return images
    count, _, height, width = images.shape
    inside = []
    for length in (height, width):
        start = torch.randint(length, (count, 1), generator=generator) - side // 2
        pixels = torch.arange(length)
        inside.append((pixels >= start) & (pixels < start + side))
    square = (inside[0][:, :, None] & inside[1][:, None, :])[:, None].to(images.device)
    return images.masked_fill(square, 0)
