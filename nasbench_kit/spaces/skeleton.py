"""Skeletons: the configurable network around an architecture, which determines its parameters and multiply-adds.

Each space defines its own `Skeleton` subclass, with the paper's values for each supported dataset.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from nasbench_kit.errors import UnknownName

__all__ = ["IMAGES", "Skeleton", "area", "halved", "override"]

#: Image shape (channels, height, width) and number of classes of each dataset.
IMAGES = {
    "cifar10": ((3, 32, 32), 10),
    "cifar10-valid": ((3, 32, 32), 10),
    "cifar100": ((3, 32, 32), 100),
    "ImageNet16-120": ((3, 16, 16), 120),
    "mnist": ((1, 28, 28), 10),
    "digits": ((1, 8, 8), 10),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Skeleton:
    """Base class of all skeletons.

    Attributes
    ----------
    image : tuple of int
        Channels, height and width of the images.
    classes : int
        Number of classes.
    """

    image: tuple[int, int, int]
    classes: int

    #: Allowed values of string arguments.
    choices: ClassVar[Mapping[str, Sequence[str]]] = {}
    #: Sequence arguments that may have any length, e.g. one entry per stage.
    any_length: ClassVar[tuple[str, ...]] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return self.image[1:]


S = TypeVar("S", bound=Skeleton)


def override(skeleton: S, changes: Mapping[str, Any], what: str) -> S:
    """Return a copy of a skeleton with some values changed.

    Parameters
    ----------
    skeleton : Skeleton
    changes : mapping of str to value
        Each value must have the type of the one it replaces: a positive integer, a sequence of positive integers, a
        fraction in [0, 1), or one of the allowed strings.
    what : str
        Owner of the skeleton, for error messages.

    Raises
    ------
    UnknownName
        If an argument or a string value does not exist.
    ValueError
        If a value has the wrong type or range.
    """
    names = [field.name for field in dataclasses.fields(skeleton)]
    for name in changes:
        if name not in names:
            raise UnknownName(f"skeleton argument of {what}", name, names)
    return dataclasses.replace(skeleton, **{name: _checked(skeleton, name, changes[name]) for name in changes})


def _checked(skeleton: Skeleton, name: str, value: Any) -> Any:
    there = getattr(skeleton, name)
    if isinstance(there, str):
        if value not in skeleton.choices[name]:
            raise UnknownName(name, value, skeleton.choices[name])
        return value
    if isinstance(there, float):
        if isinstance(value, (int, float)) and 0 <= value < 1:
            return float(value)
        raise ValueError(f"{name} must be a fraction in [0, 1), such as {there}, not {value!r}")
    if isinstance(there, int):
        found = _whole(value)
        if found is None:
            raise ValueError(f"{name} must be a positive integer, such as {there}, not {value!r}")
        return found
    several = [_whole(part) for part in value] if isinstance(value, (list, tuple)) else [None]
    if None in several or not several or (len(several) != len(there) and name not in skeleton.any_length):
        count = "" if name in skeleton.any_length else f"{len(there)} "
        raise ValueError(f"{name} must be {count}positive integers, such as {there}, not {value!r}")
    return tuple(several)


def _whole(value: Any) -> int | None:
    """Convert a positive integer to int; None for any other value."""
    try:
        number = operator.index(value)
    except TypeError:
        return None
    return number if number >= 1 and not isinstance(value, bool) else None


def halved(size: tuple[int, int], stride: int = 2) -> tuple[int, int]:
    """Height and width after a padded layer of this stride, rounded up."""
    return -(-size[0] // stride), -(-size[1] // stride)


def area(size: tuple[int, int]) -> int:
    """The number of pixels."""
    return size[0] * size[1]
