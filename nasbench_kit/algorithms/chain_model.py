"""A Bayesian network over the parts of a genotype, each depending on the part before it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nasbench_kit.algorithms.streams import Streams
from nasbench_kit.kernels.hashing import hash_rows
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["sample_chain"]


def sample_chain(X: Genotypes, parts: Sequence[Sequence[int]], n: int, random: Streams) -> Genotypes:
    """Genotypes from p(first part) p(second | first) p(third | second) ..., as often as members have them.

    Source: NSGA-Net (Lu et al. 2019, arXiv 1810.03522), whose exploitation step has the three phases of a macro genotype as
    the variables of such a network.

    Parameters
    ----------
    X : ndarray of uint8, shape (runs, members, genes)
        What the network is fitted to.
    parts : sequence of sequences of int
        The genes of each part; every gene is in one of them.
    n : int
    random : Streams

    Returns
    -------
    ndarray of uint8, shape (runs, n, genes)
    """
    runs, members = X.shape[:2]
    drawn = np.empty((runs, n, X.shape[2]), dtype=np.uint8)
    # The first part of a random member; then the next part of a random member of those with the same part before it.
    weight = np.ones((runs, n, members))
    chance = random.random((len(parts), n))
    row = np.arange(runs)[:, np.newaxis]
    for i, part in enumerate(parts):
        total = weight.cumsum(axis=2)
        chosen = (chance[:, i, :, np.newaxis] * total[..., -1:] >= total).sum(axis=2)
        genes = list(part)
        drawn[..., genes] = X[row, chosen][..., genes]
        values = hash_rows(X[..., genes].reshape(runs * members, len(genes))).reshape(runs, members)
        weight = (values[row, chosen][..., np.newaxis] == values[:, np.newaxis]).astype(np.float64)
    return drawn
