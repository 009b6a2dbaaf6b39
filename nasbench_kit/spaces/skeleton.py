"""The network around an architecture, as data: what decides its parameters and multiply-adds, and what a user may change.

Each space has a `Skeleton` of its own with the paper's figures, one for each dataset that it is defined for.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from nasbench_kit.errors import UnknownName

__all__ = ["IMAGES", "Skeleton", "area", "halved", "override"]

#: Images of each dataset, (channels, height, width), and the number of classes.
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
    """What every skeleton has.

    Attributes
    ----------
    image : tuple of int
        Channels, height and width of the images.
    classes : int
    """

    image: tuple[int, int, int]
    classes: int

    #: The values of those arguments that are words.
    choices: ClassVar[Mapping[str, Sequence[str]]] = {}
    #: Arguments that may have any number of entries, e.g. one for each stage.
    any_length: ClassVar[tuple[str, ...]] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return self.image[1:]


S = TypeVar("S", bound=Skeleton)


def override(skeleton: S, changes: Mapping[str, Any], what: str) -> S:
    """The skeleton with some of its figures changed.

    Parameters
    ----------
    skeleton : Skeleton
    changes : mapping of str to value
        Each of the kind that is there: a whole number from 1 up, a sequence of them, a share from 0 to below 1, a word.
    what : str
        Whose skeleton it is, for messages.

    Raises
    ------
    UnknownName
        An argument, or a word, that does not exist; with those that do.
    ValueError
        A value of another kind.
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
        raise ValueError(f"{name} is a share from 0 to below 1, such as {there}, not {value!r}")
    if isinstance(there, int):
        found = _whole(value)
        if found is None:
            raise ValueError(f"{name} is a whole number from 1 up, such as {there}, not {value!r}")
        return found
    several = [_whole(part) for part in value] if isinstance(value, (list, tuple)) else [None]
    if None in several or not several or (len(several) != len(there) and name not in skeleton.any_length):
        count = "" if name in skeleton.any_length else f"{len(there)} "
        raise ValueError(f"{name} is {count}whole numbers from 1 up, such as {there}, not {value!r}")
    return tuple(several)


def _whole(value: Any) -> int | None:
    """The value as an int where it is a whole number from 1 up."""
    try:
        number = operator.index(value)
    except TypeError:
        return None
    return number if number >= 1 and not isinstance(value, bool) else None


def halved(size: tuple[int, int], stride: int = 2) -> tuple[int, int]:
    """Height and width after a layer of this stride that pads; what is odd is rounded up."""
    return -(-size[0] // stride), -(-size[1] // stride)


def area(size: tuple[int, int]) -> int:
    """The number of pixels."""
    return size[0] * size[1]
