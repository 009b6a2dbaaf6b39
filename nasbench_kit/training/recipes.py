"""How a network is trained: optimiser, schedule, augmentation; the published recipes by name. Nothing here needs torch."""

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
    """Everything that decides about a training but the network, the images and the seed. The defaults are ``digits``.

    Attributes
    ----------
    epochs : int
    batch_size : int
        Images a step. The last step of an epoch takes what is left, unless that is a single image, which batch
        normalisation cannot learn from.
    optimiser : str
        ``sgd``, ``rmsprop`` (as TensorFlow has it, see `nasbench_kit.training.optimisers`) or ``adam``.
    learning_rate : float
        The highest one.
    momentum : float
    nesterov : bool
        Of ``sgd`` alone.
    weight_decay : float
        Of all parameters; added to the gradient, so that it is the L2 penalty ``weight_decay / 2 * sum of squares``.
    schedule : str
        ``cosine``: half a wave down to ``final_learning_rate``; ``step``: times ``factor`` at each of ``milestones``;
        ``constant``.
    by : str
        Whether a schedule moves with every ``step`` or every ``epoch``.
    final_learning_rate : float
    milestones : tuple of float
        Shares of the training's length, 0 to 1, ascending.
    factor : float
    warmup_epochs : float
        The learning rate rises in a line over so many epochs; the schedule has the rest.
    label_smoothing : float
    augmentation : str
        ``crop-flip``: an eighth of the side as a border of zeros (4 pixels at 32x32, 2 at 16x16), a random crop of the
        old size out of that, mirrored with probability 1/2. ``none``.
    cutout : int
        The side in pixels of a square that is set to the mean image's value (DeVries and Taylor 2017, arXiv 1708.04552);
        0 for none.
    clip : float
        The largest norm of a gradient; 0 for any.
    auxiliary : float
        The weight of the loss of an auxiliary head: the second output of a network that gives two while it is trained.
    rms_decay, epsilon : float
        Of ``rmsprop``, the latter of ``adam`` as well.
    norm_momentum, norm_epsilon : float, optional
        Of every batch norm, in PyTorch's convention: how much of its running statistics a batch replaces (1 minus what
        TensorFlow calls momentum), and what is added to the variance. None for those that the network was built with:
        here 0.1 and 1e-5, which are PyTorch's own.
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
                raise ValueError(f"{field.name} is a finite number from 0 on, not {value}")
        if self.epochs < 1 or self.batch_size < 1:
            raise ValueError(f"epochs and batch_size are 1 or more, not {self.epochs} and {self.batch_size}")
        if self.norm_momentum is not None and self.norm_momentum > 1:
            raise ValueError(f"norm_momentum is at most 1, not {self.norm_momentum}")
        if self.label_smoothing >= 1:
            raise ValueError(f"label_smoothing is below 1, not {self.label_smoothing}")
        if self.optimiser == "sgd" and self.nesterov and not self.momentum:
            raise ValueError("Nesterov's step needs a momentum")
        if list(self.milestones) != sorted(self.milestones) or any(not 0 < share < 1 for share in self.milestones):
            raise ValueError(f"milestones are ascending shares of the training between 0 and 1, not {self.milestones}")


def settings_of(recipe: Recipe) -> dict[str, Any]:
    """The settings of a recipe by name, without those that leave a matter to the network: what files keep of it."""
    return {name: value for name, value in asdict(recipe).items() if value is not None}


def learning_rate(recipe: Recipe, step: int, epochs: int, steps_an_epoch: int) -> float:
    """The learning rate of one step, counted from 0 over all ``epochs``."""
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
    """A recipe by the name of its space, or ``digits``, with its source.

    Raises
    ------
    UnknownName
        No such recipe, or a space without one.
    """
    found = DIGITS if name == "digits" else spec(name).recipe if name in list_spaces() else None
    if found is None:
        raise UnknownName("recipe", name, recipes())
    return found


def recipes() -> tuple[str, ...]:
    """The names that `recipe` knows: spaces, and ``digits``."""
    return ("digits", *(name for name in list_spaces() if spec(name).recipe is not None))


def recipe(name: str) -> Recipe:
    """A recipe by the name of its space, or ``digits``; raises UnknownName. `published_recipe` has its source."""
    return Recipe(**published_recipe(name).settings)
