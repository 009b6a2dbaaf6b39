"""Gene-pool optimal mixing: what GOMEA and MO-GOMEA share.

A run works on one of its populations: for each member, set after set of genes from a donor is tried, and kept where that does
no harm. Runs do not keep step: a member of one may be done while another's has just begun, so each run has a state of its
own, and what some of them do next is done for all of these at once.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators import gather
from nasbench_kit.spaces.space import Genotypes

__all__ = ["OptimalMixing", "Runs"]

FILL, MIX, FORCE = range(3)  # what a run does next: fill a population, mix a member, force it to improve
EACH = 4  # generations of a population before the next larger one has one

Runs = NDArray[np.intp]


@dataclass(kw_only=True)
class OptimalMixing(Algorithm):
    """Populations of growing size that take turns; each member is mixed, and where that changes nothing, forced to improve.

    A subclass learns sets of genes and pools of donors (`_learn`), and decides what is kept.

    Parameters
    ----------
    first_population : int
        The size of the first population; each further one is twice as large.
    """

    first_population: int = 8

    def __post_init__(self) -> None:
        if self.first_population < 2:
            raise ValueError("first_population is at least 2")

    @property
    def first_population_size(self) -> int:
        return self.first_population

    def _begin(self) -> None:
        runs, genes, m = self.runs, self.space.genes, self.objectives
        self._letters = max(self.space.cardinalities)
        self._X: Genotypes = np.zeros((runs, 0, genes), dtype=np.uint8)  # all populations, one after the other
        self._F: NDArray[np.float64] = np.empty((runs, 0, m))
        self._next_X, self._next_F = self._X.copy(), self._F.copy()  # of the generation that is being made
        self._alive = np.zeros((runs, 0), dtype=np.bool_)
        self._count = np.zeros((runs, 0), dtype=np.int64)  # generations of each population
        self._stretch = np.zeros((runs, 0), dtype=np.int64)  # of them since the last that found something better
        self._grow()
        self._alive[:] = True
        self._filled = np.ones(runs, dtype=np.intp)  # populations that a run has
        self._phase = np.full(runs, FILL)
        self._p = np.zeros(runs, dtype=np.intp)  # the population that is at work
        self._i = np.zeros(runs, dtype=np.intp)  # its member
        self._k = np.zeros(runs, dtype=np.intp)  # the set that is tried next
        self._count_of_sets = max(2 * genes - 2, 1)
        # of the member, in the order in which they are tried: sets of genes, and a donor's genotype for each
        self._sets = np.zeros((runs, self._count_of_sets, genes), dtype=np.bool_)
        self._donors: Genotypes = np.zeros((runs, self._count_of_sets, genes), dtype=np.uint8)
        self._x, self._f = np.zeros((runs, genes), dtype=np.uint8), np.full((runs, m), np.inf)  # the member
        self._changed = np.zeros(runs, dtype=np.bool_)
        self._improved = np.zeros(runs, dtype=np.bool_)  # whether this generation has found something better

    # ---------------------------------------------------------------- what a subclass decides

    @abstractmethod
    def _learn(self, runs: Runs, p: int) -> None:
        """Learn from population ``p`` of some runs."""

    @abstractmethod
    def _pool(self, runs: Runs, draws: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
        """For the member that some runs begin with: the sets of genes, and the places of its donors in the population.

        The places are drawn by (runs, sets) random numbers.
        """

    @abstractmethod
    def _note(self, x: Genotypes, f: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Take note of what every run has evaluated; which of it is better than all before."""

    @abstractmethod
    def _not_worse(self, f: NDArray[np.float64], better: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which trials may replace their member in mixing."""

    @abstractmethod
    def _improves(self, f: NDArray[np.float64], better: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which trials are an improvement of their member that is forced."""

    @abstractmethod
    def _elite(self, runs: Runs, n: int) -> tuple[Genotypes, NDArray[np.float64]]:
        """Of each of some runs ``n`` of the best that it has found: (runs, n, genes) and (runs, n, m)."""

    @abstractmethod
    def _outgrown(self, run: int, own: int) -> int:
        """How many of a run's smallest populations are no longer worth a turn, after one of population ``own``."""

    # ---------------------------------------------------------------- populations

    def _size(self, p: NDArray[np.intp]) -> NDArray[np.intp]:
        return self.first_population << p

    def _start(self, p: NDArray[np.intp]) -> NDArray[np.intp]:
        """Where a population begins."""
        return self.first_population * ((1 << p) - 1)

    def _places(self, p: int) -> slice:
        return slice(self.first_population * (2**p - 1), self.first_population * (2 ** (p + 1) - 1))

    def _grow(self) -> None:
        """Make room for one more population."""
        populations = self._alive.shape[1] + 1
        places = self.first_population * (2**populations - 1)
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
        trial = np.zeros((self.runs, self.space.genes), dtype=np.uint8)
        waiting = np.arange(self.runs)
        while len(waiting):
            filling = waiting[self._phase[waiting] == FILL]
            if len(filling):
                trial[filling] = self._random(filling)
            mixing = waiting[self._phase[waiting] != FILL]
            ended = self._k[mixing] == self._count_of_sets
            over, mixing = mixing[ended], mixing[~ended]
            if len(mixing):
                found = self._mixed(mixing, trial)
                mixing = mixing[~found]
            if len(over):
                self._end_of_member(over)
            waiting = np.concatenate([mixing, over])
        return trial[:, np.newaxis]

    def _random(self, runs: Runs) -> Genotypes:
        draws = self.random.of(runs, (self.space.genes,))
        X: Genotypes = (draws * np.array(self.space.cardinalities)).astype(np.uint8)
        if not self.space.unconstrained:
            for i in np.flatnonzero(~self.space.is_valid(X)):
                X[i] = self.space.sample(1, int(draws[i, 0] * 2**53))[0]
        given = (self._p[runs] == 0) & (self._i[runs] < self._initial.shape[1])
        X[given] = self._initial[runs[given], self._i[runs[given]]]
        return X

    def _mixed(self, runs: Runs, trial: Genotypes) -> NDArray[np.bool_]:
        """Put the next trial of some runs that is worth an evaluation into ``trial``; which of them have one."""
        x = self._x[runs]
        changes = np.asarray((self._sets[runs] & (self._donors[runs] != x[:, np.newaxis])).any(axis=2))
        changes &= np.arange(self._count_of_sets) >= self._k[runs][:, np.newaxis]
        found = np.asarray(changes.any(axis=1))
        k = np.where(found, changes.argmax(axis=1), self._count_of_sets - 1)
        self._k[runs] = k + 1
        mixed = np.where(self._sets[runs, k], self._donors[runs, k], x)
        if not self.space.unconstrained and found.any():
            found[found] = self.space.is_valid(mixed[found])
        trial[runs[found]] = mixed[found]
        return found

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        x, f = X[:, 0], F[:, 0]
        better = self._note(x, f)
        self._improved |= better
        filling = np.flatnonzero(self._phase == FILL)
        forced = self._phase == FORCE
        forced[forced] = self._improves(f, better)[forced]
        kept = self._phase == MIX
        kept[kept] = self._not_worse(f, better)[kept]
        accepted = kept | forced
        self._x[accepted], self._f[accepted] = x[accepted], f[accepted]
        self._changed |= accepted
        self._k[forced] = self._count_of_sets  # it has improved: that is enough
        if len(filling):
            place = self._start(self._p[filling]) + self._i[filling]
            self._X[filling, place], self._F[filling, place] = x[filling], f[filling]
            self._i[filling] += 1
            full = filling[self._i[filling] == self._size(self._p[filling])]
            if len(full):
                self._begin_generation(full)

    # ---------------------------------------------------------------- members and generations

    def _begin_generation(self, runs: Runs) -> None:
        for p in np.unique(self._p[runs]).tolist():  # populations of the same size together
            self._learn(runs[self._p[runs] == p], p)
        self._i[runs] = 0
        self._improved[runs] = False
        self._begin_member(runs)

    def _begin_member(self, runs: Runs) -> None:
        place = self._start(self._p[runs]) + self._i[runs]
        self._x[runs], self._f[runs] = self._X[runs, place], self._F[runs, place]
        draws = self.random.of(runs, (2, self._count_of_sets))
        sets, places = self._pool(runs, draws[:, 1])
        self._sets[runs] = gather(sets, draws[:, 0].argsort(axis=1))
        self._donors[runs] = self._X[runs[:, np.newaxis], self._start(self._p[runs])[:, np.newaxis] + places]
        self._phase[runs], self._k[runs], self._changed[runs] = MIX, 0, False

    def _end_of_member(self, runs: Runs) -> None:
        patience = 1 + np.floor(np.log10(self._size(self._p[runs])))
        stuck = ~self._changed[runs] | (self._stretch[runs, self._p[runs]] > patience)
        force = (self._phase[runs] == MIX) & stuck
        again = runs[force]
        if len(again):
            self._sets[again] = gather(self._sets[again], self.random.of(again, (self._count_of_sets,)).argsort(axis=1))
            self._donors[again] = self._elite(again, self._count_of_sets)[0]
            self._phase[again], self._k[again], self._changed[again] = FORCE, 0, False
        done = runs[~force]
        hopeless = done[(self._phase[done] == FORCE) & ~self._changed[done]]
        if len(hopeless):
            X, F = self._elite(hopeless, 1)
            self._x[hopeless], self._f[hopeless] = X[:, 0], F[:, 0]
        place = self._start(self._p[done]) + self._i[done]
        self._next_X[done, place], self._next_F[done, place] = self._x[done], self._f[done]
        self._i[done] += 1
        last = self._i[done] == self._size(self._p[done])
        if not last.all():
            self._begin_member(done[~last])
        if last.any():
            self._end_of_generation(done[last])

    def _end_of_generation(self, runs: Runs) -> None:
        p = self._p[runs]
        self._count[runs, p] += 1
        self._stretch[runs, p] = np.where(self._improved[runs], 0, self._stretch[runs, p] + 1)
        chosen = np.empty_like(p)
        for i, (run, own) in enumerate(zip(runs.tolist(), p.tolist(), strict=True)):
            places = self._places(own)
            self._X[run, places], self._F[run, places] = self._next_X[run, places], self._next_F[run, places]
            converged = (self._X[run, places] == self._X[run, places.start]).all()
            self._alive[run, : own + 1 if converged else self._outgrown(run, own)] = False
            chosen[i] = self._next_population(run, own)
        while chosen.max() >= self._alive.shape[1]:
            self._grow()
        self._p[runs] = chosen
        new = chosen >= self._filled[runs]
        fresh = runs[new]
        self._filled[fresh] += 1
        self._alive[fresh, chosen[new]] = True
        self._phase[fresh], self._i[fresh] = FILL, 0
        if not new.all():
            self._begin_generation(runs[~new])

    def _next_population(self, run: int, own: int) -> int:
        """The population whose turn it is: the next larger one after every `EACH` generations, else the smallest alive."""
        if self._alive[run, own] and self._count[run, own] % EACH == 0:
            return own + 1
        alive = np.flatnonzero(self._alive[run])
        return int(alive[0]) if len(alive) else int(self._filled[run])
