"""What every step of a search takes, whatever the algorithm, as one loop each: the answers of a table, and the notes of them.

Vectorised, a step is some thirty NumPy calls on a number for each run. The vectorised forms are
``TabularProblem.evaluate`` and ``Recorder.update``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, part

__all__ = ["answer", "follow", "note"]


@compiled
def answer(
    X: NDArray[np.uint8],
    draws: NDArray[np.float64],
    cardinalities: NDArray[np.int64],
    validity_weights: NDArray[np.int64],
    valid: NDArray[np.bool_],
    weights: NDArray[np.int64],
    trials: NDArray[np.intp],
    F: NDArray[np.float64],
    seconds: NDArray[np.float64],
    found_F: NDArray[np.float64],
    found_seconds: NDArray[np.float64],
) -> bool:
    """Check genotypes, and look them up in a table with a row for each genotype; returns whether all are valid.

    Parameters
    ----------
    X : ndarray of uint8, shape (n, genes)
        Genotypes.
    draws : ndarray of float, shape (n,) or (0,)
        Numbers in [0, 1) that choose one of the trials of a row; the first one is taken if empty.
    cardinalities : ndarray of int, shape (genes,)
        Number of alleles of each gene.
    validity_weights, valid : ndarray
        ``space.validity``.
    weights : ndarray of int, shape (genes,)
        Place values of the genes in the flat index.
    trials : ndarray of int, shape (rows,) or (1,)
        Number of trials of each row, or of all.
    F, seconds : ndarray of float, shapes (rows, most trials, m) and (rows, most trials)
        The table.
    found_F, found_seconds : ndarray of float, shapes (n, m) and (n,)
        The answers, written in place.
    """
    n, genes = X.shape
    for i in range(n):
        number, place = 0, 0
        for gene in range(genes):
            value = np.int64(X[i, gene])
            if value >= cardinalities[gene]:
                return False
            number += value * weights[gene]
            place += value * validity_weights[gene]
        if not valid[place]:
            return False
        trial = 0
        if len(draws):
            trial = np.intp(draws[i] * trials[number if len(trials) > 1 else 0])
        for objective in range(F.shape[2]):
            found_F[i, objective] = F[number, trial, objective]
        found_seconds[i] = seconds[number, trial]
    return True


@part
def is_new(
    run: int,
    number: int,
    genotype_seen: NDArray[np.uint8],
    network_of_number: NDArray[np.int32],
    network_seen: NDArray[np.uint8],
    networks: NDArray[np.int64],
) -> bool:
    """Record a genotype and its network as seen by a run; returns whether the genotype is new to it.

    Parameters
    ----------
    run, number : int
        The run, and the flat index of the genotype.
    genotype_seen : ndarray of uint8, shape (runs, genotypes / 8)
        Flags of genotypes, a bit each, modified in place.
    network_of_number : ndarray of int, shape (genotypes,)
        Network index of each genotype.
    network_seen : ndarray of uint8, shape (runs, networks / 8)
        Flags of networks, a bit each, modified in place.
    networks : ndarray of int, shape (runs,)
        Number of networks seen by each run, modified in place.
    """
    bit = np.uint8(1 << (number & 7))
    if genotype_seen[run, number >> 3] & bit:
        return False
    genotype_seen[run, number >> 3] |= bit
    network = network_of_number[number]
    bit = np.uint8(1 << (network & 7))
    networks[run] += not network_seen[run, network >> 3] & bit
    network_seen[run, network >> 3] |= bit
    return True


@compiled
def note(
    X: NDArray[np.uint8],
    counted: NDArray[np.bool_],
    weights: NDArray[np.int64],
    genotype_seen: NDArray[np.uint8],
    network_of_number: NDArray[np.int32],
    network_seen: NDArray[np.uint8],
    networks: NDArray[np.int64],
) -> NDArray[np.intp]:
    """Compiled version of `Seen.note` for spaces with a flag per genotype and network.

    Parameters
    ----------
    X : ndarray of uint8, shape (runs, batch, genes)
        Genotypes.
    counted : ndarray of bool, shape (runs, batch) or (0, 0)
        Which genotypes to record; all if empty.
    weights : ndarray of int, shape (genes,)
        Place values of the genes in the flat index.
    genotype_seen, network_of_number, network_seen, networks
        As in `is_new`.

    Returns
    -------
    ndarray of int, shape (k,)
        Positions in (runs * batch) of the new genotypes.
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
            if some and not counted[run, i]:
                continue
            if is_new(run, number, genotype_seen, network_of_number, network_seen, networks):
                chosen[k] = run * batch + i
                k += 1
    return chosen[:k].copy()


