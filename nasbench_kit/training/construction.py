"""Build PyTorch networks from the genotypes of any space, in the skeleton of its paper."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from nasbench_kit.errors import InvalidArchitecture, UnknownName
from nasbench_kit.spaces import list_spaces, spec
from nasbench_kit.spaces import space as space_of
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.skeleton import IMAGES, Skeleton, override

__all__ = ["build", "skeleton_of"]


def build(space: str | Space, x: Any, *, dataset: str = "cifar10", seed: int = 0, **skeleton: Any) -> nn.Module:
    """Build the PyTorch network of one architecture, with PyTorch's default initialisation.

    Parameters
    ----------
    space : str or Space
        A space, or its name.
    x : array_like of int, shape (genes,), or a native form
        One genotype, or its native form.
    dataset : str
        Determines the image shape, the number of classes and the skeleton: that of the paper, or for ``"digits"`` a
        small one that trains in seconds on a laptop.
    seed : int
        Seed of the initial weights. PyTorch's global generator is not changed.
    **skeleton
        Skeleton values to change, such as ``channels``, ``cells``, ``image=(1, 8, 8)`` or ``classes``. An unknown name
        raises an error that lists those of the space.

    Returns
    -------
    torch.nn.Module
        Maps images (n, channels, height, width) to logits (n, classes). Its number of parameters equals the space's
        cost ``params`` where that is defined for the dataset.

    Raises
    ------
    UnknownName
        If the space, dataset or skeleton argument does not exist.
    InvalidArchitecture
        If `x` is not a valid architecture of the space.
    ValueError
        If a skeleton argument has an invalid value.
    """
    space = space_of(space) if isinstance(space, str) else space
    found = skeleton_of(space, dataset, **skeleton)
    genes = _genes(space, x)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network: nn.Module = _network_class(space.name)(genes, found)
        return network


def skeleton_of(space: str | Space, dataset: str = "cifar10", **changes: Any) -> Skeleton:
    """Return the skeleton that `build` uses, a frozen dataclass.

    If the space has no skeleton for the dataset, its ``"cifar10"`` skeleton is adapted to the image shape and classes.
    """
    space = space_of(space) if isinstance(space, str) else space
    _network_class(space.name)
    own = space.skeletons
    names = dict.fromkeys((*IMAGES, *own))
    name = {known.lower(): known for known in names}.get(dataset.lower())
    if name is None:
        raise UnknownName("dataset", dataset, names)
    if name in own:
        found = own[name]
    else:
        image, classes = IMAGES[name]
        found = dataclasses.replace(own["cifar10"], image=image, classes=classes)
    return override(found, changes, space.name)


def _network_class(name: str) -> Callable[..., nn.Module]:
    """Return the network class of a space; raises UnknownName if it has none."""
    found = spec(name).network if name in list_spaces() else None
    if found is None:
        hint = (
            f"{name} is a table alone: its spec declares no network to build or train" if name in list_spaces() else ""
        )
        raise UnknownName("space with networks", name, [n for n in list_spaces() if spec(n).network is not None], hint)
    if isinstance(found, str):
        module, _, attribute = found.partition(":")
        found = getattr(importlib.import_module(module), attribute)
    made: Callable[..., nn.Module] = found
    return made


def _genes(space: Space, x: Any) -> list[int]:
    """Return the genes of one genotype or native form."""
    try:
        shape: Any = None if isinstance(x, (str, bytes, dict)) else np.shape(x)
    except ValueError:  # ragged lists: a native form
        shape = None
    if shape in ((space.genes,), (1, space.genes)):
        rows = space.check(x)
    elif shape is not None and len(shape) == 2 and shape[1] == space.genes:
        raise InvalidArchitecture(f"{space.name}: build takes one genotype at a time, not {shape[0]}")
    else:
        rows = space.encode([x])
        rows = space.check(rows)
    found: list[int] = rows[0].tolist()
    return found
