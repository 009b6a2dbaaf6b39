"""Chain-structured Bayesian network over the parts of a genotype."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nasbench_kit.algorithms.streams import Streams
from nasbench_kit.kernels.hashing import hash_rows
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["sample_chain"]


def sample_chain(X: Genotypes, parts: Sequence[Sequence[int]], n: int, random: Streams) -> Genotypes:
    """Sample genotypes from p(first part) p(second | first) p(third | second) ..., estimated from a population.

    Source: NSGA-Net (Lu et al. 2019, arXiv 1810.03522), whose exploitation step uses such a network with the three
    phases of a macro genotype as variables.

    Parameters
    ----------
    X : ndarray of uint8, shape (runs, members, genes)
        Population that the network is fitted to.
    parts : sequence of sequences of int
        Genes of each part; a partition of all genes.
    n : int
        Number of genotypes to sample per run.
    random : Streams

    Returns
    -------
    ndarray of uint8, shape (runs, n, genes)
    """
    runs, members = X.shape[:2]
    drawn = np.empty((runs, n, X.shape[2]), dtype=np.uint8)
    # copy the first part of a random member, then each next part from a random member that shares the preceding part
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
