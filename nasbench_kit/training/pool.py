"""Many trainings side by side: one process and one core each, with the results that each would have alone."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any

from torch import nn

from nasbench_kit.training.datasets import Dataset
from nasbench_kit.training.recipes import Recipe
from nasbench_kit.training.trainer import Training, train
from nasbench_kit.training.workers import worker_pool

__all__ = ["train_many"]


def train_many(
    jobs: Sequence[tuple[nn.Module, int]],
    dataset: Dataset,
    recipe: Recipe | str,
    *,
    processes: int | None = None,
    checkpoints: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> list[Training]:
    """Train networks in worker processes on the CPU, each with one thread.

    The results do not depend on the number of processes: they are those of `train` in a process with one thread. Small
    networks leave further threads nothing to do, so that this is what several cores are best used for: 24 trainings of 12
    epochs on the digits took 23 s with two processes and 37 s one by one; starting the processes is 4 s of it. PyTorch's
    ``vmap`` over networks of one architecture was 1.3 to 1.5 times as fast for 10 to 30 of the smallest, no faster for 3,
    and 2 to 3 times slower at 32x32 pixels (``python -m benchmarks trainer``).

    A script that calls this needs the usual ``if __name__ == "__main__":``, for workers are started anew.

    Parameters
    ----------
    jobs : sequence of (nn.Module, int)
        Networks with their seeds.
    dataset : Dataset
    recipe : Recipe or str
    processes : int, optional
        As many as there are cores unless given.
    checkpoints : path-like, optional
        A folder, made where it is missing, with one checkpoint a job, ``00000.pt`` and so on: a call that was killed goes
        on where it was.
    progress : callable, optional
        Called with (jobs done, jobs) at the start and after every job.
    **options
        ``epochs``, ``stop_after``, ``checkpoint_every``, ``mixed`` of `train`.

    Returns
    -------
    list of Training
        In the order of the jobs.

    Raises
    ------
    ValueError
        Where a network cannot be sent to another process.
    ChildProcessError
        Where a process ends in the middle of a training.
    """
    sent = []
    for number, (network, _) in enumerate(jobs):
        try:
            sent.append(pickle.dumps(network))  # as bytes: PyTorch's own way uses up file descriptors
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ValueError(
                f"the network of job {number} cannot be sent to another process: {error}; define its class at the top of "
                "a module"
            ) from error
    folder = None if checkpoints is None else Path(checkpoints)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    results: dict[int, Training] = {}
    if progress:
        progress(0, len(jobs))
    with worker_pool(processes, _start, (dataset, recipe)) as pool:
        futures = {
            pool.submit(
                _train, data, seed, {**options, "checkpoint": folder / f"{number:05d}.pt" if folder else None}
            ): number
            for number, (data, (_, seed)) in enumerate(zip(sent, jobs, strict=True))
        }
        for future in as_completed(futures):
            results[futures[future]] = pickle.loads(future.result())
            if progress:
                progress(len(results), len(jobs))
    return [results[number] for number in range(len(jobs))]


_shared: dict[str, Any] = {}  # of a worker: what all its jobs have in common


def _start(dataset: Dataset, recipe: Recipe | str) -> None:
    _shared.update(dataset=dataset, recipe=recipe)


def _train(data: bytes, seed: int, options: dict[str, Any]) -> bytes:
    return pickle.dumps(
        train(pickle.loads(data), _shared["dataset"], _shared["recipe"], seed=seed, device="cpu", **options)
    )
