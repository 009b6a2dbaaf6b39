"""Crossover on arrays (runs, n, genes), all runs at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.algorithms.operators.alleles import draw_alleles
from nasbench_kit.algorithms.streams import Streams
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["exchange", "one_point_crossover", "two_point_crossover", "unit_crossover"]


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
    return _exchange(first, second, _draw_mask(segments(first.shape[2]), first.shape[1], random, where))


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
def segments(genes: int) -> NDArray[np.uint8]:
    """Masks of all segments between two distinct cuts, after an empty mask: (1 + genes (genes - 1) / 2, genes).

    Segments that wrap around are omitted, because exchanging the complement only swaps the two children.
    """
    cuts = [(a, b) for a in range(genes) for b in range(a + 1, genes)] or [(0, genes)]
    return _masks([(genes, genes), *cuts], genes)


def _masks(stretches: list[tuple[int, int]], genes: int) -> NDArray[np.uint8]:
    """Segments a ... b - 1 of genes as masks of 255."""
    masks = [(a <= np.arange(genes)) & (np.arange(genes) < b) for a, b in stretches]
    return np.array(masks, dtype=np.uint8) * np.uint8(255)
