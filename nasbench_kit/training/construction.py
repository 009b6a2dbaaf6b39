"""From a genotype to a PyTorch network: the entry point for all spaces, and which skeleton each is built in."""

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
    """The PyTorch network of one architecture, with the weights that PyTorch's own initialisation draws from the seed.

    Parameters
    ----------
    space : str or Space
        A space, or its name.
    x : array_like of int, shape (genes,), or a native form
        One genotype, or the native form of one.
    dataset : str
        Decides the images' shape, the number of classes, and the skeleton: the paper's own, but on ``"digits"`` a small one
        that trains in seconds on a laptop.
    seed : int
        Of the initial weights. PyTorch's own generator is left as it is.
    **skeleton
        Figures of the skeleton to change, such as ``channels``, ``cells``, ``image=(1, 8, 8)`` or ``classes``; what a
        space has is listed where one is asked for that does not exist.

    Returns
    -------
    torch.nn.Module
        Images (n, channels, height, width) to logits (n, classes). Its number of parameters is the space's cost ``params``
        where that is defined for the dataset.

    Raises
    ------
    UnknownName
        A space, a dataset or a skeleton argument that does not exist.
    InvalidArchitecture
    ValueError
        A value that a skeleton argument cannot have.
    """
    space = space_of(space) if isinstance(space, str) else space
    found = skeleton_of(space, dataset, **skeleton)
    genes = _genes(space, x)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network: nn.Module = _network_class(space.name)(genes, found)
        return network


def skeleton_of(space: str | Space, dataset: str = "cifar10", **changes: Any) -> Skeleton:
    """The skeleton that `build` builds in: a frozen dataclass of figures.

    A dataset that the space has no skeleton of its own for gets the one of ``"cifar10"`` with its images and classes.
    """
    space = space_of(space) if isinstance(space, str) else space
    _network_class(space.name)
    own = space.skeletons
    name = {known.lower(): known for known in IMAGES}.get(dataset.lower())
    if name is None:
        raise UnknownName("dataset", dataset, IMAGES)
    if name in own:
        found = own[name]
    else:
        image, classes = IMAGES[name]
        found = dataclasses.replace(own["cifar10"], image=image, classes=classes)
    return override(found, changes, space.name)


def _network_class(name: str) -> Callable[..., nn.Module]:
    """The network of a space, from its spec; UnknownName where it has none."""
    found = spec(name).network if name in list_spaces() else None
    if found is None:
        raise UnknownName("space to build networks of", name, [n for n in list_spaces() if spec(n).network is not None])
    if isinstance(found, str):
        module, _, attribute = found.partition(":")
        found = getattr(importlib.import_module(module), attribute)
    made: Callable[..., nn.Module] = found
    return made


def _genes(space: Space, x: Any) -> list[int]:
    """The genes of one genotype or native form."""
    try:
        shape: Any = None if isinstance(x, (str, bytes, dict)) else np.shape(x)
    except ValueError:  # lists of different lengths: a native form
        shape = None
    if shape in ((space.genes,), (1, space.genes)):
        rows = space.check(x)
    elif shape is not None and len(shape) == 2 and shape[1] == space.genes:
        raise InvalidArchitecture(f"{space.name}: networks are built of one genotype at a time, not of {shape[0]}")
    else:
        rows = space.encode([x])
        rows = space.check(rows)
    found: list[int] = rows[0].tolist()
    return found
