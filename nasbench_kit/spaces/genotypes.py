"""Genotype arrays and random generators."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["LISTED_SIZE", "SMALL_SIZE", "Genotypes", "as_rng"]

Genotypes = NDArray[np.uint8]

# Spaces up to this size use lookup tables indexed by flat index, which fit into the CPU cache.
SMALL_SIZE = 2**16

# Up to this size, the networks of a space are counted and numbered by listing all genotypes.
LISTED_SIZE = 2**24


def as_rng(rng: int | np.random.Generator) -> np.random.Generator:
    """Return a generator as is, or create one from an ``int`` seed; anything else raises TypeError."""
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, (int, np.integer)) and not isinstance(rng, bool):
        if rng < 0:
            raise ValueError(f"a seed must be a non-negative integer, not {rng}")
        return np.random.default_rng(int(rng))
    raise TypeError(f"rng must be an int seed or a numpy.random.Generator, not {type(rng).__name__}")
