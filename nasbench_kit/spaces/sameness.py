"""Equivalence of genotypes: canonical forms, keys, and network indices."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.kernels.hashing import hash_rows
from nasbench_kit.spaces.genotypes import LISTED_SIZE, SMALL_SIZE, Genotypes
from nasbench_kit.spaces.numbering import Numbering

__all__ = ["Sameness"]


class Sameness(Numbering):
    """The part of a `Space` that decides which genotypes encode the same network; spaces implement `canonical_rows`."""

    @abstractmethod
    def check(self, X: ArrayLike) -> Genotypes:
        """Convert ``X`` to valid rows of genes."""

    @abstractmethod
    def valid_rows(self, rows: Genotypes) -> NDArray[np.bool_]:
        """Validity of rows of the right shape."""

    @abstractmethod
    def canonical_rows(self, rows: Genotypes) -> Genotypes:
        """Canonical forms of valid rows."""

    def canonical(self, X: ArrayLike) -> Genotypes:
        """Canonical genotype of each row; genotypes of the same network have equal canonical forms.

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
            If a row is not a valid genotype of this space.
        """
        return self.canonical_rows(self.check(X))

    def key(self, X: ArrayLike) -> NDArray[np.uint64]:
        """A 64-bit key of each row's network: (n,) uint64, equal iff the canonical forms are equal.

        In spaces of more than 2**64 genotypes the key is a hash; two networks collide with probability 2**-64.
        """
        canonical = self.canonical(X)
        return self.number(canonical) if self.size <= 2**64 else hash_rows(canonical)

    @cached_property
    def networks(self) -> int | None:
        """Number of distinct networks in the space; None if they have not been counted."""
        return int(self.network_of_number.max()) + 1 if self.size <= LISTED_SIZE else None

    @property
    def networks_are_counted(self) -> bool:
        """Whether `networks` is a number that is known at once, without listing many genotypes."""
        if type(self).networks is Sameness.networks and "networks" not in vars(self) and self.size > SMALL_SIZE:
            return False
        return self.networks is not None

    def network_index(self, X: ArrayLike) -> NDArray[np.intp]:
        """Index of each row's network, 0 ... networks - 1: (n,).

        Raises
        ------
        InvalidArchitecture
        OverflowError
            If the networks of the space have not been counted; use `key` instead.
        """
        if self.networks is None:
            raise OverflowError(f"the networks of {self.name} have not been counted; use key to tell them apart")
        return self.network_of_number.take(self.small_number(self.check(X)), mode="clip").astype(np.intp)

    @cached_property
    def network_of_number(self) -> NDArray[np.int32]:
        """Network index of each genotype, by its flat index: (size,), -1 for invalid genotypes.

        Networks are numbered from 0 in the order of their keys. Only for spaces that fit into memory.
        """
        everything = self.all()
        valid = self.valid_rows(everything)
        networks = np.full(len(everything), -1, dtype=np.int32)
        networks[valid] = np.unique(self.key(everything[valid]), return_inverse=True)[1]
        return networks
