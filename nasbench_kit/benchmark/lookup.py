"""Find the record of a store that belongs to a genotype, by network index, genotype number or key."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["DENSE", "Lookup"]

FEW = 2**10  # keys that are looked up in any order
DENSE = 2**24  # largest number of networks or genotypes for which a dense number-to-record table is built


class Lookup:
    """Map genotypes to records: a genotype's own record if it has one, else a record of the same network.

    Parameters
    ----------
    space : Space
    architectures : ndarray of uint8, shape (n, genes)
        The genotypes with a record of their own.
    keys : ndarray of uint64, shape (n,)
        Their keys, ascending.

    Raises
    ------
    InvalidArchitecture
        Raised by any method if ``architectures`` has invalid rows.
    """

    def __init__(self, space: Space, architectures: Genotypes, keys: NDArray[np.uint64]) -> None:
        self.space, self.architectures, self.keys = space, architectures, keys

    def records(self, rows: Genotypes) -> NDArray[np.intp]:
        """Position in `architectures` of the record of each valid genotype, -1 if there is none; shape (n,)."""
        return self.records_and_networks(rows)[0]

    def records_and_networks(self, rows: Genotypes) -> tuple[NDArray[np.intp], NDArray[np.intp] | None]:
        """`records`, and the ``network_index`` of each genotype if the look-up goes by networks, else None."""
        if self._record_of_network is not None:
            networks = self.space.network_index(rows)
            return self._record_of_network.take(networks), networks
        return self._records_without_networks(rows), None

    @property
    def by_network(self) -> bool:
        """Whether `records_and_networks` goes by networks."""
        return self._record_of_network is not None

    def _records_without_networks(self, rows: Genotypes) -> NDArray[np.intp]:
        if self.space.size <= DENSE:
            return self.by_number[self.space.small_number(rows)]
        keys = self.space.key(rows)
        order = self._near_each_other(keys)
        keys = keys[order]
        left = np.searchsorted(self.keys, keys)
        found = left < len(self.keys)
        found[found] = self.keys[left[found]] == keys[found]
        record = np.where(found, left, -1)
        later = left
        while True:  # a later record of the same network may be the genotype's own
            later = np.minimum(later + 1, len(self.keys) - 1)
            same = found & (later > left) & (self.keys[later] == keys)
            if not same.any():
                break
            own = np.flatnonzero(same)
            own = own[(self.architectures[later[own]] == rows[order][own]).all(axis=1)]
            record[own] = later[own]
            left, found = later, same
        records = np.empty_like(record)
        records[order] = record
        return records

    def _near_each_other(self, keys: NDArray[np.uint64]) -> NDArray[np.intp] | slice:
        """An order in which many keys are near to each other in the table, so that what is read of it is in the cache.

        NumPy searches from where it found the last one. Sorting by 16 bits takes a small part of the time that it saves.
        """
        if len(keys) < FEW or not len(self.keys):
            return slice(None)
        last = self.keys[-1]
        places = np.minimum(keys, last) >> np.uint64(max(int(last).bit_length() - 16, 0))
        return np.argsort(places.astype(np.uint16), kind="stable")

    @cached_property
    def _record_of_network(self) -> NDArray[np.intp] | None:
        """Record of each network, -1 if it has none; None if a network has several, or there are too many networks."""
        networks, keys = self.space.networks, self.keys
        if networks is None or networks > DENSE or (keys[1:] == keys[:-1]).any():
            return None
        records = np.full(networks, -1, dtype=np.intp)
        records[self.space.network_index(self.architectures)] = np.arange(len(self.keys))
        return records

    @cached_property
    def by_number(self) -> NDArray[np.intp]:
        """Record of each genotype number, -1 if there is none; shape (space.size,), at most `DENSE` genotypes."""
        self.space.check(self.architectures)  # they come from the file, which nothing has checked yet
        records = np.full(self.space.size, -1, dtype=np.intp)
        if 0 < len(self.keys) < self.space.size:
            everything = self.space.all()
            numbers = np.flatnonzero(self.space.is_valid(everything))
            keys = self.space.key(everything[numbers])
            left = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            found = self.keys[left] == keys
            records[numbers[found]] = left[found]
        records[self.space.small_number(self.architectures)] = np.arange(len(self.keys))
        return records
