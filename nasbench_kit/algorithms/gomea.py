"""GOMEA: exchange of learned sets of genes, kept only where it does no harm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.linkage import linkage_tree, mutual_information
from nasbench_kit.spaces.space import Genotypes

__all__ = ["GOMEA"]

FILL, MIX, FORCE = range(3)  # what a run does next: fill a population, mix a member, force it to improve
EACH = 4  # generations of a population before the next larger one has one


@dataclass(kw_only=True)
class GOMEA(Algorithm):
    """Gene-pool optimal mixing along a linkage tree, with populations of growing size that take turns.

    Each generation learns from its population which genes belong together (mutual information, UPGMA). For each member, for
    each of these sets in random order, the genes of a random donor are tried, and kept where the result is not worse. A
    member that did not change, or after 1 + log10(n) generations without a better incumbent, is mixed with the incumbent until it
    improves, or becomes it. Source: Bosman and Thierens 2012, Linkage neighbors, optimal mixing and forced improvements in
    genetic algorithms (GECCO); populations as in Harik and Lobo 1999, A parameter-less genetic algorithm.

    Every trial is one evaluation; trials that would change nothing, or make no valid genotype, are skipped.

    Parameters
    ----------
    first_population : int
        The size of the first population; each further one is twice as large.
    """

    first_population: int = 8

    def __post_init__(self) -> None:
        if self.first_population < 2:
            raise ValueError("first_population is at least 2")

    def _begin(self) -> None:
        runs, genes = self.runs, self.space.genes
        self._letters = max(self.space.cardinalities)
        self._X = np.zeros((runs, 0, genes), dtype=np.uint8)  # all populations, one after the other
        self._F = np.empty((runs, 0))
        self._next_X, self._next_F = self._X.copy(), self._F.copy()  # of the generation that is being made
        self._filled = np.zeros(runs, dtype=np.intp)  # populations that a run has
        self._alive = np.zeros((runs, 0), dtype=np.bool_)
        self._count = np.zeros((runs, 0), dtype=np.int64)  # generations of each population
        self._stretch = np.zeros((runs, 0), dtype=np.int64)  # of them since the incumbent has become better
        self._grow()
        self._filled[:], self._alive[:] = 1, True
        self._phase = np.full(runs, FILL)
        self._p = np.zeros(runs, dtype=np.intp)  # the population that is at work
        self._i = np.zeros(runs, dtype=np.intp)  # its member
        self._k = np.zeros(runs, dtype=np.intp)  # the set that is tried next
        sets = max(2 * genes - 2, 1)
        self._sets = np.zeros((runs, sets, genes), dtype=np.bool_)
        self._order = np.zeros((runs, sets), dtype=np.intp)
        self._donors = np.zeros((runs, sets), dtype=np.intp)
        self._x, self._f = np.zeros((runs, genes), dtype=np.uint8), np.full(runs, np.inf)  # the member
        self._changed = np.zeros(runs, dtype=np.bool_)
        self._best_x, self._best_f = np.zeros((runs, genes), dtype=np.uint8), np.full(runs, np.inf)
        self._improved = np.zeros(runs, dtype=np.bool_)  # whether this generation has found a better incumbent

    def _size(self, p: NDArray[np.intp]) -> NDArray[np.intp]:
        return self.first_population << p

    def _start(self, p: NDArray[np.intp]) -> NDArray[np.intp]:
        """Where a population begins."""
        return self.first_population * ((1 << p) - 1)

    def _grow(self) -> None:
        """Make room for one more population."""
        populations = self._alive.shape[1] + 1
        places = self.first_population * (2**populations - 1)

        def wider(table: NDArray[np.generic], width: int, fill: float = 0) -> NDArray[np.generic]:
            larger = np.full((self.runs, width, *table.shape[2:]), fill, dtype=table.dtype)
            larger[:, : table.shape[1]] = table
            return larger

        self._X, self._next_X = wider(self._X, places), wider(self._next_X, places)  # type: ignore[assignment]
        self._F, self._next_F = wider(self._F, places, np.inf), wider(self._next_F, places, np.inf)  # type: ignore[assignment]
        self._alive = wider(self._alive, populations)  # type: ignore[assignment]
        self._count, self._stretch = wider(self._count, populations), wider(self._stretch, populations)  # type: ignore[assignment]

    # ---------------------------------------------------------------- ask and tell

    def _ask(self) -> Genotypes:
        trial = np.zeros((self.runs, self.space.genes), dtype=np.uint8)
        waiting = np.arange(self.runs)
        while len(waiting):
            filling = waiting[self._phase[waiting] == FILL]
            if len(filling):
                trial[filling] = self._random(filling)
            mixing = waiting[self._phase[waiting] != FILL]
            ended = self._k[mixing] == self._sets.shape[1]
            over, mixing = mixing[ended], mixing[~ended]
            useful = np.zeros(0, dtype=np.bool_)
            if len(mixing):
                trial[mixing], useful = self._mixed(mixing)
                self._k[mixing] += 1
            if len(over):
                self._end_of_member(over)
            waiting = np.concatenate([mixing[~useful], over])
        return trial[:, np.newaxis]

    def _random(self, runs: NDArray[np.intp]) -> Genotypes:
        draws = self.random.of(runs, (self.space.genes,))
        X: Genotypes = (draws * np.array(self.space.cardinalities)).astype(np.uint8)
        if not self.space.unconstrained:
            for i in np.flatnonzero(~self.space.is_valid(X)):
                X[i] = self.space.sample(1, int(draws[i, 0] * 2**53))[0]
        return X

    def _mixed(self, runs: NDArray[np.intp]) -> tuple[Genotypes, NDArray[np.bool_]]:
        """The next trial of some runs, and whether it is worth an evaluation."""
        chosen = self._sets[runs, self._order[runs, self._k[runs]]]
        donor = self._X[runs, self._start(self._p[runs]) + self._donors[runs, self._k[runs]]]
        forced = self._phase[runs] == FORCE
        donor[forced] = self._best_x[runs[forced]]
        trial = np.where(chosen, donor, self._x[runs])
        useful = (trial != self._x[runs]).any(axis=1)
        if not self.space.unconstrained and useful.any():
            useful[useful] = self.space.is_valid(trial[useful])
        return trial, useful

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        x, f = X[:, 0], F[:, 0, 0]
        better = f < self._best_f
        self._best_x[better], self._best_f[better] = x[better], f[better]
        self._improved |= better
        filling = np.flatnonzero(self._phase == FILL)
        kept = (self._phase == MIX) & (f <= self._f)
        forced = (self._phase == FORCE) & (f < self._f)
        accepted = kept | forced
        self._x[accepted], self._f[accepted] = x[accepted], f[accepted]
        self._changed |= accepted
        self._k[forced] = self._sets.shape[1]  # it has improved: that is enough
        if len(filling):
            place = self._start(self._p[filling]) + self._i[filling]
            self._X[filling, place], self._F[filling, place] = x[filling], f[filling]
            self._i[filling] += 1
            full = filling[self._i[filling] == self._size(self._p[filling])]
            if len(full):
                self._begin_generation(full)

    # ---------------------------------------------------------------- members and generations

    def _begin_generation(self, runs: NDArray[np.intp]) -> None:
        for p in np.unique(self._p[runs]).tolist():  # populations of the same size together
            which = runs[self._p[runs] == p]
            start, end = self.first_population * (2**p - 1), self.first_population * (2 ** (p + 1) - 1)
            information = mutual_information(self._X[which, start:end], self._letters)
            self._sets[which] = linkage_tree(information, self.random.of(which, (self.space.genes,)))
        self._i[runs] = 0
        self._improved[runs] = False
        self._begin_member(runs)

    def _begin_member(self, runs: NDArray[np.intp]) -> None:
        sets = self._sets.shape[1]
        draws = self.random.of(runs, (2, sets))
        self._order[runs] = draws[:, 0].argsort(axis=1)
        self._donors[runs] = (draws[:, 1] * self._size(self._p[runs])[:, np.newaxis]).astype(np.intp)
        place = self._start(self._p[runs]) + self._i[runs]
        self._x[runs], self._f[runs] = self._X[runs, place], self._F[runs, place]
        self._phase[runs], self._k[runs], self._changed[runs] = MIX, 0, False

    def _end_of_member(self, runs: NDArray[np.intp]) -> None:
        patience = 1 + np.floor(np.log10(self._size(self._p[runs])))
        stuck = ~self._changed[runs] | (self._stretch[runs, self._p[runs]] > patience)
        force = (self._phase[runs] == MIX) & stuck
        again = runs[force]
        if len(again):
            self._order[again] = self.random.of(again, (self._sets.shape[1],)).argsort(axis=1)
            self._phase[again], self._k[again], self._changed[again] = FORCE, 0, False
        done = runs[~force]
        hopeless = done[(self._phase[done] == FORCE) & ~self._changed[done]]
        self._x[hopeless], self._f[hopeless] = self._best_x[hopeless], self._best_f[hopeless]
        place = self._start(self._p[done]) + self._i[done]
        self._next_X[done, place], self._next_F[done, place] = self._x[done], self._f[done]
        self._i[done] += 1
        last = self._i[done] == self._size(self._p[done])
        if len(done[~last]):
            self._begin_member(done[~last])
        if last.any():
            self._end_of_generation(done[last])

    def _end_of_generation(self, runs: NDArray[np.intp]) -> None:
        p = self._p[runs]
        self._count[runs, p] += 1
        self._stretch[runs, p] = np.where(self._improved[runs], 0, self._stretch[runs, p] + 1)
        begin: list[int] = []
        for run, own in zip(runs.tolist(), p.tolist(), strict=True):
            places = slice(self.first_population * (2**own - 1), self.first_population * (2 ** (own + 1) - 1))
            self._X[run, places], self._F[run, places] = self._next_X[run, places], self._next_F[run, places]
            if (self._X[run, places] == self._X[run, places.start]).all():
                self._alive[run, : own + 1] = False  # converged, and so is what is smaller
            begin.append(self._next_population(run, own))
        chosen = np.array(begin)
        while chosen.max() >= self._alive.shape[1]:
            self._grow()
        new = chosen >= self._filled[runs]
        self._p[runs] = chosen
        fresh = runs[new]
        self._filled[fresh] += 1
        self._alive[fresh, chosen[new]] = True
        self._phase[fresh], self._i[fresh] = FILL, 0
        if len(runs[~new]):
            self._begin_generation(runs[~new])

    def _next_population(self, run: int, own: int) -> int:
        """The population whose turn it is: the next larger one after every `EACH` generations, else the smallest alive."""
        if self._alive[run, own] and self._count[run, own] % EACH == 0:
            return own + 1
        alive = np.flatnonzero(self._alive[run])
        return int(alive[0]) if len(alive) else int(self._filled[run])

    @property
    def population(self) -> tuple[Genotypes, NDArray[np.float64]] | None:
        return None
