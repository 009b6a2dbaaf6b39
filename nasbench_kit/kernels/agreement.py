"""The row of an array that agrees with a row of genes in the most genes.

The number of genes in which two rows agree is a sum over groups of a few genes. For each combination of values of a group, a table
says how many of them each stored row has: a byte per row. So a genotype's agreements are the sum of seven rows of bytes, instead of
28 comparisons, for 28 genes of 2 to 4 values. With 5,125 stored rows of them, the compiled sums take 0.7 microseconds per genotype, of
1.1 in all; this is what a genotype takes that is far from all rows. NumPy takes 2.4.

The compiled form first compares rows that are equal in one of four parts of the genes, found by a hash of the part. A row that
differs in less than four genes is always among these, and many children in a search are as near to a stored one.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled, part

__all__ = ["Agreement"]

Genotypes = NDArray[np.uint8]

PARTS = 4  # a row that differs in fewer genes is equal in one of them
_BLOCK = 2**17  # counts per block, so that they stay in the cache
_COMBINATIONS = 64  # of the values of a group, at most, unless a single gene has more
_CHUNK = 512  # counts of which the compiled form remembers the largest
_LARGEST = 2**26  # bytes of the tables, unless single genes take more


class Agreement:
    """Finds the row that agrees with a genotype in the most genes.

    Parameters
    ----------
    rows : ndarray of uint8, shape (k, genes)
        At least one.
    cardinalities : tuple of int
        Number of values of each gene.
    """

    def __init__(self, rows: Genotypes, cardinalities: tuple[int, ...]) -> None:
        k, genes = rows.shape
        self.rows = k
        most = max(1, min(_COMBINATIONS, _LARGEST // (k * genes)))
        self._groups = _groups(cardinalities, most)
        self.weights = np.zeros(genes, dtype=np.int64)  # of the genes of a group in the place of their combination
        self.ends = np.array([group[-1] + 1 for group in self._groups])  # of each group's genes
        tables = []
        for group in self._groups:
            values = np.indices([cardinalities[gene] for gene in group], dtype=np.uint8).reshape(len(group), -1)
            self.weights[group] = np.cumprod([1, *(cardinalities[gene] for gene in group[:0:-1])])[::-1]
            table = np.zeros((values.shape[1], k), dtype=np.uint8 if genes < 256 else np.uint16)
            for gene, own in zip(group, values, strict=True):
                table += own[:, np.newaxis] == rows[:, gene]
            tables.append(table)
        self.starts = np.cumsum([0, *map(len, tables[:-1])])  # of each group in the table
        self.table = np.concatenate(tables)
        self._words = _words(rows)

    def most(self, X: Genotypes) -> NDArray[np.intp]:
        """Position of the row that agrees with each genotype (n, genes) in the most genes, the first of several: (n,)."""
        found = np.empty(len(X), dtype=np.intp)
        if enabled() and self.table.dtype == np.uint8:
            _most(X, _words(X), *self._compiled, self.weights, self.ends, self.starts, found)
            return found
        step = max(1, _BLOCK // self.rows)
        places = [X[:, group] @ self.weights[group] for group in self._groups]
        room, taken = np.empty((2, step, self.rows), dtype=self.table.dtype)
        for start in range(0, len(X), step):
            block = slice(start, min(start + step, len(X)))
            size = block.stop - start
            counts, more = room[:size], taken[:size]
            for number, (first, place) in enumerate(zip(self.starts, places, strict=True)):
                # all are in range; mode="clip" only lets NumPy write to the array without a copy
                self.table.take(first + place[block], axis=0, out=more if number else counts, mode="clip")
                if number:
                    counts += more
            found[block] = counts.argmax(axis=1)
        return found

    @cached_property
    def _compiled(self) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int32], NDArray[np.uint64]]:
        """What the compiled form needs: the rows in words, buckets, and the table in words."""
        places, k = self.table.shape
        table = np.zeros((places + 1, -(-k // _CHUNK) * _CHUNK), dtype=np.uint8)
        table[:-1, :k] = self.table
        return (self._words, *_buckets(self._words), table.view(np.uint64))


def _groups(cardinalities: tuple[int, ...], most: int) -> list[list[int]]:
    """Neighbouring genes in groups of at most so many combinations of values, or one gene."""
    groups: list[list[int]] = []
    combinations = most
    for gene, values in enumerate(cardinalities):
        if groups and combinations * values <= most:
            groups[-1].append(gene)
            combinations *= values
        else:
            groups.append([gene])
            combinations = values
    return groups


def _words(rows: Genotypes) -> NDArray[np.uint64]:
    """Genes as words of 64 bits, a multiple of `PARTS`: (n, genes) to (n, words)."""
    n, genes = rows.shape
    padded = np.zeros((n, PARTS, -(-genes // (8 * PARTS)) * 8), dtype=np.uint8)
    size = -(-genes // PARTS)  # genes of a part
    for number in range(PARTS):
        own = rows[:, number * size : (number + 1) * size]
        padded[:, number, : own.shape[1]] = own
    return padded.reshape(n, -1).view(np.uint64)


def _buckets(words: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Rows by the hash of each part: where each bucket begins (PARTS, buckets + 1), and their rows in ascending order."""
    bits = max(1, (len(words) - 1).bit_length())
    starts = np.zeros((PARTS, 2**bits + 1), dtype=np.int64)
    members = np.empty((PARTS, len(words)), dtype=np.int32)
    hashed = np.empty((PARTS, len(words)), dtype=np.int64)
    _hash_all(words, bits, hashed)
    for number in range(PARTS):
        starts[number, 1:] = np.cumsum(np.bincount(hashed[number], minlength=2**bits))
        members[number] = np.argsort(hashed[number], kind="stable")
    return starts, members


