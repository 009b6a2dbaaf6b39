"""Properties of a table's fitness landscape: local maxima, and correlation of fitness with distance to the optimum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.kernels.hashing import hash_rows
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["fitness_distance_correlation", "strict_local_maxima"]

BLOCK = 2**25  # bytes of neighbours at a time


def strict_local_maxima(space: Space, X: ArrayLike, values: ArrayLike) -> NDArray[np.bool_]:
    """Which genotypes are better than every genotype that differs from them in one gene.

    Source: the landscape of NAS-Bench-201 is analysed with this neighbourhood in White, Nolen and Savani 2021, Exploring
    the loss landscape in neural architecture search (arXiv 2005.02960).

    Parameters
    ----------
    space : Space
    X : array_like of int, shape (n, genes)
        Distinct genotypes. Neighbours that are not among them are ignored, so for a table of networks that has one
        genotype per network, neighbours in another encoding do not count.
    values : array_like of float, shape (n,)
        Their fitness, to be maximised. A genotype without a value (``nan``) is neither a maximum nor a neighbour.

    Returns
    -------
    ndarray of bool, shape (n,)
        False for a genotype that has an equally good neighbour.

    Examples
    --------
    >>> import nasbench_kit as nk
    >>> space = nk.space("nas-bench-macro")
    >>> X = space.all()
    >>> int(strict_local_maxima(space, X, (X == 2).sum(axis=1)).sum())
    1
    """
    rows, fitness = space.check(X), _values(values, len(np.atleast_2d(X)))
    keys = hash_rows(rows)
    order = np.argsort(keys)
    if (np.diff(keys[order]) == 0).any():
        raise ValueError("the genotypes must be distinct")
    ranked, known = keys[order], np.where(np.isnan(fitness), -np.inf, fitness)[order]
    best = np.empty(len(rows))
    changes = sum(space.cardinalities) - space.genes
    step = max(1, BLOCK // (changes * space.genes))
    for first in range(0, len(rows), step):
        neighbours = space.one_gene_changes(rows[first : first + step])
        sought = hash_rows(neighbours.reshape(-1, space.genes))
        place = np.minimum(np.searchsorted(ranked, sought), len(ranked) - 1)
        found = np.where(ranked[place] == sought, known[place], -np.inf)
        best[first : first + step] = found.reshape(-1, changes).max(axis=1)
    maxima: NDArray[np.bool_] = fitness > best  # false for nan
    return maxima


def fitness_distance_correlation(X: ArrayLike, values: ArrayLike, optimum: ArrayLike | None = None) -> float:
    """Pearson's correlation between fitness and the number of genes that differ from the optimum.

    Source: Jones and Forrest 1995, Fitness distance correlation as a measure of problem difficulty for genetic algorithms
    (ICGA). Near -1, the optimum can be approached step by step; near 0, distance says nothing about fitness.

    Parameters
    ----------
    X : array_like of int, shape (n, genes)
    values : array_like of float, shape (n,)
        Fitness, to be maximised; ``nan`` and infinite values are ignored.
    optimum : array_like of int, shape (genes,) or (k, genes), optional
        Of several, the nearest counts. Default: the genotype with the highest value.

    Returns
    -------
    float
        ``nan`` if all values or all distances are equal.

    Raises
    ------
    ValueError
        Several genotypes have the highest value: the correlation depends on which one is meant.

    Examples
    --------
    >>> fitness_distance_correlation([[0, 0], [0, 1], [1, 0], [1, 1]], [4, 3, 3, 2])
    -1.0
    """
    rows: Genotypes = np.atleast_2d(np.asarray(X))
    fitness = _values(values, len(rows))
    if optimum is None:
        best = np.flatnonzero(fitness == np.nanmax(fitness))
        if len(best) > 1:
            raise ValueError(
                f"{len(best)} genotypes have the highest value, {fitness[best[0]]:g}: give the optimum that is meant"
            )
        optimum = rows[best[0]]
    targets = np.asarray(optimum)
    if targets.ndim not in (1, 2) or targets.shape[-1] != rows.shape[1] or not targets.size:
        raise ValueError(
            f"optimum must be one genotype of {rows.shape[1]} genes, not an array of shape {targets.shape}"
        )
    distance = np.full(len(rows), rows.shape[1])
    for target in np.atleast_2d(targets):
        np.minimum(distance, (rows != target).sum(axis=1), out=distance)
    known = np.isfinite(fitness)
    if not known.any() or np.ptp(fitness[known]) == 0 or np.ptp(distance[known]) == 0:
        return float("nan")
    return round(float(np.corrcoef(fitness[known], distance[known])[0, 1]), 15)


def _values(values: ArrayLike, n: int) -> NDArray[np.float64]:
    """Values as floats; ValueError unless there is one per genotype and at least one is known."""
    fitness = np.asarray(values, dtype=np.float64)
    if fitness.shape != (n,):
        raise ValueError(f"there must be one value per genotype, ({n},), not {fitness.shape}")
    if np.isnan(fitness).all():
        raise ValueError("no genotype has a value")
    return fitness
