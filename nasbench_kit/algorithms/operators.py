"""Variation and selection on arrays (runs, n, genes), all runs at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.algorithms.streams import Streams
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.space import Genotypes

Scalar = TypeVar("Scalar", bound=np.generic)

ATTEMPTS = 6  # draws of a mutation before all valid neighbours are listed

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
    "uniform_crossover",
    "unit_crossover",
]


def gather(values: NDArray[Scalar], where: NDArray[np.intp]) -> NDArray[Scalar]:
    """Each run's own items: (runs, n, ...) at (runs, k) gives (runs, k, ...)."""
    runs, n = values.shape[:2]
    flat = where + (np.arange(runs) * n)[:, np.newaxis]
    items: NDArray[Scalar] = values.reshape(runs * n, *values.shape[2:]).take(flat, axis=0, mode="clip")
    return items


def uniform_crossover(first: Genotypes, second: Genotypes, random: Streams) -> Genotypes:
    """One child a pair, each gene from either parent with equal chance: (runs, n, genes) twice to (runs, n, genes).

    Source: Syswerda 1989, Uniform crossover in genetic algorithms.
    """
    coin = random.bits((first.shape[1], first.shape[2])) < 2**31
    return np.where(coin, first, second)


def exchange(first: Genotypes, second: Genotypes, exchanged: ArrayLike) -> tuple[Genotypes, Genotypes]:
    """Two children of each pair: the genes where ``exchanged`` is true change places.

    Examples
    --------
    Genetic CNN's genotypes have stages of 3, 6 and 10 bits. Genes may be exchanged one by one:

    >>> a = np.array([1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 0, 0, 1], dtype=np.uint8)
    >>> b = np.array([1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1], dtype=np.uint8)
    >>> genes = np.isin(np.arange(19), [1, 6, 11])
    >>> for child in exchange(a, b, genes):
    ...     print(child)
    [1 1 1 0 0 1 0 0 0 0 1 0 1 0 1 0 0 0 1]
    [1 0 0 0 0 1 1 0 1 0 1 1 0 0 0 0 1 0 1]

    Or whole stages, here the first and the last, and then the second:

    >>> stage = np.repeat([0, 1, 2], [3, 6, 10])
    >>> for child in exchange(a, b, stage != 1):
    ...     print(child)
    [1 1 0 0 0 1 1 0 0 0 1 0 0 0 0 0 1 0 1]
    [1 0 1 0 0 1 0 0 1 0 1 1 1 0 1 0 0 0 1]
    >>> for child in exchange(a, b, stage == 1):
    ...     print(child)
    [1 0 1 0 0 1 0 0 1 0 1 1 1 0 1 0 0 0 1]
    [1 1 0 0 0 1 1 0 0 0 1 0 0 0 0 0 1 0 1]

    NSGA-Net's micro genotypes have two cells of ten (input, operation) each. Whole cells may be exchanged, here the first:

    >>> normal = [0, 2, 0, 0, 0, 7, 0, 2, 0, 3, 1, 3, 1, 7, 3, 3, 1, 2, 3, 4]
    >>> reduction = [0, 2, 1, 6, 0, 1, 1, 3, 1, 7, 1, 6, 3, 0, 1, 1, 3, 0, 1, 7]
    >>> c, d = np.array([normal + reduction, reduction + normal], dtype=np.uint8)
    >>> child, other = exchange(c, d, np.arange(40) < 20)
    >>> bool((child == reduction + reduction).all() and (other == normal + normal).all())
    True

    Or halves of nodes, each input with its operation: of both cells, or of one.

    >>> half = np.arange(40) // 2
    >>> child, other = exchange(c, d, np.isin(half, [0, 2, 3, 6, 11, 13, 18]))
    >>> print(child[:20], child[20:])
    [0 2 0 0 0 1 1 3 0 3 1 3 3 0 3 3 1 2 3 4] [0 2 0 0 0 1 0 2 1 7 1 6 3 0 1 1 1 2 1 7]
    >>> child, other = exchange(c, d, np.isin(half, [12, 14, 17]))
    >>> print(child[20:])
    [0 2 1 6 0 7 1 3 0 3 1 6 3 0 3 3 3 0 1 7]
    """
    # x ^ ((x ^ y) & mask) exchanges without a branch
    mask = np.where(exchanged, np.uint8(255), np.uint8(0))
    changed = (first ^ second) & mask
    return first ^ changed, second ^ changed


def unit_crossover(
    first: Genotypes, second: Genotypes, units: Sequence[Sequence[int]], random: Streams, probability: float = 0.5
) -> tuple[Genotypes, Genotypes]:
    """Two children a pair: each unit of genes is exchanged with a probability, or stays.

    Parameters
    ----------
    first, second : ndarray of uint8, shape (runs, n, genes)
    units : sequence of sequences of int
        The genes of each unit, such as one of ``space.units``; every gene is in one of them.
    random : Streams
    probability : float
    """
    unit_of = np.empty(first.shape[2], dtype=np.intp)
    for unit, genes in enumerate(units):
        unit_of[list(genes)] = unit
    coin = random.random((first.shape[1], len(units))) < probability
    return exchange(first, second, coin[..., unit_of])


