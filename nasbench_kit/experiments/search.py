"""Run a search algorithm on a problem, all runs at once."""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.algorithms import Algorithm
from nasbench_kit.algorithms.streams import Streams, stream_key
from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.errors import InvalidArchitecture, LostWorker, UnknownName
from nasbench_kit.experiments.archive_quality import checked_indicators
from nasbench_kit.experiments.budget import Budget, whole_number
from nasbench_kit.experiments.generation_log import GenerationLog
from nasbench_kit.experiments.limits import check_memory
from nasbench_kit.experiments.recorder import CLOCKS, Recorder
from nasbench_kit.experiments.result import Result, join_results
from nasbench_kit.experiments.spreading import Lost, Whole, number_of_workers, spread
from nasbench_kit.kernels.compiling import enable_for
from nasbench_kit.kernels.hashing import hash_rows
from nasbench_kit.kernels.seen import SEEN_NETWORKS
from nasbench_kit.problems import Evaluation, Problem
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["planned", "search", "searched"]

NOISE = 1  # appended to an algorithm's key: the stream for the draws of a noisy problem
STANDSTILL = (
    1_000,
    100_000,
)  # evaluations per run that take no training time, at the start or later, before a run is taken to be stuck
LAST_RUN = 2**53  # upper limit of first_run
BITS_LISTED = 96  # of each evaluation, where what a run has seen is listed instead of flagged
TOGETHER = 16384  # genotypes per batch over all runs: larger batches do not fit the cache


@dataclass(frozen=True)
class _Task:
    """A batch of runs, as sent to an executor or a worker."""

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
    options: dict[str, Any]


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
    task = _Task(problem, algorithm, first_run, runs, budget, seed, record, clock, initial, archive_size, options)
    batch = algorithm.batch / (4 if algorithm.needs_budgets else 1)  # the last rungs are small
    rounds = budget.generations or (budget.evaluations / batch if budget.evaluations else np.inf)
    return Whole(
        first_run=first_run,
        runs=runs,
        together=together,
        rounds=rounds,
        evaluations=runs * (budget.evaluations or 0),
        piece=lambda first, number: replace(task, first_run=first, runs=number),
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
        for parts, seconds in spread(_run, plans, own_code=workers is not None, progress=progress):
            yield _joined(parts, seconds)
    except Lost as error:
        raise _lost(error.results, plans[error.search].runs) from None


def _on_executor(plan: Whole, executor: Executor, progress: Callable[[float], None] | None) -> Result:
    start = time.perf_counter()
    end = plan.first_run + plan.runs
    firsts = range(plan.first_run, end, plan.together)
    futures = [executor.submit(_run, plan.piece(first, min(plan.together, end - first))) for first in firsts]
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


def _run(task: _Task, progress: Callable[[float], None] | None = None) -> Result:
    """Run one batch of runs from start to end."""
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
        **({} if problem.drawn_from is None else {"drawn_from": problem.drawn_from}),
    )
    log = GenerationLog(problem, task.runs) if task.record else None
    indicators = task.options.get("indicators", ())
    recorder = Recorder(problem, task.runs, budget, task.clock, task.archive_size, log, indicators)
    evaluator = _Evaluator(problem, algorithm, task)
    told, rounds = 0, 0
    reported = time.perf_counter()
    enable_for((task.budget.evaluations or 0) * task.runs)
    while told < budget.limit and recorder.running.any() and rounds != budget.generations:
        X = evaluator.asked()
        taken = X[:, : budget.limit - told]
        rows = problem.answered(taken.reshape(-1, space.genes))
        evaluation = evaluator.evaluate(rows)
        partial = algorithm.epochs is not None and algorithm.epochs < problem.budgets[-1]
        recorder.update(rows.reshape(taken.shape), evaluation, partial=partial)
        told += taken.shape[1]
        enable_for(told * task.runs)
        rounds += 1
        F = evaluation.F.reshape(task.runs, -1, objectives)
        if taken.shape[1] == X.shape[1]:
            algorithm.tell(F)
        if log:
            members, values = algorithm.population or (taken, F)
            answered = problem.answered(members.reshape(-1, space.genes)).reshape(members.shape)
            log.generation(recorder.evaluations, answered, values)
        now = time.perf_counter()
        if progress and now - reported > 0.1:
            reported = now
            progress(_share(recorder, budget, told, rounds))
    recorder.finish()
    if progress:
        progress(1.0)
    generations = log.finish() if log else None
    return Result.from_recorder(problem, task.algorithm, task.seed, task.first_run, recorder, generations, task.options)


