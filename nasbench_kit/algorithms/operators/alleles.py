"""Rows of independent letters: a whole group of them is one draw from the table of all their combinations."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.streams import Streams
from nasbench_kit.kernels.variation import outcomes

__all__ = ["AliasTable", "draw_letters"]

COMBINATIONS = 2**15  # of a group of letters, at most: its table stays in the cache


class AliasTable:
    """Draws from a distribution, in the same few steps however many outcomes there are.

    An outcome is a uniformly drawn slot, or the slot's alias. Source: Walker 1977 (ACM TOMS 3(3)); built by prefix sums,
    as in Hübschle-Schneider and Sanders 2022, Parallel weighted random sampling (ACM TOMS 48(3)).

    Parameters
    ----------
    probability : ndarray of float, shape (k,)

    Attributes
    ----------
    stay : ndarray of uint32, shape (k,)
        The outcome is the slot itself where a random 32-bit word is below this.
    alias : ndarray of int, shape (k,)
    """

    def __init__(self, probability: NDArray[np.float64]) -> None:
        share = probability * (len(probability) / probability.sum())
        is_light = share < min(1.0, share.max())
        light, heavy = np.flatnonzero(is_light), np.flatnonzero(~is_light)
        stay, self.alias = np.minimum(share, 1.0), np.arange(len(share))
        # The heavy ones in turn fill up the light slots in turn, each until it has no more than a slot's worth itself;
        # what the last of its light slots took too much, the next heavy one makes good.
        lacking, spare = np.cumsum(1 - share[light]), np.cumsum(share[heavy] - 1)
        if len(light):
            before = np.append(0.0, lacking[:-1])
            self.alias[light] = heavy[np.searchsorted(spare, before).clip(max=len(heavy) - 1)]
            overdrawn = np.searchsorted(lacking, spare[:-1], side="right").clip(max=len(light) - 1)
            stay[heavy[:-1]] = (1 - (lacking[overdrawn] - spare[:-1])).clip(0, 1)
            self.alias[heavy[:-1]] = heavy[1:]
        self.stay = np.minimum(np.round(stay * 2.0**32), 2**32 - 1).astype(np.uint32)

    def draw(self, random: Streams, shape: tuple[int, ...]) -> NDArray[np.intp]:
        """Outcomes, to within 2**-32 of their probabilities, of two random words each: (runs, *shape)."""
        return self.outcomes(random.bits(shape), random.bits(shape))

    def outcomes(self, first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.intp]:
        """The outcomes of pairs of random words: (...) twice to (...)."""
        return outcomes(first, second, self.stay, self.alias)


def draw_letters(
    distributions: tuple[tuple[float, ...], ...], n: int, random: Streams, where: NDArray[np.bool_] | None = None
) -> NDArray[np.uint8]:
    """Draw ``n`` rows of letters, each letter from its own distribution.

    Parameters
    ----------
    distributions : tuple of tuples of float
        The probabilities of each letter's values 0, 1, ...; they sum to 1.
    n : int
    random : Streams
    where : ndarray of bool, shape (runs, n), optional
        The letters of other rows are all 0.

    Returns
    -------
    ndarray of uint8, shape (runs, n, len(distributions))
    """
    parts = []
    for rows, table in _groups(distributions):
        drawn = table.draw(random, (n,))
        if where is not None:
            drawn *= where  # the first combination is all 0
        parts.append(rows.take(drawn, axis=0, mode="clip"))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)


@cache
def _groups(distributions: tuple[tuple[float, ...], ...]) -> list[tuple[NDArray[np.uint8], AliasTable]]:
    """Groups of neighbouring letters: the rows of all combinations of a group, and the table to draw one of them."""
    groups: list[list[tuple[float, ...]]] = [[]]
    size = 1
    for letter in distributions:
        if not all(0 <= p <= 1 for p in letter):  # nan too
            raise ValueError(f"probabilities are from 0 to 1, not {tuple(letter)}")
        if groups[-1] and size * len(letter) > COMBINATIONS:
            groups.append([])
            size = 1
        groups[-1].append(letter)
        size *= len(letter)
    found = []
    for group in groups:
        shape = tuple(len(letter) for letter in group)
        rows = np.indices(shape, dtype=np.uint8).reshape(len(shape), -1).T
        probability = np.ones(())
        for letter in group:
            probability = np.multiply.outer(probability, letter)
        found.append((np.ascontiguousarray(rows), AliasTable(probability.ravel())))
    return found
