"""The problems of recipes that train: published searches repeated by real training."""

from __future__ import annotations

from nasbench_kit.experiments.recipe import NeededTraining
from nasbench_kit.training.search.evaluator import TrainingProblem
from nasbench_kit.training.setting import make_setting

__all__ = ["training_problem"]


def training_problem(training: NeededTraining, objectives: tuple[str, ...]) -> TrainingProblem:
    """The problem that a recipe searches, for ``nasbench_kit.reproduce(recipe, trained=training_problem)``.

    Networks are trained on the CPU, where trainings are bitwise reproducible on the same processor and version of PyTorch,
    with one process per core.

    Parameters
    ----------
    training : NeededTraining
    objectives : tuple of str

    Returns
    -------
    TrainingProblem
        A context manager.

    Raises
    ------
    UnknownName, SourceError, MissingExtra, ValueError
        The training does not exist in this form; see `make_setting`.
    """
    setting = make_setting(
        training.space, training.dataset, recipe=training.recipe, epochs=training.epochs, skeleton=training.skeleton
    )
    return TrainingProblem(setting, objectives, seeds=range(training.seeds), device="cpu")
