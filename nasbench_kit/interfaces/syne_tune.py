"""Interface to Syne Tune (extra ``syne-tune``): problems as blackboxes with fidelities, and tunings as results.

Syne Tune: Salinas et al. 2022, Syne Tune: A Library for Large Scale Hyperparameter Tuning and Reproducible Research (AutoML).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nasbench_kit.errors import InvalidArchitecture, MissingExtra
from nasbench_kit.experiments.result import Result
from nasbench_kit.interfaces.replay import Optimiser, Run, known, penalty, replay
from nasbench_kit.problems import Evaluation, Problem
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

try:
    from syne_tune.blackbox_repository.blackbox import Blackbox
    from syne_tune.config_space import choice, randint
except ImportError as error:
    raise MissingExtra("the interface to Syne Tune", "syne-tune") from error

__all__ = ["ELAPSED_TIME", "EPOCHS", "SyneTuneBlackbox", "from_syne_tune", "to_syne_tune"]

EPOCHS, ELAPSED_TIME = "epochs", "elapsed_time"  # the fidelity, and the objective that the simulator's clock reads

STATUS, TIME = "status", "st_tuner_time"  # columns of the frames of a tuner


class SyneTuneBlackbox(Blackbox):
    """A Syne Tune blackbox that answers from a nasbench-kit problem, for every architecture of its space.

    Hyperparameters are the genes, named as in ``space.gene_names``: categorical if their values have names (operations), integers
    if they are numbers. The only fidelity is ``epochs``, whose values are the problem's budgets, or 1 if it has none. Objectives
    are those of the problem, all minimised, and ``elapsed_time``, the simulated seconds of a training with that budget, ``nan``
    where the table has no times.

    A configuration that is not a valid genotype, or whose value is unknown, gets the penalty that `to_pymoo` gives: the worst
    value in the table plus its distance from the best, or 1e9 if the bounds are unknown. An invalid one costs no time.

    Parameters
    ----------
    problem : nasbench_kit.Problem
    seed : int
        Seed for the draws of a noisy problem, which returns stored trials: each architecture gets one for all budgets, also when
        it is asked again. A ``seed`` of `objective_function` replaces it.

    Examples
    --------
    >>> import nasbench_kit as nk
    >>> blackbox = to_syne_tune(nk.open("nb201-digits").problem("valid_accuracy", seed="mean"))
    >>> blackbox.fidelity_values.tolist()
    [1, 2, 3, 4, 5, 6, 7, 8]
    >>> cell = dict.fromkeys(blackbox.configuration_space, "nor_conv_3x3")
    >>> sorted(blackbox(cell, fidelity=8))
    ['elapsed_time', 'valid_accuracy']
    """

    def __init__(self, problem: Problem, *, seed: int = 0) -> None:
        if not isinstance(problem, Problem):
            raise TypeError(f"problem must come from Benchmark.problem(...) or FunctionProblem(...), not {problem!r}")
        self.problem, self.seed = problem, seed
        self._fidelities = np.array(problem.budgets or (1,))
        self._penalty = penalty(problem)
        space = problem.space
        super().__init__(
            configuration_space={
                name: randint(values[0], values[-1]) if isinstance(values, range) else choice(list(values))
                for name, values in zip(space.gene_names, space.gene_values, strict=True)
            },
            fidelity_space={EPOCHS: randint(int(self._fidelities[0]), int(self._fidelities[-1]))},
            objectives_names=[*problem.objectives, ELAPSED_TIME],
        )

    @property
    def fidelity_values(self) -> NDArray[np.int64]:
        """The epoch budgets, ascending: (fidelities,)."""
        return self._fidelities

    def _objective_function(
        self, configuration: dict[str, Any], fidelity: dict[str, Any] | None = None, seed: int | None = None
    ) -> dict[str, float] | NDArray[np.float64]:
        """All fidelities as an array of shape (fidelities, objectives), or one as a dict."""
        x = _genotypes(pd.DataFrame([configuration]), self.problem.space)
        if fidelity is None:
            return np.array([self._values(x, epochs, seed) for epochs in self._fidelities.tolist()])
        epochs = fidelity[EPOCHS]
        if epochs not in self._fidelities:
            raise ValueError(f"{EPOCHS} must be one of {', '.join(map(str, self._fidelities))}, not {epochs!r}")
        return dict(zip(self.objectives_names, self._values(x, int(epochs), seed).tolist(), strict=True))

    def _values(self, x: Genotypes, epochs: int, seed: int | None) -> NDArray[np.float64]:
        if not self.problem.space.is_valid(x)[0]:
            return np.append(self._penalty, 0.0)
        evaluation = _evaluated(self.problem, x, epochs, self.seed if seed is None else seed)
        return np.append(evaluation.F[0] if known(evaluation.F)[0] else self._penalty, evaluation.seconds[0])


def to_syne_tune(problem: Problem, *, seed: int = 0) -> SyneTuneBlackbox:
    """Create a blackbox for Syne Tune's ``UserBlackboxBackend`` from a problem; see `SyneTuneBlackbox`."""
    return SyneTuneBlackbox(problem, seed=seed)


