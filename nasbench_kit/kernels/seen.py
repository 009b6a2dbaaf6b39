"""Tracking of the genotypes and networks that each run has already evaluated."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled
from nasbench_kit.kernels.following import note
from nasbench_kit.kernels.hash_sets import HashSets
from nasbench_kit.kernels.hashing import hash_rows
from nasbench_kit.kernels.sorting import repeats

__all__ = ["SEEN_BYTES", "SEEN_NETWORKS", "Seen"]

Genotypes = NDArray[np.uint8]

CACHED_SIZE = 2**16  # maximum space size for which a table by flat index stays in the cache

FLAGS_PER_EVALUATION = 512  # maximum number of flags per evaluation; with more, most touch a page of their own
WAITING = 2**16  # maximum number of genotypes whose keys are not computed yet
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

    Keys are computed when counts are asked for, because computing them for many genotypes at a time is faster.

    Parameters
    ----------
    space : Space
    runs : int
        Number of runs.
    in_order : bool
        Whether `new_networks` will be called and its results passed to `note`.
    evaluations : int, optional
        Number of evaluations that a run will note, if it is known.
    """

    def __init__(self, space: Numbered, runs: int, in_order: bool, evaluations: int | None = None) -> None:
        self.space, self.runs, self._in_order = space, runs, in_order
        worthwhile = evaluations is None or space.size <= max(CACHED_SIZE, FLAGS_PER_EVALUATION * evaluations)
        self._genotypes: NDArray[Any] | None = None
        if worthwhile and space.size * runs <= SEEN_BYTES:
            self._genotypes = np.zeros((runs, space.size), dtype=np.bool_)
        self._names: list[NDArray[np.uint64]] = []  # without flags: genotypes of each run, (runs, batch)
        networks = space.networks
        self._networks = networks if networks is not None and networks * runs <= SEEN_NETWORKS else None
        # small tables of flags are counted on demand; for large ones, a running count is kept
        late = self._networks is None or self._networks <= CACHED_SIZE
        # handled by compiled loops as a whole
        self.small = self._genotypes is not None and self._networks is not None and space.size <= CACHED_SIZE
        self._packed = False  # whether that loop has packed its flags to bits
        self._unique = np.zeros(runs, dtype=np.int64) if in_order or not late else None
        if self._networks is not None:
            self._flags = np.zeros(runs * self._networks if late else runs * self._networks // 8 + 1, dtype=np.uint8)
            self._bits = not late
        else:
            self._keys, self._distinct = HashSets(runs), HashSets(runs)  # of networks, and of genotypes
            self._waiting: list[tuple[NDArray[np.intp], NDArray[np.uint64], Genotypes]] = []
            self._waiting_rows = 0

    def identify(self, X: Genotypes, network: NDArray[np.intp] | None) -> NDArray[np.intp]:
        """What `new_networks` and `note` tell the networks of genotypes (runs, batch, genes) by: (runs, batch).

        That is the ``network_index``, which may be known already, or in large spaces the bits of the key.
        """
        if self._networks is not None and network is not None:
            return network
        flat = X.reshape(-1, self.space.genes)
        found = self.space.key(flat).view(np.intp) if self._networks is None else self.space.network_index(flat)
        return found.reshape(X.shape[:2])

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
            The ``network_index`` of each, if it is known already; with ``new``, the result of `identify`.

        Returns
        -------
        ndarray of int, shape (k,)
            Positions in (runs * batch). They include all recorded genotypes that are new to their run, and possibly
            others.
        """
        runs, batch = X.shape[:2]
        loops = enabled()
        if (loops or self._packed) and self.small and new is None:
            return self._note_small(X, counted)
        flat = X.reshape(-1, self.space.genes)
        if self._genotypes is None:
            chosen = np.arange(len(flat)) if counted is None else np.flatnonzero(counted)
            names = self._names_of(flat)
            if self._networks is None:
                self._wait(chosen, names, flat, batch)
            else:
                self._note_names(names.reshape(runs, batch), counted)
        else:
            number = self.space.small_number(flat)
            index = (number.reshape(runs, batch) + np.arange(runs)[:, np.newaxis] * self.space.size).ravel()
            genotypes = self._genotypes.reshape(-1)
            fresh = ~genotypes.take(index, mode="clip")
            if counted is not None:
                fresh &= counted.ravel()
            chosen = np.flatnonzero(fresh)
            if not len(chosen) and new is None:
                return chosen
            genotypes[index.take(chosen)] = True
            if self._networks is None:
                self._wait(chosen, number.astype(np.uint64), flat, batch)
        if new is not None:
            assert network is not None
            self._note_new(new if counted is None else new & counted, network)
        elif self._networks is not None:
            if network is not None:
                found = network.reshape(-1).take(chosen)
            elif self._genotypes is not None and self.space.size <= CACHED_SIZE:
                found = self.space.network_of_number.take(number.take(chosen)).astype(np.intp)
            else:
                found = self.space.network_index(flat if len(chosen) == len(flat) else flat.take(chosen, axis=0))
            self._note_networks(chosen // batch, found, batch)
        return chosen

    def _note_networks(self, run: NDArray[np.intp], network: NDArray[np.intp], batch: int) -> None:
        """Flag networks (k,) of runs (k,), at most ``batch`` per run."""
        assert self._networks is not None
        if enabled() and self._bits:
            assert self._unique is not None
            _flag_bits(run, network, self._flags, self._networks, self._unique)
            return
        place = run * self._networks + network
        if self._unique is not None:
            place = place[~self._flagged(place)]
            place = np.unique(place) if batch > 1 else place
            self._unique += np.bincount(place // self._networks, minlength=self.runs)
        self._flag(place)

    def _note_small(self, X: Genotypes, counted: NDArray[np.bool_] | None) -> NDArray[np.intp]:
        """Compiled version of `note`."""
        chosen: NDArray[np.intp] = note(
            np.ascontiguousarray(X), np.empty((0, 0), dtype=np.bool_) if counted is None else counted, *self.arrays()
        )
        return chosen

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The arrays with which compiled loops note genotypes, where `small`: place values of the genes, then those of ``is_new``.

        Loops keep a running count of networks, and flags as bits.
        """
        assert self._genotypes is not None
        if not self._packed:
            self._unique = self.unique_networks()
            self._genotypes = np.packbits(self._genotypes, axis=1, bitorder="little")
            self._flags = np.packbits(self._flags.reshape(self.runs, -1), axis=1, bitorder="little")
            self._packed = True
        assert self._unique is not None
        weights, network_of_number = self.space.digit_weights.view(np.int64), self.space.network_of_number
        return weights, self._genotypes, network_of_number, self._flags, self._unique

    def _names_of(self, rows: Genotypes) -> NDArray[np.uint64]:
        """Numbers of genotypes (n, genes), or hashes in spaces larger than `NUMBERED_SIZE`: (n,)."""
        if self.space.size > NUMBERED_SIZE:
            return hash_rows(rows)
        if enabled():
            return _numbers(rows, self.space.digit_weights)
        return self.space.small_number(rows).astype(np.uint64)

    def _wait(self, chosen: NDArray[np.intp], names: NDArray[np.uint64], flat: Genotypes, batch: int) -> None:
        """Keep genotypes whose networks will go by their keys, given by their positions in (runs * batch, genes)."""
        self._waiting.append((chosen // batch, names.take(chosen), flat.take(chosen, axis=0)))
        self._waiting_rows += len(chosen)
        if self._waiting_rows >= WAITING:
            self._add_waiting()

    def _add_waiting(self) -> None:
        if not self._waiting:
            return
        run, names, rows = (np.concatenate(parts) for parts in zip(*self._waiting, strict=True))
        self._waiting, self._waiting_rows = [], 0
        fresh = np.flatnonzero(self._distinct.add(run, names))
        if not self._in_order:
            self._keys.add(run.take(fresh), self.space.key(rows.take(fresh, axis=0)))

    def new_networks(self, network: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which networks (runs, batch), as given by `identify`, their run has not seen; the first of equal ones only."""
        runs, batch = network.shape
        if self._networks is not None:
            place = np.repeat(np.arange(runs), batch) * self._networks + network.reshape(-1)
            new = np.zeros(runs * batch, dtype=np.bool_)
            unseen = np.flatnonzero(~self._flagged(place))
            new[unseen[np.unique(place[unseen], return_index=True)[1]]] = True
            return new.reshape(runs, batch)
        keys = network.view(np.uint64)
        return ~self._keys.holds(np.arange(runs), keys) & ~repeats(keys)

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
        self._add_waiting()
        return self._keys.counts.copy() if which is None else self._keys.counts[which]

    def unique_genotypes(self) -> NDArray[np.int64]:
        """Number of distinct genotypes seen by each run: (runs,).

        In spaces larger than `NUMBERED_SIZE`, genotypes are hashed and collide with probability 2^-64 per pair.
        """
        if self._packed:
            assert self._genotypes is not None
            rows = (np.unpackbits(row) for row in self._genotypes)
            return np.array([np.count_nonzero(row) for row in rows], dtype=np.int64)
        if self._genotypes is not None:
            counts: NDArray[np.int64] = np.count_nonzero(self._genotypes, axis=1)
            return counts
        if self._networks is None:
            self._add_waiting()
            return self._distinct.counts.copy()
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

    def _note_new(self, new: NDArray[np.bool_], network: NDArray[np.intp]) -> None:
        run, member = np.nonzero(new)
        index = network[run, member]
        if self._networks is not None:
            self._flag(run * self._networks + index)
        else:
            self._keys.add(run, index.view(np.uint64))
        assert self._unique is not None
        self._unique += new.sum(axis=1)


_BIT = np.uint8(1) << np.arange(8, dtype=np.uint8)


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
