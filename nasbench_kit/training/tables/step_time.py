"""Measure the step time of networks trained alone, for tables whose networks are trained in stacks."""

from __future__ import annotations

import time

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.training.optimisers import make_optimiser
from nasbench_kit.training.setting import Setting

__all__ = ["step_seconds"]

TIMED_STEPS = 8


def step_seconds(setting: Setting, rows: Genotypes, seed: int) -> NDArray[np.float64]:
    """Return the seconds per optimiser step of each network alone in plain PyTorch, as the minimum of a few: (n,).

    Only for settings that can be stacked. Nothing else should run at the same time.
    """
    return np.array([_step_seconds(setting, row, seed) for row in rows])


def _step_seconds(setting: Setting, row: Genotypes, seed: int) -> float:
    network, data, recipe = setting.network(row, seed), setting.data, setting.recipe
    optimiser = make_optimiser(network.parameters(), recipe)
    batch = data.part("train")[: recipe.batch_size]
    images, labels = torch.from_numpy(data.images[batch]), torch.from_numpy(data.labels[batch])
    fastest = float("inf")
    for _ in range(TIMED_STEPS):
        start = time.perf_counter()
        optimiser.zero_grad()
        F.cross_entropy(network(images), labels).backward()
        optimiser.step()
        fastest = min(fastest, time.perf_counter() - start)
    return fastest
