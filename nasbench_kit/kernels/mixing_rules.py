"""What the compiled loops of optimal mixing share: phases, settings, random numbers and places of populations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import part

__all__ = ["FILL", "FORCE", "MIX", "Rules", "places", "uniform"]

FILL, MIX, FORCE = range(3)  # phases of a run: fill a population, mix a member, forced improvement


class Rules(NamedTuple):
    """Settings of an algorithm.

    Attributes
    ----------
    first_population, turns : int
        As in `OptimalMixing`.
    others : ndarray of int, shape (genes,)
        Number of other alleles of each gene.
    samples : bool
        Whether any combination of alleles may be in a new population.
    mutates : bool
        Whether donors are mutated.
    rate : float
        Mutation probability of a donor's gene; 0 for 1 / size of the set.
    averages : bool
        Whether populations are compared by their averages, rather than point by point.
    archived : bool
        Whether trials are accepted that equal a point of the archive.
    """

    first_population: int
    turns: int
    others: NDArray[np.int64]
    samples: bool
    mutates: bool
    rate: float
    averages: bool
    archived: bool


@part
def uniform(state: int, k: int) -> float:
    """The ``k``-th number in [0, 1) of a run's second stream, as `Streams.of` draws it."""
    word = np.uint64(state) + np.uint64(k + 1) * np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    word ^= word >> np.uint64(31)
    return np.float64(word >> np.uint64(11)) * 2.0**-53


@part
def places(first_population: int, p: int) -> tuple[int, int]:
    """Begin and end of population ``p``."""
    return first_population * ((1 << p) - 1), first_population * ((2 << p) - 1)
