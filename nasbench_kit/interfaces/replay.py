"""Replay of another optimiser's evaluations, which yields a result as from a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.experiments.budget import Budget
from nasbench_kit.experiments.merging import join_results
from nasbench_kit.experiments.recorder import Recorder
from nasbench_kit.experiments.result import Result
from nasbench_kit.problems import Evaluation, Problem
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["UNSEEDED", "Draws", "Optimiser", "Run", "known", "looked_up", "penalty", "replay"]

PENALTY = 1e9  # for objectives without known bounds
UNSEEDED = -1  # seed of results whose runs have individual seeds; those are in the settings


@dataclass(frozen=True)
class Optimiser:
    """Name and settings of another optimiser, in place of a result's algorithm."""

    name: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One run: valid genotypes (n, genes) in evaluation order, and their evaluations."""

    X: Genotypes
    evaluation: Evaluation
    wall_seconds: float


def replay(problem: Problem, optimiser: Optimiser, runs: Sequence[Run]) -> Result:
    """The result that ``nasbench_kit.search`` would have returned for the same evaluations.

    Parameters
    ----------
    problem : Problem
        The problem that was minimised; the bounds of its front scale the hypervolume.
    optimiser : Optimiser
    runs : sequence of Run
        May differ in length: the trace extends to the longest run and includes the end of each.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        There are no runs, or a run has no evaluations.
    """
    if not runs:
        raise ValueError("there are no runs to convert")
    for number, run in enumerate(runs):
        if not len(run.X):
            raise ValueError(f"run {number} has no evaluations of a valid genotype")
    budget = Budget(evaluations=max(len(run.X) for run in runs))
    parts = []
    for number, run in enumerate(runs):
        recorder = Recorder(problem, 1, budget)
        recorder.update(problem.answered(run.X)[np.newaxis], run.evaluation)
        recorder.finish()
        parts.append(Result.from_recorder(problem, optimiser, UNSEEDED, number, recorder, None))
    result = join_results(parts)
    result.wall_seconds = sum(run.wall_seconds for run in runs)
    return result


class Draws:
    """Random draws for a problem evaluated by another optimiser; unused if the problem is not noisy.

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
    """Noise-free values and costs of valid genotypes (n, genes) that were evaluated elsewhere."""
    draws = np.zeros(len(X)) if problem.noisy else None
    seconds = problem.evaluate(X, draws=draws).seconds
    F = problem(problem.answered(X))
    return Evaluation(np.where(np.isnan(F), np.inf, F), seconds)


def known(F: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mask (n,) of the rows in which every objective is known."""
    return np.asarray(np.isfinite(F).all(axis=1))


def penalty(problem: Problem) -> NDArray[np.float64]:
    """Finite objectives (m,) for what has no value: the worst in the table plus its distance from the best, or 1e9."""
    bounds = problem.bounds
    return np.full(len(problem.objectives), PENALTY) if bounds is None else 2 * bounds[1] - bounds[0]
