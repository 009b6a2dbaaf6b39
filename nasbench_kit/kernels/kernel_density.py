"""Kernel density estimates over genotypes, with a product of categorical kernels, and samples around genotypes.

The time goes into one product per pair of an observation and a point: the factors of a block of genes are looked up by the
block's alleles, so that it takes one multiplication per block instead of one per gene. The compiled form takes these
products 8 at a time and needs no intermediate arrays; the NumPy form passes over all pairs once per block, and once more
for the sum.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled

__all__ = ["around", "density"]

PAIRS = 2**18  # pairs of observations and points at a time, to stay in the cache
WORDS = 32  # maximum allele combinations per block of genes; larger tables do not pay off
SUMMED = 128  # terms that are summed at a time, in NumPy's order


def around(
    centres: NDArray[np.uint8],
    chosen: NDArray[np.intp],
    coins: NDArray[np.uint32],
    words: NDArray[np.uint32],
    width: NDArray[np.float64],
    cardinalities: NDArray[np.intp],
) -> NDArray[np.uint8]:
    """Genotypes around some centres: each gene is drawn anew, uniformly, with a given probability.

    Parameters
    ----------
    centres : ndarray of uint8, shape (runs, n, genes)
        Genotypes.
    chosen : ndarray of int, shape (runs, k)
        The centre of each sample.
    coins, words : ndarray of uint32, shape (runs, k * genes)
        Random words, which decide whether a gene is drawn, and its allele.
    width : ndarray of float, shape (runs, genes)
        Probability that a gene is drawn anew.
    cardinalities : ndarray of int, shape (genes,)
        Number of alleles of each gene.

    Returns
    -------
    ndarray of uint8, shape (runs, k, genes)
    """
    runs, k = chosen.shape
    if enabled():
        drawn: NDArray[np.uint8] = _around(centres, chosen, coins, words, width, cardinalities)
        return drawn
    shape = runs, k, centres.shape[2]
    flat = chosen + (np.arange(runs) * centres.shape[1])[:, np.newaxis]
    base = centres.reshape(-1, shape[2]).take(flat, axis=0, mode="clip")
    anew = (coins * np.float64(2.0**-32)).reshape(shape) < width[:, np.newaxis]
    alleles = (words.reshape(shape) * (cardinalities * 2.0**-32)).astype(np.uint8)
    return np.where(anew, alleles, base)


def density(
    X: NDArray[np.uint8],
    at: NDArray[np.uint8],
    same: NDArray[np.float64],
    other: NDArray[np.float64],
    cardinalities: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Mean over the observations of a run of the product of its genes' kernels.

    Parameters
    ----------
    X : ndarray of uint8, shape (runs, n, genes)
        Observations.
    at : ndarray of uint8, shape (runs, k, genes)
        Points at which to evaluate the estimate.
    same, other : ndarray of float, shape (runs, genes)
        Kernel of each gene for the allele of the observation, and for any other allele.
    cardinalities : ndarray of int, shape (genes,)
        Number of alleles of each gene.

    Returns
    -------
    ndarray of float, shape (runs, k)
        Equal in the compiled form, as long as NumPy sums up to `SUMMED` terms as it does now.
    """
    bounds = _blocks(cardinalities)
    found = np.empty(at.shape[:2])
    if enabled():
        words = max(int(np.prod(cardinalities[a:b])) for a, b in itertools.pairwise(bounds))
        _density(X, at, same, other, cardinalities, bounds, words, found)
        return found
    together = max(1, PAIRS // (at.shape[1] * X.shape[1]))
    for first in range(0, len(X), together):
        part = slice(first, first + together)
        product = _factors(X[part], at[part], same[part], other[part], cardinalities, *bounds[:2])
        for begin, end in itertools.pairwise(bounds[1:]):
            product *= _factors(X[part], at[part], same[part], other[part], cardinalities, begin, end)
        total = product[..., :SUMMED].sum(axis=2)
        for start in range(SUMMED, X.shape[1], SUMMED):
            total += product[..., start : start + SUMMED].sum(axis=2)
        found[part] = total / X.shape[1]
    return found


def _factors(
    X: NDArray[np.uint8],
    at: NDArray[np.uint8],
    same: NDArray[np.float64],
    other: NDArray[np.float64],
    cardinalities: NDArray[np.intp],
    begin: int,
    end: int,
) -> NDArray[np.float64]:
    """Kernels of a block of genes at (runs, k, genes), centred on (runs, n, genes): (runs, k, n)."""
    runs, n = X.shape[:2]
    table = np.ones((runs, 1, n))
    word = np.zeros(at.shape[:2], dtype=np.intp)
    for gene in range(begin, end):
        equal = np.arange(cardinalities[gene])[:, np.newaxis] == X[:, np.newaxis, :, gene]
        factor = np.where(equal, same[:, gene, None, None], other[:, gene, None, None])
        table = (table[:, :, np.newaxis] * factor[:, np.newaxis]).reshape(runs, -1, n)
        word = word * cardinalities[gene] + at[..., gene]
    word += np.arange(runs)[:, np.newaxis] * table.shape[1]
    return table.reshape(-1, n).take(word, axis=0, mode="clip")


def _blocks(cardinalities: NDArray[np.intp]) -> NDArray[np.intp]:
    """Bounds of blocks of genes with at most `WORDS` allele combinations: (blocks + 1,)."""
    bounds = [0]
    for end in range(1, len(cardinalities) + 1):
        if end == len(cardinalities) or np.prod(cardinalities[bounds[-1] : end + 1]) > WORDS:
            bounds.append(end)
    return np.array(bounds)


@compiled
def _around(
    centres: NDArray[np.uint8],
    chosen: NDArray[np.intp],
    coins: NDArray[np.uint32],
    words: NDArray[np.uint32],
    width: NDArray[np.float64],
    cardinalities: NDArray[np.intp],
) -> NDArray[np.uint8]:
    """Compiled version of `around`."""
    runs, k = chosen.shape
    genes = centres.shape[2]
    drawn = np.empty((runs, k, genes), dtype=np.uint8)
    for run in range(runs):
        for i in range(k):
            for gene in range(genes):
                place = i * genes + gene
                if coins[run, place] * 2.0**-32 < width[run, gene]:
                    drawn[run, i, gene] = np.uint8(words[run, place] * (cardinalities[gene] * 2.0**-32))
                else:
                    drawn[run, i, gene] = centres[run, chosen[run, i], gene]
    return drawn


@compiled
def _density(
    X: NDArray[np.uint8],
    at: NDArray[np.uint8],
    same: NDArray[np.float64],
    other: NDArray[np.float64],
    cardinalities: NDArray[np.intp],
    bounds: NDArray[np.intp],
    words: int,
    found: NDArray[np.float64],
) -> None:
    """Compiled version of `density`; ``words`` is the largest number of allele combinations of a block."""
    runs, n, _ = X.shape
    blocks = len(bounds) - 1
    tables = np.empty((blocks, words, n))
    factors = np.empty((cardinalities.max(), n))
    chosen = np.empty(blocks, dtype=np.intp)
    ones, work = np.ones(n), np.empty(n)
    for run in range(runs):
        for block in range(blocks):
            table, count = tables[block], 1
            table[0] = 1.0
            for gene in range(bounds[block], bounds[block + 1]):
                factors[:] = other[run, gene]
                for i in range(n):
                    factors[X[run, i, gene], i] = same[run, gene]
                values = cardinalities[gene]
                # in place, the last combinations first
                for word in range(count - 1, -1, -1):
                    before = table[word]
                    for allele in range(values - 1, -1, -1):
                        after, factor = table[word * values + allele], factors[allele]
                        for i in range(n):
                            after[i] = before[i] * factor[i]
                count *= values
        for j in range(at.shape[1]):
            for block in range(blocks):
                word = 0
                for gene in range(bounds[block], bounds[block + 1]):
                    word = word * cardinalities[gene] + at[run, j, gene]
                chosen[block] = word
            last = tables[blocks - 1, chosen[blocks - 1]]
            product = ones if blocks == 1 else tables[0, chosen[0]]
            for block in range(1, blocks - 1):
                row = tables[block, chosen[block]]
                for i in range(n):
                    work[i] = product[i] * row[i]
                product = work
            total = 0.0
            for start in range(0, n, SUMMED):
                stop = min(start + SUMMED, n)
                part = 0.0
                if stop - start >= 8:
                    a, b, c, d, e, f, g, h = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
                    while start + 8 <= stop:
                        a += product[start] * last[start]
                        b += product[start + 1] * last[start + 1]
                        c += product[start + 2] * last[start + 2]
                        d += product[start + 3] * last[start + 3]
                        e += product[start + 4] * last[start + 4]
                        f += product[start + 5] * last[start + 5]
                        g += product[start + 6] * last[start + 6]
                        h += product[start + 7] * last[start + 7]
                        start += 8
                    part = ((a + b) + (c + d)) + ((e + f) + (g + h))
                for i in range(start, stop):
                    part += product[i] * last[i]
                total += part
            found[run, j] = total / n
