"""Variation and selection operators on arrays (runs, n, genes), vectorised over runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.algorithms.operators.alleles import AliasTable, draw_alleles
from nasbench_kit.algorithms.streams import Streams
from nasbench_kit.kernels.variation import first_valid, one_gene_changes, stepped, winners
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

Scalar = TypeVar("Scalar", bound=np.generic)

ATTEMPTS = 8  # mutation attempts before all valid neighbours are enumerated

__all__ = [
    "exchange",
    "gather",
    "keep_valid",
    "mutate_by_rates",
    "mutate_one_gene",
    "one_point_crossover",
    "reset_genes",
    "russian_roulette",
    "tournament",
    "two_point_crossover",
    "unit_crossover",
]


def gather(values: NDArray[Scalar], where: NDArray[np.intp]) -> NDArray[Scalar]:
    """Select items per run: (runs, n, ...) indexed by (runs, k) gives (runs, k, ...)."""
    runs, n = values.shape[:2]
    flat = where + (np.arange(runs) * n)[:, np.newaxis]
    items: NDArray[Scalar] = values.reshape(runs * n, *values.shape[2:]).take(flat, axis=0, mode="clip")
    return items


def exchange(first: Genotypes, second: Genotypes, exchanged: ArrayLike) -> tuple[Genotypes, Genotypes]:
    """Exchange the genes of each pair where ``exchanged`` is true, and return both children.

    Examples
    --------
    Genotypes of Genetic CNN have stages of 3, 6 and 10 bits. Exchange individual genes:

    >>> a = np.array([1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 0, 0, 1], dtype=np.uint8)
    >>> b = np.array([1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1], dtype=np.uint8)
    >>> genes = np.isin(np.arange(19), [1, 6, 11])
    >>> for child in exchange(a, b, genes):
    ...     print(child)
    [1 1 1 0 0 1 0 0 0 0 1 0 1 0 1 0 0 0 1]
    [1 0 0 0 0 1 1 0 1 0 1 1 0 0 0 0 1 0 1]

    Exchange whole stages, here the first and the last, and then the second:

    >>> stage = np.repeat([0, 1, 2], [3, 6, 10])
    >>> for child in exchange(a, b, stage != 1):
    ...     print(child)
    [1 1 0 0 0 1 1 0 0 0 1 0 0 0 0 0 1 0 1]
    [1 0 1 0 0 1 0 0 1 0 1 1 1 0 1 0 0 0 1]
    >>> for child in exchange(a, b, stage == 1):
    ...     print(child)
    [1 0 1 0 0 1 0 0 1 0 1 1 1 0 1 0 0 0 1]
    [1 1 0 0 0 1 1 0 0 0 1 0 0 0 0 0 1 0 1]

    Micro genotypes of NSGA-Net have two cells of ten (input, operation) pairs each. Exchange whole cells, here the
    first:

    >>> normal = [0, 2, 0, 0, 0, 7, 0, 2, 0, 3, 1, 3, 1, 7, 3, 3, 1, 2, 3, 4]
    >>> reduction = [0, 2, 1, 6, 0, 1, 1, 3, 1, 7, 1, 6, 3, 0, 1, 1, 3, 0, 1, 7]
    >>> c, d = np.array([normal + reduction, reduction + normal], dtype=np.uint8)
    >>> child, other = exchange(c, d, np.arange(40) < 20)
    >>> bool((child == reduction + reduction).all() and (other == normal + normal).all())
    True

    Exchange halves of nodes (inputs with their operations), in both cells or in one:

    >>> half = np.arange(40) // 2
    >>> child, other = exchange(c, d, np.isin(half, [0, 2, 3, 6, 11, 13, 18]))
    >>> print(child[:20], child[20:])
    [0 2 0 0 0 1 1 3 0 3 1 3 3 0 3 3 1 2 3 4] [0 2 0 0 0 1 0 2 1 7 1 6 3 0 1 1 1 2 1 7]
    >>> child, other = exchange(c, d, np.isin(half, [12, 14, 17]))
    >>> print(child[20:])
    [0 2 1 6 0 7 1 3 0 3 1 6 3 0 3 3 3 0 1 7]
    """
    return _exchange(first, second, np.where(exchanged, np.uint8(255), np.uint8(0)))


def _exchange(first: Genotypes, second: Genotypes, mask: NDArray[np.uint8]) -> tuple[Genotypes, Genotypes]:
    """Like `exchange`, with a mask of 255 (exchange) and 0 (keep)."""
    # x ^ ((x ^ y) & mask) exchanges without a branch
    changed = (first ^ second) & mask
    return first ^ changed, second ^ changed


def unit_crossover(
    first: Genotypes,
    second: Genotypes,
    units: Sequence[Sequence[int]],
    random: Streams,
    probability: float = 0.5,
    where: NDArray[np.bool_] | None = None,
) -> tuple[Genotypes, Genotypes]:
    """Exchange each unit of genes with a given probability, and return both children.

    If every gene is its own unit, this is uniform crossover. Source: Syswerda 1989, Uniform crossover in genetic
    algorithms.

    Parameters
    ----------
    first, second : ndarray of uint8, shape (runs, n, genes)
        Parents.
    units : sequence of sequences of int
        Genes of each unit, e.g. one of ``space.units``; a partition of all genes.
    random : Streams
    probability : float
        Exchange probability of each unit.
    where : ndarray of bool, shape (runs, n), optional
        Pairs to cross; default: all.
    """
    coin = draw_alleles(((1 - probability, probability),) * len(units), first.shape[1], random, where)
    unit_of = np.empty(first.shape[2], dtype=np.intp)
    for unit, genes in enumerate(units):
        unit_of[list(genes)] = unit
    if not np.array_equal(unit_of, np.arange(len(units))):
        coin = coin.take(unit_of, axis=2)
    return _exchange(first, second, np.negative(coin))  # 1 becomes 255


def one_point_crossover(
    first: Genotypes, second: Genotypes, random: Streams, where: NDArray[np.bool_] | None = None
) -> tuple[Genotypes, Genotypes]:
    """Exchange the genes after a uniformly drawn cut; ``where`` as in `unit_crossover`."""
    return _exchange(first, second, _draw_mask(_tails(first.shape[2]), first.shape[1], random, where))


def two_point_crossover(
    first: Genotypes, second: Genotypes, random: Streams, where: NDArray[np.bool_] | None = None
) -> tuple[Genotypes, Genotypes]:
    """Exchange the genes between two cuts.

    Two distinct cut points are drawn uniformly. The genotype is treated as a ring, because the first and the last gene
    would otherwise never be separated. Source: the authors' program of NSGA-II (Deb et al. 2002), which may also draw
    the same cut point twice, in which case nothing is exchanged.

    Parameters
    ----------
    first, second : ndarray of uint8, shape (runs, n, genes)
        Parents.
    random : Streams
    where : ndarray of bool, shape (runs, n), optional
        Pairs to cross; default: all.

    Returns
    -------
    tuple of two ndarrays of uint8, shape (runs, n, genes)
        Children.
    """
    return _exchange(first, second, _draw_mask(_segments(first.shape[2]), first.shape[1], random, where))


def _draw_mask(masks: NDArray[np.uint8], n: int, random: Streams, where: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
    """Draw a mask uniformly for each pair; pairs that are not crossed get the first mask, which is all 0."""
    drawn = 1 + random.integers(len(masks) - 1, (n,))
    if where is not None:
        drawn *= where
    return masks.take(drawn, axis=0)


@cache
def _tails(genes: int) -> NDArray[np.uint8]:
    """Masks of 255 for the genes after each cut, preceded by an empty mask: (genes, genes)."""
    cuts = list(range(1, genes)) or [1]
    return _masks([(genes, genes), *((cut, genes) for cut in cuts)], genes)


@cache
def _segments(genes: int) -> NDArray[np.uint8]:
    """Masks of all segments between two distinct cuts, after an empty mask: (1 + genes (genes - 1) / 2, genes).

    Segments that wrap around are omitted, because exchanging the complement only swaps the two children.
    """
    cuts = [(a, b) for a in range(genes) for b in range(a + 1, genes)] or [(0, genes)]
    return _masks([(genes, genes), *cuts], genes)


def _masks(stretches: list[tuple[int, int]], genes: int) -> NDArray[np.uint8]:
    """Segments a ... b - 1 of genes as masks of 255."""
    masks = [(a <= np.arange(genes)) & (np.arange(genes) < b) for a, b in stretches]
    return np.array(masks, dtype=np.uint8) * np.uint8(255)


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
    return stepped(X, draw_alleles(_steps(space, probability), X.shape[1], random, where), space.cardinalities)


def _steps(space: Space, probability: float | NDArray[np.float64] | None) -> tuple[tuple[float, ...], ...]:
    """Probabilities of each gene to advance by 0, 1, ... alleles (cyclically)."""
    p = np.broadcast_to(1 / space.genes if probability is None else probability, space.genes).tolist()
    return tuple(
        (1 - rate, *((rate / (values - 1),) * (values - 1))) if values > 1 else (1.0,)
        for rate, values in zip(p, space.cardinalities, strict=True)
    )


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
    if space.unconstrained:
        return child.reshape(X.shape)
    spin = random.random(X.shape[1:2]).ravel()  # drawn for all, so that runs stay independent
    for i in missing:
        neighbours = stepped(np.broadcast_to(child[i], steps.shape), steps, space.cardinalities)
        total = np.cumsum(probability * space.is_valid(neighbours))
        if total[-1]:
            child[i] = neighbours[np.searchsorted(total, spin[i] * total[-1], side="right")]
    return child.reshape(X.shape)


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
    steps = draw_alleles(_steps(space, space.mutation_rates), X.shape[1] * attempts, random).reshape(-1, space.genes)
    drawn = np.arange(len(steps)).reshape(-1, attempts)
    valid = None if space.unconstrained else space.is_valid
    parents = X.reshape(-1, space.genes)
    return first_valid(parents, steps, drawn.__getitem__, space.cardinalities, valid)[0].reshape(X.shape)
