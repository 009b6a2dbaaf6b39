"""A piece of a sweep as a job for any process: plain bytes in, the content of a result's file or an error out."""

from __future__ import annotations

import functools
import pickle
import traceback
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from numpy.typing import NDArray

from nasbench_kit.algorithms import Algorithm
from nasbench_kit.errors import MOST_SHOWN, one_line
from nasbench_kit.experiments.budget import Budget
from nasbench_kit.experiments.result_file import contents
from nasbench_kit.experiments.search import search
from nasbench_kit.problems import Problem

__all__ = ["Done", "Failed", "Job", "Outcome", "kit_version", "run_job"]


@dataclass(frozen=True)
class Job:
    """What a worker needs to know of a piece. For other processes, the problem and the algorithm are pickled."""

    problem: Problem | bytes
    algorithm: Algorithm | bytes
    seed: int
    first_run: int
    runs: int
    budget: Budget
    clock: str
    kit_version: str


@dataclass(frozen=True)
class Done:
    """The content of a piece's file, which needs no classes to be sent."""

    attributes: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Failed:
    """Why there is none: one line, and the traceback."""

    message: str
    details: str

    @classmethod
    def because(cls, error: BaseException) -> Failed:
        """The outcome for an error."""
        details = "".join(traceback.format_exception(error))
        return cls(one_line(f"{type(error).__name__}: {error}", MOST_SHOWN), details)


Outcome = Done | Failed


def run_job(job: Job) -> Outcome:
    """Search the runs of a piece. Every error, e.g. of a user's algorithm, is an outcome."""
    try:
        if kit_version() != job.kit_version:
            raise RuntimeError(f"this worker has nasbench-kit {kit_version()}, and the sweep {job.kit_version}")
        problem = _opened(job.problem) if isinstance(job.problem, bytes) else job.problem
        algorithm = pickle.loads(job.algorithm) if isinstance(job.algorithm, bytes) else job.algorithm
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # shown when the sweep was made
            result = search(
                problem,
                algorithm,
                runs=job.runs,
                first_run=job.first_run,
                seed=job.seed,
                budget=job.budget,
                clock=job.clock,
            )
        return Done(*contents(result))
    except Exception as error:
        return Failed.because(error)


@functools.cache
def kit_version() -> str:
    """The installed version of the kit, as different ones may give different bits."""
    return version("nasbench-kit")


@functools.lru_cache(maxsize=8)
def _opened(problem: bytes) -> Problem:
    """A problem, which a worker opens once for all its pieces."""
    found: Problem = pickle.loads(problem)
    return found
