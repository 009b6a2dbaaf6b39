"""Run a search algorithm on a problem, all runs at once."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nasbench_kit.algorithms import Algorithm
from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.errors import LostWorker, UnknownName
from nasbench_kit.experiments.archive_quality import checked_indicators
from nasbench_kit.experiments.batch import Batch, run_batch
from nasbench_kit.experiments.budget import Budget, whole_number
from nasbench_kit.experiments.limits import check_memory
from nasbench_kit.experiments.merging import join_results
from nasbench_kit.experiments.pieces import Whole
from nasbench_kit.experiments.recorder import CLOCKS
from nasbench_kit.experiments.result import Result
from nasbench_kit.experiments.spreading import Lost, spread
from nasbench_kit.experiments.workers import number_of_workers
from nasbench_kit.kernels.seen import SEEN_NETWORKS
from nasbench_kit.problems import Problem

__all__ = ["planned", "search", "searched"]

LAST_RUN = 2**53  # upper limit of first_run
BITS_LISTED = 96  # of each evaluation, where what a run has seen is listed instead of flagged
TOGETHER = 16384  # genotypes per batch over all runs: larger batches do not fit the cache


def search(
    problem: Problem,
    algorithm: Algorithm,
    *,
    runs: int = 1,
    first_run: int = 0,
    budget: Budget | None = None,
    seed: int = 0,
    initial: ArrayLike | None = None,
    clock: str = "evaluations",
    archive_size: int | None = None,
    indicators: str | Sequence[str] = (),
    record: bool = False,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: Callable[[float], None] | None = None,
    **ends: Any,
) -> Result:
    """Run a search algorithm on a problem, many independent runs at once.

    Parameters
    ----------
    problem : Problem
        From ``Benchmark.problem``, or a `FunctionProblem`.
    algorithm : Algorithm
        Only its settings are used; the object is not modified.
    runs : int
        Independent repetitions.
    first_run : int
        The number of the first run. A search of the runs 100 to 199 is bit-identical to these runs of a larger search; `merge`
        puts the parts of a divided search together.
    budget : Budget, optional
        What ends each run. Default: 1,000 evaluations.
    seed : int
        Run r of a search with this seed is bit-identical, regardless of the number of runs, the workers and the executor.
    initial : array_like of int, shape (n, genes) or (runs, n, genes), optional
        The first members of the initial population, shared by all runs or one set per run; run r gets the set r.
    clock : {"evaluations", "unique_networks", "simulated_seconds"}
        The clock of the trace, which has a row at every point of a logarithmic grid.
    archive_size : int, optional
        Several objectives only: the maximum number of archive members; those that contribute most hypervolume are kept.
        Default: all non-dominated points. Archives are pruned at rows of the trace, so their hypervolume may decrease.
    indicators : sequence of str
        Several objectives only: indicators of the archive that the trace has besides the hypervolume, such as ``"igd_plus"``;
        see `nasbench_kit.metrics.named_indicators.INDICATORS`.
    record : bool
        Keep a log of every generation in ``result.generations``: population, best genotype, approximation front and
        number of evaluations. The budget may end before the last generation does; its population is then the one before.
        The search itself is the same, bit for bit.
    workers : int, optional
        Processes that share the runs, this one included. Default: all usable cores (or what the environment's
        ``NASBENCH_KIT_WORKERS`` says) if a table is searched with this package's algorithms, and other processes are worth
        their start; otherwise, and within a worker process or a thread, 1. What cannot be sent to other processes is run in
        this one. Scripts need no ``if __name__ == "__main__":``.
    executor : concurrent.futures.Executor, optional
        Executes the batches of runs instead: a process pool, Dask's ``client.get_executor()``, ...
    progress : callable, optional
        Called with the fraction of the work done, 0 to 1.
    **ends
        The fields of a `Budget` as keyword arguments: ``evaluations``, ``unique_networks``, ``simulated_seconds``, ``generations``,
        ``target``.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        No runs, no budget, an algorithm for another number of objectives, or a search that does not fit into memory.
    LostWorker
        A worker process was killed; the error's ``result`` has the runs that were finished.

    Examples
    --------
    >>> import nasbench_kit as nk
    >>> problem = nk.open("nb201-digits").problem("valid_accuracy")
    >>> result = nk.search(problem, nk.RandomSearch(), runs=3, evaluations=50, seed=1)
    >>> result.best("valid_accuracy").shape
    (3,)
    """
    plan = planned(
        problem,
        algorithm,
        runs=runs,
        first_run=first_run,
        budget=Budget.of(budget, ends, search),
        seed=seed,
        initial=initial,
        clock=clock,
        archive_size=archive_size,
        indicators=indicators,
        record=record,
        workers=workers,
        executor=executor,
    )
    if executor is not None:
        return _on_executor(plan, executor, progress)
    [result] = searched([plan], workers=workers, progress=[progress])
    return result


def planned(
    problem: Problem,
    algorithm: Algorithm,
    *,
    runs: int,
    first_run: int = 0,
    budget: Budget,
    seed: int = 0,
    initial: ArrayLike | None = None,
    clock: str = "evaluations",
    archive_size: int | None = None,
    indicators: str | Sequence[str] = (),
    record: bool = False,
    workers: int | None = None,
    executor: Executor | None = None,
) -> Whole:
    """Check what a search was given, and that it fits into memory; the parameters are those of `search`."""
    if not isinstance(problem, Problem):
        raise TypeError(f"problem must come from Benchmark.problem(...) or FunctionProblem(...), not {problem!r}")
    if not isinstance(algorithm, Algorithm):
        hint = "; call it" if isinstance(algorithm, type) else ""
        raise TypeError(f"algorithm must be an instance such as NSGA2(), not {algorithm!r}{hint}")
    runs, first_run, seed = whole_number("runs", runs), whole_number("first_run", first_run), whole_number("seed", seed)
    if runs < 1:
        raise ValueError(f"runs must be at least 1, not {runs}")
    if not 0 <= first_run < LAST_RUN:
        raise ValueError(f"first_run must be at least 0 and below {LAST_RUN:,}, not {first_run:,}")
    if clock not in CLOCKS:
        raise UnknownName("clock", clock, CLOCKS)
    if seed < 0:
        raise ValueError(f"seed must be a non-negative integer, not {seed}")
    if archive_size is not None and whole_number("archive_size", archive_size) < 1:
        raise ValueError(f"archive_size must be at least 1, not {archive_size}")
    if workers is not None and executor is not None:
        raise ValueError("give workers= or executor=, not both")
    processes = number_of_workers(workers) if executor is None else 1
    budget.check(problem)
    together = int(np.clip(TOGETHER // algorithm.batch, 16, 1024))
    networks = problem.space.networks
    if networks is not None and networks * 16 <= SEEN_NETWORKS:
        flagged = SEEN_NETWORKS // networks
        # of short runs, lists of what they have seen are smaller than flags, and allow for more runs at a time
        if 2 * flagged >= min(together, runs) or budget.limit * BITS_LISTED > networks:
            together = min(together, flagged)
    if executor is not None:
        together = min(together, max(1, -(-runs // 16)))
    processes = check_memory(
        problem, algorithm, runs=runs, together=together, processes=processes, budget=budget, record=record
    )
    options: dict[str, Any] = {} if archive_size is None else {"archive_size": int(archive_size)}
    if recorded := checked_indicators(indicators, problem):
        options["indicators"] = list(recorded)
    if initial is not None:
        initial = np.asarray(initial)
        options["initial"] = hashlib.sha256(repr(initial.tolist()).encode()).hexdigest()
    whole = Batch(problem, algorithm, first_run, runs, budget, seed, record, clock, initial, archive_size, options)
    batch = algorithm.batch / (4 if algorithm.needs_budgets else 1)  # the last rungs are small
    rounds = budget.generations or (budget.evaluations / batch if budget.evaluations else np.inf)
    return Whole(
        first_run=first_run,
        runs=runs,
        together=together,
        rounds=rounds,
        evaluations=runs * (budget.evaluations or 0),
        piece=lambda first, number: replace(whole, first_run=first, runs=number),
        shared=problem,
        parts=_parts,
        workers=processes,
        on_table=isinstance(problem, TabularProblem),
    )


def searched(
    plans: Sequence[Whole], *, workers: int | None, progress: Sequence[Callable[[float], None] | None]
) -> Generator[Result]:
    """The results of several searches, in their order; all of them share the worker processes.

    If ``workers`` is not given, they are for searches on tables with this package's algorithms.
    """
    try:
        for parts, seconds in spread(run_batch, plans, own_code=workers is not None, progress=progress):
            yield _joined(parts, seconds)
    except Lost as error:
        raise _lost(error.results, plans[error.search].runs) from None


def _on_executor(plan: Whole, executor: Executor, progress: Callable[[float], None] | None) -> Result:
    start = time.perf_counter()
    end = plan.first_run + plan.runs
    firsts = range(plan.first_run, end, plan.together)
    futures = [executor.submit(run_batch, plan.piece(first, min(plan.together, end - first))) for first in firsts]
    results: list[Result] = []
    for i, future in enumerate(futures):
        try:
            results.append(future.result())
        except BrokenExecutor as error:
            raise _lost(results, plan.runs) from error
        if progress:
            progress((i + 1) / len(futures))
    return _joined(results, time.perf_counter() - start)


def _joined(parts: list[Result], seconds: float) -> Result:
    result = join_results(parts)
    if not result.evaluations.any():
        assert result.budget is not None
        raise ValueError(
            f"no training finishes within {result.budget.simulated_seconds} simulated seconds: give a larger budget"
        )
    result.wall_seconds = seconds
    return result


def _parts(problem: Problem) -> list[object]:
    """What tasks and results refer to of a problem, and need not be sent with each of them."""
    return [problem, problem.space, *([problem.bench] if isinstance(problem, TabularProblem) else [])]


def _lost(results: list[Result], runs: int) -> LostWorker:
    """The error for a lost worker process, with the runs that were finished."""
    done = join_results(results) if results else None
    kept = f"{done.runs} of {runs} runs are done, and in the error's `result`" if done else "no run was done"
    return LostWorker(
        f"a worker process was killed, or had not enough memory; {kept}: search again, with fewer workers "
        "at a time if memory was short",
        done,
    )
