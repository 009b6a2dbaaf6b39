"""Random numbers for many runs at once; each run has its own stream, determined by key, seed and run number."""

from __future__ import annotations

import hashlib
import json
import math
import numbers
import sys
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.kernels.hashing import mix
from nasbench_kit.kernels.variation import integers, permutations, scaled
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Streams", "stream_key"]

ALL = slice(None)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # SplitMix64's step
BLOCK = 4096  # 64-bit words drawn from a generator at a time, to amortise the cost of calls
STOCK = 16  # valid genotypes sampled at a time where one is needed now and then
LINE = 8  # words of a cache line, as padding between the runs' blocks: a power-of-two stride causes cache conflicts


class Streams:
    """One SFC64 generator per run, seeded by NumPy's SeedSequence from seed, key and run number.

    Each request is made for all runs at once and consumes the same number of words from each stream, so that the
    numbers of a run do not depend on the number of runs.

    Parameters
    ----------
    seed : int
        Seed.
    runs : int
        Number of runs.
    first_run : int, optional
        Number of the first run.
    key : tuple of int, optional
        Streams with different keys are independent for all seeds and runs.
    """

    def __init__(self, seed: int, runs: int, first_run: int = 0, *, key: tuple[int, ...] = ()) -> None:
        self.runs = runs
        self.generators = [
            np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(*key, run))))
            for run in range(first_run, first_run + runs)
        ]
        self.drawn_from: Genotypes | None = None  # genotypes to sample, if not from the whole space
        self._words = np.empty((runs, 0), dtype=np.uint64)
        self._used = 0
        self._stock: Genotypes | None = None  # genotypes for `single`: (runs, STOCK, genes)

    def bits(self, shape: tuple[int, ...]) -> NDArray[np.uint32]:
        """Random 32-bit words: (runs, *shape)."""
        count = math.prod(shape)
        begin, end = self._advance(count)
        block = self._words[:, begin:end]
        return np.ascontiguousarray(block).view(np.uint32)[:, :count].reshape(self.runs, *shape)

    def requests(self, counts: tuple[int, ...]) -> NDArray[np.uint32]:
        """The 32-bit words of several calls of `bits` in one array (runs, k), without a copy where possible.

        Each request starts at a 64-bit word: one of an odd number of 32-bit words is followed by a word of no use.
        """
        words = _words_of(counts)
        if self._used + words <= self._words.shape[1]:
            self._used += words
            return self._words[:, self._used - words : self._used].view(np.uint32)
        found = np.empty((self.runs, words + LINE), dtype=np.uint64)[:, :words]  # rows apart, as those of a block
        place = 0
        for count in counts:
            begin, end = self._advance(count)
            found[:, place : place + end - begin] = self._words[:, begin:end]
            place += end - begin
        return found.view(np.uint32)

    def words(self, count: int) -> NDArray[np.uint32]:
        """Like `bits`, but a view, for those who need the words of few runs: (runs, count). ``count`` is at least 1."""
        begin, end = self._advance(count)
        return self._words[:, begin:end].view(np.uint32)[:, :count]

    def _advance(self, count: int) -> tuple[int, int]:
        """Slice bounds of the 64-bit words that hold the next ``count`` random 32-bit words."""
        words = -(-count // 2)
        if self._used + words > self._words.shape[1]:
            self._words = np.empty((self.runs, max(BLOCK, words) + LINE), dtype=np.uint64)[:, :-LINE]
            for row, generator in zip(self._words, self.generators, strict=True):
                row[:] = generator.bit_generator.random_raw(len(row))
            self._used = 0
        self._used += words
        return self._used - words, self._used

    def random(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Uniform numbers in [0, 1), multiples of 2**-32: (runs, *shape)."""
        return self.bits(shape) * np.float64(2.0**-32)

    def integers(self, high: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.intp]:
        """Uniform integers in 0 ... high - 1 (bias below high / 2**32): (runs, *shape); ``high`` is broadcast."""
        if isinstance(high, int) and sys.byteorder == "little":
            count = math.prod(shape)
            begin = self._advance(count)[0]
            return integers(self._words, begin, count, high).reshape(self.runs, *shape)
        return (self.bits(shape) * (np.asarray(high) * 2.0**-32)).astype(np.intp)

    def of(self, runs: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Uniform numbers in [0, 1) for a subset of runs, advancing only their streams: (len(runs), *shape).

        For algorithms whose runs are not synchronised. The numbers come from a second stream of each run, a SplitMix64
        generator (Steele, Lea and Flood 2014), which allows random access.
        """
        count = math.prod(shape)
        steps = _steps(count)
        states = self.states[runs]
        words = mix(states[:, np.newaxis] + steps[:-1])
        self.states[runs] = states + steps[-1]
        return ((words >> np.uint64(11)) * np.float64(2.0**-53)).reshape(len(runs), *shape)

    @cached_property
    def states(self) -> NDArray[np.uint64]:
        """States of the second streams, which draw for a subset of runs (`of`), or in compiled loops: (runs,)."""
        return np.array(
            [generator.bit_generator.seed_seq.generate_state(4, np.uint64)[3] for generator in self.generators]
        )

    def sample_of(self, runs: NDArray[np.intp], space: Space, n: int) -> Genotypes:
        """Random genotypes, as from `sample`, for a subset of runs, from their second streams: (len(runs), n, genes)."""
        if self.drawn_from is not None:
            chosen = (self.of(runs, (n,)) * len(self.drawn_from)).astype(np.intp)
            return self.drawn_from[chosen]
        draws = self.of(runs, (n, space.genes))
        X: Genotypes = (draws * np.array(space.cardinalities)).astype(np.uint8)
        if not space.unconstrained:
            for run, i in np.argwhere(~space.is_valid(X.reshape(-1, space.genes)).reshape(X.shape[:2])):
                X[run, i] = space.sample(1, int(draws[run, i, 0] * 2**53))[0]
        return X

    def permutations(self, shape: tuple[int, ...], runs: NDArray[np.intp] | slice = ALL) -> NDArray[np.intp]:
        """Random permutations of 0 ... n - 1 along the last axis of ``shape``, where n is its length: (runs, *shape).

        The streams of all runs advance, even if ``runs`` selects some of them.
        """
        words = self.words(math.prod(shape))[runs]
        return permutations(words.reshape(len(words), *shape))

    def sample(self, space: Space, n: int) -> Genotypes:
        """Uniformly distributed valid genotypes, or genotypes of `drawn_from`: (runs, n, genes)."""
        if self.drawn_from is not None:
            return self.drawn_from[self.integers(len(self.drawn_from), (n,))]
        if space.unconstrained:
            return scaled(self.words(n * space.genes).reshape(-1, n, space.genes), space.cardinalities)
        return np.stack([space.sample(n, generator) for generator in self.generators])

    def single(self, space: Space, runs: NDArray[np.intp]) -> Genotypes:
        """One genotype, as from `sample`, for each run of a subset, to be called in every step: (len(runs), genes).

        The streams of all runs advance. In spaces with constraints, where samples are dear, each run of the subset takes
        the next one of its stock.
        """
        if self.drawn_from is not None:
            drawn: Genotypes = self.drawn_from[self.integers(len(self.drawn_from), (1,))[runs, 0]]
            return drawn
        if space.unconstrained:
            return scaled(self.words(space.genes)[runs], space.cardinalities)
        if self._stock is None:
            self._stock = np.empty((self.runs, STOCK, space.genes), dtype=np.uint8)
            self._taken = np.full(self.runs, STOCK)
        for run in runs[self._taken[runs] == STOCK]:
            self._stock[run], self._taken[run] = space.sample(STOCK, self.generators[run]), 0
        X: Genotypes = self._stock[runs, self._taken[runs]]
        self._taken[runs] += 1
        return X


@lru_cache(maxsize=64)
def _words_of(counts: tuple[int, ...]) -> int:
    """Number of 64-bit words of some requests."""
    return sum(-(-count // 2) for count in counts)


@lru_cache(maxsize=64)
def _steps(count: int) -> NDArray[np.uint64]:
    """Steps of a SplitMix64 generator to its next ``count`` states, and to the one after: (count + 1,)."""
    return np.arange(count + 1, dtype=np.uint64) * GOLDEN  # arithmetic wraps at 2**64


def stream_key(name: str, settings: Mapping[str, Any]) -> tuple[int, ...]:
    """Platform-independent key for `Streams`, derived from an algorithm's name and settings.

    Numbers are compared by value, regardless of type. For settings other than numbers, strings, arrays and containers
    of these, only the type name is used, because the repr may contain a memory address.
    """
    text = json.dumps([name, sorted((key, _plain(value)) for key, value in settings.items())])
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return tuple(int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4))


def _plain(value: Any) -> Any:
    """Convert a setting to plain JSON data."""
    if value is None or isinstance(value, str | bool | np.bool_):
        return bool(value) if isinstance(value, np.bool_) else value
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return [[str(key), _plain(item)] for key, item in value.items()]
    return type(value).__qualname__
