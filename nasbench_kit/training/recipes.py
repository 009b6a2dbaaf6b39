"""How a network is trained: optimiser, schedule, augmentation; the published recipes by name. Nothing here needs torch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from nasbench_kit.errors import UnknownName

__all__ = ["RECIPES", "PublishedRecipe", "Recipe", "learning_rate", "recipe", "recipes", "settings_of"]

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


@dataclass(frozen=True)
class PublishedRecipe:
    """A recipe, where it is from, and which of its settings the source does not say, so that they are our choice."""

    recipe: Recipe
    source: str
    ours: tuple[str, ...] = ()


_NSGA_NET = {
    "batch_size": 128,
    "learning_rate": 0.025,
    "nesterov": False,
    "weight_decay": 3e-4,
    "by": "epoch",
    "augmentation": "crop-flip",
    "clip": 5.0,
}
_NSGA_NET_SOURCE = (
    "Lu et al. 2019, arXiv 1810.03522: SGD, batch 128, cosine; the authors' code (ianwhale/nsga-net, "
    "search/train_search.py): learning rate, momentum, weight decay, clipping, augmentation"
)
_MACRO = {
    "epochs": 50,
    "batch_size": 256,
    "nesterov": False,
    "by": "epoch",
    "augmentation": "crop-flip",
}

RECIPES = {
    "digits": PublishedRecipe(Recipe(), "the kit's own table nb201-digits"),
    "nb201": PublishedRecipe(
        Recipe(epochs=200, batch_size=256, augmentation="crop-flip"),
        "Dong and Yang 2020, arXiv 2001.00326, section 2.3 (200 epochs; 12 are a training of their own): SGD, Nesterov, "
        "learning rate 0.1 by a cosine to 0, weight decay 5e-4, batch 256, random crop and flip; the schedule moves with "
        "every step in the authors' code",
    ),
    "nb101": PublishedRecipe(
        Recipe(
            epochs=108,
            batch_size=256,
            optimiser="rmsprop",
            learning_rate=0.2,
            nesterov=False,
            weight_decay=1e-4,
            augmentation="crop-flip",
            epsilon=1.0,
            norm_momentum=1 - 0.997,
            norm_epsilon=1e-5,
        ),
        "Ying et al. 2019, arXiv 1902.09635, appendix (108 epochs; 4, 12 and 36 are trainings of their own): RMSProp, "
        "learning rate 0.2 by a cosine to 0, momentum 0.9, L2 weight 1e-4, batch 256; epsilon 1.0 and TensorFlow's decay "
        "of 0.9 from the authors' code (google-research/nasbench, model_builder.py), batch norm's momentum of 0.997 in "
        "TensorFlow's convention and epsilon of 1e-5 too (base_ops.py)",
    ),
    "nas-bench-macro": PublishedRecipe(
        Recipe(**_MACRO),  # type: ignore[arg-type]
        "Su et al. 2021, arXiv 2103.11922: 50 epochs; all else from the authors' code (xiusu/NAS-Bench-Macro, "
        "train/train.py)",
    ),
    "macronas": PublishedRecipe(
        Recipe(**_MACRO),  # type: ignore[arg-type]
        "none: the values of den Ottelander et al. 2021, arXiv 2004.08996, come from one supernet a dataset; this is the "
        "recipe of NAS-Bench-Macro, whose blocks are the same",
        ours=tuple(field.name for field in fields(Recipe)),
    ),
    "genetic-cnn": PublishedRecipe(
        Recipe(
            epochs=240,
            batch_size=128,
            learning_rate=0.01,
            nesterov=False,
            schedule="step",
            by="epoch",
            milestones=(120 / 240, 180 / 240, 220 / 240),
            augmentation="crop-flip",
        ),
        "Xie and Yuille 2017, arXiv 1703.01513, section 4.2 (CIFAR-10): 120 epochs with a learning rate of 0.01, then 60, 40 "
        "and 20 with a tenth of it each time",
        ours=("batch_size", "momentum", "nesterov", "weight_decay", "augmentation"),
    ),
    "nsga-net-macro": PublishedRecipe(Recipe(epochs=25, **_NSGA_NET), f"{_NSGA_NET_SOURCE}. 25 epochs"),  # type: ignore[arg-type]
    "nsga-net-micro": PublishedRecipe(Recipe(epochs=20, **_NSGA_NET), f"{_NSGA_NET_SOURCE}. 20 epochs"),  # type: ignore[arg-type]
}


def recipes() -> tuple[str, ...]:
    """The names that `recipe` knows: the spaces, and ``digits``."""
    return tuple(RECIPES)


def recipe(name: str) -> Recipe:
    """A published recipe by the name of its space; raises UnknownName. `RECIPES` has the sources."""
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return RECIPES[name].recipe