def from_syne_tune(runs: Any, problem: Problem) -> Result:
    """Convert tunings to a result with trace, incumbents or archives, and hypervolume.

    Parameters
    ----------
    runs : syne_tune.Tuner or pandas.DataFrame, or a sequence of these
        One per run. A frame is what ``tuner.tuning_status.get_dataframe()`` returns.
    problem : Problem
        The problem that was minimised. Values are those that the tuning saw; seconds are looked up.

    Returns
    -------
    Result
        Every trial that reported, in the order of the simulated time of its last report. A trial that was stopped early or paused
        counts as an evaluation without a value, at the cost of the training up to its last report. Trials of invalid genotypes, and
        those still in progress at the end, are omitted.
        ``result.seed`` is -1, because a tuning does not record its seed.

    Raises
    ------
    ValueError
        A tuning has no trial that reported, or other objectives.
    InvalidArchitecture
        A tuning's configurations are not the genes of the space.
    """
    listed = list(runs) if isinstance(runs, Sequence) else [runs]
    schedulers = dict.fromkeys(type(run.scheduler).__name__ for run in listed if not isinstance(run, pd.DataFrame))
    import syne_tune

    name = f"Syne Tune {', '.join(schedulers)}".rstrip()
    found = [_run_of(run, number, problem) for number, run in enumerate(listed)]
    return replay(problem, Optimiser(name, {"version": str(syne_tune.__version__)}), found)


def _run_of(run: Any, number: int, problem: Problem) -> Run:
    frame = run if isinstance(run, pd.DataFrame) else run.tuning_status.get_dataframe()
    lacking = [name for name in (*problem.objectives, EPOCHS, TIME, STATUS) if name not in frame]
    if lacking:
        raise ValueError(f"run {number} has no column {lacking[0]!r}: it must be a tuning of to_syne_tune(problem)")
    frame = frame[frame[EPOCHS].notna() & (frame[STATUS] != "InProgress")].sort_values(TIME, kind="stable")
    X = _genotypes(frame, problem.space, f"run {number}: ")
    valid = problem.space.is_valid(X) if len(X) else np.zeros(0, dtype=np.bool_)
    X, frame = X[valid], frame[valid]
    F = frame[list(problem.objectives)].to_numpy(dtype=np.float64)
    F = np.where((penalty(problem) <= F).all(axis=1, keepdims=True), np.inf, F)
    reached = frame[EPOCHS].to_numpy(dtype=np.int64)
    last = problem.budgets[-1] if problem.budgets else 1
    F[reached < last] = np.inf
    seconds = np.full(len(X), np.nan)
    for epochs in np.unique(reached).tolist():
        rows = np.flatnonzero(reached == epochs)
        seconds[rows] = _evaluated(problem, X[rows], epochs, 0).seconds
    return Run(X, Evaluation(F, seconds), 0.0)


def _evaluated(problem: Problem, X: Genotypes, epochs: int, seed: int) -> Evaluation:
    """The evaluation of valid genotypes (n, genes), each by its own trial of a noisy problem."""
    budget = epochs if problem.budgets else None
    if not problem.noisy:
        return problem.evaluate(X, budget)
    draws = np.array([np.random.default_rng([seed, *row]).random() for row in X.tolist()])
    return problem.evaluate(X, budget, draws)


def _genotypes(frame: pd.DataFrame, space: Space, where: str = "") -> Genotypes:
    """The genotypes of configurations, one per row."""
    rows = np.zeros((len(frame), space.genes), dtype=np.uint8)
    for gene, (name, values) in enumerate(zip(space.gene_names, space.gene_values, strict=True)):
        if name not in frame:
            raise InvalidArchitecture(f"{where}a configuration of {space.name} needs the hyperparameter {name!r}")
        for row, value in enumerate(frame[name]):
            if value not in values:
                raise InvalidArchitecture(
                    f"{where}the hyperparameter {name!r} of a configuration of {space.name} is {value!r}, not one of "
                    f"{', '.join(map(str, values))}"
                )
            rows[row, gene] = values.index(int(value) if isinstance(values, range) else value)
    return rows
