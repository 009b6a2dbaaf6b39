"""Interface to Optuna (extra ``optuna``): problems as objectives, and studies as results.

Optuna: Akiba et al. 2019, Optuna: A Next-generation Hyperparameter Optimization Framework (KDD, arXiv 1907.10902).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nasbench_kit.errors import InvalidArchitecture, MissingExtra
from nasbench_kit.experiments.result import Result
from nasbench_kit.interfaces.replay import Draws, Optimiser, Run, known, looked_up, replay
from nasbench_kit.problems import Evaluation, Problem
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

try:
    import optuna
    from optuna.trial import TrialState
except ImportError as error:
    raise MissingExtra("the interface to Optuna", "optuna") from error

__all__ = ["OptunaObjective", "from_optuna", "to_optuna"]

ARCHITECTURE, SECONDS = "architecture", "simulated_seconds"  # names of trial user attributes


class OptunaObjective:
    """An Optuna objective that evaluates a nasbench-kit problem, one genotype per trial.

    Each gene is a parameter named as in ``space.gene_names``: categorical if its values have names (operations), an integer
    if they are numbers (bits, nodes). Every objective is minimised; create studies with `directions`. Each trial stores its
    ``architecture`` (native form) and its ``simulated_seconds`` as user attributes. Test metrics are never exposed to the
    study.

    A trial with an invalid genotype is pruned, so that samplers learn to avoid it; it does not count as an evaluation. A
    trial of a network without a known value is also pruned, but counts as an evaluation.

    Parameters
    ----------
    problem : nasbench_kit.Problem
    report : bool
        Report the objective after each of the problem's epoch budgets, in ascending order, so that the study's pruner can
        stop the trial early. Requires a single objective.
    continue_training : bool
        If true, a trial costs only the training up to its last budget, as if smaller budgets were the same training stopped
        early. By default it costs the sum over its budgets, because each budget is a separate training, as in NAS-Bench-101
        and NAS-Bench-201.
    seed : int
        Seed for the draws of a noisy problem, which returns randomly chosen stored trials.

    Examples
    --------
    >>> import nasbench_kit as nk
    >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
    >>> objective = OptunaObjective(nk.open("nb201-digits").problem("valid_accuracy"))
    >>> study = optuna.create_study(directions=objective.directions, sampler=optuna.samplers.TPESampler(seed=1))
    >>> study.optimize(objective, n_trials=5)
    >>> study.best_trial.params["e12"] in objective.problem.space.gene_values[0]
    True
    """

    def __init__(
        self, problem: Problem, *, report: bool = False, continue_training: bool = False, seed: int = 0
    ) -> None:
        if not isinstance(problem, Problem):
            raise TypeError(f"problem must come from Benchmark.problem(...) or FunctionProblem(...), not {problem!r}")
        self.problem, self.report, self.continue_training = problem, report, continue_training
        self._draws = Draws(problem, seed)
        self.budgets: tuple[int, ...] = ()
        if report:
            self.budgets = problem.budgets
            if len(problem.objectives) > 1:
                raise ValueError("Optuna can only prune single-objective trials: omit report=True")
            if not self.budgets:
                raise ValueError(f"{problem!r} has no epoch budgets: omit report=True")

    @property
    def directions(self) -> list[str]:
        """Directions for ``optuna.create_study``: every objective is minimised."""
        return ["minimize"] * len(self.problem.objectives)

    def __call__(self, trial: Any) -> float | tuple[float, ...]:
        """Evaluate a trial; raises ``optuna.TrialPruned`` if it cannot be evaluated or the pruner stops it."""
        _check_directions(trial.study, self.problem)
        space = self.problem.space
        x = np.array([[_suggested(trial, *gene) for gene in _genes(space)]], dtype=np.uint8)
        if not space.is_valid(x)[0]:
            raise optuna.TrialPruned(f"not a valid genotype of {space.name}")
        trial.set_user_attr(ARCHITECTURE, space.decode(x)[0])
        cost = 0.0
        for epochs in self.budgets[:-1]:
            evaluation = self._draws.evaluate(x, epochs)
            cost = self._add(cost, evaluation, trial)
            if known(evaluation.F)[0]:
                trial.report(float(evaluation.F[0, 0]), epochs)
                if trial.should_prune():
                    raise optuna.TrialPruned(f"pruned after {epochs} epochs")
        evaluation = self._draws.evaluate(x)
        self._add(cost, evaluation, trial)
        if not known(evaluation.F)[0]:
            raise optuna.TrialPruned("the value of this network is unknown")
        values = tuple(evaluation.F[0].tolist())
        if self.budgets:
            trial.report(values[0], self.budgets[-1])
        return values[0] if len(values) == 1 else values

    def _add(self, cost: float, evaluation: Evaluation, trial: Any) -> float:
        """Add the cost of one more budget, store the total in the trial and return it."""
        seconds = float(evaluation.seconds[0])
        cost = seconds if self.continue_training else cost + seconds
        trial.set_user_attr(SECONDS, cost)
        return cost


def to_optuna(
    problem: Problem, *, report: bool = False, continue_training: bool = False, seed: int = 0
) -> OptunaObjective:
    """Create an objective for ``Study.optimize`` from a problem; see `OptunaObjective`."""
    return OptunaObjective(problem, report=report, continue_training=continue_training, seed=seed)


def _genes(space: Space) -> list[tuple[str, tuple[str, ...] | range]]:
    return list(zip(space.gene_names, space.gene_values, strict=True))


def _suggested(trial: Any, name: str, values: tuple[str, ...] | range) -> int:
    if isinstance(values, range):
        return int(trial.suggest_int(name, values[0], values[-1]))
    return values.index(trial.suggest_categorical(name, values))


def _check_directions(study: Any, problem: Problem) -> None:
    wrong = [d.name.lower() for d in study.directions if d != optuna.study.StudyDirection.MINIMIZE]
    if wrong or len(study.directions) != len(problem.objectives):
        shown = ", ".join(d.name.lower() for d in study.directions)
        raise ValueError(
            f"every objective of {', '.join(problem.objectives)} is minimised, an accuracy as 100 - accuracy, but the study "
            f"has the directions {shown}: use optuna.create_study(directions=objective.directions)"
        )


def from_optuna(studies: Any, problem: Problem) -> Result:
    """Convert Optuna studies to a result with trace, incumbents or archives, and hypervolume.

    Parameters
    ----------
    studies : optuna.Study or sequence of these
        One study per run.
    problem : Problem
        The problem that was minimised. Values and simulated seconds are taken from the trials. Trials without simulated
        seconds, evaluated by another objective over the same parameters, are looked up.

    Returns
    -------
    Result
        Every trial that trained a network, ordered by trial number. A trial pruned during training counts as an evaluation
        with the cost up to that point, but an unknown objective. Trials with an invalid genotype and trials that failed or
        did not finish are omitted. ``result.seed`` is -1, because studies do not record their seed.

    Raises
    ------
    ValueError
        A study has no finished trial or maximises an objective.
    InvalidArchitecture
        A study's parameters are not the genes of the space.
    """
    listed = list(studies) if isinstance(studies, Sequence) else [studies]
    samplers = list(dict.fromkeys(type(study.sampler).__name__ for study in listed))
    pruners = list(dict.fromkeys(type(study.pruner).__name__ for study in listed))
    settings = {
        "version": optuna.__version__,
        "studies": [study.study_name for study in listed],
        "pruner": ", ".join(pruners),
    }
    runs = [_run_of(study, problem) for study in listed]
    return replay(problem, Optimiser(f"Optuna {', '.join(samplers)}", settings), runs)


def _run_of(study: Any, problem: Problem) -> Run:
    _check_directions(study, problem)
    finished = [
        trial
        for trial in sorted(study.trials, key=lambda trial: trial.number)
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
    ]
    X = _genotypes(finished, study, problem.space)
    # trials pruned before any training are not evaluations
    counted = problem.space.is_valid(X) & np.array(
        [trial.state == TrialState.COMPLETE or SECONDS in trial.user_attrs for trial in finished], dtype=np.bool_
    )
    trials = [trial for trial, counts in zip(finished, counted, strict=True) if counts]
    X = X[counted]
    F = np.array(
        [trial.values if trial.state == TrialState.COMPLETE else [np.inf] * len(problem.objectives) for trial in trials]
    ).reshape(len(X), len(problem.objectives))
    seconds = np.array([trial.user_attrs.get(SECONDS, np.nan) for trial in trials], dtype=np.float64)
    missing = np.isnan(seconds)
    if missing.any():
        seconds[missing] = looked_up(problem, X[missing]).seconds
    took = sum((trial.duration.total_seconds() for trial in trials if trial.duration is not None), 0.0)
    return Run(X, Evaluation(F, seconds), took)


def _genotypes(trials: Sequence[Any], study: Any, space: Space) -> Genotypes:
    genes = _genes(space)
    rows = np.zeros((len(trials), space.genes), dtype=np.uint8)
    for row, trial in zip(rows, trials, strict=True):
        for i, (name, values) in enumerate(genes):
            if trial.params.get(name) not in values:
                raise InvalidArchitecture(
                    f"trial {trial.number} of {study.study_name} is not a genotype of {space.name}: its parameter {name!r} is "
                    f"{trial.params.get(name)!r}, not one of {', '.join(map(str, values))}"
                )
            row[i] = values.index(trial.params[name])
    return rows