class _Evaluator:
    """Asks the algorithm and evaluates the problem for a batch of runs, and checks what both return."""

    def __init__(self, problem: Problem, algorithm: Algorithm, task: _Task) -> None:
        self.problem, self.algorithm, self.runs = problem, algorithm, task.runs
        # our algorithms are tested to give valid genotypes; a user's may return anything
        self._trusted = type(algorithm).__module__.startswith("nasbench_kit.")
        self._own_problem = type(problem).__module__.startswith("nasbench_kit.")
        self._noise: Streams | None = None
        if problem.noisy:
            key = (*stream_key(algorithm.name, algorithm.settings), NOISE)
            self._noise = Streams(task.seed, task.runs, task.first_run, key=key)
        # of the last rung of partial training: hashes of genotypes (runs, n), draws (runs, n), first objective (runs * n,)
        self._rung: tuple[NDArray[np.uint64], NDArray[np.float64], NDArray[np.float64]] | None = None
        self._by_clock = task.budget.simulated_seconds is not None or task.clock == "simulated_seconds"
        self._still, self._moved = 0, False

    def asked(self) -> Genotypes:
        """The genotypes that the algorithm asks for, checked: (runs, batch, genes)."""
        X = self.algorithm.ask()
        return X if self._trusted else _checked(X, self.algorithm, self.runs)

    def evaluate(self, X: Genotypes) -> Evaluation:
        """Evaluate genotypes (runs * batch, genes) at the algorithm's epoch budget, charging what is trained now."""
        algorithm = self.algorithm
        if not self._own_problem:  # a problem that wrote to the genotypes would change what the search remembers
            X = X.view()
            X.flags.writeable = False
        noise: tuple[NDArray[np.float64], ...] = ()
        if self._noise is not None:
            noise = (self._draws(X).ravel(),)
        if algorithm.epochs is None and not noise:
            evaluation = self.problem.evaluate(X)
        else:
            evaluation = self.problem.evaluate(X, algorithm.epochs, *noise)
        if algorithm.trained:
            trained = self.problem.evaluate(X, algorithm.trained, *noise).seconds
            evaluation = replace(evaluation, seconds=np.maximum(evaluation.seconds - trained, 0.0))
        if noise and algorithm.epochs is not None:
            self._rung = hash_rows(X).reshape(self.runs, -1), noise[0].reshape(self.runs, -1), evaluation.F[:, 0]
        if self._by_clock:
            self._check_seconds(X, evaluation)
        return evaluation

    def _draws(self, X: Genotypes) -> NDArray[np.float64]:
        """Random numbers that choose a trial: new ones, or those of the trainings that are continued; (runs, batch)."""
        assert self._noise is not None
        drawn: NDArray[np.float64] = self._noise.random((len(X) // self.runs,))
        if self.algorithm.trained and self._rung is not None:
            keys, before, F = self._rung
            # of equal genotypes, the best is promoted first: the k-th of them continues the k-th best
            order = F.reshape(keys.shape).argsort(axis=1, kind="stable")
            keys, before = np.take_along_axis(keys, order, axis=1), np.take_along_axis(before, order, axis=1)
            now = hash_rows(X).reshape(self.runs, -1)
            nth = np.tril(now[:, :, np.newaxis] == now[:, np.newaxis]).sum(axis=2)
            same = now[:, :, np.newaxis] == keys[:, np.newaxis]
            place = same & (same.cumsum(axis=2) == nth[..., np.newaxis])
            drawn = np.where(place.any(axis=2), np.take_along_axis(before, place.argmax(axis=2), axis=1), drawn)
        return drawn

    def _check_seconds(self, X: Genotypes, evaluation: Evaluation) -> None:
        unknown = np.flatnonzero(~(evaluation.seconds >= 0))
        if len(unknown):
            epochs = self.algorithm.epochs
            native = self.problem.space.decode(X[unknown[:1]])[0]
            raise ValueError(
                f"{self.problem!r} has no training time of {native}"
                + (f" for {epochs} epochs" if epochs is not None else "")
                + f" ({evaluation.seconds[unknown[0]]}), but simulated seconds are limited: give a budget of evaluations "
                "instead, choose an epoch budget with times, or pass missing='fail' if the table lacks some"
            )
        moves = bool(evaluation.seconds.any())
        self._moved |= moves
        self._still = 0 if moves else self._still + len(X) // self.runs
        if self._still > STANDSTILL[self._moved]:
            raise ValueError(
                f"{self.problem!r}: {self._still:,} evaluations of every run took no time, so a budget of simulated "
                "seconds never ends the search: the problem has no training times; give a budget of evaluations instead"
            )


def _checked(X: Any, algorithm: Algorithm, runs: int) -> Genotypes:
    """Check what a user's algorithm asks for: valid genotypes (runs, batch, genes), else ValueError."""
    asked = np.asarray(X)
    genes = algorithm.space.genes
    if asked.ndim != 3 or asked.shape[0] != runs or asked.shape[2] != genes or not asked.shape[1]:
        raise ValueError(
            f"{algorithm.name}.ask() returned the shape {asked.shape}; it must return genotypes of shape ({runs}, n, {genes}), "
            "with n of at least 1"
        )
    try:
        rows = algorithm.space.check(asked.reshape(-1, genes))
    except InvalidArchitecture as error:
        raise InvalidArchitecture(
            f"{algorithm.name}.ask(), {asked.shape[1]} genotypes per run, numbered run by run: {error}"
        ) from None
    return rows.reshape(asked.shape)


def _share(recorder: Recorder, budget: Budget, told: int, rounds: int) -> float:
    """The fraction of the work done, 0 to 1."""
    shares = [told / budget.limit]
    if budget.simulated_seconds is not None:
        shares.append(float(recorder.seconds.min()) / budget.simulated_seconds)
    if budget.generations is not None:
        shares.append(rounds / budget.generations)
    if budget.target is not None:
        shares.append(1 - float(recorder.running.mean()))
    return min(max(shares), 1.0)
