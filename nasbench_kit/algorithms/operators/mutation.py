"""Mutation on arrays (runs, n, genes), all runs at once."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.operators.alleles import AliasTable, draw_alleles
from nasbench_kit.algorithms.streams import Streams
from nasbench_kit.kernels.one_gene_changes import first_valid, mutated_winners, one_gene_changes
from nasbench_kit.kernels.variation import stepped
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["mutate_by_rates", "mutate_one_gene", "mutated_winner", "reset_genes"]

ATTEMPTS = 8  # mutation attempts before all valid neighbours are enumerated


def reset_genes(
    X: Genotypes,
    space: Space,
    random: Streams,
    probability: float | NDArray[np.float64] | None = None,
    where: NDArray[np.bool_] | None = None,
) -> Genotypes:
    """Mutate each gene to another allele with a given probability.

    Parameters
    ----------
    X : ndarray of uint8, shape (runs, n, genes)
        Genotypes.
    space : Space
    random : Streams
    probability : float or ndarray of float, shape (genes,), optional
        Mutation probability of each gene; default: 1 / genes.
    where : ndarray of bool, shape (runs, n), optional
        Genotypes to mutate; default: all.

    Returns
    -------
    ndarray of uint8, shape (runs, n, genes)
    """
    return stepped(X, draw_alleles(reset_steps(space, probability), X.shape[1], random, where), space.cardinalities)


def reset_steps(space: Space, probability: float | NDArray[np.float64] | None) -> tuple[tuple[float, ...], ...]:
    """Probabilities of each gene to advance by 0, 1, ... alleles (cyclically)."""
    p = np.broadcast_to(1 / space.genes if probability is None else probability, space.genes).tolist()
    return tuple(
        (1 - rate, *((rate / (values - 1),) * (values - 1))) if values > 1 else (1.0,)
        for rate, values in zip(p, space.cardinalities, strict=True)
    )


def mutate_one_gene(
    X: Genotypes, space: Space, random: Streams, units: tuple[tuple[int, ...], ...] | None = None
) -> Genotypes:
    """Mutate one uniformly drawn gene of each genotype to another allele: (runs, n, genes).

    Genes with a single allele are never drawn. Invalid children are redrawn. Genotypes without valid neighbours are
    returned unchanged.

    Parameters
    ----------
    X : ndarray of uint8, shape (runs, n, genes)
        Genotypes.
    space : Space
    random : Streams
    units : tuple of tuples of int, optional
        Draw one of these units first, uniformly, and then one of its genes. The NAS-Bench-201 authors draw a node, then
        one of its edges (``space.units["node"]``).
    """
    steps, probability, table, changes = _single_steps(space.cardinalities, units)
    attempts = 1 if space.unconstrained else ATTEMPTS
    slots, coins = (random.bits((X.shape[1], attempts)).reshape(-1, attempts) for _ in range(2))
    child, missing = one_gene_changes(
        X.reshape(-1, space.genes),
        slots,
        coins,
        (table.stay, table.alias),
        changes,
        space.cardinalities,
        space.validity,
        None if space.unconstrained else space.is_valid,
    )
    if not space.unconstrained:
        spin = random.random(X.shape[1:2]).ravel()  # drawn for all, so that runs stay independent
        _change_anyhow(child, missing, spin, steps, probability, space)
    return child.reshape(X.shape)


def mutated_winner(
    X: Genotypes,
    quality: NDArray[np.float64],
    size: int,
    space: Space,
    random: Streams,
    units: tuple[tuple[int, ...], ...] | None = None,
) -> Genotypes:
    """The same as `mutate_one_gene` of the winner of a `tournament` with replacement, in one loop: (runs, 1, genes).

    Only with compiled loops, and for spaces whose validity is a table.

    Parameters
    ----------
    X : ndarray of uint8, shape (runs, members, genes)
        Genotypes.
    quality : ndarray of float, shape (runs, members)
        Smaller is better.
    size : int
        Members of the tournament.
    space, random, units
        As in `mutate_one_gene`.
    """
    steps, probability, table, changes = _single_steps(space.cardinalities, units)
    attempts = 1 if space.unconstrained else ATTEMPTS
    children = np.empty((random.runs, space.genes), dtype=np.uint8)
    missing = np.empty(random.runs, dtype=np.intp)
    assert space.validity is not None
    without = mutated_winners(
        X.reshape(-1, space.genes),
        quality,
        random.requests((size, attempts, attempts)),
        size,
        attempts,
        table.stay,
        table.alias,
        changes,
        _values(space.cardinalities),
        *space.validity,
        children,
        missing,
    )
    if not space.unconstrained:
        spin = random.random((1,)).ravel()
        _change_anyhow(children, missing[:without], spin, steps, probability, space)
    return children[:, np.newaxis]


def _change_anyhow(
    children: Genotypes,
    missing: NDArray[np.intp],
    spin: NDArray[np.float64],
    steps: NDArray[np.uint8],
    probability: NDArray[np.float64],
    space: Space,
) -> None:
    """Change those children (n, genes) that are their parents still to a random valid neighbour, if there is one, in place."""
    for i in missing:
        neighbours = stepped(np.broadcast_to(children[i], steps.shape), steps, space.cardinalities)
        total = np.cumsum(probability * space.is_valid(neighbours))
        if total[-1]:
            children[i] = neighbours[np.searchsorted(total, spin[i] * total[-1], side="right")]


@cache
def _values(cardinalities: tuple[int, ...]) -> NDArray[np.int64]:
    return np.array(cardinalities, dtype=np.int64)


@cache
def _single_steps(
    cardinalities: tuple[int, ...], units: tuple[tuple[int, ...], ...] | None
) -> tuple[NDArray[np.uint8], NDArray[np.float64], AliasTable, NDArray[np.intp]]:
    """Enumerate all single-gene changes.

    Returns the changes as steps from the current alleles (k, genes), their probabilities (k,), an alias table to draw
    from them, and the changes as pairs of gene and step (k, 2).
    """
    free = np.array(cardinalities) > 1
    parts = [[gene for gene in unit if free[gene]] for unit in units or [range(len(cardinalities))]]
    parts = [part for part in parts if part]
    rate = np.zeros(len(cardinalities))
    for part in parts:
        rate[part] += 1 / len(parts) / len(part)
    changes = [(gene, step) for gene, values in enumerate(cardinalities) for step in range(1, values)]
    steps = np.zeros((len(changes), len(cardinalities)), dtype=np.uint8)
    for row, (gene, step) in zip(steps, changes, strict=True):
        row[gene] = step
    probability = np.array([rate[gene] / (cardinalities[gene] - 1) for gene, _ in changes])
    return steps, probability, AliasTable(probability), np.array(changes, dtype=np.intp).reshape(-1, 2)


def mutate_by_rates(X: Genotypes, space: Space, random: Streams) -> Genotypes:
    """Mutate each gene with its own probability, ``space.mutation_rates``: (runs, n, genes).

    Invalid children are redrawn a few times, and then replaced by their parents. Source: the mutation of NAS-Bench-101
    (Ying et al. 2019, arXiv 1902.09635), which flips each edge with probability 1 / 7 and redraws each operation with
    probability 1 / 5.
    """
    attempts = 1 if space.unconstrained else ATTEMPTS
    steps = draw_alleles(reset_steps(space, space.mutation_rates), X.shape[1] * attempts, random).reshape(
        -1, space.genes
    )
    drawn = np.arange(len(steps)).reshape(-1, attempts)
    valid = None if space.unconstrained else space.is_valid
    parents = X.reshape(-1, space.genes)
    return first_valid(parents, steps, drawn.__getitem__, space.cardinalities, valid)[0].reshape(X.shape)
