"""One batch of runs of a search: ask, evaluate, record and tell, from start to end."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.algorithms import Algorithm
from nasbench_kit.algorithms.streams import Streams, stream_key
from nasbench_kit.errors import InvalidArchitecture
from nasbench_kit.experiments.budget import Budget
from nasbench_kit.experiments.generation_log import GenerationLog
from nasbench_kit.experiments.recorder import Recorder
from nasbench_kit.experiments.result import Result
from nasbench_kit.kernels.compiling import enable_for
from nasbench_kit.kernels.hashing import hash_rows
from nasbench_kit.problems import Evaluation, Problem
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Batch", "run_batch"]

REPORT = 0.03  # seconds between reports of progress, for which other processes may have to wait
NOISE = 1  # appended to an algorithm's key: the stream for the draws of a noisy problem
STANDSTILL = (
    1_000,
    100_000,
)  # evaluations per run that take no training time, at the start or later, before a run is taken to be stuck


@dataclass(frozen=True)
class Batch:
    """Some runs of a search, as sent to an executor or a worker; the attributes are those of `nasbench_kit.search`."""

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


def run_batch(batch: Batch, progress: Callable[[float], None] | None = None) -> Result:
    """Run all of them from start to end, together."""
    problem, space = batch.problem, batch.problem.space
    objectives, budget = len(problem.objectives), batch.budget
    algorithm = copy.deepcopy(batch.algorithm).start(
        space,
        runs=batch.runs,
        seed=batch.seed,
        first_run=batch.first_run,
        objectives=objectives,
        budgets=problem.budgets,
        initial=batch.initial,
        **({} if problem.drawn_from is None else {"drawn_from": problem.drawn_from}),
    )
    log = GenerationLog(problem, batch.runs) if batch.record else None
    indicators = batch.options.get("indicators", ())
    recorder = Recorder(problem, batch.runs, budget, batch.clock, batch.archive_size, log, indicators)
    evaluator = _Evaluator(problem, algorithm, batch)
    told, rounds = 0, 0
    reported = time.perf_counter()
    enable_for((batch.budget.evaluations or 0) * batch.runs)
    while told < budget.limit and not recorder.over and rounds != budget.generations:
        X = evaluator.asked()
        taken = X[:, : budget.limit - told]
        rows = problem.answered(taken.reshape(-1, space.genes))
        evaluation = evaluator.evaluate(rows)
        partial = algorithm.epochs is not None and algorithm.epochs < problem.budgets[-1]
        recorder.update(rows.reshape(taken.shape), evaluation, partial=partial)
        told += taken.shape[1]
        enable_for(told * batch.runs)
        rounds += 1
        F = evaluation.F.reshape(batch.runs, -1, objectives)
        if taken.shape[1] == X.shape[1]:
            algorithm.tell(F)
        if log:
            members, values = algorithm.population or (taken, F)
            answered = problem.answered(members.reshape(-1, space.genes)).reshape(members.shape)
            log.generation(recorder.evaluations, answered, values)
        now = time.perf_counter()
        if progress and now - reported > REPORT:
            reported = now
            progress(_share(recorder, budget, told, rounds))
    recorder.finish()
    if progress:
        progress(1.0)
    generations = log.finish() if log else None
    return Result.from_recorder(
        problem, batch.algorithm, batch.seed, batch.first_run, recorder, generations, batch.options
    )


class _Evaluator:
    """Asks the algorithm and evaluates the problem for a batch of runs, and checks what both return."""

    def __init__(self, problem: Problem, algorithm: Algorithm, batch: Batch) -> None:
        self.problem, self.algorithm, self.runs = problem, algorithm, batch.runs
        # our algorithms are tested to give valid genotypes; a user's may return anything
        self._trusted = type(algorithm).__module__.startswith("nasbench_kit.")
        self._own_problem = type(problem).__module__.startswith("nasbench_kit.")
        self._noise: Streams | None = None
        if problem.noisy:
            key = (*stream_key(algorithm.name, algorithm.settings), NOISE)
            self._noise = Streams(batch.seed, batch.runs, batch.first_run, key=key)
        # of the last rung of partial training: hashes of genotypes (runs, n), draws (runs, n), first objective (runs * n,)
        self._rung: tuple[NDArray[np.uint64], NDArray[np.float64], NDArray[np.float64]] | None = None
        self._by_clock = batch.budget.simulated_seconds is not None or batch.clock == "simulated_seconds"
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
