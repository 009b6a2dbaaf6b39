"""Linkage learning: mutual information and linkage trees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["linkage_tree", "mutual_information", "share_logs"]

_LARGEST = 2**24  # shares of pairs of alleles that are held at a time, 20 bytes each


def mutual_information(X: Genotypes, values: int) -> NDArray[np.float64]:
    """Mutual information in nats of all pairs of genes in each population: (runs, n, genes) to (runs, genes, genes).

    ``values`` is the maximum number of alleles of a gene. The diagonal holds the entropy of each gene.
    """
    runs, n, genes = X.shape
    step = max(1, _LARGEST // (genes * values) ** 2)
    if runs > step:
        return np.concatenate([mutual_information(X[i : i + step], values) for i in range(0, runs, step)])
    ones = (X[..., np.newaxis] == np.arange(values, dtype=np.uint8)).reshape(runs, n, genes * values).astype(np.float32)
    joint = (ones.swapaxes(1, 2) @ ones).reshape(runs, genes, values, genes, values) / n
    single = ones.mean(axis=1).reshape(runs, genes, values)
    joint_entropy = -_xlogx(joint).sum(axis=(2, 4))
    entropy = -_xlogx(single).sum(axis=2)
    information: NDArray[np.float64] = entropy[:, :, np.newaxis] + entropy[:, np.newaxis, :] - joint_entropy
    return information


def share_logs(n: int) -> NDArray[np.float64]:
    """p log p of the shares 0, 1 / n, ..., 1, with the bits that `mutual_information` uses: (n + 1,)."""
    return _xlogx(np.arange(n + 1, dtype=np.float32) / np.float32(n))


def _xlogx(p: NDArray[np.float32]) -> NDArray[np.float64]:
    exact = p.astype(np.float64)
    result: NDArray[np.float64] = exact * np.log(np.where(exact > 0, exact, 1.0))
    return result


def linkage_tree(similarity: NDArray[np.float64], ties: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Linkage tree: the sets of genes formed by hierarchical clustering with average linkage (UPGMA).

    The set of all genes is omitted, because exchanging it would replace the whole genotype.

    Parameters
    ----------
    similarity : ndarray of float, shape (runs, genes, genes)
    ties : ndarray of float, shape (runs, genes)
        Random numbers in [0, 1) that break ties between pairs of equal similarity.

    Returns
    -------
    ndarray of bool, shape (runs, 2 genes - 2, genes)
        Masks of the sets, single genes first. With a single gene, only that gene.

    Examples
    --------
    >>> near = np.array([[[1, 0.9, 0.1], [0.9, 1, 0.2], [0.1, 0.2, 1]]])
    >>> linkage_tree(near, np.zeros((1, 3)))[0].astype(int)
    array([[1, 0, 0],
           [0, 1, 0],
           [0, 0, 1],
           [1, 1, 0]])
    """
    runs, genes = similarity.shape[:2]
    sets = np.zeros((runs, max(2 * genes - 2, 1), genes), dtype=np.bool_)
    sets[:, range(genes), range(genes)] = True
    run = np.arange(runs)
    near = similarity + 1e-9 * (ties[:, :, np.newaxis] + ties[:, np.newaxis, :])
    near[:, range(genes), range(genes)] = -np.inf
    members = np.tile(np.eye(genes, dtype=np.bool_), (runs, 1, 1))  # current set of each slot
    size = np.ones((runs, genes))
    for joined in range(genes, 2 * genes - 2):
        first, second = np.divmod(near.reshape(runs, -1).argmax(axis=1), genes)
        members[run, first] |= members[run, second]
        sets[:, joined] = members[run, first]
        a, b = size[run, first][:, np.newaxis], size[run, second][:, np.newaxis]
        mean = (a * near[run, first] + b * near[run, second]) / (a + b)
        near[run, first], near[run, :, first] = mean, mean
        near[run, first, first] = -np.inf
        near[run, second], near[run, :, second] = -np.inf, -np.inf
        size[run, first] += size[run, second]
    return sets
