"""Runs that another optimiser made, evaluation by evaluation, as a result of the kit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.experiments.budget import Budget
from nasbench_kit.experiments.recorder import Recorder
from nasbench_kit.experiments.result import Result, join_results
from nasbench_kit.problems import Evaluation, Problem
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["UNSEEDED", "Draws", "Optimiser", "Run", "known", "looked_up", "replay"]

UNSEEDED = -1  # the seed of a result whose runs have seeds of their own: they are in its settings


@dataclass(frozen=True)
class Optimiser:
    """What stands in a result for the algorithm: its name, and what is known of how it ran."""

    name: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One run: valid genotypes (n, genes) in the order in which they were evaluated, and what was learnt of each."""

    X: Genotypes
    evaluation: Evaluation
    wall_seconds: float


def replay(problem: Problem, optimiser: Optimiser, runs: Sequence[Run]) -> Result:
    """The result that a search of the kit would have given with the same evaluations.

    Parameters
    ----------
    problem : Problem
        What was minimised; the bounds of its front scale the hypervolume.
    optimiser : Optimiser
    runs : sequence of Run
        They may differ in length: the trace has its points up to the longest, and the end of each.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        There is no run, or one without any evaluation.
    """
    if not runs:
        raise ValueError("there is no run to read")
    for number, run in enumerate(runs):
        if not len(run.X):
            raise ValueError(f"run {number} has no evaluation of a valid genotype")
    budget = Budget(evaluations=max(len(run.X) for run in runs))
    parts = []
    for number, run in enumerate(runs):
        recorder = Recorder(problem, 1, budget)
        recorder.update(run.X[np.newaxis], run.evaluation)
        recorder.finish()
        parts.append(Result.from_recorder(problem, optimiser, UNSEEDED, number, recorder, None))
    result = join_results(parts)
    result.wall_seconds = sum(run.wall_seconds for run in runs)
    return result


class Draws:
    """The random numbers of a noisy problem that another optimiser evaluates; a problem without noise gets none.

    Parameters
    ----------
    problem : Problem
    seed : int
    """

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem, self._rng = problem, np.random.default_rng(seed)

    def evaluate(self, X: Genotypes, epochs: int | None = None) -> Evaluation:
        """Evaluate valid genotypes (n, genes)."""
        if not self.problem.noisy:
            return self.problem.evaluate(X, epochs)
        return self.problem.evaluate(X, epochs, self._rng.random(len(X)))


def looked_up(problem: Problem, X: Genotypes) -> Evaluation:
    """The values without noise of valid genotypes (n, genes) that were evaluated elsewhere, and what they cost."""
    draws = np.zeros(len(X)) if problem.noisy else None
    seconds = problem.evaluate(X, draws=draws).seconds
    F = problem(X)
    return Evaluation(np.where(np.isnan(F), np.inf, F), seconds)


def known(F: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Of which rows every objective is known: (n,)."""
    return np.asarray(np.isfinite(F).all(axis=1))
