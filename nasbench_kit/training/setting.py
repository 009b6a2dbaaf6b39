"""Training settings (space, dataset, skeleton and recipe), and the training of genotypes on one device."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import nn

from nasbench_kit.spaces import SpaceSpec, register_space
from nasbench_kit.spaces import space as space_of
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.nb201.cost import SKELETONS
from nasbench_kit.spaces.registry import own_spec
from nasbench_kit.spaces.skeleton import IMAGES, Skeleton
from nasbench_kit.training.batches import steps_an_epoch
from nasbench_kit.training.construction import build, skeleton_of
from nasbench_kit.training.datasets import Dataset, load_dataset
from nasbench_kit.training.recipes import Recipe, settings_of
from nasbench_kit.training.recipes import recipe as published_recipe
from nasbench_kit.training.stacked import check_stackable, train_stacked
from nasbench_kit.training.stacks.gain import gains
from nasbench_kit.training.stacks.recording import NotStackable, record
from nasbench_kit.training.stacks.training import check_recipe, train_stack
from nasbench_kit.training.trainer import METRICS, find_device, train

__all__ = ["Setting", "can_be_stacked", "make_setting", "networks_a_stack", "train_genotypes"]

TRAININGS_A_STACK = 6  # larger stacks are no faster, and fewer of them can be spread over the cores
CELLS_A_STACK = 40  # as in the bundled table
MOST_STEPS = 1000  # of a training in a stack, which takes minutes
SAMPLED = 3  # networks by which it is decided whether stacks are faster
INDEXED_SIZE = 2**16  # genotypes: in spaces up to this size, the weight seed is derived from the genotype's flat index


@dataclass(frozen=True)
class Setting:
    """Everything that defines a training except the architecture and the seed. Small and picklable.

    Attributes
    ----------
    space : str
    dataset : str
        A name or path accepted by `load_dataset`.
    folder : str or None
        Folder of the published files; as in `load_dataset`.
    skeleton : Skeleton
    recipe : Recipe
    """

    space: str
    dataset: str
    folder: str | None
    skeleton: Skeleton
    recipe: Recipe

    def __reduce__(self) -> tuple[Any, ...]:
        values = tuple(getattr(self, declared.name) for declared in dataclasses.fields(self))
        return _received, (own_spec(self.space), values)

    @property
    def data(self) -> Dataset:
        """The dataset, read once per process."""
        return _loaded(self.dataset, self.folder)

    def network(self, x: Sequence[int] | Genotypes, seed: int) -> nn.Module:
        """Build the network of one genotype; its initial weights depend on the genotype and the training seed."""
        changes = {f.name: getattr(self.skeleton, f.name) for f in dataclasses.fields(self.skeleton)}
        space = space_of(self.space)
        return build(space, x, dataset=_skeleton_name(self.dataset), seed=_weight_seed(space, x, seed), **changes)

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that two settings must share to give the same trainings, as JSON-compatible values."""
        return {
            "space": self.space,
            "dataset": self.data.name,
            "images": self.data.digest[:16],
            "skeleton": _plain(dataclasses.asdict(self.skeleton)),
            "recipe": _plain(settings_of(self.recipe)),
        }


def _received(own: SpaceSpec | None, values: tuple[Any, ...]) -> Setting:
    """A setting that came from another process, which may have a space of its own."""
    if own is not None:
        register_space(own)
    return Setting(*values)


def make_setting(
    space: str | Space,
    dataset: str,
    *,
    folder: str | os.PathLike[str] | None = None,
    recipe: Recipe | str | None = None,
    epochs: int | None = None,
    skeleton: Mapping[str, Any] | None = None,
) -> Setting:
    """Make a setting, with published defaults.

    Parameters
    ----------
    space : str or Space
    dataset : str
        A name or path accepted by `load_dataset`.
    folder : path-like, optional
        As in `load_dataset`.
    recipe : Recipe or str, optional
        By default ``digits`` on the digits, and the space's own recipe otherwise.
    epochs : int, optional
        Overrides the recipe's epochs.
    skeleton : mapping, optional
        Skeleton values to change. The image shape and number of classes come from the dataset.

    Raises
    ------
    UnknownName, SourceError, MissingExtra, ValueError
        As raised by `load_dataset`, `recipe` and `skeleton_of`.
    """
    found = space_of(space) if isinstance(space, str) else space
    data = _loaded(dataset, None if folder is None else str(folder))
    name = _skeleton_name(dataset)
    changes = {"image": data.shape, "classes": data.classes, **(skeleton or {})}
    frame = skeleton_of(found, name, **changes)
    if recipe is None:
        recipe = "digits" if name == "digits" else found.name
    how = published_recipe(recipe) if isinstance(recipe, str) else recipe
    how = how if epochs is None else dataclasses.replace(how, epochs=epochs)
    return Setting(found.name, dataset, None if folder is None else str(folder), frame, how)


