"""Gene-pool optimal mixing, shared by GOMEA and MO-GOMEA.

A run works on one of its populations at a time. For each member, it copies sets of genes from donors, one set after the
other, and keeps a change unless it makes the member worse. Runs are not synchronised, because members need different
numbers of evaluations. Each run therefore has its own state, and operations are vectorised over the runs in the same
phase.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators.selection import gather
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["OptimalMixing", "Runs"]

FILL, MIX, FORCE = range(3)  # phases of a run: fill a population, mix a member, forced improvement

Runs = NDArray[np.intp]


@dataclass(kw_only=True)
class OptimalMixing(Algorithm):
    """Base class of algorithms with interleaved populations, optimal mixing, and forced improvement.

    Subclasses learn sets of genes and pools of donors (`_learn`), and define which changes are accepted.

    Parameters
    ----------
    first_population : int
        Size of the first population; each further population is twice as large.
    turns : int
        Generations of each population per generation of the next larger one.
    """

    first_population: int = 8
    turns: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("first_population", 2)
        self._require("turns", 1)

    @property
    def first_population_size(self) -> int:
        return self.first_population

    def _begin(self) -> None:
        runs, genes, m = self.runs, self.space.genes, self.objectives
        self._alleles = max(self.space.cardinalities)
        self._others = np.array(self.space.cardinalities) - 1
        self._X: Genotypes = np.zeros((runs, 0, genes), dtype=np.uint8)  # all populations, concatenated
        self._F: NDArray[np.float64] = np.empty((runs, 0, m))
        self._next_X, self._next_F = self._X.copy(), self._F.copy()  # next generation
        self._alive = np.zeros((runs, 0), dtype=np.bool_)
        self._count = np.zeros((runs, 0), dtype=np.int64)  # generations of each population
        self._stretch = np.zeros((runs, 0), dtype=np.int64)  # no-improvement stretch, in generations
        self._p = np.zeros(runs, dtype=np.intp)  # current population
        self._i = np.zeros(runs, dtype=np.intp)  # current member
        self._place = np.zeros(runs, dtype=np.intp)  # position of that member
        self._end = np.zeros(runs, dtype=np.intp)  # end of the current population
        self._filled = np.zeros(runs, dtype=np.intp)  # number of populations
        self._phase = np.full(runs, FILL)
        count = max(2 * genes - 2, 1)
        # trials of the current member, in order: sets of genes as masks, donor genotypes, changes (as exclusive or),
        # and whether a set has yet to be tried and would change anything
        self._masks: Genotypes = np.zeros((runs, count, genes), dtype=np.uint8)
        self._donors: Genotypes = np.zeros((runs, count, genes), dtype=np.uint8)
        self._changes: Genotypes = np.zeros((runs, count, genes), dtype=np.uint8)
        self._open = np.zeros((runs, count), dtype=np.bool_)
        self._sets = np.arange(count)
        self._k = np.zeros(runs, dtype=np.intp)  # last set tried
        self._x, self._f = np.zeros((runs, genes), dtype=np.uint8), np.full((runs, m), np.inf)  # current member
        self._spare = np.zeros(runs)  # random number that selects its replacement if forced improvement fails
        self._impatient = np.zeros(runs, dtype=np.bool_)  # whether forced improvement applies to all members
        self._changed = np.zeros(runs, dtype=np.bool_)
        self._tried = np.zeros(runs, dtype=np.bool_)  # whether this generation has tried anything
        self._improved = np.zeros(runs, dtype=np.bool_)  # whether this generation has improved the best
        self._fill(np.arange(runs), self._p)

    # ---------------------------------------------------------------- defined by subclasses

    @abstractmethod
    def _learn(self, runs: Runs, p: int) -> None:
        """Learn the linkage of population ``p`` for a subset of runs."""

    @abstractmethod
    def _pool(self, runs: Runs, draws: NDArray[np.float64]) -> tuple[Genotypes, NDArray[np.intp]]:
        """Sets of genes (as masks) and positions of donors for the current member of a subset of runs.

        Donors are drawn using random numbers (runs, sets).
        """

    @abstractmethod
    def _note(self, x: Genotypes, f: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Record the evaluations of all runs, and return which of them improve on everything before."""

    @abstractmethod
    def _not_worse(self, f: NDArray[np.float64], better: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which trials are accepted during mixing."""

    @abstractmethod
    def _improves(self, f: NDArray[np.float64], better: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which trials are accepted during forced improvement."""

    @abstractmethod
    def _elite(self, runs: Runs, draws: NDArray[np.float64]) -> tuple[Genotypes, NDArray[np.float64]]:
        """Draw ``n`` elite solutions per run, using draws (runs, n): (runs, n, genes) and (runs, n, m)."""

    @abstractmethod
    def _given_up(self, run: int, own: int) -> Iterable[int]:
        """Populations of a run to abandon after a generation of population ``own``."""

    def _mutation_rate(self, masks: Genotypes) -> float | NDArray[np.float64]:
        """Mutation probability of a donor's gene, for sets (runs, sets, genes)."""
        return 0.0

    # ---------------------------------------------------------------- populations

    def _places(self, p: int) -> slice:
        return slice(self.first_population * (2**p - 1), self.first_population * (2 ** (p + 1) - 1))

    def _fill(self, runs: Runs, p: NDArray[np.intp]) -> None:
        """Start a new population in a subset of runs."""
        while p.max() >= self._alive.shape[1]:
            self._grow()
        for own in np.unique(p).tolist():
            which, places = runs[p == own], self._places(own)
            X = self.random.sample_of(which, self.space, places.stop - places.start)
            if own == 0:
                X[:, : self._initial.shape[1]] = self._initial[which]
            self._X[which, places] = X
            self._place[which], self._end[which] = places.start, places.stop
        self._p[runs], self._i[runs] = p, 0
        self._alive[runs, p] = True
        self._filled[runs] += 1
        self._phase[runs] = FILL

    def _grow(self) -> None:
        """Allocate space for one more population."""
        populations = self._alive.shape[1] + 1
        places = self._places(populations).start
        for name, width, fill in (
            *(("_X", places, 0), ("_next_X", places, 0), ("_F", places, np.inf), ("_next_F", places, np.inf)),
            *(("_alive", populations, False), ("_count", populations, 0), ("_stretch", populations, 0)),
        ):
            table = getattr(self, name)
            wider = np.full((self.runs, width, *table.shape[2:]), fill, dtype=table.dtype)
            wider[:, : table.shape[1]] = table
            setattr(self, name, wider)

    # ---------------------------------------------------------------- ask and tell

    def _ask(self) -> Genotypes:
        trial = np.empty((self.runs, self.space.genes), dtype=np.uint8)
        waiting = np.arange(self.runs)
        while len(waiting):
            filling = self._phase[waiting] == FILL
            if np.count_nonzero(filling):
                some = waiting[filling]
                trial[some] = self._X[some, self._place[some]]
                waiting = waiting[~filling]
            k = self._open[waiting].argmax(axis=1)
            found = self._open[waiting, k]
            runs, over, k = waiting[found], waiting[~found], k[found]
            trial[runs] = self._x[runs] ^ self._changes[runs, k]
            self._open[runs, k] = False
            self._k[runs] = k
            self._tried[runs] = True
            if len(over):
                self._end_of_member(over)
            waiting = over
            if not self.space.unconstrained:
                waiting = np.concatenate([over, runs[~self.space.is_valid(trial[runs])]])
        return trial[:, np.newaxis]

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        x, f = X[:, 0], F[:, 0]
        better = self._note(x, f)
        self._improved |= better
        accepted = (self._phase == MIX) & self._not_worse(f, better)
        forced = self._phase == FORCE
        if np.count_nonzero(forced):
            forced &= self._improves(f, better)
            accepted |= forced
        runs = np.flatnonzero(accepted)
        if len(runs):
            self._x[runs], self._f[runs] = x[runs], f[runs]
            self._changed[runs] = True
            self._compare(runs, self._k[runs])
            self._open[forced] = False  # stop after the first improvement
        filling = np.flatnonzero(self._phase == FILL)
        if len(filling):
            self._F[filling, self._place[filling]] = f[filling]
            self._place[filling] += 1
            full = filling[self._place[filling] == self._end[filling]]
            if len(full):
                self._begin_generation(full)
                self._plan(full)

    def _compare(self, runs: Runs, k: NDArray[np.intp] | int) -> None:
        """Update which sets after the ``k``-th would change the current member, and what they would change."""
        changes = self._donors[runs]
        changes ^= self._x[runs, np.newaxis]
        changes &= self._masks[runs]
        self._changes[runs] = changes
        self._open[runs] = changes.any(axis=2) & (self._sets > np.asarray(k)[..., np.newaxis])

    # ---------------------------------------------------------------- members and generations

    def _begin_generation(self, runs: Runs) -> None:
        p = self._p[runs]
        for own in np.unique(p).tolist():  # vectorise over populations of the same size
            which, places = runs[p == own], self._places(own)
            self._learn(which, own)
            self._place[which], self._end[which] = places.start, places.stop
            patience = 1 + int(np.log10(places.stop - places.start))
            self._impatient[which] = self._stretch[which, own] > patience
        self._i[runs] = 0
        self._improved[runs] = self._tried[runs] = False
        self._phase[runs] = MIX

    def _plan(self, runs: Runs) -> None:
        """Plan the trials of the current member: sets in random order, each with a (mutated) donor."""
        count, genes = self._masks.shape[1:]
        rate = self._mutation_rate(self._masks[runs])
        draws = self.random.of(runs, (3 + (genes if np.any(rate) else 0), count))
        self._spare[runs] = draws[:, 2, 0]
        masks, donors = self._masks[runs], np.empty((len(runs), count, genes), dtype=np.uint8)
        mixed = self._phase[runs] == MIX
        some = runs[mixed]
        if len(some):
            place = self._place[some]
            self._x[some], self._f[some] = self._X[some, place], self._F[some, place]
            masks[mixed], places = self._pool(some, draws[mixed, 1])
            donors[mixed] = self._X[some[:, np.newaxis], (place - self._i[some])[:, np.newaxis] + places]
        if len(some) < len(runs):
            donors[~mixed] = self._elite(runs[~mixed], draws[~mixed, 1])[0]
        masks = gather(masks, draws[:, 0].argsort(axis=1))
        if draws.shape[1] > 3:
            self._mutate(donors, masks, draws[:, 3:])
        self._masks[runs], self._donors[runs] = masks, donors
        self._changed[runs] = False
        self._compare(runs, -1)

    def _mutate(self, donors: Genotypes, masks: Genotypes, draws: NDArray[np.float64]) -> None:
        """Mutate genes of donors in place, using random numbers (runs, genes, sets)."""
        rate = np.broadcast_to(self._mutation_rate(masks), (*masks.shape[:2], 1))[..., 0]
        run, gene, k = np.nonzero(draws < rate[:, np.newaxis])
        others = self._others[gene]
        step = 1 + (draws[run, gene, k] / rate[run, k] * others).astype(np.intp)
        donors[run, k, gene] = (donors[run, k, gene] + np.minimum(step, others)) % (others + 1)

    def _end_of_member(self, runs: Runs) -> None:
        forced, changed = self._phase[runs] == FORCE, self._changed[runs]
        force = ~forced & (~changed | self._impatient[runs])
        self._phase[runs] = np.where(force, FORCE, MIX)
        hopeless = runs[forced & ~changed]
        if len(hopeless):
            X, F = self._elite(hopeless, self._spare[hopeless, np.newaxis])
            self._x[hopeless], self._f[hopeless] = X[:, 0], F[:, 0]
        done = runs[~force]
        place = self._place[done]
        self._next_X[done, place], self._next_F[done, place] = self._x[done], self._f[done]
        self._place[done] = place + 1
        self._i[done] += 1
        last = done[self._place[done] == self._end[done]]
        if len(last):
            self._end_of_generation(last)
            runs = runs[self._phase[runs] != FILL]
        self._plan(runs)

    def _end_of_generation(self, runs: Runs) -> None:
        p = self._p[runs]
        self._count[runs, p] += 1
        self._stretch[runs, p] = np.where(self._improved[runs], 0, self._stretch[runs, p] + 1)
        chosen = np.empty_like(p)
        for i, (run, own) in enumerate(zip(runs.tolist(), p.tolist(), strict=True)):
            places = self._places(own)
            self._X[run, places], self._F[run, places] = self._next_X[run, places], self._next_F[run, places]
            for given_up in self._given_up(run, own):
                self._alive[run, given_up] = False
            chosen[i] = self._next_population(run, own)
        new = chosen >= self._filled[runs]
        self._p[runs] = chosen
        if new.any():
            self._fill(runs[new], chosen[new])
        if not new.all():
            self._begin_generation(runs[~new])

    def _next_population(self, run: int, own: int) -> int:
        """Choose the next population: the next larger one after ``turns`` generations, else the smallest still alive.

        If a generation had nothing to try, the next larger population follows at once.
        """
        if self._alive[run, own] and (self._count[run, own] % self.turns == 0 or not self._tried[run]):
            return own + 1
        alive = np.flatnonzero(self._alive[run])
        return int(alive[0]) if len(alive) else int(self._filled[run])
