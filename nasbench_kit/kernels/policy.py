"""Kernels of REINFORCE: draws from a softmax policy with independent genes, and its update by Adam.

A policy is given by the exponentials of its logits, minus the largest of each gene. They are NumPy's in either form,
because its last bits differ from those of other libraries.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled

__all__ = ["BETAS", "EPSILON", "climb", "draw"]

BETAS, EPSILON = (0.9, 0.999), 1e-8  # Adam hyperparameters


def draw(
    exponentials: NDArray[np.float64], cardinalities: NDArray[np.intp], words: NDArray[np.uint32]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Draw genotypes from the policy of each run.

    Parameters
    ----------
    exponentials : ndarray of float, shape (runs, genes, alleles)
        Exponentials of the logits; those of alleles that a gene does not have are ignored.
    cardinalities : ndarray of int, shape (genes,)
        Number of alleles of each gene.
    words : ndarray of uint32, shape (runs, n * genes)
        Random words.

    Returns
    -------
    X : ndarray of uint8, shape (runs, n, genes)
        Genotypes.
    chances : ndarray of float, shape (runs, genes, alleles)
        Probability of each allele.
    """
    runs, genes, alleles = exponentials.shape
    if enabled():
        drawn: tuple[NDArray[np.uint8], NDArray[np.float64]] = _draw(exponentials, cardinalities, words)
        return drawn
    chances = np.where(np.arange(alleles) < cardinalities[:, np.newaxis], exponentials, 0.0)
    # sums in order, which NumPy does not promise of `sum`
    chances /= chances.cumsum(axis=2)[..., -1:]
    bounds = chances.cumsum(axis=2)[..., :-1]
    draws = (words * np.float64(2.0**-32)).reshape(runs, -1, genes)
    X: NDArray[np.uint8] = (draws[..., np.newaxis] >= bounds[:, np.newaxis]).sum(axis=3).astype(np.uint8)
    return X, chances


def climb(
    logits: NDArray[np.float64],
    moments: tuple[NDArray[np.float64], NDArray[np.float64]],
    chances: NDArray[np.float64],
    X: NDArray[np.uint8],
    advantage: NDArray[np.float64],
    steps: int,
    learning_rate: float,
) -> NDArray[np.float64]:
    """Update the logits of each run by Adam, after one genotype each.

    Parameters
    ----------
    logits : ndarray of float, shape (runs, genes, alleles)
        Logits, updated in place.
    moments : tuple of ndarrays, each (runs, genes, alleles)
        Moving averages of the gradient and of its square, updated in place.
    chances : ndarray of float, shape (runs, genes, alleles)
        Probability of each allele.
    X : ndarray of uint8, shape (runs, genes)
        Genotypes that were drawn.
    advantage : ndarray of float, shape (runs,)
        Their rewards minus a baseline.
    steps : int
        Number of updates, with this one.
    learning_rate : float

    Returns
    -------
    ndarray of float, shape (runs, genes, alleles)
        The logits minus the largest one of each gene.
    """
    first, second = moments
    unbias = 1 - BETAS[0] ** steps, 1 - BETAS[1] ** steps
    if enabled():
        shifted: NDArray[np.float64] = _climb(logits, first, second, chances, X, advantage, *unbias, learning_rate)
        return shifted
    chosen = X[:, :, np.newaxis] == np.arange(logits.shape[2])
    gradient = (chances - chosen) * advantage[:, np.newaxis, np.newaxis]
    first *= BETAS[0]
    first += (1 - BETAS[0]) * gradient
    second *= BETAS[1]
    second += (1 - BETAS[1]) * gradient**2
    logits -= learning_rate * (first / unbias[0]) / (np.sqrt(second / unbias[1]) + EPSILON)
    most: NDArray[np.float64] = logits.max(axis=2, keepdims=True)
    return np.asarray(logits - most)


@compiled
def _draw(
    exponentials: NDArray[np.float64], cardinalities: NDArray[np.intp], words: NDArray[np.uint32]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Compiled version of `draw`."""
    runs, genes, alleles = exponentials.shape
    n = words.shape[1] // genes
    X = np.empty((runs, n, genes), dtype=np.uint8)
    chances = np.zeros((runs, genes, alleles))
    for run in range(runs):
        for gene in range(genes):
            total = exponentials[run, gene, 0]
            for allele in range(1, cardinalities[gene]):
                total += exponentials[run, gene, allele]
            for allele in range(cardinalities[gene]):
                chances[run, gene, allele] = exponentials[run, gene, allele] / total
        for i in range(n):
            for gene in range(genes):
                spin = words[run, i * genes + gene] * 2.0**-32
                bound = chances[run, gene, 0]
                allele = 0
                # a later bound is never below an earlier one
                while allele < alleles - 1 and spin >= bound:
                    allele += 1
                    bound += chances[run, gene, allele]
                X[run, i, gene] = allele
    return X, chances


@compiled
def _climb(
    logits: NDArray[np.float64],
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    chances: NDArray[np.float64],
    X: NDArray[np.uint8],
    advantage: NDArray[np.float64],
    first_unbias: float,
    second_unbias: float,
    learning_rate: float,
) -> NDArray[np.float64]:
    """Compiled version of `climb`."""
    runs, genes, alleles = logits.shape
    shifted = np.empty(logits.shape)
    for run in range(runs):
        for gene in range(genes):
            for allele in range(alleles):
                chosen = np.float64(X[run, gene] == allele)
                shifted[run, gene, allele] = (chances[run, gene, allele] - chosen) * advantage[run]
    # flat, so that the loop becomes SIMD
    gradient, logit, mean, square = shifted.reshape(-1), logits.reshape(-1), first.reshape(-1), second.reshape(-1)
    for i in range(len(logit)):
        slope = gradient[i]
        mean[i] = BETAS[0] * mean[i] + (1 - BETAS[0]) * slope
        square[i] = BETAS[1] * square[i] + (1 - BETAS[1]) * (slope * slope)
        step = learning_rate * (mean[i] / first_unbias)
        logit[i] -= step / (np.sqrt(square[i] / second_unbias) + EPSILON)
    for run in range(runs):
        for gene in range(genes):
            most = logits[run, gene, 0]
            for allele in range(1, alleles):
                most = max(most, logits[run, gene, allele])
            for allele in range(alleles):
                shifted[run, gene, allele] = logits[run, gene, allele] - most
    return shifted
