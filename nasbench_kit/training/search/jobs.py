"""The training jobs of a search: one genotype with one seed, in full or for its first epochs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nasbench_kit.errors import StoreError
from nasbench_kit.training.search.cache import COLUMNS
from nasbench_kit.training.setting import Setting
from nasbench_kit.training.trainer import Training, train

__all__ = ["TrainingJob", "trained"]


@dataclass(frozen=True)
class TrainingJob:
    """One training, in full or stopped early.

    Attributes
    ----------
    genotype : tuple of int
    seed : int
    epochs : int
        Epochs after which the training is stopped.
    checkpoint : str
        File that the training resumes from and is saved to.
    """

    genotype: tuple[int, ...]
    seed: int
    epochs: int
    checkpoint: str


def trained(setting: Setting, device: str, job: TrainingJob) -> NDArray[np.float64] | None:
    """Run a job and return its metrics (epochs done, `COLUMNS`), or None if memory ran out.

    Raises
    ------
    StoreError
        If the checkpoint cannot be read or written.
    """

    def once() -> Training:
        network = setting.network(job.genotype, job.seed)
        return train(
            network,
            setting.data,
            setting.recipe,
            seed=job.seed,
            device=device,
            stop_after=job.epochs,
            checkpoint=job.checkpoint,
        )

    try:
        try:
            training = once()
        except StoreError:
            if Path(job.checkpoint).exists():
                raise
            training = once()  # another search has just finished this training and removed its checkpoint
    except torch.cuda.OutOfMemoryError:
        return None
    values = {**training.metrics, "seconds": training.seconds}
    return np.stack([values[name] for name in COLUMNS], axis=1)
