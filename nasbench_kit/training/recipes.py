"""Training recipes: optimiser, schedule and augmentation, with the published ones by name. Does not need torch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from nasbench_kit.errors import UnknownName
from nasbench_kit.spaces import PublishedRecipe, list_spaces, spec

__all__ = ["Recipe", "learning_rate", "published_recipe", "recipe", "recipes", "settings_of"]

OPTIMISERS = ("sgd", "rmsprop", "adam")
SCHEDULES = ("cosine", "step", "constant")
AUGMENTATIONS = ("none", "crop-flip")


@dataclass(frozen=True)
class Recipe:
    """All training hyperparameters; with the network, the images and the seed they define a training.

    The defaults are those of ``digits``.

    Attributes
    ----------
    epochs : int
    batch_size : int
        Images per step. The last step of an epoch takes the remaining images, unless only one is left: batch
        normalisation cannot train on a single image.
    optimiser : str
        ``sgd``, ``rmsprop`` (TensorFlow's variant, see `nasbench_kit.training.optimisers`) or ``adam``.
    learning_rate : float
        The maximum learning rate.
    momentum : float
    nesterov : bool
        Used by ``sgd`` only.
    weight_decay : float
        Applied to all parameters and added to the gradient, i.e. the L2 penalty ``weight_decay / 2 * sum of squares``.
    schedule : str
        ``cosine``: anneal to ``final_learning_rate``; ``step``: multiply by ``factor`` at each of ``milestones``;
        ``constant``.
    by : str
        Whether the learning rate is updated every ``step`` or every ``epoch``.
    final_learning_rate : float
    milestones : tuple of float
        Fractions of the training's length, 0 to 1, ascending.
    factor : float
    warmup_epochs : float
        Number of epochs over which the learning rate rises linearly. The schedule covers the rest.
    label_smoothing : float
    augmentation : str
        ``crop-flip``: zero-pad by an eighth of the side (4 pixels at 32x32, 2 at 16x16), take a random crop of the
        original size, and mirror it with probability 1/2. ``none``: no augmentation.
    cutout : int
        Side in pixels of a random square set to the mean pixel value (DeVries and Taylor 2017, arXiv 1708.04552); 0
        disables it.
    clip : float
        The maximum gradient norm; 0 disables clipping.
    auxiliary : float
        Weight of the auxiliary head's loss, for networks that return a second output in training mode.
    rms_decay, epsilon : float
        Used by ``rmsprop``; ``epsilon`` also by ``adam``.
    norm_momentum, norm_epsilon : float, optional
        Constants of every batch norm, in PyTorch's convention: the weight of the new batch in the running statistics (1
        minus TensorFlow's momentum), and the term added to the variance. None keeps the network's own values; for
        networks from `build` these are PyTorch's defaults, 0.1 and 1e-5.
    """

    epochs: int = 8
    batch_size: int = 100
    optimiser: str = "sgd"
    learning_rate: float = 0.1
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    schedule: str = "cosine"
    by: str = "step"
    final_learning_rate: float = 0.0
    milestones: tuple[float, ...] = ()
    factor: float = 0.1
    warmup_epochs: float = 0.0
    label_smoothing: float = 0.0
    augmentation: str = "none"
    cutout: int = 0
    clip: float = 0.0
    auxiliary: float = 0.0
    rms_decay: float = 0.9
    epsilon: float = 1e-8
    norm_momentum: float | None = None
    norm_epsilon: float | None = None

    def __post_init__(self) -> None:
        for kind, name, known in (
            ("optimiser", self.optimiser, OPTIMISERS),
            ("schedule", self.schedule, SCHEDULES),
            ("unit of a schedule", self.by, ("step", "epoch")),
            ("augmentation", self.augmentation, AUGMENTATIONS),
        ):
            if name not in known:
                raise UnknownName(kind, name, known)
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, (int, float)) and not 0 <= value < math.inf:
                raise ValueError(f"{field.name} must be a finite number of at least 0, not {value}")
        if self.epochs < 1 or self.batch_size < 1:
            raise ValueError(f"epochs and batch_size must be at least 1, not {self.epochs} and {self.batch_size}")
        if self.norm_momentum is not None and self.norm_momentum > 1:
            raise ValueError(f"norm_momentum must be at most 1, not {self.norm_momentum}")
        if self.label_smoothing >= 1:
            raise ValueError(f"label_smoothing must be below 1, not {self.label_smoothing}")
        if self.optimiser == "sgd" and self.nesterov and not self.momentum:
            raise ValueError("nesterov=True needs a momentum above 0")
        if list(self.milestones) != sorted(self.milestones) or any(not 0 < share < 1 for share in self.milestones):
            raise ValueError(f"milestones must be ascending fractions between 0 and 1, not {self.milestones}")


def settings_of(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe's settings as stored in files: those that are None are left to the network and omitted."""
    return {name: value for name, value in asdict(recipe).items() if value is not None}


def learning_rate(recipe: Recipe, step: int, epochs: int, steps_an_epoch: int) -> float:
    """Return the learning rate of one step, counted from 0 over all ``epochs``."""
    steps, warmup = epochs * steps_an_epoch, round(recipe.warmup_epochs * steps_an_epoch)
    if step < warmup:
        return recipe.learning_rate * (step + 1) / warmup
    if recipe.by == "epoch":
        step = max(step // steps_an_epoch * steps_an_epoch, warmup)
    done, length = step - warmup, steps - warmup
    if recipe.schedule == "cosine":
        height = recipe.learning_rate - recipe.final_learning_rate
        return recipe.final_learning_rate + 0.5 * height * (1 + math.cos(math.pi * done / length))
    if recipe.schedule == "step":
        return recipe.learning_rate * recipe.factor ** sum(done / length >= share for share in recipe.milestones)
    return recipe.learning_rate


DIGITS = PublishedRecipe({}, "the kit's own table nb201-digits")


def published_recipe(name: str) -> PublishedRecipe:
    """Return the published recipe of a space, or ``digits``, with its source.

    Raises
    ------
    UnknownName
        If there is no such recipe.
    """
    found = DIGITS if name == "digits" else spec(name).recipe if name in list_spaces() else None
    if found is None:
        raise UnknownName("recipe", name, recipes())
    return found


def recipes() -> tuple[str, ...]:
    """Return the names that `recipe` accepts: ``digits`` and the spaces with a published recipe."""
    return ("digits", *(name for name in list_spaces() if spec(name).recipe is not None))


def recipe(name: str) -> Recipe:
    """Return the recipe of a space, or ``digits``; raises UnknownName. See `published_recipe` for its source."""
    return Recipe(**published_recipe(name).settings)