@compiled
def follow(
    X: NDArray[np.uint8],
    F: NDArray[np.float64],
    costs: NDArray[np.float64],
    start: int,
    stop: int,
    before: NDArray[np.float64],
    seconds: NDArray[np.float64],
    evaluations: NDArray[np.int64],
    partial: bool,
    incumbent: NDArray[np.uint8],
    incumbent_F: NDArray[np.float64],
    every: bool,
    filled: int,
    new_run: NDArray[np.int64],
    new_X: NDArray[np.uint8],
    new_F: NDArray[np.float64],
    weights: NDArray[np.int64],
    genotype_seen: NDArray[np.uint8],
    network_of_number: NDArray[np.int32],
    network_seen: NDArray[np.uint8],
    networks: NDArray[np.int64],
) -> int:
    """Note some evaluations of all runs: their times, incumbents, what is seen, and the candidates of archives.

    Parameters
    ----------
    X : ndarray of uint8, shape (runs, batch, genes)
        Genotypes.
    F, costs : ndarray of float, shapes (runs, batch, m) and (runs, batch)
        Their objectives, and simulated seconds.
    start, stop : int
        The part of the batch that is noted.
    before : ndarray of float, shape (runs,)
        Simulated seconds before the batch.
    seconds, evaluations : ndarray, shape (runs,)
        Clocks of the runs, written in place.
    partial : bool
        Whether networks were trained partly, so that they do not become incumbents.
    incumbent, incumbent_F : ndarray, shapes (runs, genes) and (runs,)
        The best genotypes of a single objective, and their values; updated in place.
    every : bool
        Whether all evaluations are candidates of the archives, instead of genotypes that are new to their run.
    filled : int
        Number of candidates noted before.
    new_run, new_X, new_F : ndarray, shapes (k,), (k, genes) and (k, m)
        The candidates, run by run; written in place.
    weights, genotype_seen, network_of_number, network_seen, networks
        ``Seen.arrays()``.

    Returns
    -------
    int
        Number of candidates noted so far; 0 with a single objective.
    """
    runs, _, genes = X.shape
    m = F.shape[2]
    for run in range(runs):
        total = costs[run, 0]
        for i in range(1, stop):
            total += costs[run, i]
        seconds[run] = before[run] + total
        evaluations[run] += stop - start
    if m == 1 and not partial:
        for run in range(runs):
            best, lowest, unknown = -1, incumbent_F[run], False
            for i in range(start, stop):
                value = F[run, i, 0]
                unknown |= np.isnan(value)
                if value < lowest:
                    best, lowest = i, value
            if best >= 0 and not unknown:
                incumbent[run] = X[run, best]
                incumbent_F[run] = lowest
    # in a loop of its own, so that the processor fetches the flags of several runs at the same time
    for run in range(runs):
        for i in range(start, stop):
            number = 0
            for gene in range(genes):
                number += X[run, i, gene] * weights[gene]
            new = is_new(run, number, genotype_seen, network_of_number, network_seen, networks)
            if m > 1 and (new or every):
                new_run[filled] = run
                new_X[filled] = X[run, i]
                new_F[filled] = F[run, i]
                filled += 1
    return filled
