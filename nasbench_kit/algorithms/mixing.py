"""Gene-pool optimal mixing, shared by GOMEA and MO-GOMEA.

A run works on one of its populations at a time. For each member, it copies sets of genes from donors, one set after the
other, and keeps a change unless it makes the member worse. Runs are not synchronised, because members need different
numbers of evaluations. Each run therefore has its own state, and operations are vectorised over the runs in the same
phase. The compiled loops of `nasbench_kit.kernels.optimal_mixing` and `nasbench_kit.kernels.linkage` do the same run by
run.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.mixing_state import Archive, Clusters, Member, Populations, Turn
from nasbench_kit.algorithms.operators.linkage import share_logs
from nasbench_kit.algorithms.operators.selection import gather
from nasbench_kit.kernels.compiling import enabled
from nasbench_kit.kernels.mixing_acceptance import take
from nasbench_kit.kernels.mixing_rules import FILL, FORCE, MIX, Rules
from nasbench_kit.kernels.optimal_mixing import advance
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["OptimalMixing", "Runs"]

Runs = NDArray[np.intp]

FIRST_POINTS = 16  # room of an archive at first


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
        self._others = np.array(self.space.cardinalities, dtype=np.int64) - 1
        trials = max(2 * genes - 2, 1)
        self._trials = np.arange(trials)
        self._populations = Populations(runs=runs, places=0, populations=0, genes=genes, m=m)
        self._turn = Turn(runs=runs)
        self._member = Member(runs=runs, trials=trials, genes=genes, m=m)
        self._archive = Archive(runs=runs, points=FIRST_POINTS if m > 1 else 1, genes=genes, m=m)
        self._clusters = Clusters(runs=runs, clusters=1, sets=trials, genes=genes, members=1)
        self._row = np.arange(runs)
        self._samples = self.space.unconstrained and self.random.drawn_from is None
        self._rules = self._chosen_rules()
        self._settings = tuple(self._rules)  # as loops take them
        self._logs = np.zeros((0, 0))  # for each population, p log p of the shares of a pool
        self._fill(np.arange(runs), self._turn.population)

    # ---------------------------------------------------------------- defined by subclasses

    @abstractmethod
    def _chosen_rules(self) -> Rules:
        """Settings for the compiled loops."""

    @abstractmethod
    def _cluster_count(self, p: int) -> int:
        """Number of clusters of population ``p``."""

    @abstractmethod
    def _pool_size(self, p: int) -> int:
        """Number of members in each cluster of population ``p``."""

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

    # ---------------------------------------------------------------- populations

    def _places(self, p: int) -> slice:
        return slice(self.first_population * (2**p - 1), self.first_population * (2 ** (p + 1) - 1))

    def _fill(self, runs: Runs, p: NDArray[np.intp]) -> None:
        """Start a new population in a subset of runs."""
        turn, populations = self._turn, self._populations
        while p.max() >= populations.size("populations"):
            self._grow()
        for own in np.unique(p).tolist():
            which, places = runs[p == own], self._places(own)
            X = self.random.sample_of(which, self.space, places.stop - places.start)
            if own == 0:
                X[:, : self._initial.shape[1]] = self._initial[which]
            populations.X[which, places] = X
            turn.place[which], turn.end[which] = places.start, places.stop
        turn.population[runs], turn.member[runs] = p, 0
        populations.alive[runs, p] = True
        turn.filled[runs] += 1
        turn.phase[runs] = FILL

    def _grow(self) -> None:
        """Allocate space for one more population."""
        p = self._populations.size("populations")
        places = self._places(p)
        self._populations.grow(populations=p + 1, places=places.stop)
        n = places.stop - places.start
        self._clusters.grow(members=n, clusters=self._cluster_count(p))
        sizes = [self._pool_size(own) for own in range(p + 1)]
        self._logs = np.zeros((p + 1, max(sizes) + 1))
        for row, size in zip(self._logs, sizes, strict=True):
            row[: size + 1] = share_logs(size)
        self._arrays: tuple[Any, ...] | None = None

    # ---------------------------------------------------------------- ask and tell

    def _ask(self) -> Genotypes:
        if enabled():
            return self._advanced()
        turn, member = self._turn, self._member
        trial = np.empty((self.runs, self.space.genes), dtype=np.uint8)
        waiting = self._row
        while len(waiting):
            filling = turn.phase[waiting] == FILL
            if np.count_nonzero(filling):
                some = waiting[filling]
                full = turn.place[some] == turn.end[some]
                waiting = waiting[~filling]
                if np.count_nonzero(full):
                    begun, some = some[full], some[~full]
                    self._begin_generation(begun)
                    self._plan(begun)
                    waiting = np.concatenate([waiting, begun])
                trial[some] = self._populations.X[some, turn.place[some]]
            k = member.untried[waiting].argmax(axis=1)
            found = member.untried[waiting, k]
            runs, over, k = waiting[found], waiting[~found], k[found]
            trial[runs] = member.x[runs] ^ member.changes[runs, k]
            member.untried[runs, k] = False
            member.last[runs] = k
            turn.tried[runs] = True
            if len(over):
                self._end_of_member(over)
            waiting = over
            if not self.space.unconstrained:
                waiting = np.concatenate([over, runs[~self.space.is_valid(trial[runs])]])
        return trial[:, np.newaxis]

    def _advanced(self) -> Genotypes:
        """Compiled version of `_ask`."""
        trial = np.empty((self.runs, self.space.genes), dtype=np.uint8)
        waiting = self._row
        while True:
            full = advance(waiting, trial, self.random.states, self._settings, self._logs, *self._state())
            if len(full):
                self._fill(full, self._turn.population[full])
                trial[full] = self._populations.X[full, self._turn.place[full]]
            if self.space.unconstrained:
                break
            waiting = waiting[self._turn.phase[waiting] != FILL]
            waiting = waiting[~self.space.is_valid(trial[waiting])]
            if not len(waiting):
                break
        return trial[:, np.newaxis]

    def _state(self) -> Any:
        """All arrays, for the compiled loops."""
        if self._arrays is None:
            states = (self._populations, self._turn, self._member, self._clusters, self._archive)
            self._arrays = tuple(state.arrays() for state in states)
        return self._arrays

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        turn, member = self._turn, self._member
        x, f = X[:, 0], F[:, 0]
        if enabled():
            self._taken(x, f)
            return
        better = self._note(x, f)
        turn.improved |= better
        accepted = (turn.phase == MIX) & self._not_worse(f, better)
        forced = turn.phase == FORCE
        if np.count_nonzero(forced):
            forced &= self._improves(f, better)
            accepted |= forced
        runs = np.flatnonzero(accepted)
        if len(runs):
            member.x[runs], member.f[runs] = x[runs], f[runs]
            member.changed[runs] = True
            self._compare(runs, member.last[runs])
            if np.count_nonzero(forced):  # stop after the first improvement
                member.untried[forced] = False
                member.last[forced] = len(self._trials)
        filling = np.flatnonzero(turn.phase == FILL)
        if len(filling):
            self._populations.F[filling, turn.place[filling]] = f[filling]
            turn.place[filling] += 1

    def _taken(self, x: Genotypes, f: NDArray[np.float64]) -> None:
        """Compiled version of `_tell`."""
        populations, turn, member, clusters, archive = self._state()
        most = take(x, f, self._rules.archived, turn[0], populations[1], member, clusters[0], archive)
        if self.objectives > 1 and most >= self._archive.F.shape[2]:
            self._archive.grow(points=2 * most)
            self._arrays = None

    def _compare(self, runs: Runs, k: NDArray[np.intp] | int) -> None:
        """Update which trials after the ``k``-th would change the current member, and what they would change."""
        member = self._member
        changes = member.donors[runs]
        changes ^= member.x[runs, np.newaxis]
        changes &= member.masks[runs]
        member.changes[runs] = changes
        member.untried[runs] = changes.any(axis=2) & (self._trials > np.asarray(k)[..., np.newaxis])

    # ---------------------------------------------------------------- members and generations

    def _begin_generation(self, runs: Runs) -> None:
        turn = self._turn
        p = turn.population[runs]
        for own in np.unique(p).tolist():  # vectorise over populations of the same size
            which, places = runs[p == own], self._places(own)
            self._learn(which, own)
            turn.place[which], turn.end[which] = places.start, places.stop
            patience = 1 + int(np.log10(places.stop - places.start))
            turn.impatient[which] = self._populations.stretch[which, own] > patience
        turn.member[runs] = 0
        turn.improved[runs] = turn.tried[runs] = False
        turn.phase[runs] = MIX

    def _plan(self, runs: Runs) -> None:
        """Plan the trials of the current member: sets in random order, each with a (mutated) donor."""
        turn, member, populations = self._turn, self._member, self._populations
        masks = member.masks[runs]
        count, genes = masks.shape[1:]
        mutates = self._rules.mutates
        draws = self.random.of(runs, (3 + (genes if mutates else 0), count))
        member.spare[runs] = draws[:, 2, 0]
        donors = np.empty((len(runs), count, genes), dtype=np.uint8)
        mixed = turn.phase[runs] == MIX
        some = runs[mixed]
        if len(some):
            place = turn.place[some]
            member.x[some], member.f[some] = populations.X[some, place], populations.F[some, place]
            masks[mixed], places = self._pool(some, draws[mixed, 1])
            donors[mixed] = populations.X[some[:, np.newaxis], (place - turn.member[some])[:, np.newaxis] + places]
        if len(some) < len(runs):
            donors[~mixed] = self._elite(runs[~mixed], draws[~mixed, 1])[0]
        masks = gather(masks, draws[:, 0].argsort(axis=1))
        if mutates:
            self._mutate(donors, masks, draws[:, 3:])
        member.masks[runs], member.donors[runs] = masks, donors
        member.changed[runs], member.last[runs] = False, -1
        self._compare(runs, -1)

    def _mutate(self, donors: Genotypes, masks: Genotypes, draws: NDArray[np.float64]) -> None:
        """Mutate genes of donors in place, using random numbers (runs, genes, sets)."""
        rate: float | NDArray[np.float64] = self._rules.rate
        if rate == 0:
            rate = (1 / np.maximum(np.count_nonzero(masks, axis=2), 1))[:, np.newaxis]
        run, gene, k = np.nonzero(draws < rate)
        if not isinstance(rate, float):
            rate = rate[run, 0, k]
        others = self._others[gene]
        step = 1 + (draws[run, gene, k] / rate * others).astype(np.intp)
        donors[run, k, gene] = (donors[run, k, gene] + np.minimum(step, others)) % (others + 1)

    def _end_of_member(self, runs: Runs) -> None:
        turn, member, populations = self._turn, self._member, self._populations
        forced, changed = turn.phase[runs] == FORCE, member.changed[runs]
        force = ~forced & (~changed | turn.impatient[runs])
        turn.phase[runs] = np.where(force, FORCE, MIX)
        hopeless = runs[forced & ~changed]
        if len(hopeless):
            X, F = self._elite(hopeless, member.spare[hopeless, np.newaxis])
            member.x[hopeless], member.f[hopeless] = X[:, 0], F[:, 0]
        done = runs[~force]
        place = turn.place[done]
        populations.next_X[done, place], populations.next_F[done, place] = member.x[done], member.f[done]
        turn.place[done] = place + 1
        turn.member[done] += 1
        last = done[turn.place[done] == turn.end[done]]
        if len(last):
            self._end_of_generation(last)
            runs = runs[turn.phase[runs] != FILL]
        self._plan(runs)

    def _end_of_generation(self, runs: Runs) -> None:
        turn, populations = self._turn, self._populations
        p = turn.population[runs]
        populations.generations[runs, p] += 1
        populations.stretch[runs, p] = np.where(turn.improved[runs], 0, populations.stretch[runs, p] + 1)
        chosen = np.empty_like(p)
        for i, (run, own) in enumerate(zip(runs.tolist(), p.tolist(), strict=True)):
            places = self._places(own)
            populations.X[run, places] = populations.next_X[run, places]
            populations.F[run, places] = populations.next_F[run, places]
            for given_up in self._given_up(run, own):
                populations.alive[run, given_up] = False
            chosen[i] = self._next_population(run, own)
        new = chosen >= turn.filled[runs]
        turn.population[runs] = chosen
        if new.any():
            self._fill(runs[new], chosen[new])
        if not new.all():
            self._begin_generation(runs[~new])

    def _next_population(self, run: int, own: int) -> int:
        """Choose the next population: the next larger one after ``turns`` generations, else the smallest still alive.

        If a generation had nothing to try, the next larger population follows at once.
        """
        populations, turn = self._populations, self._turn
        if populations.alive[run, own] and (populations.generations[run, own] % self.turns == 0 or not turn.tried[run]):
            return own + 1
        alive = np.flatnonzero(populations.alive[run])
        return int(alive[0]) if len(alive) else int(turn.filled[run])
