"""What runs have seen, noted and counted in one pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.compiled.compiled_loop import compiled_loop

__all__ = ["flag_bits", "note_small", "numbers"]


@compiled_loop
def note_small(
    X: NDArray[np.uint8],
    weights: NDArray[np.int64],
    counted: NDArray[np.bool_],
    genotype_seen: NDArray[np.bool_],
    network_of_number: NDArray[np.int32],
    network_seen: NDArray[np.uint8],
    networks: NDArray[np.int64],
) -> NDArray[np.intp]:
    """`nasbench_kit.experiments.seen.Seen.note` where every genotype and every network has a flag.

    Parameters
    ----------
    X : ndarray of uint8, shape (runs, batch, genes)
    weights : ndarray of int, shape (genes,)
        Of the digits of a genotype's number.
    counted : ndarray of bool, shape (runs, batch) or (0, 0)
        Which to note; all where it is empty.
    genotype_seen : ndarray of bool, shape (runs, genotypes)
        Is changed.
    network_of_number : ndarray of int, shape (genotypes,)
    network_seen : ndarray of uint8, shape (runs, networks)
        Is changed.
    networks : ndarray of int, shape (runs,)
        How many each run has seen; is changed.

    Returns
    -------
    ndarray of int, shape (k,)
        Positions in (runs * batch) of the genotypes that are new.
    """
    runs, batch, genes = X.shape
    some = counted.size > 0
    chosen = np.empty(runs * batch, dtype=np.intp)
    k = 0
    for run in range(runs):
        for i in range(batch):
            number = 0
            for gene in range(genes):
                number += X[run, i, gene] * weights[gene]
            if genotype_seen[run, number] or (some and not counted[run, i]):
                continue
            genotype_seen[run, number] = True
            chosen[k] = run * batch + i
            k += 1
            network = network_of_number[number]
            networks[run] += 1 - network_seen[run, network]
            network_seen[run, network] = 1
    return chosen[:k].copy()


@compiled_loop
def flag_bits(
    run: NDArray[np.intp],
    network: NDArray[np.intp],
    flags: NDArray[np.uint8],
    networks: int,
    counts: NDArray[np.int64],
) -> None:
    """Set a bit for each run and network, and count for each run those that were not set; `Seen.note`.

    Parameters
    ----------
    run, network : ndarray of int, shape (k,)
    flags : ndarray of uint8
        Bit ``run * networks + network`` of these is the network's; is changed.
    networks : int
    counts : ndarray of int, shape (runs,)
        Is changed.
    """
    for i in range(len(run)):
        place = run[i] * networks + network[i]
        bit = np.uint8(1 << (place & 7))
        if not flags[place >> 3] & bit:
            flags[place >> 3] |= bit
            counts[run[i]] += 1


@compiled_loop
def numbers(X: NDArray[np.uint8], weights: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """`nasbench_kit.spaces.Space.number`: (n, genes) to (n,)."""
    found = np.empty(len(X), dtype=np.uint64)
    for i in range(len(X)):
        number = np.uint64(0)
        for gene in range(X.shape[1]):
            number += X[i, gene] * weights[gene]
        found[i] = number
    return found