def train_genotypes(
    setting: Setting,
    X: ArrayLike,
    seeds: Sequence[int],
    *,
    device: str | None = None,
    checkpoints: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Train genotypes with every seed, one at a time or stacked where possible.

    On the CPU, small networks are trained in stacks (`can_be_stacked`); results are the same up to rounding.

    Parameters
    ----------
    setting : Setting
    X : array_like of int, shape (n, genes)
    seeds : sequence of int
    device : str, optional
        As in `train`.
    checkpoints : path-like, optional
        A folder for one checkpoint per training, created if missing. Stacks have none.
    progress : callable, optional
        Called with (trainings done, trainings in total).

    Returns
    -------
    dict of str to ndarray, each (n, epochs, seeds)
        ``train_accuracy``, ``valid_accuracy``, ``test_accuracy`` (percent), ``train_loss``, ... (nats) after every
        epoch, in evaluation mode; and ``seconds``, the duration of each epoch without evaluation (for a stack, averaged
        over its trainings).
    """
    rows, seeds = space_of(setting.space).check(X), tuple(int(seed) for seed in seeds)
    if len(rows) and seeds and find_device(device).type == "cpu" and can_be_stacked(setting):
        return _stacked(setting, rows, seeds, progress)
    folder = None if checkpoints is None else Path(checkpoints)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return _alone(setting, rows, seeds, device, folder, progress)


def _alone(
    setting: Setting,
    rows: Genotypes,
    seeds: tuple[int, ...],
    device: str | None,
    folder: Path | None,
    progress: Callable[[int, int], None] | None,
) -> dict[str, NDArray[np.float64]]:
    space = space_of(setting.space)
    names = (*METRICS, "seconds")
    results = {name: np.full((len(rows), setting.recipe.epochs, len(seeds)), np.nan) for name in names}
    for i, row in enumerate(rows):
        for j, seed in enumerate(seeds):
            path = None if folder is None else folder / f"{_digest(space, row)}-{seed}.pt"
            training = train(
                setting.network(row, seed), setting.data, setting.recipe, seed=seed, device=device, checkpoint=path
            )
            for name in METRICS:
                results[name][i, :, j] = training.metrics[name]
            results["seconds"][i, :, j] = training.seconds
            if progress:
                progress(i * len(seeds) + j + 1, len(rows) * len(seeds))
    return results


def can_be_stacked(setting: Setting) -> bool:
    """Return whether networks of this setting can be trained in stacks, and are trained faster in stacks on the CPU.

    Long trainings are not stacked, because stacks have no checkpoints.
    """
    steps = steps_an_epoch(len(setting.data.part("train")), setting.recipe.batch_size)
    if setting.recipe.epochs * steps > MOST_STEPS:
        return False
    try:
        check_recipe(setting.recipe)
    except NotStackable:
        return False
    return _gains(setting, space_of(setting.space))


@functools.lru_cache(maxsize=16)
def _gains(setting: Setting, space: Space) -> bool:
    try:
        return gains([record(setting.network(x, 0), setting.data.shape) for x in space.sample(SAMPLED, 0)])
    except NotStackable:
        return False


def networks_a_stack(setting: Setting, seeds: int) -> int:
    """Return how many networks, with so many seeds each, are trained at once.

    Nothing else may change the number, as rounding depends on what is in a stack.
    """
    return CELLS_A_STACK if _is_stack_of_cells(setting) else -(-TRAININGS_A_STACK // seeds)


def _is_stack_of_cells(setting: Setting) -> bool:
    """Whether `train_stacked` trains the networks, as it trained those of the bundled table."""
    if setting.space != "nb201" or setting.skeleton != SKELETONS["digits"]:
        return False
    try:
        check_stackable(setting.recipe, setting.data)
    except ValueError:
        return False
    return True


def _stacked(
    setting: Setting, rows: Genotypes, seeds: tuple[int, ...], progress: Callable[[int, int], None] | None
) -> dict[str, NDArray[np.float64]]:
    results = {name: np.full((len(rows), setting.recipe.epochs, len(seeds)), np.nan) for name in (*METRICS, "seconds")}
    size = networks_a_stack(setting, len(seeds))
    for first in range(0, len(rows), size):
        part = slice(first, first + size)
        for name, values in _trained_in_a_stack(setting, rows[part], seeds).items():
            results[name][part] = values
        if progress:
            progress(min(first + size, len(rows)) * len(seeds), len(rows) * len(seeds))
    return results


def _trained_in_a_stack(setting: Setting, rows: Genotypes, seeds: tuple[int, ...]) -> dict[str, NDArray[np.float64]]:
    start = time.perf_counter()
    if _is_stack_of_cells(setting):
        numbers = space_of(setting.space).number(rows)
        trained = train_stacked(numbers, rows, SKELETONS["digits"], setting.data, setting.recipe, seeds)
    else:
        networks = [[setting.network(row, seed) for seed in seeds] for row in rows]
        try:
            trained = train_stack(networks, setting.data, setting.recipe, seeds)
        except NotStackable:  # unlike those by which `can_be_stacked` judges
            return _alone(setting, rows, seeds, "cpu", None, None)
    shape = trained["valid_loss"].shape
    return {**trained, "seconds": np.full(shape, (time.perf_counter() - start) / prod(shape))}


@functools.lru_cache(maxsize=1)
def _loaded(dataset: str, folder: str | None) -> Dataset:
    return load_dataset(dataset, folder)


def _skeleton_name(dataset: str) -> str:
    """Return the dataset whose skeletons fit these images; subsets of CIFAR-10 use those of CIFAR-10."""
    known = [name for name in IMAGES if dataset == name or dataset.startswith(f"{name}-")]
    return max(known, key=len, default="cifar10")


def _weight_seed(space: Space, x: Sequence[int] | Genotypes, seed: int) -> int:
    """Return the seed of the initial weights, distinct for every genotype and training seed."""
    rows = space.check(x)
    if space.size <= INDEXED_SIZE:
        return seed * space.size + int(space.number(rows)[0])
    return int(_digest(space, rows[0], seed)[:8], 16)  # PyTorch's CPU generator uses only 32 bits


def _digest(space: Space, row: Genotypes, seed: int | None = None) -> str:
    """Return 15 hexadecimal digits that identify a genotype and a seed."""
    return hashlib.sha256(f"{space.name} {row.tolist()} {seed}".encode()).hexdigest()[:15]


def _plain(value: Any) -> Any:
    """Return the value after a JSON round trip, which turns tuples into lists."""
    return json.loads(json.dumps(value))
