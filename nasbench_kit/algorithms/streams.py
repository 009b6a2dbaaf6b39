"""Random numbers for many runs at once, each run's from a stream of its own, which its key, the seed and its number fix."""

from __future__ import annotations

import hashlib
import json
import math
import numbers
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.kernels.hashing import mix
from nasbench_kit.kernels.variation import integers
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Streams", "stream_key"]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # SplitMix64's step
BLOCK = 4096  # 64-bit words drawn from a run's generator at a time: calls cost more than bits
LINE = 8  # words of a cache line, between the runs' blocks: a power of two apart they would share a few places of the cache


class Streams:
    """One generator a run (SFC64, seeded by numpy's SeedSequence from the seed, the key and the run's number).

    Every request is made for all runs at once and takes the same number of words from each, so that a run's numbers
    do not depend on how many runs there are.

    Parameters
    ----------
    seed : int
    runs : int
    first_run : int, optional
        The number of the first run.
    key : tuple of int, optional
        Streams of different keys are independent, whatever the seed and the run.
    """

    def __init__(self, seed: int, runs: int, first_run: int = 0, *, key: tuple[int, ...] = ()) -> None:
        self.runs = runs
        self.generators = [
            np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(*key, run))))
            for run in range(first_run, first_run + runs)
        ]
        self._words = np.empty((runs, 0), dtype=np.uint64)
        self._used = 0
        self._states: NDArray[np.uint64] | None = None

    def bits(self, shape: tuple[int, ...]) -> NDArray[np.uint32]:
        """Random 32-bit words: (runs, *shape)."""
        count = math.prod(shape)
        begin, end = self._advance(count)
        block = self._words[:, begin:end]
        return np.ascontiguousarray(block).view(np.uint32)[:, :count].reshape(self.runs, *shape)

    def _advance(self, count: int) -> tuple[int, int]:
        """Where the next 64-bit words with ``count`` random 32-bit words lie."""
        words = -(-count // 2)
        if self._used + words > self._words.shape[1]:
            self._words = np.empty((self.runs, max(BLOCK, words) + LINE), dtype=np.uint64)[:, :-LINE]
            for row, generator in zip(self._words, self.generators, strict=True):
                row[:] = generator.bit_generator.random_raw(len(row))
            self._used = 0
        self._used += words
        return self._used - words, self._used

    def random(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Uniform in [0, 1), in steps of 2**-32: (runs, *shape)."""
        return self.bits(shape) * np.float64(2.0**-32)

    def integers(self, high: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.intp]:
        """Uniform in 0 ... high - 1 (to within high / 2**32): (runs, *shape); ``high`` broadcasts against the shape."""
        if isinstance(high, int) and sys.byteorder == "little":
            count = math.prod(shape)
            begin = self._advance(count)[0]
            return integers(self._words, begin, count, high).reshape(self.runs, *shape)
        return (self.bits(shape) * (np.asarray(high) * 2.0**-32)).astype(np.intp)

    def of(self, runs: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Uniform in [0, 1) for some of the runs alone, which alone move on in their streams: (len(runs), *shape).

        For algorithms whose runs do not keep step. These numbers come from a second stream of each run: SplitMix64 (Steele,
        Lea and Flood 2014), whose k-th number needs none of the earlier ones.
        """
        if self._states is None:
            self._states = np.array(
                [generator.bit_generator.seed_seq.generate_state(4, np.uint64)[3] for generator in self.generators]
            )
        count = math.prod(shape)
        steps = np.arange(count + 1, dtype=np.uint64) * GOLDEN  # arithmetic wraps at 2**64
        words = mix(self._states[runs][:, np.newaxis] + steps[:-1])
        self._states[runs] += steps[-1:]
        return ((words >> np.uint64(11)) * np.float64(2.0**-53)).reshape(len(runs), *shape)

    def sample_of(self, runs: NDArray[np.intp], space: Space, n: int) -> Genotypes:
        """Valid genotypes for some of the runs alone, from their second streams: (len(runs), n, genes)."""
        draws = self.of(runs, (n, space.genes))
        X: Genotypes = (draws * np.array(space.cardinalities)).astype(np.uint8)
        if not space.unconstrained:
            for run, i in np.argwhere(~space.is_valid(X.reshape(-1, space.genes)).reshape(X.shape[:2])):
                X[run, i] = space.sample(1, int(draws[run, i, 0] * 2**53))[0]
        return X

    def permutations(self, shape: tuple[int, ...]) -> NDArray[np.intp]:
        """Random orders of 0 ... n - 1 along the last axis of ``shape``, which has n places: (runs, *shape).

        The numbers sorted differ in their low bits, so that no tie is left to the sort, which may break it in another
        way on another processor.
        """
        n = shape[-1]
        low = n.bit_length()
        keys = (self.bits(shape) & np.uint32(2**32 - 2**low)) | np.arange(n, dtype=np.uint32)
        keys.sort(axis=-1)
        return (keys & np.uint32(2**low - 1)).astype(np.intp)

    def sample(self, space: Space, n: int) -> Genotypes:
        """Valid genotypes, uniform over the valid ones: (runs, n, genes)."""
        if space.unconstrained:
            return self.integers(space.cardinalities, (n, space.genes)).astype(np.uint8)
        return np.stack([space.sample(n, generator) for generator in self.generators])


def stream_key(name: str, settings: Mapping[str, Any]) -> tuple[int, ...]:
    """A key of `Streams` from the name of an algorithm and its settings, the same in every process and on every machine.

    Numbers count by their value, whatever their type. Of a setting that is neither a number, a text, an array nor made of
    these, only the name of its type counts: its text may hold an address, which differs from process to process.
    """
    text = json.dumps([name, sorted((key, _plain(value)) for key, value in settings.items())])
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return tuple(int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4))


def _plain(value: Any) -> Any:
    """A setting as JSON has it."""
    if value is None or isinstance(value, str | bool | np.bool_):
        return bool(value) if isinstance(value, np.bool_) else value
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return [[str(key), _plain(item)] for key, item in value.items()]
    return type(value).__qualname__
