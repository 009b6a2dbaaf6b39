"""Choose the networks of a space to train: all or a sample, each by its canonical genotype."""

from __future__ import annotations

import numpy as np

from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.genotypes import LISTED_SIZE, Genotypes
from nasbench_kit.spaces.nb101.space import NB101

__all__ = ["choose_networks"]


def choose_networks(space: Space, sample: int | None = None, seed: int = 0) -> Genotypes:
    """Return the canonical genotypes of all networks of a space, or of a random sample without duplicates.

    Parameters
    ----------
    space : Space
    sample : int, optional
        Number of networks (default: all).
    seed : int
        Seed of the sample. If the networks can be listed, they are sampled uniformly. In larger spaces, such
        as ``nsga-net-micro``, genotypes are sampled until there are enough networks, so networks with many genotypes
        are more likely.

    Returns
    -------
    ndarray of uint8, shape (n, genes)

    Raises
    ------
    ValueError
        If the sample is empty or larger than the space, or if the space has too many networks to train all of them.
    """
    if sample is not None and sample < 1:
        raise ValueError(f"sample must be at least 1, not {sample}")
    rng = np.random.default_rng(seed)
    everything = _every_network(space)
    if everything is None:
        if sample is None:
            raise ValueError(
                f"{space.name} has {_size(space)}, too many to train them all; choose a sample (--sample N)"
            )
        return _drawn(space, sample, rng)
    if sample is None:
        return everything
    if sample > len(everything):
        raise ValueError(f"{space.name} has {len(everything):,} networks, fewer than {sample:,}")
    return everything[np.sort(rng.choice(len(everything), sample, replace=False))]


def _every_network(space: Space) -> Genotypes | None:
    """Return the canonical genotypes of all networks by ascending key, or None if there are too many to list."""
    if isinstance(space, NB101):
        return space.representatives(np.arange(space.networks))
    if space.size > LISTED_SIZE:
        return None
    everything = space.all()
    everything = everything[space.is_valid(everything)]
    return space.canonical(everything[np.unique(space.key(everything), return_index=True)[1]])


def _drawn(space: Space, sample: int, rng: np.random.Generator) -> Genotypes:
    found = np.empty((0, space.genes), dtype=np.uint8)
    while len(found) < sample:
        found = np.concatenate([found, space.canonical(space.sample(sample - len(found), rng))])
        found = found[np.sort(np.unique(space.key(found), return_index=True)[1])]
    return found


def _size(space: Space) -> str:
    if space.networks is not None:
        return f"{space.networks:,} networks"
    return f"{space.size:.2g} genotypes"
