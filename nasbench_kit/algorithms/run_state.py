"""State of an algorithm as declared arrays over its runs: making and enlarging them follow from the declaration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["RunState", "array"]


@dataclass(frozen=True)
class _Declaration:
    axes: tuple[str, ...]
    kind: type
    fill: float


def array(axes: str, kind: type, fill: float = 0) -> Any:
    """Declare an array of a `RunState`.

    Parameters
    ----------
    axes : str
        Names of the axes, separated by spaces, e.g. ``"runs places genes"``.
    kind : type
        The dtype.
    fill : float
        Value of an element until it is set.
    """
    return _Declaration(tuple(axes.split()), kind, fill)


class RunState:
    """Base class of groups of arrays that an algorithm keeps for all of its runs, declared with `array`.

    With ``together=True`` in the class statement, arrays with one element per run are views of the fields of a structured
    array, ``each``, so that compiled loops take one argument for all of them. They must then be modified in place.

    Parameters
    ----------
    **sizes : int
        Length of each axis, by the names used in the declarations.

    Examples
    --------
    >>> class Population(RunState):
    ...     f = array("runs members", np.float64, np.inf)
    >>> population = Population(runs=1, members=2)
    >>> population.f[0, 0] = 0.5
    >>> population.grow(members=3)
    >>> population.f
    array([[0.5, inf, inf]])
    """

    _declared: dict[str, _Declaration]

    _together: bool = False

    def __init_subclass__(cls, together: bool = False) -> None:
        cls._together = together
        cls._declared = {name: value for name, value in vars(cls).items() if isinstance(value, _Declaration)}

    def __init__(self, **sizes: int) -> None:
        fields = [(name, self._declared[name].kind) for name in self._fields()]
        if fields:
            self.each = np.zeros(sizes["runs"], dtype=np.dtype(fields, align=True))
        for name, declared in self._declared.items():
            shape = [sizes[axis] for axis in declared.axes]
            if name in self._fields():
                self.each[name] = declared.fill
                setattr(self, name, self.each[name])
            else:
                setattr(self, name, np.full(shape, declared.fill, dtype=declared.kind))

    def _fields(self) -> list[str]:
        """Names of the arrays that are fields of ``each``."""
        return [name for name, known in self._declared.items() if self._together and known.axes == ("runs",)]

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All arrays in the order of their declaration; ``each``, in place of those that it contains, comes first."""
        fields = self._fields()
        others = (getattr(self, name) for name in self._declared if name not in fields)
        return (self.each, *others) if fields else tuple(others)

    def size(self, axis: str) -> int:
        """Length of an axis."""
        name, declared = next((name, known) for name, known in self._declared.items() if axis in known.axes)
        length: int = getattr(self, name).shape[declared.axes.index(axis)]
        return length

    def grow(self, **sizes: int) -> None:
        """Enlarge all arrays that have these axes; an axis that is longer already keeps its length."""
        for name, declared in self._declared.items():
            old = getattr(self, name)
            shape = tuple(
                max(sizes.get(axis, 0), length) for axis, length in zip(declared.axes, old.shape, strict=True)
            )
            if shape != old.shape:
                wider = np.full(shape, declared.fill, dtype=declared.kind)
                wider[tuple(map(slice, old.shape))] = old
                setattr(self, name, wider)
