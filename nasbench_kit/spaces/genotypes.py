"""The arrays that genotypes are, and where random numbers come from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["LISTED_SIZE", "SMALL_SIZE", "Genotypes", "as_rng"]

Genotypes = NDArray[np.uint8]

# Spaces up to this size are answered from tables by genotype number: such a table stays in the cache.
SMALL_SIZE = 2**16

# Spaces up to this size have their networks counted and numbered by listing all genotypes.
LISTED_SIZE = 2**24


def as_rng(rng: int | np.random.Generator) -> np.random.Generator:
    """The generator itself, or a new one from an ``int`` seed. Nothing else is a source of randomness."""
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, (int, np.integer)) and not isinstance(rng, bool):
        if rng < 0:
            raise ValueError(f"a seed is a whole number from 0 on, not {rng}")
        return np.random.default_rng(int(rng))
    raise TypeError(f"rng must be an int seed or a numpy.random.Generator, not {type(rng).__name__}")
