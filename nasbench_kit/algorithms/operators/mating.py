"""Mating where one child per run is made at a time: the draws of two-point crossover and of `reset_genes`."""

from __future__ import annotations

from nasbench_kit.algorithms.operators.alleles import groups_of
from nasbench_kit.algorithms.operators.crossover import segments
from nasbench_kit.algorithms.operators.mutation import reset_steps
from nasbench_kit.kernels.mating import Mating
from nasbench_kit.spaces import Space

__all__ = ["mating"]


def mating(space: Space, mutation_probability: float | None) -> Mating:
    """Two-point crossover, then a mutation of each gene, as by `two_point_crossover` and `reset_genes`.

    Parameters
    ----------
    space : Space
    mutation_probability : float, optional
        Mutation probability of each gene; default: 1 / genes.
    """
    groups = [(rows, table.stay, table.alias) for rows, table in groups_of(reset_steps(space, mutation_probability))]
    return Mating(segments(space.genes), groups, space.cardinalities)
