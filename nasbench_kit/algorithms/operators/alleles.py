"""Sampling of rows of independent alleles, several at a time from a table of all their combinations."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.streams import Streams
from nasbench_kit.kernels.variation import outcomes

__all__ = ["AliasTable", "draw_alleles"]

COMBINATIONS = 2**15  # maximum size of the table of a group of alleles, so that it stays in the cache


class AliasTable:
    """Alias table: draws from a discrete distribution in constant time.

    An outcome is either a uniformly drawn slot or the alias of that slot. Source: Walker 1977 (ACM TOMS 3(3)), built by
    prefix sums as in Hübschle-Schneider and Sanders 2022, Parallel weighted random sampling (ACM TOMS 48(3)).

    Parameters
    ----------
    probability : ndarray of float, shape (k,)
        Probabilities, up to a constant factor.

    Attributes
    ----------
    stay : ndarray of uint32, shape (k,)
        The outcome is the slot itself if a random 32-bit word is below this value.
    alias : ndarray of int, shape (k,)
        The outcome otherwise.
    """

    def __init__(self, probability: NDArray[np.float64]) -> None:
        share = probability * (len(probability) / probability.sum())
        is_light = share < min(1.0, share.max())
        light, heavy = np.flatnonzero(is_light), np.flatnonzero(~is_light)
        stay, self.alias = np.minimum(share, 1.0), np.arange(len(share))
        # Heavy outcomes fill the light slots one after the other, each until it has at most one slot's worth left. If
        # its last light slot took too much, the next heavy outcome makes up the difference.
        lacking, spare = np.cumsum(1 - share[light]), np.cumsum(share[heavy] - 1)
        if len(light):
            before = np.append(0.0, lacking[:-1])
            self.alias[light] = heavy[np.searchsorted(spare, before).clip(max=len(heavy) - 1)]
            overdrawn = np.searchsorted(lacking, spare[:-1], side="right").clip(max=len(light) - 1)
            stay[heavy[:-1]] = (1 - (lacking[overdrawn] - spare[:-1])).clip(0, 1)
            self.alias[heavy[:-1]] = heavy[1:]
        self.stay = np.minimum(np.round(stay * 2.0**32), 2**32 - 1).astype(np.uint32)

    def draw(self, random: Streams, shape: tuple[int, ...]) -> NDArray[np.intp]:
        """Draw outcomes, accurate to 2**-32, using two random words each: (runs, *shape)."""
        return self.outcomes(random.bits(shape), random.bits(shape))

    def outcomes(self, first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.intp]:
        """Map pairs of random words to outcomes: (...) and (...) to (...)."""
        return outcomes(first, second, self.stay, self.alias)


def draw_alleles(
    distributions: tuple[tuple[float, ...], ...], n: int, random: Streams, where: NDArray[np.bool_] | None = None
) -> NDArray[np.uint8]:
    """Draw ``n`` rows of independent alleles.

    Parameters
    ----------
    distributions : tuple of tuples of float
        Probabilities of the alleles 0, 1, ... at each position; they sum to 1.
    n : int
        Number of rows per run.
    random : Streams
    where : ndarray of bool, shape (runs, n), optional
        Rows to draw; all others are 0.

    Returns
    -------
    ndarray of uint8, shape (runs, n, len(distributions))
    """
    parts = []
    for rows, table in groups_of(distributions):
        drawn = table.draw(random, (n,))
        if where is not None:
            drawn *= where  # the first combination is all 0
        parts.append(rows.take(drawn, axis=0, mode="clip"))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)


@cache
def groups_of(distributions: tuple[tuple[float, ...], ...]) -> list[tuple[NDArray[np.uint8], AliasTable]]:
    """Groups of adjacent positions: all combinations of alleles in a group, and an alias table to draw from them."""
    groups: list[list[tuple[float, ...]]] = [[]]
    size = 1
    for distribution in distributions:
        if not all(0 <= p <= 1 for p in distribution):  # nan too
            raise ValueError(f"probabilities must be from 0 to 1, not {tuple(distribution)}")
        if groups[-1] and size * len(distribution) > COMBINATIONS:
            groups.append([])
            size = 1
        groups[-1].append(distribution)
        size *= len(distribution)
    found = []
    for group in groups:
        shape = tuple(len(distribution) for distribution in group)
        rows = np.indices(shape, dtype=np.uint8).reshape(len(shape), -1).T
        probability = np.ones(())
        for distribution in group:
            probability = np.multiply.outer(probability, distribution)
        found.append((np.ascontiguousarray(rows), AliasTable(probability.ravel())))
    return found
