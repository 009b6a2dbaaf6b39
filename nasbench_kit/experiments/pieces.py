"""Searches to be divided, their pieces, and how large they should be for several processes to end at the same time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nasbench_kit.kernels import compiling

__all__ = ["LONG", "Piece", "State", "Whole", "most_parts", "parts_of_long", "runs_to_take", "seconds_of"]

LONG = 0.8  # seconds of a piece that is rather begun again in parts
# seconds of a round of ask and tell that do not depend on the number of runs, about, with compiled loops and without
ROUND = {True: 0.2e-3, False: 0.35e-3}
LOSS = 0.1  # share of the time that may be lost to that, if the pieces are to be many
MANY = 8  # pieces per process, at most: the fewer, the longer the others wait for the last one
FASTEST = 2e7  # evaluations per second of which no search does more
GAIN = 0.1  # seconds that dividing a piece has to save, at least


@dataclass(frozen=True)
class Whole:
    """A search to be divided.

    Attributes
    ----------
    first_run, runs : int
    together : int
        The maximum number of runs in a piece.
    rounds : float
        About how many rounds of ask and tell a run has; infinite if unknown.
    evaluations : int
        Of all runs together, 0 if unknown.
    piece : callable
        Gives the task of the runs from a first one on: ``piece(first_run, runs)``.
    shared : object
        What all tasks refer to; it travels to a worker once.
    parts : callable
        Lists the parts of ``shared``, itself included, that tasks and results refer to.
    workers : int
        How many processes it may use.
    on_table : bool
        Whether it searches a table, so that by default it is spread.
    """

    first_run: int
    runs: int
    together: int
    rounds: float
    evaluations: int
    piece: Callable[[int, int], Any]
    shared: object
    parts: Callable[[Any], list[object]]
    workers: int
    on_table: bool


@dataclass(frozen=True)
class Piece:
    """Some runs of a search."""

    search: int
    first_run: int
    runs: int
    divisible: bool = True

    def divided(self, parts: int, *, again: bool = True) -> list[Piece]:
        """Pieces of about equally many runs, which may be divided again or not."""
        ends = [self.first_run + self.runs * i // parts for i in range(parts + 1)]
        return [Piece(self.search, a, b - a, again) for a, b in itertools.pairwise(ends)]

    def split(self, runs: int) -> list[Piece]:
        """The first runs, as many as given, and the others."""
        rest = Piece(self.search, self.first_run + runs, self.runs - runs, self.divisible)
        return [Piece(self.search, self.first_run, runs, self.divisible), rest]


@dataclass
class State:
    """How far a search is whose pieces are spread over processes."""

    pieces: int = 0  # unfinished
    results: dict[int, tuple[int, Any]] = field(default_factory=dict)  # runs and result, by the first run
    shares: dict[int, float] = field(default_factory=dict)  # of all work, done in the piece with this first run
    reported: float = 0.0
    told: float = 0.0  # when that was
    begun: float = 0.0
    seconds: float = 0.0
    seconds_per_run: float | None = None
    error: Exception | None = None
    sent: tuple[bytes, bytes, list[object]] | None = None  # a key for what is shared, its pickle, and its parts
    stays_here: bool = False  # what cannot be sent, or may not
    fresh: bool = False  # whether it has code that the next search may find changed


def seconds_of(evaluations: int, rounds: float) -> float:
    """What a search takes at least, or with its rounds of ask and tell, unless their number is infinite, about."""
    return evaluations / FASTEST + (0.0 if math.isinf(rounds) else rounds * ROUND[compiling.enabled()])


def most_parts(rounds: float, seconds: float, processes: int) -> int:
    """In how many parts of a piece that takes some seconds most of the time would be lost."""
    return processes if math.isinf(rounds) else max(2, int(seconds / rounds / ROUND[compiling.enabled()]))


def parts_of_long(rounds: float, seconds: float, processes: int) -> int:
    """How many pieces to make of one that takes long, if there is no other."""
    most = most_parts(rounds, seconds, processes)
    return min(max(processes, min(MANY * processes, int(LOSS * most))), most)


def runs_to_take(runs: int, rounds: float, seconds: float, busy: Iterable[float], waiting: float) -> int:
    """How many of the runs of a piece a process should do that is free now, so that no other has to wait at the end.

    The others take what is left in the same way. Of what is cheap to divide, half as much is taken: pieces then get smaller
    towards the end, which makes up for processes that are slower than expected.

    Parameters
    ----------
    runs : int
        Of the piece.
    rounds : float
        About how many rounds of ask and tell a run has.
    seconds : float
        About how long all runs of the piece take.
    busy : iterable of float
        For each of the other processes, in how many seconds it is free.
    waiting : float
        Seconds of the other pieces that wait.
    """
    fixed = LOSS * seconds if math.isinf(rounds) else min(rounds * ROUND[compiling.enabled()], seconds / 2)
    work, processes = seconds + waiting, 1
    end = work
    for free in sorted(busy):
        if free + fixed >= end:
            break
        work, processes = work + free + fixed, processes + 1
        end = work / processes
    if seconds - end < max(GAIN, fixed / 2):
        return runs
    mine = end - fixed
    if fixed < LOSS * mine / 2:
        mine /= 2
    return int(np.clip(round(runs * mine / (seconds - fixed)), 1, max(runs - 1, 1)))
