"""Kernels of multi-objective local search: one pass over the genes of a genotype of each run, in random order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled
from nasbench_kit.kernels.variation import permutation, permutations

__all__ = ["accept", "next_trials", "start_passes"]


def next_trials(
    X: NDArray[np.uint8],
    genes: NDArray[np.intp],
    position: NDArray[np.intp],
    allele: NDArray[np.intp],
    fresh: NDArray[np.bool_],
    cardinalities: NDArray[np.intp],
    validity: tuple[NDArray[np.int64], NDArray[np.bool_]] | None,
    is_valid: Callable[[NDArray[np.uint8]], NDArray[np.bool_]],
) -> NDArray[np.uint8]:
    """Genotypes with the next allele at the current gene; runs whose pass has ended are marked as fresh.

    Parameters
    ----------
    X : ndarray of uint8, shape (runs, genes)
        Current genotypes.
    genes : ndarray of int, shape (runs, genes)
        Genes in the order of the pass.
    position, allele : ndarray of int, shape (runs,)
        Where in the pass each run is, and the allele that comes next; updated in place.
    fresh : ndarray of bool, shape (runs,)
        Runs without a pass; updated in place.
    cardinalities : ndarray of int, shape (genes,)
        Number of alleles of each gene.
    validity : tuple of ndarrays, optional
        Weights and a lookup table of valid rows, as given by ``space.validity``. If None, the NumPy version is used.
    is_valid : callable
        Validity of rows.

    Returns
    -------
    ndarray of uint8, shape (runs, genes)
        The current genotype for fresh runs.
    """
    if enabled() and validity is not None:
        trials: NDArray[np.uint8] = _next_trials(X, genes, position, allele, fresh, cardinalities, *validity)
        return trials
    trials = X.copy()
    left = np.flatnonzero(~fresh)
    while len(left):
        gene = genes[left, position[left]]
        own = X[left, gene]
        next_allele = allele[left]
        next_allele += next_allele == own
        ended = next_allele >= cardinalities[gene]
        tried = np.flatnonzero(~ended)
        runs, gene, own = left[tried], gene[tried], own[tried]
        trials[runs, gene] = next_allele[tried]
        allele[runs] = next_allele[tried] + 1
        wrong = np.flatnonzero(~is_valid(trials[runs]))
        trials[runs[wrong], gene[wrong]] = own[wrong]
        ended_runs = left[ended]
        position[ended_runs] += 1
        allele[ended_runs] = 0
        over = position[ended_runs] >= X.shape[1]
        fresh[ended_runs[over]] = True
        position[ended_runs[over]] = 0
        left = np.concatenate([ended_runs[~over], runs[wrong]])
    return trials


def start_passes(
    fresh: NDArray[np.intp],
    starts: NDArray[np.uint8],
    words: NDArray[np.uint32],
    asked: NDArray[np.uint8],
    weights: NDArray[np.float64],
    genes: NDArray[np.intp],
    position: NDArray[np.intp],
    allele: NDArray[np.intp],
) -> None:
    """Start new passes: with other genotypes, weights drawn uniformly from the simplex, and genes in random order.

    Parameters
    ----------
    fresh : ndarray of int, shape (k,)
        The runs, at least one.
    starts : ndarray of uint8, shape (k, genes)
        Their genotypes.
    words : ndarray of uint32, shape (runs, m + m % 2 + genes)
        Random words of all runs.
    asked, weights, genes, position, allele : ndarray
        The state of the runs, see `next_trials`; updated in place.
    """
    m = weights.shape[1]
    draws = -np.log1p(-(words[:, :m].take(fresh, axis=0) * np.float64(2.0**-32)))
    draws /= draws.sum(axis=1, keepdims=True)
    if enabled():
        _start_passes(fresh, starts, draws, words, asked, weights, genes, position, allele)
        return
    asked[fresh], weights[fresh] = starts, draws
    genes[fresh] = permutations(words[fresh, m + m % 2 :][:, : genes.shape[1]])
    position[fresh] = allele[fresh] = 0


def accept(
    X: NDArray[np.uint8],
    F: NDArray[np.float64],
    best: NDArray[np.float64],
    worst: NDArray[np.float64],
    weights: NDArray[np.float64],
    fresh: NDArray[np.bool_],
    told_X: NDArray[np.uint8],
    told_F: NDArray[np.float64],
) -> None:
    """Move to what was evaluated where it is a start, or improves the weighted sum of scaled objectives.

    Parameters
    ----------
    X : ndarray of uint8, shape (runs, genes)
        Current genotypes, updated in place.
    F : ndarray of float, shape (runs, m)
        Their values, updated in place.
    best, worst : ndarray of float, shape (runs, m)
        Range of the values of each run, by which objectives are scaled; updated in place. Failures do not count.
    weights : ndarray of float, shape (runs, m)
        Weights of the objectives.
    fresh : ndarray of bool, shape (runs,)
        Which evaluations are starts; all false afterwards.
    told_X, told_F : ndarray
        The genotypes that were evaluated, and their values.
    """
    if enabled():
        _accept(X, F, best, worst, weights, fresh, told_X, told_F)
        return
    np.minimum(best, told_F, out=best)
    np.maximum(worst, np.where(np.isfinite(told_F), told_F, -np.inf), out=worst)
    better = fresh | (_scalarised(told_F, best, worst, weights) < _scalarised(F, best, worst, weights))
    X[better], F[better] = told_X[better], told_F[better]
    fresh[:] = False


def _scalarised(
    F: NDArray[np.float64], best: NDArray[np.float64], worst: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weighted sums of scaled objectives: (runs, m) to (runs,); infinite for failures."""
    span = worst - best
    scale = np.where(np.isfinite(span) & (span > 0), span, 1.0)
    with np.errstate(invalid="ignore"):
        terms = weights * ((F - best) / scale)
        value = terms[:, 0]
        for term in terms.T[1:]:
            value = value + term
    return np.where(np.isnan(value), np.inf, value)


