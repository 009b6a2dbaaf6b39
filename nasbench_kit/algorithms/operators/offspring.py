"""Children of selected parents: two-point crossover of pairs, then mutation."""

from __future__ import annotations

import numpy as np

from nasbench_kit.algorithms.operators.crossover import two_point_crossover
from nasbench_kit.algorithms.operators.mutation import reset_genes
from nasbench_kit.algorithms.operators.selection import keep_valid
from nasbench_kit.algorithms.streams import Streams
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["cross_and_mutate"]


def cross_and_mutate(
    mates: Genotypes,
    space: Space,
    random: Streams,
    crossover_probability: float = 1.0,
    mutation_probability: float | None = None,
) -> Genotypes:
    """Children of pairs of parents; invalid children are replaced by the parent in the same place.

    Parameters
    ----------
    mates : ndarray of uint8, shape (runs, n, genes)
        Parents; n is even. The parent in place i is paired with that in place i + n / 2.
    space : Space
    random : Streams
    crossover_probability : float
        Probability that a pair is crossed.
    mutation_probability : float, optional
        Mutation probability of each gene; default: 1 / genes.

    Returns
    -------
    ndarray of uint8, shape (runs, n, genes)
    """
    half = mates.shape[1] // 2
    crossed = None
    if crossover_probability < 1:
        crossed = random.random((half,)) < crossover_probability
    pair = two_point_crossover(mates[:, :half], mates[:, half:], random, crossed)
    children = reset_genes(np.concatenate(pair, axis=1), space, random, mutation_probability)
    return keep_valid(children, mates, space)
