"""Trainings of one setting's genotypes, one after the other here or side by side in processes that stay for later ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nasbench_kit.errors import StoreError
from nasbench_kit.kernels.cores import usable_cores
from nasbench_kit.training.search.cache import COLUMNS
from nasbench_kit.training.setting import Setting
from nasbench_kit.training.trainer import Training, find_device, train
from nasbench_kit.training.workers import one_thread, worker_pool

__all__ = ["Job", "Jobs"]


@dataclass(frozen=True)
class Job:
    """One training, or the beginning of one.

    Attributes
    ----------
    genotype : tuple of int
    seed : int
    epochs : int
        Of the recipe's; the training is stopped after so many.
    checkpoint : str
        Where it goes on from, and is kept.
    """

    genotype: tuple[int, ...]
    seed: int
    epochs: int
    checkpoint: str


class Jobs:
    """Where trainings are done.

    On the CPU every training has one thread, here or in a process of its own, so that its values are the same bits. Worker
    processes are started with the first batch that has work for two, and stay until `close`, or until a batch fails.

    Parameters
    ----------
    setting : Setting
    device : str, optional
        As in `train`.
    processes : int, optional
        As many as there are cores unless given; on a GPU one.
    """

    def __init__(self, setting: Setting, device: str | None = None, processes: int | None = None) -> None:
        self.setting, self.device = setting, str(find_device(device))
        if processes is not None and processes < 1:
            raise ValueError(f"processes is at least 1, not {processes}")
        self.processes = processes or (usable_cores() if self.device == "cpu" else 1)
        self._stack = ExitStack()
        self._pool: Executor | None = None

    def run(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, NDArray[np.float64] | None]]:
        """Do trainings, and give each as soon as it is done: (epochs done, `COLUMNS`); None where memory was too small.

        Raises
        ------
        ChildProcessError
            Where a worker process was killed.
        StoreError
            A checkpoint that cannot be read or written.
        """
        if self.processes == 1 or len(jobs) < 2:
            for job in jobs:
                with one_thread():
                    done = _trained(self.setting, self.device, job)
                yield job, done
            return
        try:
            if self._pool is None:
                self._pool = self._stack.enter_context(worker_pool(self.processes, _start, (self.setting, self.device)))
            futures = {self._pool.submit(_train_in_worker, job): job for job in jobs}
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            self._pool = None
            self._stack.__exit__(*sys.exc_info())  # ends what is under way
            raise

    def close(self) -> None:
        """End the worker processes, which have nothing to do."""
        self._pool = None
        self._stack.close()


_worker: dict[str, Any] = {}  # of a worker process: what all its jobs have in common


def _start(setting: Setting, device: str) -> None:
    _worker.update(setting=setting, device=device)


def _train_in_worker(job: Job) -> NDArray[np.float64] | None:
    return _trained(_worker["setting"], _worker["device"], job)


def _trained(setting: Setting, device: str, job: Job) -> NDArray[np.float64] | None:
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
            training = once()  # another search has just finished this training, and removed its checkpoint
    except torch.cuda.OutOfMemoryError:
        return None
    values = {**training.metrics, "seconds": training.seconds}
    return np.stack([values[name] for name in COLUMNS], axis=1)