@compiled
def _next_trials(
    X: NDArray[np.uint8],
    genes: NDArray[np.intp],
    position: NDArray[np.intp],
    allele: NDArray[np.intp],
    fresh: NDArray[np.bool_],
    cardinalities: NDArray[np.intp],
    weights: NDArray[np.int64],
    valid: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Compiled version of `next_trials`."""
    trials = X.copy()
    for run in range(X.shape[0]):
        if fresh[run]:
            continue
        number = 0
        for gene in range(X.shape[1]):
            number += X[run, gene] * weights[gene]
        while True:
            if position[run] == X.shape[1]:
                fresh[run] = True
                position[run] = 0
                break
            gene = genes[run, position[run]]
            own = np.int64(X[run, gene])
            new = allele[run]
            new += new == own
            if new >= cardinalities[gene]:
                position[run] += 1
                allele[run] = 0
                continue
            allele[run] = new + 1
            if valid[number + (new - own) * weights[gene]]:
                trials[run, gene] = new
                break
    return trials


@compiled
def _start_passes(
    fresh: NDArray[np.intp],
    starts: NDArray[np.uint8],
    draws: NDArray[np.float64],
    words: NDArray[np.uint32],
    asked: NDArray[np.uint8],
    weights: NDArray[np.float64],
    genes: NDArray[np.intp],
    position: NDArray[np.intp],
    allele: NDArray[np.intp],
) -> None:
    """Compiled version of `start_passes`; ``draws`` are the weights, (k, m)."""
    m, n = weights.shape[1], genes.shape[1]
    first = m + m % 2
    low = 0
    while 1 << low <= n:
        low += 1
    for k in range(len(fresh)):
        run = fresh[k]
        asked[run] = starts[k]
        weights[run] = draws[k]
        permutation(words[run, first : first + n], low, genes[run])
        position[run] = allele[run] = 0


@compiled
def _accept(
    X: NDArray[np.uint8],
    F: NDArray[np.float64],
    best: NDArray[np.float64],
    worst: NDArray[np.float64],
    weights: NDArray[np.float64],
    fresh: NDArray[np.bool_],
    told_X: NDArray[np.uint8],
    told_F: NDArray[np.float64],
) -> None:
    """Compiled version of `accept`."""
    for run in range(X.shape[0]):
        new, old = 0.0, 0.0
        for i in range(F.shape[1]):
            value = told_F[run, i]
            if value < best[run, i]:
                best[run, i] = value
            if value > worst[run, i] and value < np.inf:
                worst[run, i] = value
            span = worst[run, i] - best[run, i]
            scale = span if 0 < span < np.inf else 1.0
            new += weights[run, i] * ((value - best[run, i]) / scale)
            old += weights[run, i] * ((F[run, i] - best[run, i]) / scale)
        # a failure may give nan, which is not less than any value
        if fresh[run] or new < old or (np.isnan(old) and new < np.inf):
            X[run] = told_X[run]
            F[run] = told_F[run]
        fresh[run] = False
