"""Tracking of the genotypes and networks that each run has already evaluated."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled
from nasbench_kit.kernels.hashing import hash_rows

__all__ = ["SEEN_NETWORKS", "Seen"]

Genotypes = NDArray[np.uint8]

CACHED_SIZE = 2**16  # maximum space size for which a table by flat index stays in the cache

SEEN_BYTES = 2**27  # maximum size of the table of flags; beyond, sorted arrays of keys are used
NUMBERED_SIZE = 2**53  # maximum space size for which genotypes are numbered rather than hashed
SEEN_NETWORKS = 8 * SEEN_BYTES  # maximum number of network flags over all runs; large tables are stored as bits


class Numbered(Protocol):
    """The part of a search space needed here: numbering of genotypes and networks."""

    @property
    def genes(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def networks(self) -> int | None: ...
    @property
    def digit_weights(self) -> NDArray[np.uint64]: ...
    @property
    def network_of_number(self) -> NDArray[np.int32]: ...
    def small_number(self, rows: Genotypes, /) -> NDArray[np.intp]: ...
    def network_index(self, X: Any, /) -> NDArray[np.intp]: ...
    def key(self, X: Any, /) -> NDArray[np.uint64]: ...


class Seen:
    """Genotypes and networks seen by each run, stored as flags for small spaces and as keys otherwise.

    Parameters
    ----------
    space : Space
    runs : int
        Number of runs.
    in_order : bool
        Whether `new_networks` will be called and its results passed to `note`.
    """

    def __init__(self, space: Numbered, runs: int, in_order: bool) -> None:
        self.space, self.runs = space, runs
        self._genotypes = np.zeros(space.size * runs, dtype=np.bool_) if space.size * runs <= SEEN_BYTES else None
        self._names: list[NDArray[np.uint64]] = []  # without flags: genotypes of each run, (runs, batch)
        networks = space.networks
        self._networks = networks if networks is not None and networks * runs <= SEEN_NETWORKS else None
        # small tables of flags are counted on demand; for large ones, a running count is kept
        late = self._networks is None or self._networks <= CACHED_SIZE
        # handled by a single compiled loop
        self._small = self._genotypes is not None and self._networks is not None and space.size <= CACHED_SIZE
        self._unique = np.zeros(runs, dtype=np.int64) if in_order or not late else None
        if self._networks is not None:
            self._flags = np.zeros(runs * self._networks if late else runs * self._networks // 8 + 1, dtype=np.uint8)
            self._bits = not late
        self._run = np.empty(0, dtype=np.int64)  # without flags: distinct keys of each run
        self._key = np.empty(0, dtype=np.uint64)
        self._new_keys: list[tuple[NDArray[np.int64], NDArray[np.uint64]]] = []

    def note(
        self,
        X: Genotypes,
        new: NDArray[np.bool_] | None = None,
        counted: NDArray[np.bool_] | None = None,
        network: NDArray[np.intp] | None = None,
    ) -> NDArray[np.intp]:
        """Record genotypes as seen.

        Parameters
        ----------
        X : ndarray of uint8, shape (runs, batch, genes)
            Genotypes.
        new : ndarray of bool, shape (runs, batch), optional
            Result of `new_networks`.
        counted : ndarray of bool, shape (runs, batch), optional
            Which genotypes to record; default: all.
        network : ndarray of int, shape (runs, batch), optional
            The ``network_index`` of each, if it is known already.

        Returns
        -------
        ndarray of int, shape (k,)
            Positions in (runs * batch). They include all recorded genotypes that are new to their run, and possibly
            others.
        """
        runs, batch = X.shape[:2]
        loops = enabled()
        if loops and self._small and new is None:
            return self._note_small(X, counted)
        flat = X.reshape(-1, self.space.genes)
        if self._genotypes is None:
            chosen = np.arange(len(flat)) if counted is None else np.flatnonzero(counted)
            small = self.space.size <= NUMBERED_SIZE
            if not small:
                names = hash_rows(flat)
            elif loops:
                names = _numbers(flat, self.space.digit_weights)
            else:
                names = self.space.small_number(flat).astype(np.uint64)
            self._note_names(names.reshape(runs, batch), counted)
        else:
            number = self.space.small_number(flat)
            index = (number.reshape(runs, batch) + np.arange(runs)[:, np.newaxis] * self.space.size).ravel()
            fresh = ~self._genotypes.take(index, mode="clip")
            if counted is not None:
                fresh &= counted.ravel()
            chosen = np.flatnonzero(fresh)
            self._genotypes[index.take(chosen)] = True
        if new is not None:
            self._note_new(X, new if counted is None else new & counted, network)
            return chosen
        run = chosen // batch
        if self._networks is None:
            self._new_keys.append((run, self.space.key(flat.take(chosen, axis=0))))
        else:
            if self._genotypes is not None and self.space.size <= CACHED_SIZE:
                network = self.space.network_of_number.take(number.take(chosen)).astype(np.intp)
            elif network is not None:
                network = network.reshape(-1).take(chosen)
            else:
                network = self.space.network_index(flat if len(chosen) == len(flat) else flat.take(chosen, axis=0))
            if loops and self._bits:
                assert self._unique is not None
                _flag_bits(run, network, self._flags, self._networks, self._unique)
                return chosen
            place = run * self._networks + network
            if self._unique is not None:
                place = place[~self._flagged(place)]
                place = np.unique(place) if batch > 1 else place
                self._unique += np.bincount(place // self._networks, minlength=runs)
            self._flag(place)
        return chosen

    def _note_small(self, X: Genotypes, counted: NDArray[np.bool_] | None) -> NDArray[np.intp]:
        """Compiled version of `note`, which keeps a running count of networks."""
        assert self._genotypes is not None
        if self._unique is None:
            self._unique = self.unique_networks()
        chosen: NDArray[np.intp] = _note_small(
            np.ascontiguousarray(X),
            self.space.digit_weights.view(np.int64),
            np.empty((0, 0), dtype=np.bool_) if counted is None else counted,
            self._genotypes.reshape(self.runs, -1),
            self.space.network_of_number,
            self._flags.reshape(self.runs, -1),
            self._unique,
        )
        return chosen

    def new_networks(self, X: Genotypes, network: NDArray[np.intp] | None = None) -> NDArray[np.bool_]:
        """Which genotypes (runs, batch, genes) are the first of their network in their run: (runs, batch)."""
        runs, batch = X.shape[:2]
        flat = X.reshape(-1, self.space.genes)
        run = np.repeat(np.arange(runs), batch)
        new = np.zeros(len(flat), dtype=np.bool_)
        if self._networks is not None:
            index = self.space.network_index(flat) if network is None else network.reshape(-1)
            place = run * self._networks + index
            unseen = np.flatnonzero(~self._flagged(place))
            new[unseen[np.unique(place[unseen], return_index=True)[1]]] = True
            return new.reshape(runs, batch)
        run, _, first, order = _different(
            np.concatenate([self._run, run]), np.concatenate([self._key, self.space.key(flat)])
        )
        fresh = order[first] - len(self._run)
        new[fresh[fresh >= 0]] = True
        return new.reshape(runs, batch)

    def _flagged(self, place: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which flags are set."""
        if not self._bits:
            return self._flags.take(place).view(np.bool_)
        return (self._flags.take(place >> 3) & _BIT.take(place & 7)).astype(np.bool_)

    def _flag(self, place: NDArray[np.intp]) -> None:
        """Set flags. Bit flags must be distinct and unset, because addition is then equivalent to or, and faster."""
        if self._bits:
            np.add.at(self._flags, place >> 3, _BIT.take(place & 7))
        else:
            self._flags[place] = 1

    def unique_networks(self, which: NDArray[np.intp] | None = None) -> NDArray[np.int64]:
        """Number of distinct networks seen by each run, or by a subset of runs: (runs,) or (len(which),)."""
        if self._unique is not None:
            return self._unique.copy() if which is None else self._unique[which]
        if self._networks is not None:
            # count run by run, because count_nonzero is much faster over a whole array than along an axis
            flags = self._flags.reshape(self.runs, -1)
            rows = flags if which is None or len(which) == self.runs else (flags[run] for run in which.tolist())
            return np.array([np.count_nonzero(row) for row in rows], dtype=np.int64)
        run, key, first, _ = _different(
            np.concatenate([self._run, *(part[0] for part in self._new_keys)]),
            np.concatenate([self._key, *(part[1] for part in self._new_keys)]),
        )
        self._new_keys = []
        self._run, self._key = run[first], key[first]
        counts: NDArray[np.int64] = np.bincount(self._run, minlength=self.runs)
        return counts if which is None else counts[which]

    def unique_genotypes(self) -> NDArray[np.int64]:
        """Number of distinct genotypes seen by each run: (runs,).

        In spaces larger than `NUMBERED_SIZE`, genotypes are hashed and collide with probability 2^-64 per pair.
        """
        if self._genotypes is not None:
            counts: NDArray[np.int64] = np.count_nonzero(self._genotypes.reshape(self.runs, -1), axis=1)
            return counts
        if not self._names:
            return np.zeros(self.runs, dtype=np.int64)
        names = np.sort(np.concatenate(self._names, axis=1), axis=1)
        different: NDArray[np.int64] = 1 + (names[:, 1:] != names[:, :-1]).sum(axis=1)
        return different

    def _note_names(self, names: NDArray[np.uint64], counted: NDArray[np.bool_] | None) -> None:
        if counted is not None:
            # genotypes that do not count are recorded as repetitions of the run's first one, which always counts
            first = self._names[0][:, :1] if self._names else names[:, :1]
            names = np.where(counted, names, first)
        self._names.append(names)

    def _note_new(self, X: Genotypes, new: NDArray[np.bool_], network: NDArray[np.intp] | None) -> None:
        run, member = np.nonzero(new)
        if self._networks is not None:
            index = self.space.network_index(X[run, member]) if network is None else network[run, member]
            self._flag(run * self._networks + index)
        else:
            self._run = np.concatenate([self._run, run])
            self._key = np.concatenate([self._key, self.space.key(X[run, member])])
        assert self._unique is not None
        self._unique += new.sum(axis=1)


