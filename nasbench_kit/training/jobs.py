"""Trainings of one setting's genotypes, one after the other here or side by side in processes that stay for later ones."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nasbench_kit.errors import StoreError
from nasbench_kit.training.cache import COLUMNS
from nasbench_kit.training.setting import Setting
from nasbench_kit.training.trainer import Training, find_device, train

__all__ = ["Job", "Workers"]


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


class Workers:
    """Where trainings are done.

    On the CPU every training has one thread, here or in a process of its own, so that its values are the same bits. Worker
    processes are started with the first batch that has work for two, and end when this object is closed or its process does,
    whatever ends it.

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
        self.processes = processes or ((os.cpu_count() or 1) if self.device == "cpu" else 1)
        self._pool: ProcessPoolExecutor | None = None
        self._life: Connection | None = None  # workers live as long as it is open

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
                yield job, _train_here(self.setting, self.device, job)
            return
        try:
            with _interrupts_held():
                pool = self._started()
                futures = {pool.submit(_train_in_worker, job): job for job in jobs}
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            self.close()
            raise ChildProcessError(
                "a worker process was killed, perhaps for want of memory; what was trained is kept: start again, with fewer "
                "processes"
            ) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the worker processes, with what they are at."""
        if self._life is not None:
            self._life.close()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = self._life = None

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            held, self._life = context.Pipe(duplex=False)
            self._pool = ProcessPoolExecutor(
                self.processes, context, initializer=_start, initargs=(self.setting, self.device, held)
            )
        return self._pool


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C waits, and processes that are started meanwhile never see it: ending them is their parent's business."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_worker: dict[str, Any] = {}  # of a worker process: what all its jobs have in common


def _start(setting: Setting, device: str, held: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    _worker.update(setting=setting, device=device)
    threading.Thread(target=_end_with, args=(held,), daemon=True).start()


def _end_with(held: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        held.recv_bytes()  # nothing is ever sent: this returns when the other end is closed, if only by the system
    os._exit(1)


def _train_in_worker(job: Job) -> NDArray[np.float64] | None:
    return _trained(_worker["setting"], _worker["device"], job)


def _train_here(setting: Setting, device: str, job: Job) -> NDArray[np.float64] | None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _trained(setting, device, job)
    finally:
        torch.set_num_threads(threads)


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
