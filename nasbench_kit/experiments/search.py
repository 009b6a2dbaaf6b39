"""Run a search algorithm on a problem, many runs at once."""

from __future__ import annotations

import copy
import operator
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms import Algorithm
from nasbench_kit.experiments.recorder import SEEN_BYTES, Recorder, log_grid
from nasbench_kit.experiments.result import Generations, Result, join_results
from nasbench_kit.problem import Problem

__all__ = ["search"]

TOGETHER = 16384  # genotypes a batch over all runs held at once: more no longer fits the cache
GRID = (20, 10)  # rows of the trace a decade: an incumbent costs next to nothing to note, an archive does
OPEN_END = 10**9  # evaluations of a run that only its simulated seconds end


@dataclass(frozen=True)
class _Task:
    """A batch of runs, as it is sent to an executor."""

    problem: Problem
    algorithm: Algorithm
    first_run: int
    runs: int
    evaluations: int | None
    simulated_seconds: float | None
    seed: int
    record: bool


def search(
    problem: Problem,
    algorithm: Algorithm,
    *,
    runs: int = 1,
    evaluations: int | None = None,
    simulated_seconds: float | None = None,
    seed: int = 0,
    record: bool = False,
    executor: Executor | None = None,
    progress: Callable[[float], None] | None = None,
) -> Result:
    """Search, many runs at once.

    Parameters
    ----------
    problem : Problem
        From ``Benchmark.problem``, or a `FunctionProblem`.
    algorithm : Algorithm
        Its settings are used, the object itself is left as it is.
    runs : int
        Independent repetitions.
    evaluations : int, optional
        The budget of each run; 1,000 where no budget is given. Never exceeded.
    simulated_seconds : float, optional
        The budget of each run in seconds of training, as the table has them. An evaluation that would not be done in
        time is not counted, and ends the run.
    seed : int
        Run r of a search with this seed is the same, bit for bit, however many runs there are and whatever executes it.
    record : bool
        Keep the population of every generation in ``result.generations``.
    executor : concurrent.futures.Executor, optional
        Where batches of runs are executed: a process pool, Dask's ``client.get_executor()``, ...
    progress : callable, optional
        Called with the share of the work that is done, 0 to 1.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        No runs, no budget, or an algorithm that does not fit the number of objectives.

    Examples
    --------
    >>> import nasbench_kit as nk
    >>> problem = nk.open("nb201-digits").problem("valid_accuracy")
    >>> result = nk.search(problem, nk.RandomSearch(), runs=3, evaluations=50, seed=1)
    >>> result.best("valid_accuracy").shape
    (3,)
    """
    if not isinstance(problem, Problem):
        raise TypeError(f"a problem comes from Benchmark.problem(...) or FunctionProblem(...), not {problem!r}")
    if not isinstance(algorithm, Algorithm):
        hint = "; write it with brackets" if isinstance(algorithm, type) else ""
        raise TypeError(f"an algorithm such as NSGA2() is expected, not {algorithm!r}{hint}")
    runs, seed = operator.index(runs), operator.index(seed)
    evaluations = None if evaluations is None else operator.index(evaluations)
    if runs < 1:
        raise ValueError(f"runs is at least 1, not {runs}")
    if evaluations is None and simulated_seconds is None:
        evaluations = 1000
    for name, budget in (("evaluations", evaluations), ("simulated_seconds", simulated_seconds)):
        if budget is not None and not budget > 0:
            raise ValueError(f"{name} is above 0, not {budget}")
    together = int(np.clip(TOGETHER // algorithm.batch, 16, 1024))
    networks = problem.space.networks
    if networks is not None and networks * 16 <= SEEN_BYTES:
        together = min(together, SEEN_BYTES // networks)
    if executor is not None:
        together = min(together, max(1, -(-runs // 16)))
    tasks = [
        _Task(problem, algorithm, first, min(together, runs - first), evaluations, simulated_seconds, seed, record)
        for first in range(0, runs, together)
    ]
    start = time.perf_counter()
    results = []
    if executor is None:
        for i, task in enumerate(tasks):
            results.append(_run(task, _part_of(progress, i, len(tasks))))
    else:
        futures = [executor.submit(_run, task) for task in tasks]
        for i, future in enumerate(futures):
            results.append(future.result())
            if progress:
                progress((i + 1) / len(futures))
    result = join_results(results)
    if not result.evaluations.any():
        raise ValueError(f"no training is done within {simulated_seconds} simulated seconds: give a larger budget")
    result.wall_seconds = time.perf_counter() - start
    return result


def _part_of(progress: Callable[[float], None] | None, part: int, parts: int) -> Callable[[float], None] | None:
    return None if progress is None else lambda share: progress((part + share) / parts)


def _run(task: _Task, progress: Callable[[float], None] | None = None) -> Result:
    """One batch of runs from beginning to end."""
    problem, space = task.problem, task.problem.space
    objectives = len(problem.objectives)
    algorithm = copy.deepcopy(task.algorithm).start(
        space, runs=task.runs, seed=task.seed, first_run=task.first_run, objectives=objectives
    )
    limit = task.evaluations if task.evaluations is not None else OPEN_END
    grid = log_grid(limit, GRID[0] if objectives == 1 else GRID[1])
    recorder = Recorder(space, task.runs, objectives, grid, task.simulated_seconds, problem.bounds)
    generations: list[tuple[int, NDArray[Any], NDArray[Any]]] = []
    told, reported = 0, time.perf_counter()
    while told < limit and recorder.running.any():
        X = algorithm.ask()
        taken = X[:, : limit - told]
        evaluation = problem.evaluate(taken.reshape(-1, space.genes))
        recorder.update(taken, evaluation)
        told += taken.shape[1]
        if taken.shape[1] == X.shape[1]:
            F = evaluation.F.reshape(task.runs, -1, objectives)
            algorithm.tell(F)
            if task.record:
                population = algorithm.population or (X, F)
                generations.append((told, population[0].copy(), population[1].copy()))
        if task.simulated_seconds is not None and told > 1000:
            _check_clock(recorder)
        if progress and (now := time.perf_counter()) - reported > 0.1:
            reported = now
            share = told / limit
            if task.simulated_seconds is not None:
                share = max(share, float(recorder.seconds.min()) / task.simulated_seconds)
            progress(min(share, 1.0))
    recorder.finish()
    if progress:
        progress(1.0)
    return Result.from_recorder(problem, task.algorithm, task.seed, task.first_run, recorder, _stack(generations))


def _check_clock(recorder: Recorder) -> None:
    if recorder.seconds.max() == 0:
        raise ValueError("the problem has no training times: give a budget of evaluations instead of simulated seconds")


def _stack(generations: list[tuple[int, NDArray[Any], NDArray[Any]]]) -> Generations | None:
    if not generations:
        return None
    # an algorithm's first batch may differ in size from its later ones
    return Generations(
        evaluations=np.array([g[0] for g in generations]),
        populations=[g[1] for g in generations],
        values=[g[2] for g in generations],
    )
