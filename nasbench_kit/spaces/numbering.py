"""Conversion between genotypes and flat indices."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import InvalidArchitecture
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Numbering"]

_FEW = 32  # rows up to which a product of integers is faster, for want of conversions
_BLOCK = 8192  # rows per matrix product, so that the operands stay in cache and BLAS stays single-threaded


class Numbering(ABC):
    """The part of a `Space` that numbers genotypes: genes are mixed-radix digits, most significant first."""

    name: str
    cardinalities: tuple[int, ...]

    @property
    def genes(self) -> int:
        """Number of genes."""
        return len(self.cardinalities)

    @property
    def size(self) -> int:
        """Number of genotypes, valid or not (a Python int, since it may exceed 2**64)."""
        return math.prod(self.cardinalities)

    @abstractmethod
    def as_rows(self, X: ArrayLike) -> Genotypes:
        """Convert ``X`` to rows of genes, checking shape and dtype."""

    @cached_property
    def digit_weights(self) -> NDArray[np.uint64]:
        """Place value of each gene in a genotype's `number`: (genes,)."""
        weights = [math.prod(self.cardinalities[i + 1 :]) for i in range(self.genes)]
        return np.array(weights, dtype=np.uint64)

    @cached_property
    def _float_weights(self) -> NDArray[np.floating[Any]]:
        return self.digit_weights.astype(np.float32 if self.size <= 2**24 else np.float64)

    def number(self, X: ArrayLike) -> NDArray[np.uint64]:
        """Flat indices 0 ... size - 1 of genotypes, reading the genes as digits, most significant first.

        Raises OverflowError for spaces of more than 2**64 genotypes. Gene values are not checked.
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

        Uses a floating-point matrix product, which is exact in this range and several times faster than integers.
        """
        if len(rows) <= _FEW:
            return np.asarray(rows @ self.digit_weights.view(np.int64))
        weights = self._float_weights
        with np.errstate(
            invalid="ignore"
        ):  # on some processors, OpenBLAS raises the flag for numbers that are all finite
            if len(rows) <= _BLOCK:
                return np.asarray((rows.astype(weights.dtype) @ weights).astype(np.intp))
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
            raise InvalidArchitecture(f"{self.name}: flat index {int(rest.max())} is not below the size, {self.size}")
        cards = np.array(self.cardinalities, dtype=np.uint64)
        return ((rest[:, np.newaxis] // self.digit_weights) % cards).astype(np.uint8)

    def distinct(self, rows: Genotypes) -> tuple[Genotypes, NDArray[np.intp]]:
        """The distinct rows of genotypes in the order of `number`, and the position of each row among them.

        Parameters
        ----------
        rows : ndarray of uint8, shape (n, genes)

        Returns
        -------
        rows : ndarray of uint8, shape (m, genes)
        position : ndarray of intp, shape (n,)
        """
        if self.size <= 2**64:  # a sort of numbers is several times faster than one of rows
            _, first, position = np.unique(self.number(rows), return_index=True, return_inverse=True)
        else:
            _, first, position = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        return rows[first], position.reshape(-1)

    def _check_numbered(self) -> None:
        if self.size > 2**64:
            raise OverflowError(f"{self.name} has {self.size} genotypes: their flat indices do not fit into 64 bits")

    def all(self) -> Genotypes:
        """All genotypes, in the order of `number`: (size, genes). Only for spaces that fit into memory."""
        if self.size > 2**27:
            raise MemoryError(f"{self.name} has {self.size} genotypes: too many to list")
        rows = np.empty((self.size, self.genes), dtype=np.uint8)
        for gene, (cardinality, weight) in enumerate(zip(self.cardinalities, self.digit_weights.tolist(), strict=True)):
            values = np.repeat(np.arange(cardinality, dtype=np.uint8), weight)
            rows.reshape(-1, len(values), self.genes)[:, :, gene] = values
        return rows
