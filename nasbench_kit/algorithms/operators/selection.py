"""Selection on arrays (runs, n, ...), all runs at once: tournaments, fitness-proportional selection, valid children."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.streams import Streams
from nasbench_kit.kernels.variation import winners
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["gather", "keep_valid", "russian_roulette", "tournament"]

Scalar = TypeVar("Scalar", bound=np.generic)


def gather(values: NDArray[Scalar], where: NDArray[np.intp]) -> NDArray[Scalar]:
    """Select items per run: (runs, n, ...) indexed by (runs, k) gives (runs, k, ...)."""
    runs, n = values.shape[:2]
    flat = where + (np.arange(runs) * n)[:, np.newaxis]
    items: NDArray[Scalar] = values.reshape(runs * n, *values.shape[2:]).take(flat, axis=0, mode="clip")
    return items


def tournament(
    quality: NDArray[np.float64], n: int, size: int, random: Streams, *, replacement: bool = True
) -> NDArray[np.intp]:
    """Tournament selection: positions of ``n`` winners per run, (runs, members) to (runs, n).

    Parameters
    ----------
    quality : ndarray of float, shape (runs, members)
        Smaller is better; of equal members, the one drawn first wins.
    n, size : int
        Number of tournaments, and members per tournament.
    random : Streams
    replacement : bool
        Whether a tournament may draw a member more than once; otherwise ``size`` must not exceed the number of members.
    """
    members = quality.shape[1]
    if replacement:
        drawn = random.integers(members, (n, size))
    else:
        drawn = np.ascontiguousarray(random.permutations((n, members))[..., :size])
    return winners(quality, drawn)


def russian_roulette(F: NDArray[np.float64], n: int, random: Streams) -> NDArray[np.intp]:
    """Fitness-proportional selection with replacement; the fitness of a member is its improvement over the worst one.

    The worst member is therefore never selected; if all members are equal, selection is uniform. Source: Xie and Yuille
    2017 (arXiv 1703.01513), section 3.3, stated there for fitness values that are maximised.

    Parameters
    ----------
    F : ndarray of float, shape (runs, members)
        Objective values, minimised; failures (infinite values) are never drawn.

    Returns
    -------
    ndarray of int, shape (runs, n)
    """
    known = np.isfinite(F)
    worst = np.where(known, F, -np.inf).max(axis=1, keepdims=True)
    worst[np.isinf(worst)] = 0.0  # all failed
    weight = worst - np.where(known, F, worst)
    equal = weight.sum(axis=1, keepdims=True) == 0
    weight = np.where(equal, np.where(known.any(axis=1, keepdims=True), known, 1.0), weight)
    total = np.cumsum(weight, axis=1)
    spin = random.random((n,)) * total[:, -1:]
    # first member whose cumulative share exceeds the spin
    won: NDArray[np.intp] = (spin[:, :, np.newaxis] >= total[:, np.newaxis, :]).sum(axis=2)
    return won.clip(max=F.shape[1] - 1)


def keep_valid(children: Genotypes, parents: Genotypes, space: Space) -> Genotypes:
    """Replace invalid children by their parents: (runs, n, genes)."""
    if space.unconstrained:
        return children
    kept = children.reshape(-1, space.genes)
    invalid = np.flatnonzero(~space.is_valid(kept))
    if len(invalid):
        kept = kept.copy()
        kept[invalid] = parents.reshape(kept.shape).take(invalid, axis=0)
    return kept.reshape(children.shape)