def one_point_crossover(first: Genotypes, second: Genotypes, random: Streams) -> tuple[Genotypes, Genotypes]:
    """Two children a pair: the genes from a cut on, drawn uniformly, are exchanged."""
    n, genes = first.shape[1:]
    cut = 1 + random.integers(max(genes - 1, 1), (n, 1))
    return exchange(first, second, np.arange(genes) >= cut)


def two_point_crossover(
    first: Genotypes, second: Genotypes, random: Streams, probability: float = 1.0
) -> tuple[Genotypes, Genotypes]:
    """Two children a pair: the genes between two cuts are exchanged.

    Of the places between neighbouring genes two different ones are drawn, uniformly. Two genes have one such place:
    there the second gene is exchanged.

    Parameters
    ----------
    first, second : ndarray of uint8, shape (runs, n, genes)
    random : Streams
    probability : float
        With which a pair is crossed at all.

    Returns
    -------
    tuple of two ndarrays of uint8, shape (runs, n, genes)
    """
    n, genes = first.shape[1:]
    draws = random.bits((3, n))
    segments = _segments(genes)
    crossed = segments.take((draws[:, 0] * (len(segments) * 2.0**-32)).astype(np.intp), axis=0)
    if probability < 1:
        crossed = crossed * (draws[:, 1] < probability * 2.0**32)[..., np.newaxis]
    # x ^ ((x ^ y) & mask) exchanges without a branch
    exchanged = (first ^ second) & crossed
    return first ^ exchanged, second ^ exchanged


