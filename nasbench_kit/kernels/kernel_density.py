"""Kernel density estimates over genotypes, with a product of categorical kernels, and samples around genotypes.

The time goes into one product per pair of an observation and a point: the factors of a block of genes are looked up by the
block's alleles, so that it takes one multiplication per block instead of one per gene. The compiled form takes these
products 8 at a time and needs no intermediate arrays; the NumPy form passes over all pairs once per block, and once more
for the sum. With few genes, the compiled form multiplies once per run instead, for all sets of genes that may be equal: a pair
then takes an or of bytes per block, 32 pairs at a time, and one read from a table of at most 2 KB.
"""

from __future__ import annotations

import itertools
import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled

__all__ = ["around", "density", "deviations"]

PAIRS = 2**18  # pairs of observations and points at a time, to stay in the cache
WORDS = 32  # maximum allele combinations per block of genes; larger tables do not pay off
MATCHED = 8  # genes up to which products are looked up by the genes that are equal, a bit of a byte each
SIMD = 32  # bytes at a time
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
    wanted: NDArray[np.bool_],
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
    wanted : ndarray of bool, shape (runs, k)
        The points that matter; what is returned for the others is undefined, but finite.

    Returns
    -------
    ndarray of float, shape (runs, k)
        Equal in the compiled form, as long as NumPy sums up to `SUMMED` terms as it does now.
    """
    bounds = _blocks(tuple(cardinalities.tolist()))
    if enabled():
        words = max(int(np.prod(cardinalities[a:b])) for a, b in itertools.pairwise(bounds))
        found = np.ones(at.shape[:2])
        loop = _density_by_matches if len(cardinalities) <= MATCHED else _density
        loop(X, at, wanted, same, other, cardinalities, bounds, words, found)
        return found
    found = np.empty(at.shape[:2])
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


@cache
def _blocks(cardinalities: tuple[int, ...]) -> NDArray[np.intp]:
    """Bounds of blocks of genes with at most `WORDS` allele combinations: (blocks + 1,)."""
    bounds = [0]
    for end in range(1, len(cardinalities) + 1):
        if end == len(cardinalities) or math.prod(cardinalities[bounds[-1] : end + 1]) > WORDS:
            bounds.append(end)
    return np.array(bounds)


def deviations(X: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Standard deviations of the genes of each run's observations: (runs, n, genes) to (runs, genes)."""
    if enabled() and X.shape[2] > 1:  # NumPy adds the values of a single gene in another order
        found: NDArray[np.float64] = _deviations(X)
        return found
    return np.asarray(X.std(axis=1))


@compiled
def _deviations(X: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Compiled version of `deviations`."""
    runs, n, genes = X.shape
    found, mean = np.zeros((runs, genes)), np.empty(genes)
    for run in range(runs):
        mean[:] = 0.0
        for i in range(n):
            for gene in range(genes):
                mean[gene] += X[run, i, gene]
        mean /= n
        for i in range(n):
            for gene in range(genes):
                apart = X[run, i, gene] - mean[gene]
                found[run, gene] += apart * apart
        for gene in range(genes):
            found[run, gene] = np.sqrt(found[run, gene] / n)
    return found


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
    wanted: NDArray[np.bool_],
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
            if not wanted[run, j]:
                continue
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


@compiled
def _density_by_matches(
    X: NDArray[np.uint8],
    at: NDArray[np.uint8],
    wanted: NDArray[np.bool_],
    same: NDArray[np.float64],
    other: NDArray[np.float64],
    cardinalities: NDArray[np.intp],
    bounds: NDArray[np.intp],
    words: int,
    found: NDArray[np.float64],
) -> None:
    """Compiled version of `density` for at most `MATCHED` genes: products are looked up by the genes that are equal, a bit each."""
    runs, n, genes = X.shape
    blocks = len(bounds) - 1
    products, some = np.empty(1 << genes), np.empty(1 << genes)
    padded = n + -n % SIMD
    equal = np.empty((blocks, words, padded), dtype=np.uint8)
    codes = np.empty((genes, cardinalities.max(), padded), dtype=np.uint8)
    matches = np.empty(padded, dtype=np.uint8)
    for run in range(runs):
        products[0] = 1.0
        for block in range(blocks):
            some[0] = 1.0
            for k, gene in enumerate(range(bounds[block], bounds[block + 1])):
                for code in range(1 << k):
                    some[code | 1 << k] = some[code] * same[run, gene]
                    some[code] *= other[run, gene]
            # in place, the codes of all genes of the block first
            for code in range((1 << bounds[block + 1] - bounds[block]) - 1, -1, -1):
                for before in range(1 << bounds[block]):
                    products[before | code << bounds[block]] = products[before] * some[code]
        codes[:] = 0
        for i in range(n):
            for gene in range(genes):
                codes[gene, X[run, i, gene], i] = 1 << gene
        for block in range(blocks):
            count = 1
            equal[block, 0] = 0
            for gene in range(bounds[block], bounds[block + 1]):
                values = cardinalities[gene]
                # in place, the last combinations first
                for word in range(count - 1, -1, -1):
                    before = equal[block, word]
                    for allele in range(values - 1, -1, -1):
                        after, code_row = equal[block, word * values + allele], codes[gene, allele]
                        for i in range(padded):
                            after[i] = before[i] | code_row[i]
                count *= values
        for j in range(at.shape[1]):
            if not wanted[run, j]:
                continue
            for block in range(blocks):
                word = 0
                for gene in range(bounds[block], bounds[block + 1]):
                    word = word * cardinalities[gene] + at[run, j, gene]
                row = equal[block, word]
                if block == 0:
                    for i in range(padded):
                        matches[i] = row[i]
                else:
                    for i in range(padded):
                        matches[i] |= row[i]
            total = 0.0
            for start in range(0, n, SUMMED):
                stop = min(start + SUMMED, n)
                part = 0.0
                if stop - start >= 8:
                    a, b, c, d, e, f, g, h = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
                    while start + 8 <= stop:
                        a += products[matches[start]]
                        b += products[matches[start + 1]]
                        c += products[matches[start + 2]]
                        d += products[matches[start + 3]]
                        e += products[matches[start + 4]]
                        f += products[matches[start + 5]]
                        g += products[matches[start + 6]]
                        h += products[matches[start + 7]]
                        start += 8
                    part = ((a + b) + (c + d)) + ((e + f) + (g + h))
                for i in range(start, stop):
                    part += products[matches[i]]
                total += part
            found[run, j] = total / n
