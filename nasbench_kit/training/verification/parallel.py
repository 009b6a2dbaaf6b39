"""Run `train_genotypes` in parallel, with one core per process."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.training.jobs import JobRunner
from nasbench_kit.training.setting import Setting, can_be_stacked, networks_a_stack, train_genotypes
from nasbench_kit.training.trainer import find_device

__all__ = ["train_in_workers"]

STACK = 10  # the most networks per job when stacked; fixed, because the stack's contents affect rounding

Portion = tuple[slice, tuple[int, ...]]
Found = dict[str, NDArray[np.float64]]


def train_in_workers(
    setting: Setting,
    X: Genotypes,
    seeds: Sequence[int],
    *,
    processes: int | None = None,
    device: str | None = None,
    checkpoints: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Found:
    """Train genotypes with every seed; results do not depend on the number of processes.

    With one process, the calling process does the training. Otherwise worker processes import the script, which needs the usual
    ``if __name__ == "__main__":``. On a GPU, all trainings run one at a time in the calling process.

    Parameters
    ----------
    setting : Setting
    X : ndarray of uint8, shape (n, genes)
    seeds : sequence of int
    processes : int, optional
        Number of worker processes (default: all cores).
    device : str, optional
        As in `train`, except that the default is the CPU if networks can be stacked.
    checkpoints : path-like, optional
        As in `train_genotypes`.
    progress : callable, optional
        Called with (trainings done, trainings in total) at the start and after every job.

    Returns
    -------
    dict of str to ndarray, each (n, epochs, seeds)
        As returned by `train_genotypes`.
    """
    seeds = tuple(int(seed) for seed in seeds)
    stacked = can_be_stacked(setting)
    if find_device("cpu" if device is None and stacked else device).type != "cpu":
        return train_genotypes(setting, X, seeds, device=device, checkpoints=checkpoints, progress=progress)
    jobs: list[Portion]
    if stacked:
        size = min(STACK, networks_a_stack(setting, max(len(seeds), 1)))
        jobs = [(slice(first, first + size), seeds) for first in range(0, len(X), size)]
    else:
        jobs = [(slice(i, i + 1), (seed,)) for i in range(len(X)) for seed in seeds]
    if processes is not None and processes < 1:
        raise ValueError(f"processes must be at least 1, not {processes}")
    results: Found = {}
    done, total = 0, len(X) * len(seeds)
    if progress:
        progress(0, total)
    runner: JobRunner[Portion, Found] = JobRunner(_train, (setting, X, checkpoints), processes=processes)
    with runner:
        for i, found in runner.run(jobs):
            rows, chosen = jobs[i]
            columns = slice(seeds.index(chosen[0]), seeds.index(chosen[-1]) + 1)
            for name, values in found.items():
                whole = results.setdefault(name, np.full((len(X), values.shape[1], len(seeds)), np.nan))
                whole[rows, :, columns] = values
            done += len(X[rows]) * len(chosen)
            if progress:
                progress(done, total)
    return results


def _train(setting: Setting, X: Genotypes, checkpoints: str | os.PathLike[str] | None, job: Portion) -> Found:
    rows, seeds = job
    return train_genotypes(setting, X[rows], seeds, device="cpu", checkpoints=checkpoints)
