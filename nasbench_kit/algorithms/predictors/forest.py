"""A random forest on binary features, fitted to all runs at once.

Trees predict ranks, which are whole numbers. All sums are therefore exact, so that a forest is the same on every
processor and whatever runs are fitted beside it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.streams import Streams

__all__ = ["forest_predictions", "ranks"]

BLOCK = 2**17  # weights of a level's nodes at a time, to stay in the cache
EXACT = 2**24  # below which float32 holds every whole number

Sums = NDArray[np.floating[Any]]  # float32 or float64, see EXACT


def forest_predictions(
    Z: NDArray[np.bool_],
    F: NDArray[np.float64],
    at: NDArray[np.bool_],
    random: Streams,
    *,
    trees: int,
    depth: int = 4,
    share: float = 1 / 3,
) -> NDArray[np.float64]:
    """Fit a random forest to ranks and predict.

    Each tree is grown on a bootstrap sample, level by level; a node is split by the feature that leaves the least
    squared error, out of a random share of the features. Source: Breiman 2001 (Machine Learning 45). Here, the features
    are drawn with replacement, for each level of a tree and not for each node, to be faster.

    Parameters
    ----------
    Z : ndarray of bool, shape (runs, n, features)
        Features of evaluated genotypes.
    F : ndarray of float, shape (runs, n)
        Their values; ``inf`` ranks last.
    at : ndarray of bool, shape (runs, k, features)
        Features of genotypes to predict.
    random : Streams
    trees, depth : int
        Number of trees and their maximum depth.
    share : float
        Number of features drawn for each level, as a share of all; one third is usual for regression.

    Returns
    -------
    ndarray of float, shape (runs, trees, k)
        Predicted rank by each tree, from 0.
    """
    runs, n, features = Z.shape
    drawn = random.integers(n, (trees, n))
    offered = random.integers(features, (depth, trees, max(1, round(features * share))))
    rank = ranks(F)
    predicted = np.empty((runs, trees, at.shape[1]))
    together = max(1, BLOCK // (trees * n << (depth - 1)))
    for first in range(0, runs, together):
        part = slice(first, first + together)
        predicted[part] = _grown(Z[part], rank[part], _counts(drawn[part], n), at[part], offered[part])
    return predicted


def ranks(F: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rank of each value in its run, from 0; equal values share the lowest: (runs, n) to (runs, n)."""
    order = F.argsort(axis=1, kind="stable")
    ordered = np.take_along_axis(F, order, axis=1)
    place = np.broadcast_to(np.arange(F.shape[1]), F.shape).copy()
    place[:, 1:][ordered[:, 1:] == ordered[:, :-1]] = 0
    rank = np.empty_like(place)
    np.put_along_axis(rank, order, np.maximum.accumulate(place, axis=1), axis=1)
    return rank


def _counts(drawn: NDArray[np.intp], n: int) -> NDArray[np.float64]:
    """How often each of n samples was drawn: (runs, trees, n) positions to (runs, trees, n) counts."""
    rows = drawn.reshape(-1, n)
    flat = rows + np.arange(len(rows))[:, np.newaxis] * n
    return np.bincount(flat.ravel(), minlength=rows.size).astype(np.float64).reshape(drawn.shape)


def _grown(
    Z: NDArray[np.bool_],
    rank: NDArray[np.int64],
    weight: NDArray[np.float64],
    at: NDArray[np.bool_],
    offered: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Predictions of trees on weighted samples: (runs, trees, k). The nodes of a level are numbered from the left."""
    runs, trees, n = weight.shape
    depth = offered.shape[1]
    kind: type[Any] = np.float32 if n * n < EXACT else np.float64
    values: Sums = np.stack([weight, weight * rank[:, np.newaxis]], axis=2).astype(kind)
    rows = np.ascontiguousarray(Z.swapaxes(1, 2)).astype(kind)  # of each feature, over the samples
    node, asked = np.zeros(weight.shape, dtype=np.intp), np.zeros((runs, trees, at.shape[1]), dtype=np.intp)
    for level in range(depth):
        split = _split(rows, _by_node(values, node, level), offered[:, level])
        node = 2 * node + _bits(Z, split, node)
        asked = 2 * asked + _bits(at, split, asked)
    count, total = np.moveaxis(_by_node(values, node, depth).sum(axis=4, dtype=np.float64), 2, 0)
    return np.take_along_axis(total / np.maximum(count, 1), asked, axis=2)


def _by_node(values: Sums, node: NDArray[np.intp], level: int) -> Sums:
    """Spread values of samples (runs, trees, 2, n) over the nodes that they are in: (runs, trees, 2, 2**level, n)."""
    spread = np.zeros((*values.shape[:3], 2**level, values.shape[3]), dtype=values.dtype)
    np.put_along_axis(spread, node[:, :, np.newaxis, np.newaxis], values[:, :, :, np.newaxis], axis=3)
    return spread


def _split(rows: Sums, values: Sums, offered: NDArray[np.intp]) -> NDArray[np.intp]:
    """The offered feature that splits each node best, or -1 if none does: (runs, trees, nodes)."""
    runs, features, n = rows.shape
    trees, nodes = values.shape[1], values.shape[3]
    place = offered + np.arange(runs)[:, np.newaxis, np.newaxis] * features
    chosen = rows.reshape(-1, n).take(place, axis=0)  # (runs, trees, offered, n)
    having = values.reshape(runs, trees, -1, n) @ chosen.swapaxes(2, 3)
    having = having.reshape(runs, trees, 2, nodes, -1)
    lacking = values.sum(axis=4)[..., np.newaxis] - having
    # the less squared error is left, the more of these
    score = _mass(having) + _mass(lacking)
    score[(having[:, :, 0] == 0) | (lacking[:, :, 0] == 0)] = -1
    best = score.argmax(axis=3)
    found = np.take_along_axis(score, best[..., np.newaxis], axis=3)[..., 0] >= 0
    return np.where(found, np.take_along_axis(offered, best.reshape(runs, trees, -1), axis=2), -1)


def _mass(values: Sums) -> Sums:
    """Squared sum of ranks by weight of each side of a split: (runs, trees, 2, nodes, offered) to the same without 2."""
    count, total = values[:, :, 0], values[:, :, 1]
    mass: Sums = total * (total / np.maximum(count, 1))
    return mass


def _bits(Z: NDArray[np.bool_], split: NDArray[np.intp], node: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether samples have the feature that splits their node: (runs, trees, n)."""
    runs, n, features = Z.shape
    feature = np.take_along_axis(split, node, axis=2)
    row = np.arange(runs)[:, np.newaxis, np.newaxis] * n + np.arange(n)
    bits: NDArray[np.bool_] = Z.ravel().take(row * features + np.maximum(feature, 0)) & (feature >= 0)
    return bits
