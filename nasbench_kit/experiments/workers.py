"""How many processes a search uses."""

from __future__ import annotations

import os

from nasbench_kit.experiments.budget import whole_number
from nasbench_kit.kernels import worker_pool
from nasbench_kit.kernels.cores import usable_cores
from nasbench_kit.kernels.worker_pool import WORKERS

__all__ = ["number_of_workers"]


def number_of_workers(workers: int | None) -> int:
    """The number of processes to use, this one included: all usable cores by default, one within a worker process."""
    if workers is not None:
        workers = whole_number("workers", workers)
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
    if worker_pool.serving or workers == 1:
        return 1
    if workers is not None:
        return workers
    limit = os.environ.get(WORKERS)
    if limit is not None:
        if not limit.isdecimal() or int(limit) < 1:
            raise ValueError(f"the environment's {WORKERS} must be a whole number of at least 1, not {limit!r}")
        return int(limit)
    return 1 if worker_pool.within_a_worker() else usable_cores()
