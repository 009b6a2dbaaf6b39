"""Recover the training setting of a store's entries from its provenance, or else from the publication."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nasbench_kit.benchmark import Benchmark
from nasbench_kit.errors import SourceError, StoreError, UnknownName
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.skeleton import Skeleton
from nasbench_kit.training.construction import skeleton_of
from nasbench_kit.training.datasets import Dataset, datasets, load_dataset
from nasbench_kit.training.recipes import Recipe, published_recipe
from nasbench_kit.training.setting import Setting, make_setting

__all__ = ["StoredSetting", "stored_setting"]

CURVES = "-curves-"  # marks datasets with values after every epoch of trainings of the length that follows
IMAGES_OF = {("nb101", "cifar10"): "cifar10-40k"}  # Ying et al. 2019, arXiv 1902.09635, section 2.3
SGD = "SGD, Nesterov"


@dataclass(frozen=True)
class StoredSetting:
    """How to train the entries of a store.

    Attributes
    ----------
    setting : Setting
    epoch : int
        The epoch, counted from 1, after which the table's values were measured.
    assumed : tuple of str
        Assumptions from the publication about what the store does not specify, one sentence each.
    """

    setting: Setting
    epoch: int
    assumed: tuple[str, ...]


def stored_setting(
    bench: Benchmark,
    dataset: str,
    budget: int | None,
    *,
    images: str | os.PathLike[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    recipe: str | None = None,
) -> StoredSetting:
    """Return the setting described by a store's provenance, checked against the available images.

    Parameters
    ----------
    bench : Benchmark
    dataset : str
        The dataset of the store.
    budget : int or None
        The epoch budget of the values, or None if the table has none.
    images, folder
        Arguments of `load_dataset` (default: the images of the dataset's name).
    recipe : str, optional
        Name of a published recipe, for stores that do not specify one.

    Raises
    ------
    StoreError
        If the images differ from those of the store.
    ValueError
        If a recipe is given although the store specifies one, or the budget exceeds the length of its trainings.
    UnknownName, SourceError, MissingExtra
        As raised by `load_dataset`.
    """
    where = None if folder is None else str(folder)
    told, old = bench.info.get("setting"), bench.info.get("recipe")
    own = isinstance(told, Mapping)
    old_own = not own and isinstance(old, Mapping) and "split" in bench.info and dataset == "digits"
    if (own or old_own) and recipe is not None:
        raise ValueError(f"{bench.name} specifies the recipe of its entries; leave out --recipe")
    if own:
        assert isinstance(told, Mapping)
        setting = _told(bench, told, None if images is None else str(images), where)
    elif old_own:
        assert isinstance(old, Mapping)
        setting = _of_digits_table(bench, old, "digits" if images is None else str(images), where)
    else:
        return _assumed(bench, dataset, budget, images, where, recipe)
    length = setting.recipe.epochs
    epoch = length if budget is None else budget
    if epoch > length:
        raise ValueError(f"{bench.name} specifies trainings of {length} epochs, but has values after {epoch}")
    return StoredSetting(setting, epoch, ())


def _told(bench: Benchmark, told: Mapping[str, Any], images: str | None, folder: str | None) -> Setting:
    """Return the setting of a store whose provenance has a setting."""
    name = str(told.get("dataset"))
    if images is None and name not in datasets():
        raise SourceError(
            f"{bench.name} was trained on {name!r}, which is not a published dataset: give its file with --images"
        )
    try:
        if told["space"] != bench.space.name:
            raise ValueError(f"its setting is for {told['space']}, not for {bench.space.name}")
        # fields that are None are left to the network and not stored
        names = [field.name for field in dataclasses.fields(Recipe) if field.default is not None]
        fields = {**told["recipe"], **{name: told["recipe"][name] for name in names}}
        how = Recipe(**{**fields, "milestones": tuple(fields["milestones"])})
        frame = skeleton_of(bench.space, "cifar10", **told["skeleton"])
        digest = str(told["images"])
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{bench.path} has an invalid training setting in its provenance: {error}") from error
    setting = Setting(bench.space.name, images or name, folder, frame, how)
    if setting.identity["images"] != digest:
        raise StoreError(
            f"the images {setting.dataset!r} are not those that {bench.name} was trained on: their digest is "
            f"{setting.identity['images']}, that in the store is {digest}"
        )
    return setting


def _of_digits_table(bench: Benchmark, old: Mapping[str, Any], images: str, folder: str | None) -> Setting:
    """Return the setting of a table of the digits with a recipe and a split but no setting, i.e. the bundled one."""
    if old.get("optimiser") != SGD:
        raise StoreError(f"{bench.path}: its recipe has the optimiser {old.get('optimiser')!r}, not {SGD!r}")
    names = ("epochs", "batch_size", "learning_rate", "momentum", "weight_decay")
    try:
        how = Recipe(**{name: old[name] for name in names})
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{bench.path} has an invalid training setting in its provenance: {error}") from error
    if load_dataset(images, folder).split != bench.info["split"]:
        raise StoreError(f"the images {images!r} are not those that {bench.name} was trained on: their split differs")
    return make_setting(bench.space, "digits", recipe=how)


def _assumed(
    bench: Benchmark,
    dataset: str,
    budget: int | None,
    images: str | os.PathLike[str] | None,
    folder: str | None,
    recipe: str | None,
) -> StoredSetting:
    """Return the published setting, for a store that does not specify one."""
    name, _, length = dataset.partition(CURVES)
    chosen = str(images) if images is not None else IMAGES_OF.get((bench.space.name, name), name)
    try:
        data: Dataset = load_dataset(chosen, folder)
    except UnknownName as error:
        if images is not None:
            raise
        raise UnknownName(
            "images of the dataset", dataset, datasets(), "Give them with --images: a name, or an .npz file."
        ) from error
    setting = make_setting(
        bench.space, chosen, folder=folder, recipe=recipe, epochs=int(length) if length.isdecimal() else budget
    )
    used = recipe or ("digits" if chosen == "digits" else bench.space.name)
    how = setting.recipe
    assumed = [
        f"recipe: {used!r}, {how.epochs} epochs ({published_recipe(used).source})",
        f"images and split: the kit's {data.name!r}",
        f"skeleton: {_text(setting.skeleton, bench.space, chosen)}",
    ]
    if published_recipe(used).ours:
        assumed.append(f"parts of this recipe without a published source: {', '.join(published_recipe(used).ours)}")
    return StoredSetting(setting, how.epochs if budget is None else budget, tuple(assumed))


def _text(skeleton: Skeleton, space: Space, images: str) -> str:
    own = [name for name, known in space.skeletons.items() if known == skeleton]
    if own:
        return f"that of {space.name} for {images if images in own else own[0]}"
    return f"that of {space.name} for cifar10, with these images and classes"
