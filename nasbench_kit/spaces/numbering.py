"""Genotypes as numbers, and back."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import InvalidArchitecture
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Numbering"]

_BLOCK = 8192  # rows of a matrix product: its operands stay in the cache, and BLAS stays on one thread


class Numbering(ABC):
    """The part of a `Space` that numbers genotypes: their genes are the digits, the first the most significant."""

    name: str
    cardinalities: tuple[int, ...]

    @property
    def genes(self) -> int:
        """The number of genes."""
        return len(self.cardinalities)

    @property
    def size(self) -> int:
        """The number of genotypes, valid or not (a Python int: it may exceed 2**64)."""
        return math.prod(self.cardinalities)

    @abstractmethod
    def as_rows(self, X: ArrayLike) -> Genotypes:
        """``X`` as rows of genes, with its shape and type checked."""

    @cached_property
    def digit_weights(self) -> NDArray[np.uint64]:
        """What each gene counts in a genotype's `number`: (genes,)."""
        weights = [math.prod(self.cardinalities[i + 1 :]) for i in range(self.genes)]
        return np.array(weights, dtype=np.uint64)

    def number(self, X: ArrayLike) -> NDArray[np.uint64]:
        """The genotypes' numbers, 0 ... size - 1: their genes read as digits, the first the most significant.

        Only for spaces of at most 2**64 genotypes, else OverflowError. Values are not checked.
        """
        rows = self.as_rows(X)
        self._check_numbered()
        if self.size > 2**53:
            total = np.zeros(len(rows), dtype=np.uint64)
            for gene, weight in enumerate(self.digit_weights):
                total += rows[:, gene] * weight
            return total
        return self.small_number(rows).astype(np.uint64)

    def small_number(self, rows: Genotypes) -> NDArray[np.intp]:
        """`number` as an index for ``take``, for valid rows of spaces of at most 2**53 genotypes: (n,) intp.

        A matrix product in floats, which is exact there and several times as fast as integer arithmetic.
        """
        weights = self.digit_weights.astype(np.float32 if self.size <= 2**24 else np.float64)
        numbers = np.empty(len(rows), dtype=np.intp)
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            numbers[start : start + _BLOCK] = block.astype(weights.dtype) @ weights
        return numbers

    def from_number(self, numbers: ArrayLike) -> Genotypes:
        """The inverse of `number`: (n,) numbers to (n, genes) genotypes."""
        self._check_numbered()
        rest = np.atleast_1d(np.asarray(numbers, dtype=np.uint64))
        if rest.size and int(rest.max()) >= self.size:
            raise InvalidArchitecture(f"{self.name}: genotype number {int(rest.max())} is not below {self.size}")
        cards = np.array(self.cardinalities, dtype=np.uint64)
        return ((rest[:, np.newaxis] // self.digit_weights) % cards).astype(np.uint8)

    def _check_numbered(self) -> None:
        if self.size > 2**64:
            raise OverflowError(f"{self.name} has {self.size} genotypes: their numbers do not fit into 64 bits")

    def all(self) -> Genotypes:
        """Every genotype, in the order of `number`: (size, genes). For spaces that fit into memory."""
        if self.size > 2**27:
            raise MemoryError(f"{self.name} has {self.size} genotypes: too many to list")
        return self.from_number(np.arange(self.size, dtype=np.uint64))