def _different(
    run: NDArray[np.int64], key: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.bool_], NDArray[np.intp]]:
    """Sorted runs and keys, a mask of the first of each distinct pair, and the stable order."""
    order = np.lexsort((key, run))
    run, key = run[order], key[order]
    first = np.ones(len(run), dtype=np.bool_)
    first[1:] = (run[1:] != run[:-1]) | (key[1:] != key[:-1])
    return run, key, first, order


_BIT = np.uint8(1) << np.arange(8, dtype=np.uint8)


@compiled
def _note_small(
    X: NDArray[np.uint8],
    weights: NDArray[np.int64],
    counted: NDArray[np.bool_],
    genotype_seen: NDArray[np.bool_],
    network_of_number: NDArray[np.int32],
    network_seen: NDArray[np.uint8],
    networks: NDArray[np.int64],
) -> NDArray[np.intp]:
    """Compiled version of `Seen.note` for spaces with a flag per genotype and network.

    Parameters
    ----------
    X : ndarray of uint8, shape (runs, batch, genes)
        Genotypes.
    weights : ndarray of int, shape (genes,)
        Place values of the genes in the flat index.
    counted : ndarray of bool, shape (runs, batch) or (0, 0)
        Which genotypes to record; all if empty.
    genotype_seen : ndarray of bool, shape (runs, genotypes)
        Flags of genotypes, modified in place.
    network_of_number : ndarray of int, shape (genotypes,)
        Network index of each genotype.
    network_seen : ndarray of uint8, shape (runs, networks)
        Flags of networks, modified in place.
    networks : ndarray of int, shape (runs,)
        Number of networks seen by each run, modified in place.

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
            if genotype_seen[run, number] or (some and not counted[run, i]):
                continue
            genotype_seen[run, number] = True
            chosen[k] = run * batch + i
            k += 1
            network = network_of_number[number]
            networks[run] += 1 - network_seen[run, network]
            network_seen[run, network] = 1
    return chosen[:k].copy()


@compiled
def _flag_bits(
    run: NDArray[np.intp],
    network: NDArray[np.intp],
    flags: NDArray[np.uint8],
    networks: int,
    counts: NDArray[np.int64],
) -> None:
    """Set the bit of each run and network, and count the bits that were not set before.

    Parameters
    ----------
    run, network : ndarray of int, shape (k,)
        Run and network indices.
    flags : ndarray of uint8
        Flags, modified in place; those of a network are at bit ``run * networks + network``.
    networks : int
        Number of networks of the space.
    counts : ndarray of int, shape (runs,)
        Number of networks seen by each run, modified in place.
    """
    for i in range(len(run)):
        place = run[i] * networks + network[i]
        bit = np.uint8(1 << (place & 7))
        if not flags[place >> 3] & bit:
            flags[place >> 3] |= bit
            counts[run[i]] += 1


@compiled
def _numbers(X: NDArray[np.uint8], weights: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Flat indices of genotypes: (n, genes) to (n,)."""
    found = np.empty(len(X), dtype=np.uint64)
    for i in range(len(X)):
        number = np.uint64(0)
        for gene in range(X.shape[1]):
            number += X[i, gene] * weights[gene]
        found[i] = number
    return found
