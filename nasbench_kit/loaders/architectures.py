"""Read a column of architectures in any of a space's forms; errors name the offending row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nasbench_kit.errors import InvalidArchitecture, SourceError, UnknownName
from nasbench_kit.loaders.frames import cells_of, whole_numbers_of
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.forms import parsed
from nasbench_kit.spaces.genotypes import Genotypes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["architectures_of"]


def architectures_of(path: Path, column: pd.Series[Any], form: str, space: Space) -> Genotypes:
    """Genotypes (n, genes) of a column of n architectures.

    Parameters
    ----------
    path : Path
        The file, for error messages.
    column : pandas.Series
    form : str
        One of ``space.forms``.
    space : Space

    Raises
    ------
    SourceError
        If the space has no such form, or an architecture is invalid.
    """
    if form not in space.forms:
        raise SourceError(f"{path}: {UnknownName(f'architecture form of {space.name}', form, space.forms)}")
    chosen = space.forms[form]
    values: Any
    if chosen.values == "numbers":
        values, inverse = np.unique(whole_numbers_of(path, column), return_inverse=True)
    else:
        values, inverse = cells_of(path, column)
        if chosen.values == "nested":
            values = [parsed(value) if isinstance(value, str) else value for value in values]

    def read(some: Any) -> Genotypes:
        return space.check(chosen.read(some))

    try:
        return read(values)[inverse]
    except OverflowError as error:  # a space of more than 2**64 genotypes
        raise SourceError(f"{path}: column {column.name!r}: {error}; give the architectures in another form") from error
    except InvalidArchitecture:
        at, reason = _first_invalid(read, values)
        row = int(np.flatnonzero(inverse == at)[0])
        raise SourceError(f"{path}: row {row}, column {column.name!r}: {reason}") from reason


def _first_invalid(read: Callable[[Any], object], values: Any) -> tuple[int, InvalidArchitecture]:
    """Index of the first value that cannot be read, and why; there is one."""
    low, high = 0, len(values)
    while True:
        middle = (low + high) // 2 if high - low > 1 else high
        try:
            read(values[low:middle])
        except InvalidArchitecture as error:
            if middle - low == 1:
                return low, error
            high = middle
        else:
            low = middle
