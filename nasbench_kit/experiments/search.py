"""Run a search algorithm on a problem, many runs at once."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit import compiled
from nasbench_kit.algorithms import Algorithm
from nasbench_kit.errors import UnknownName
from nasbench_kit.experiments.budget import Budget, whole_number
from nasbench_kit.experiments.recorder import CLOCKS, Recorder
from nasbench_kit.experiments.result import Generations, Result, join_results
from nasbench_kit.experiments.seen import SEEN_NETWORKS
from nasbench_kit.problem import Evaluation, Problem
from nasbench_kit.spaces.space import Genotypes

__all__ = ["search"]

TOGETHER = 16384  # genotypes a batch over all runs held at once: more no longer fits the cache


@dataclass(frozen=True)
class _Task:
    """A batch of runs, as it is sent to an executor."""

    problem: Problem
    algorithm: Algorithm
    first_run: int
    runs: int
    budget: Budget
    seed: int
    record: bool
    clock: str
    initial: ArrayLike | None
    archive_size: int | None


def search(
    problem: Problem,
    algorithm: Algorithm,
    *,
    runs: int = 1,
    evaluations: int | None = None,
    unique_networks: int | None = None,
    simulated_seconds: float | None = None,
    generations: int | None = None,
    target: float | None = None,
    seed: int = 0,
    initial: ArrayLike | None = None,
    clock: str = "evaluations",
    archive_size: int | None = None,
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
        The budget of each run; 1,000 where nothing else ends a run. Never exceeded.
    unique_networks : int, optional
        A run ends with the evaluation of its last new network; or after 1,000 times as many evaluations, unless
        ``evaluations`` says otherwise.
    simulated_seconds : float, optional
        The budget of each run in seconds of training, as the table has them. An evaluation that would not be done in
        time is not counted, and ends the run.
    generations : int, optional
        Rounds of ask and tell.
    target : float, optional
        Ends a run that reaches it: for one objective a value in the metric's own unit (an accuracy of 94, say), for
        several a hypervolume as in ``Result.hypervolume``, looked at after every round. ``result.reached`` says which did.
    seed : int
        Run r of a search with this seed is the same, bit for bit, however many runs there are and whatever executes it.
    initial : array_like of int, shape (n, genes) or (runs, n, genes), optional
        Genotypes that take the first places of the first population, for all runs or for each its own.
    clock : {"evaluations", "unique_networks", "simulated_seconds"}
        The clock of whose log grid the trace has a row at every point.
    archive_size : int, optional
        For several objectives: the result's archives hold at most so many, those that add the most hypervolume; all
        non-dominated points unless given. Pruned where the trace has a row, so that its hypervolume may fall.
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
    runs, seed = whole_number("runs", runs), whole_number("seed", seed)
    if runs < 1:
        raise ValueError(f"runs is at least 1, not {runs}")
    if clock not in CLOCKS:
        raise UnknownName("clock", clock, CLOCKS)
    if archive_size is not None and whole_number("archive_size", archive_size) < 1:
        raise ValueError(f"archive_size is at least 1, not {archive_size}")
    budget = Budget(
        evaluations=evaluations,
        unique_networks=unique_networks,
        simulated_seconds=simulated_seconds,
        generations=generations,
        target=target,
    )
    budget.check(problem)
    together = int(np.clip(TOGETHER // algorithm.batch, 16, 1024))
    networks = problem.space.networks
    if networks is not None and networks * 16 <= SEEN_NETWORKS:
        together = min(together, SEEN_NETWORKS // networks)
    if executor is not None:
        together = min(together, max(1, -(-runs // 16)))
    tasks = [
        _Task(
            problem, algorithm, first, min(together, runs - first), budget, seed, record, clock, initial, archive_size
        )
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
    objectives, budget = len(problem.objectives), task.budget
    algorithm = copy.deepcopy(task.algorithm).start(
        space,
        runs=task.runs,
        seed=task.seed,
        first_run=task.first_run,
        objectives=objectives,
        budgets=problem.budgets,
        initial=task.initial,
    )
    recorder = Recorder(problem, task.runs, budget, task.clock, task.archive_size)
    generations: list[tuple[int, NDArray[Any], NDArray[Any]]] = []
    told, rounds = 0, 0
    reported = last = time.perf_counter()
    compiled.spend(0.0)
    while told < budget.limit and recorder.running.any() and rounds != budget.generations:
        X = algorithm.ask()
        taken = X[:, : budget.limit - told]
        evaluation = _evaluate(problem, algorithm, taken.reshape(-1, space.genes))
        partial = algorithm.epochs is not None and algorithm.epochs < problem.budgets[-1]
        recorder.update(taken, evaluation, partial=partial)
        told += taken.shape[1]
        rounds += 1
        if taken.shape[1] == X.shape[1]:
            F = evaluation.F.reshape(task.runs, -1, objectives)
            algorithm.tell(F)
            if task.record:
                population = algorithm.population or (X, F)
                generations.append((told, population[0].copy(), population[1].copy()))
        if budget.simulated_seconds is not None and told > 1000:
            _check_clock(recorder)
        now = time.perf_counter()
        compiled.spend(now - last)
        last = now
        if progress and now - reported > 0.1:
            reported = now
            progress(_share(recorder, budget, told, rounds))
    recorder.finish()
    if progress:
        progress(1.0)
    return Result.from_recorder(problem, task.algorithm, task.seed, task.first_run, recorder, _stack(generations))


def _evaluate(problem: Problem, algorithm: Algorithm, X: Genotypes) -> Evaluation:
    """Genotypes (n, genes) after the epochs of training that the algorithm asks for, at the cost of what is trained now."""
    if algorithm.epochs is None:
        return problem.evaluate(X)
    evaluation = problem.evaluate(X, algorithm.epochs)
    if algorithm.trained:
        trained = problem.evaluate(X, algorithm.trained).seconds
        evaluation = Evaluation(evaluation.F, np.maximum(evaluation.seconds - trained, 0.0))
    return evaluation


def _share(recorder: Recorder, budget: Budget, told: int, rounds: int) -> float:
    """How much of the work is done, 0 to 1."""
    shares = [told / budget.limit]
    if budget.simulated_seconds is not None:
        shares.append(float(recorder.seconds.min()) / budget.simulated_seconds)
    if budget.generations is not None:
        shares.append(rounds / budget.generations)
    if budget.target is not None:
        shares.append(1 - float(recorder.running.mean()))
    return min(max(shares), 1.0)


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