@part
def _hashed(words: Any, number: int, bits: int) -> int:
    """Hash of a part of a row of words: below 2**bits."""
    state = np.uint64(0)
    for word in range(number * len(words) // PARTS, (number + 1) * len(words) // PARTS):
        state = (state ^ words[word]) * np.uint64(0x9E3779B97F4A7C15)
        state ^= state >> np.uint64(32)
    return int((state * np.uint64(0xBF58476D1CE4E5B9)) >> np.uint64(64 - bits))


@compiled
def _hash_all(words: NDArray[np.uint64], bits: int, hashed: NDArray[np.int64]) -> None:
    """Set the hash of each part of each row: (PARTS, k)."""
    for i in range(len(words)):
        for number in range(PARTS):
            hashed[number, i] = _hashed(words[i], number, bits)


@part
def _difference(one: Any, other: Any) -> int:
    """Number of bytes in which two rows of words differ, below 256."""
    low, high = np.uint64(0x7F7F7F7F7F7F7F7F), np.uint64(0x8080808080808080)
    total = np.uint64(0)
    for word in range(len(one)):
        x = one[word] ^ other[word]
        total += (((x & low) + low | x) & high) >> np.uint64(7)
    return int((total * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def _most(
    X: NDArray[np.uint8],
    words: NDArray[np.uint64],
    stored: NDArray[np.uint64],
    bucket_starts: NDArray[np.int64],
    members: NDArray[np.int32],
    table: NDArray[np.uint64],
    weights: NDArray[np.int64],
    ends: NDArray[np.int64],
    starts: NDArray[np.int64],
    found: NDArray[np.intp],
) -> None:
    """Compiled version of `Agreement.most`; ``table`` has eight rows' bytes in a word, and a last row of zeros."""
    sums = np.empty(table.shape[1], dtype=np.uint64)
    counts = sums.view(np.uint8)
    places = np.full(len(ends) + 1, len(table) - 1)
    bits = 0
    while 1 << bits < bucket_starts.shape[1] - 1:
        bits += 1
    for i in range(len(X)):
        least, nearest = np.int64(PARTS), np.int64(len(stored))
        for number in range(PARTS):
            bucket = _hashed(words[i], number, bits)
            for place in range(bucket_starts[number, bucket], bucket_starts[number, bucket + 1]):
                row = np.int64(members[number, place])
                difference = _difference(words[i], stored[row])
                if difference < least or (difference == least and row < nearest):
                    least, nearest = difference, row
            if least == 0:
                break
        if least < PARTS:
            found[i] = nearest
            continue
        gene = 0
        for group in range(len(ends)):
            places[group] = starts[group]
            while gene < ends[group]:
                places[group] += weights[gene] * X[i, gene]
                gene += 1
        first = table[places[0]]
        for word in range(len(sums)):
            sums[word] = first[word]
        for group in range(1, len(ends), 2):  # two at a time, the last one perhaps with zeros
            one, other = table[places[group]], table[places[group + 1]]
            for word in range(len(sums)):
                sums[word] += one[word] + other[word]
        most, row = np.uint8(0), 0
        for begin in range(0, len(counts), _CHUNK):
            chunk = counts[begin : begin + _CHUNK]
            largest = np.uint8(0)
            for place in range(_CHUNK):
                largest = max(largest, chunk[place])
            if largest > most:
                most, row = largest, begin
        while counts[row] < most:
            row += 1
        found[i] = row
