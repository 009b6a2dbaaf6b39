"""When two genotypes are the same network: canonical forms, keys, and numbers of networks."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.kernels.hashing import hash_rows
from nasbench_kit.spaces.genotypes import LISTED_SIZE, Genotypes
from nasbench_kit.spaces.numbering import Numbering

__all__ = ["Sameness"]


class Sameness(Numbering):
    """The part of a `Space` that knows which genotypes are the same network. A space implements `canonical_rows`."""

    @abstractmethod
    def check(self, X: ArrayLike) -> Genotypes:
        """``X`` as valid rows of genes."""

    @abstractmethod
    def valid_rows(self, rows: Genotypes) -> NDArray[np.bool_]:
        """Which rows of the right shape are valid."""

    @abstractmethod
    def canonical_rows(self, rows: Genotypes) -> Genotypes:
        """The canonical forms of valid rows."""

    def canonical(self, X: ArrayLike) -> Genotypes:
        """The canonical genotype of each row's network: equal rows are the same network, up to renaming.

        Parameters
        ----------
        X : array_like of int, shape (n, genes) or (genes,)

        Returns
        -------
        ndarray of uint8, shape (n, genes)
            Idempotent: ``canonical(canonical(X))`` equals ``canonical(X)``.

        Raises
        ------
        InvalidArchitecture
            Where a row is no genotype of this space.
        """
        return self.canonical_rows(self.check(X))

    def key(self, X: ArrayLike) -> NDArray[np.uint64]:
        """A 64-bit key of each row's network: (n,) uint64, equal where the canonical forms are equal.

        In spaces of more than 2**64 genotypes it is a hash: two networks share one by chance once in 2**64 pairs.
        """
        canonical = self.canonical(X)
        return self.number(canonical) if self.size <= 2**64 else hash_rows(canonical)

    @cached_property
    def networks(self) -> int | None:
        """How many different networks the space has; None where they have not been counted."""
        return int(self.network_of_number.max()) + 1 if self.size <= LISTED_SIZE else None

    def network_index(self, X: ArrayLike) -> NDArray[np.intp]:
        """The number of each row's network, 0 ... networks - 1: (n,). For spaces whose `networks` are counted.

        Raises
        ------
        InvalidArchitecture
        OverflowError
            Where they are not; `key` tells networks apart there.
        """
        if self.networks is None:
            raise OverflowError(f"the networks of {self.name} have not been counted; its keys tell them apart")
        return self.network_of_number.take(self.small_number(self.check(X)), mode="clip").astype(np.intp)

    @cached_property
    def network_of_number(self) -> NDArray[np.int32]:
        """A small number for each genotype's network, by the genotype's number: (size,), -1 where it is invalid.

        Networks are numbered from 0 in the order of their keys. For spaces that fit into memory.
        """
        everything = self.all()
        valid = self.valid_rows(everything)
        networks = np.full(len(everything), -1, dtype=np.int32)
        networks[valid] = np.unique(self.key(everything[valid]), return_inverse=True)[1]
        return networks
