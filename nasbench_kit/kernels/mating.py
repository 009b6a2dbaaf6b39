"""Kernels of mating: children by two-point crossover and by mutation of each gene, one per run and step.

Compiled, a child takes 85 ns: four random words and two per group of genes, three tables and two members.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled, part
from nasbench_kit.kernels.variation import outcomes, stepped

__all__ = ["Mating", "children_of_any", "crossed_and_mutated", "mated"]

Genotypes = NDArray[np.uint8]
Groups = list[tuple[Genotypes, NDArray[np.uint32], NDArray[np.intp]]]


class Mating:
    """How children are made.

    Parameters
    ----------
    masks : ndarray of uint8, shape (k, genes)
        Masks of 255 for the genes that may come from the second parent. One of those after the first is drawn; the
        first one, which is 0, is for parents that are not crossed.
    groups : list of tuples of ndarrays
        Groups of adjacent genes that mutate together: all combinations of steps (c, width), and an alias table of them
        (``stay`` and ``alias``, as for `outcomes`).
    cardinalities : tuple of int
        Number of alleles of each gene.

    Attributes
    ----------
    requests : tuple of int
        Numbers of random 32-bit words of each request for crossover and mutation. A request starts at a 64-bit word:
        those for the mutation of a group are at every second word.
    """

    def __init__(self, masks: Genotypes, groups: Groups, cardinalities: tuple[int, ...]) -> None:
        self.masks, self.groups, self.cardinalities = masks, groups, cardinalities
        self.requests = (1,) + (1, 1) * len(groups)
        # for the compiled version: all tables one after the other, and where each group begins
        self.tables = (
            masks,
            np.array([rows.shape for rows, _, _ in groups], dtype=np.int64),
            np.concatenate([rows.ravel() for rows, _, _ in groups]),
            np.concatenate([stay for _, stay, _ in groups]),
            np.concatenate([alias for _, _, alias in groups]),
            np.array(cardinalities, dtype=np.int64),
        )


def children_of_any(
    how: Mating, words: NDArray[np.uint32], X: Genotypes, order: NDArray[np.intp], crossing: float
) -> tuple[Genotypes, NDArray[np.intp]]:
    """Cross and mutate two members of each run, drawn uniformly and with replacement.

    Parameters
    ----------
    how : Mating
    words : ndarray of uint32, shape (runs, k)
        Random words: a request of 2 for the parents, one of 1 for whether they are crossed if ``crossing`` is below 1,
        and those of ``how``.
    X : ndarray of uint8, shape (runs, slots, genes)
        Genotypes.
    order : ndarray of int, shape (runs, n + 1)
        Slots of the n members; the last one is not a member.
    crossing : float
        Probability that the parents are crossed.

    Returns
    -------
    child : ndarray of uint8, shape (runs, 1, genes)
    parent : ndarray of int, shape (runs,)
        Slot of the first parent.
    """
    if enabled():
        made: tuple[Genotypes, NDArray[np.intp]] = _children_of_any(words, X, order, crossing, *how.tables)
        return made
    n = order.shape[1] - 1
    runs = np.arange(len(X))
    parents = order[runs[:, np.newaxis], (words[:, :2] * (n * 2.0**-32)).astype(np.intp)]
    crossed = words[:, 2] * 2.0**-32 < crossing if crossing < 1 else None
    child = mated(how, words[:, 2 if crossed is None else 4 :], X, parents, crossed)
    return child, parents[:, 0]


def mated(
    how: Mating,
    words: NDArray[np.uint32],
    X: Genotypes,
    parents: NDArray[np.intp],
    crossed: NDArray[np.bool_] | None = None,
) -> Genotypes:
    """Cross and mutate the given parents: (runs, 1, genes). The NumPy version of `crossed_and_mutated`.

    Parameters
    ----------
    how : Mating
    words : ndarray of uint32, shape (runs, k)
        Random words as requested by ``how``.
    X : ndarray of uint8, shape (runs, n, genes)
        Genotypes.
    parents : ndarray of int, shape (runs, 2)
        Places of the parents among the genotypes of their run.
    crossed : ndarray of bool, shape (runs,), optional
        Whether the parents are crossed; default: all are.
    """
    runs, n, genes = X.shape
    mates = X.reshape(-1, genes).take(parents + (np.arange(runs) * n)[:, np.newaxis], axis=0, mode="clip")
    cut = 1 + (words[:, 0] * ((len(how.masks) - 1) * 2.0**-32)).astype(np.intp)
    if crossed is not None:
        cut *= crossed
    child = mates[:, 1] ^ mates[:, 0]
    child &= how.masks.take(cut, axis=0, mode="clip")
    child ^= mates[:, 0]
    parts = [
        rows.take(outcomes(words[:, at], words[:, at + 2], stay, alias), axis=0, mode="clip")
        for at, (rows, stay, alias) in zip(range(2, 2 + 4 * len(how.groups), 4), how.groups, strict=True)
    ]
    steps = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    return stepped(child, steps, how.cardinalities)[:, np.newaxis]


@part
def crossed_and_mutated(
    child: NDArray[np.uint8],
    X: NDArray[np.uint8],
    run: int,
    a: int,
    b: int,
    crossed: bool,
    words: NDArray[np.uint32],
    begin: int,
    masks: NDArray[np.uint8],
    sizes: NDArray[np.int64],
    steps: NDArray[np.uint8],
    stay: NDArray[np.uint32],
    alias: NDArray[np.intp],
    cardinalities: NDArray[np.int64],
) -> None:
    """Set the child of two genotypes of a run, from the words that `Mating` requests, which begin at a place.

    Arrays of all runs are passed: to make an array of a part of each would take as long as a child.
    """
    unit = 2.0**-32
    cut = 1 + np.intp(words[run, begin] * ((len(masks) - 1) * unit)) if crossed else 0
    gene = row = table = 0
    for group in range(len(sizes)):
        count, width = sizes[group]
        word = begin + 2 + 4 * group
        slot = np.intp(words[run, word] * (count * unit))
        if words[run, word + 2] >= stay[table + slot]:
            slot = alias[table + slot]
        for i in range(width):
            old = X[run, a, gene] ^ (X[run, a, gene] ^ X[run, b, gene]) & masks[cut, gene]
            value = np.int64(old) + steps[row + slot * width + i]
            child[run, 0, gene] = value - cardinalities[gene] if value >= cardinalities[gene] else value
            gene += 1
        row += count * width
        table += count


@compiled
def _children_of_any(
    words: NDArray[np.uint32],
    X: NDArray[np.uint8],
    order: NDArray[np.intp],
    crossing: float,
    masks: NDArray[np.uint8],
    sizes: NDArray[np.int64],
    steps: NDArray[np.uint8],
    stay: NDArray[np.uint32],
    alias: NDArray[np.intp],
    cardinalities: NDArray[np.int64],
) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Compiled version of `children_of_any`."""
    runs, _, genes = X.shape
    n = order.shape[1] - 1
    unit = 2.0**-32
    child = np.empty((runs, 1, genes), dtype=np.uint8)
    parent = np.empty(runs, dtype=np.intp)
    cuts = 4 if crossing < 1 else 2
    for run in range(runs):
        a = order[run, np.intp(words[run, 0] * (n * unit))]
        b = order[run, np.intp(words[run, 1] * (n * unit))]
        crossed = crossing == 1 or words[run, 2] * unit < crossing
        crossed_and_mutated(
            child,
            X,
            run,
            a,
            b,
            crossed,
            words,
            cuts,
            masks,
            sizes,
            steps,
            stay,
            alias,
            cardinalities,
        )
        parent[run] = a
    return child, parent