@cache
def _segments(genes: int) -> NDArray[np.uint8]:
    """Every stretch of genes between two different cuts as a mask of 255: ((genes - 1) (genes - 2) / 2, genes)."""
    cuts = [(a, b) for a in range(1, genes) for b in range(a + 1, genes)] or [(genes // 2, genes)]
    masks = [(a <= np.arange(genes)) & (np.arange(genes) < b) for a, b in cuts]
    return np.array(masks, dtype=np.uint8) * np.uint8(255)


def reset_genes(
    X: Genotypes, space: Space, random: Streams, probability: float | NDArray[np.float64] | None = None
) -> Genotypes:
    """Each gene becomes another of its values with a probability, 1 / genes unless given.

    Parameters
    ----------
    X : ndarray of uint8, shape (runs, n, genes)
    space : Space
    random : Streams
    probability : float or ndarray of float, shape (genes,), optional

    Returns
    -------
    ndarray of uint8, shape (runs, n, genes)
    """
    p = np.asarray(1 / space.genes if probability is None else probability, dtype=np.float64)
    others = np.array(space.cardinalities) - 1
    if not (p > 0).any() or not others.any():
        return X.copy()
    # One draw decides both: below p * 2**32 the gene changes, and where below says to which of the other values.
    bits = random.bits(X.shape[1:])
    limit = np.minimum(np.round(p * 2.0**32), 2**32 - 1).astype(np.uint32)
    # one limit for all is compared along the whole array, several gene by gene
    chosen = np.flatnonzero(bits.ravel() < limit if limit.ndim == 0 else bits < limit)
    gene = chosen % space.genes
    step = 1 + (bits.ravel()[chosen] * (others / np.maximum(p, 1e-300) / 2.0**32)[gene]).astype(np.intp)
    child = X.copy().reshape(-1)
    child[chosen] = (child[chosen] + np.minimum(step, others[gene])) % (others + 1)[gene]
    return child.reshape(X.shape)


def tournament(quality: NDArray[np.float64], n: int, size: int, random: Streams) -> NDArray[np.intp]:
    """The positions of ``n`` winners: each the best of ``size`` drawn with replacement: (runs, members) to (runs, n).

    Parameters
    ----------
    quality : ndarray of float, shape (runs, members)
        Less is better; of equals the one drawn first wins.
    """
    drawn = random.integers(quality.shape[1], (n, size))
    best = np.take_along_axis(quality, drawn.reshape(len(drawn), -1), axis=1).reshape(drawn.shape).argmin(axis=2)
    return np.take_along_axis(drawn, best[..., np.newaxis], axis=2)[..., 0]


def russian_roulette(F: NDArray[np.float64], n: int, random: Streams) -> NDArray[np.intp]:
    """The positions of ``n`` members drawn with replacement, with chances in proportion to how far each is above the worst.

    So the worst of a generation is always lost; where all are equal so are their chances. Source: Xie and Yuille 2017
    (arXiv 1703.01513), section 3.3, for fitness values that are maximised.

    Parameters
    ----------
    F : ndarray of float, shape (runs, members)
        Objective values, minimised; infinite ones are never drawn.

    Returns
    -------
    ndarray of int, shape (runs, n)
    """
    known = np.isfinite(F)
    worst = np.where(known, F, -np.inf).max(axis=1, keepdims=True)
    worst[np.isinf(worst)] = 0.0  # none is known
    weight = worst - np.where(known, F, worst)
    equal = weight.sum(axis=1, keepdims=True) == 0
    weight = np.where(equal, np.where(known.any(axis=1, keepdims=True), known, 1.0), weight)
    total = np.cumsum(weight, axis=1)
    spin = random.random((n,)) * total[:, -1:]
    # the first member whose share ends beyond the spin
    won: NDArray[np.intp] = (spin[:, :, np.newaxis] >= total[:, np.newaxis, :]).sum(axis=2)
    return won.clip(max=F.shape[1] - 1)


def keep_valid(children: Genotypes, parents: Genotypes, space: Space) -> Genotypes:
    """The children, and where one is no valid genotype its parent instead: (runs, n, genes)."""
    if space.unconstrained:
        return children
    valid = space.is_valid(children.reshape(-1, space.genes)).reshape(children.shape[:2])
    return np.where(valid[..., np.newaxis], children, parents)


def mutate_one_gene(
    X: Genotypes, space: Space, random: Streams, units: Sequence[Sequence[int]] | None = None
) -> Genotypes:
    """One gene of each genotype, drawn uniformly, becomes another of its values: (runs, n, genes).

    Genes with a single value are never drawn. Where the child is invalid the draw is repeated; a genotype without any valid
    neighbour stays as it is.

    Parameters
    ----------
    X : ndarray of uint8, shape (runs, n, genes)
    space : Space
    random : Streams
    units : sequence of sequences of int, optional
        Draw one of these first, uniformly, then one of its genes: NAS-Bench-201's authors draw a node, then one of its edges
        (``space.units["node"]``).
    """

    def draw() -> Genotypes:
        return _with_one_gene_changed(X, space, random, units)

    if space.unconstrained:
        return draw()
    child, missing = _first_valid(draw, X, space)
    last = random.random(X.shape[1:2]).ravel()
    for i in missing:
        neighbours = space.neighbours(child[i])
        if len(neighbours):
            child[i] = neighbours[int(last[i] * len(neighbours))]
    return child.reshape(X.shape)


def mutate_by_rates(X: Genotypes, space: Space, random: Streams) -> Genotypes:
    """Each gene becomes another of its values with its own probability, ``space.mutation_rates``: (runs, n, genes).

    Where the child is invalid the draw is repeated, a few times; then the child is its parent. Source: NAS-Bench-101's
    mutation (Ying et al. 2019, arXiv 1902.09635), which flips each edge with probability 1 / 7 and draws each operation anew
    with probability 1 / 5.
    """

    def draw() -> Genotypes:
        return reset_genes(X, space, random, space.mutation_rates)

    return draw() if space.unconstrained else _first_valid(draw, X, space)[0].reshape(X.shape)


def _first_valid(draw: Callable[[], Genotypes], X: Genotypes, space: Space) -> tuple[Genotypes, NDArray[np.intp]]:
    """The first valid child of each of some draws, (runs * n, genes); and which have none and are their parents."""
    child = X.reshape(-1, space.genes).copy()
    missing = np.arange(len(child))
    for _ in range(ATTEMPTS):  # the same number for all, so that no run's numbers depend on another's luck
        drawn = draw().reshape(child.shape)[missing]
        valid = space.is_valid(drawn)
        child[missing[valid]] = drawn[valid]
        missing = missing[~valid]
    return child, missing


def _with_one_gene_changed(
    X: Genotypes, space: Space, random: Streams, units: Sequence[Sequence[int]] | None
) -> Genotypes:
    """`mutate_one_gene`, valid or not."""
    free = np.flatnonzero(np.array(space.cardinalities) > 1)
    if units is None:
        gene = free[random.integers(len(free), X.shape[1:2])]
    else:
        parts = [part for unit in units if (part := [gene for gene in unit if space.cardinalities[gene] > 1])]
        # a unit's genes over and over, so that one draw picks one of them
        table = np.array([np.resize(part, math.lcm(*map(len, parts))) for part in parts])
        unit = random.integers(len(parts), X.shape[1:2])
        gene = table[unit, random.integers(table.shape[1], X.shape[1:2])]
    cardinality = np.array(space.cardinalities)[gene]
    step = 1 + random.integers(cardinality - 1, X.shape[1:2])
    child = X.copy()
    old = np.take_along_axis(X, gene[..., np.newaxis], axis=2)
    new = (old + step[..., np.newaxis]) % cardinality[..., np.newaxis]
    np.put_along_axis(child, gene[..., np.newaxis], new.astype(np.uint8), axis=2)
    return child
