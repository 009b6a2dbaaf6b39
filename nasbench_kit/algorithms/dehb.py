"""DEHB: Hyperband whose genotypes come from differential evolution, with a subpopulation for each epoch budget."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators.differential import genes_of, mutant_vectors, trial_vectors, vectors_of
from nasbench_kit.algorithms.operators.mutation import ATTEMPTS
from nasbench_kit.algorithms.operators.selection import gather
from nasbench_kit.algorithms.run_state import RunState, array
from nasbench_kit.algorithms.successive_halving import rungs, steps
from nasbench_kit.kernels.compiling import enabled
from nasbench_kit.kernels.differential import TRIPLE, compete, evolve, requests
from nasbench_kit.kernels.sorting import lowest
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["DEHB"]


class _Members(RunState):
    """The members of all subpopulations, one after the other."""

    V = array("runs members genes", np.float64)  # vectors in [0, 1]
    F = array("runs members", np.float64, np.inf)


@dataclass
class _Subpopulation:
    """The members of one epoch budget.

    Attributes
    ----------
    everyone : _Members
        The members of all budgets.
    first : int
        The place of its first member among all.
    evaluated : ndarray of bool, shape (members,)
        Which members have values; runs are synchronised.
    turn : int
        The member that the next trial competes with.
    """

    everyone: _Members
    first: int
    evaluated: NDArray[np.bool_]
    turn: int = 0

    @property
    def vectors(self) -> NDArray[np.float64]:
        """Vectors: (runs, members, genes)."""
        vectors: NDArray[np.float64] = self.everyone.V[:, self.first : self.first + len(self.evaluated)]
        return vectors

    @property
    def values(self) -> NDArray[np.float64]:
        """Values: (runs, members)."""
        values: NDArray[np.float64] = self.everyone.F[:, self.first : self.first + len(self.evaluated)]
        return values


@dataclass(kw_only=True)
class DEHB(Algorithm):
    """DEHB: differential evolution in Hyperband's brackets, with a subpopulation for each epoch budget.

    Members are vectors in [0, 1]. A component stands for a gene value: the number of the interval that holds it, of as
    many equal ones as the gene has values. In the first cycle through the brackets, the first rung evaluates random
    vectors, and the best of a rung are promoted to the next. From then on, no genotype is promoted: a member of a
    rung's subpopulation competes with a trial vector, made by rand/1/bin from the best of the subpopulation one rung
    below. Source: Awad, Mallik and Hutter 2021 (IJCAI,
    arXiv 2105.09821), and the authors' package dehb 0.1.2 for what the paper leaves open. The problem must offer
    several epoch budgets, to which rungs are matched as in `Hyperband`.

    Parameters
    ----------
    eta : float
        Ratio of the numbers of genotypes, and of the epochs, of successive rungs.
    mutation_factor : float
        Weight of the difference of two vectors that is added to a third (F in the paper).
    crossover_probability : float
        Probability that a trial vector takes a component from the mutant rather than from its competitor.
    """

    needs_budgets = True

    eta: float = 3.0
    mutation_factor: float = 0.5
    crossover_probability: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("eta", 1, without_least=True)
        self._require("mutation_factor", 0, 2, without_least=True)
        self._require("crossover_probability", 0, 1)

    @property
    def first_population_size(self) -> int:
        return self._brackets[0][0][0]

    @property
    def epochs(self) -> int | None:
        return self._bracket[self._rung][1]

    @property
    def _brackets(self) -> list[list[tuple[int, int]]]:
        """Brackets to cycle through, each a list of rungs (genotypes, epochs), as the authors' package counts them."""
        most = steps(self.budgets, self.eta)
        numbers = [math.floor((most + 1) // (s + 1) * self.eta**s + 1e-9) for s in range(most + 1)]
        return [rungs(numbers[s], s, self.budgets, self.eta) for s in range(most, -1, -1)]

    def _begin(self) -> None:
        self._cycle = brackets = self._brackets
        self._turn = 0  # completed brackets
        self._rung = self._place = 0  # current rung, and evaluated genotypes of it
        self._bracket = brackets[0]
        sizes: dict[int, int] = {}
        for count, epochs in (rung for bracket in brackets for rung in bracket):
            sizes[epochs] = max(count, sizes.get(epochs, 0))
        self._members: dict[int, _Subpopulation] = {}
        self._everyone = _Members(runs=self.runs, members=sum(sizes.values()), genes=self.space.genes)
        self._order: NDArray[np.intp] | None = None  # members of each subpopulation from best to worst, for loops
        for epochs, size in sorted(sizes.items()):
            first = sum(len(members.evaluated) for members in self._members.values())
            members = _Subpopulation(self._everyone, first, np.zeros(size, dtype=np.bool_))
            given = epochs == self._bracket[0][1]
            X = self._initial_sample(size) if given else self.random.sample(self.space, size)
            members.vectors[:] = vectors_of(X, self.space, self.random)
            self._members[epochs] = members
        self._cardinalities = np.array(self.space.cardinalities, dtype=np.int64)
        self._pool_of = (-1, 0, 0)  # turn, rung and place to which the pool of parents belongs
        self._promoted = self._trial = self._pool = np.empty((self.runs, 0, self.space.genes))

    def _ask(self) -> Genotypes:
        members = self._members[self._bracket[self._rung][1]]
        if self._rung and self._turn < len(self._cycle):
            self._trial = self._promotion()
        elif not members.evaluated[members.turn]:
            self._trial = members.vectors[:, members.turn].copy()
        elif enabled() and (validity := self.space.validity) is not None and self._everyone.V.shape[1] >= TRIPLE:
            return self._evolved_in_a_loop(members, validity)
        else:
            self._trial = self._evolved(members)
        return genes_of(self._trial, self.space)[:, np.newaxis]

    def _promotion(self) -> NDArray[np.float64]:
        """The next vector that is promoted from the rung below: (runs, genes)."""
        (_, below), (count, epochs) = self._bracket[self._rung - 1 : self._rung + 1]
        if not self._place:
            lower, upper = self._members[below], self._members[epochs]
            V, F = lower.vectors[:, lower.evaluated], lower.values[:, lower.evaluated]
            held = (V[:, :, np.newaxis] == upper.vectors[:, np.newaxis]).all(axis=3).any(axis=2)
            order = np.lexsort((F, held), axis=1)[:, :count]
            # what the rung holds already is not promoted again, unless nothing else is left: then the best one is
            best = F.argmin(axis=1)[:, np.newaxis]
            self._promoted = gather(V, np.where(np.take_along_axis(held, order, axis=1), best, order))
        return self._promoted[:, self._place]

    def _evolved(self, members: _Subpopulation) -> NDArray[np.float64]:
        """A trial vector for the current member, from the best of the rung below: (runs, genes)."""
        count = self._bracket[self._rung][0]
        attempts = 1 if self.space.unconstrained else ATTEMPTS
        # on a rung, the one below does not change
        if self._pool_of != (at := (self._turn, self._rung, 0 if self._rung else self._place)):
            lower = self._members[self._bracket[max(self._rung - 1, 0)][1]]
            size, total = len(lower.evaluated), self._everyone.V.shape[1]
            best = lowest(lower.values, min(count, size)) + lower.first
            best += (np.arange(self.runs) * (total - size))[:, np.newaxis]  # from the flat places in F to those in V
            self._pool_of, self._pool = at, self._everyone.V.reshape(-1, self.space.genes).take(best, axis=0)
        pool = self._pool
        if pool.shape[1] < TRIPLE:
            everyone = self._everyone.V
            if everyone.shape[1] < TRIPLE:  # if eta leaves a single budget
                everyone = np.concatenate([everyone, self.random.random((TRIPLE, self.space.genes))], axis=1)
            filled = self._mutants(everyone, TRIPLE + 1 - pool.shape[1])
            pool = np.concatenate([pool, filled], axis=1)
        target = members.vectors[:, members.turn]
        probability = float(self.crossover_probability)
        trials = trial_vectors(target, self._mutants(pool, attempts), probability, self.random)
        if attempts == 1:
            return trials[:, 0]
        flat = genes_of(trials, self.space).reshape(-1, self.space.genes)
        valid = self.space.is_valid(flat).reshape(trials.shape[:2])
        first = gather(trials, valid.argmax(axis=1)[:, np.newaxis])[:, 0]
        return np.where(valid.any(axis=1, keepdims=True), first, target)

    def _evolved_in_a_loop(
        self, members: _Subpopulation, validity: tuple[NDArray[np.int64], NDArray[np.bool_]]
    ) -> Genotypes:
        """Compiled version of `_evolved`, whose vectors become the current trials; returns their genotypes."""
        lower = self._members[self._bracket[max(self._rung - 1, 0)][1]]
        count = min(self._bracket[self._rung][0], len(lower.evaluated))
        attempts = 1 if self.space.unconstrained else ATTEMPTS
        if self._order is None:
            parts = [each.values.argsort(axis=1, kind="stable") for each in self._members.values()]
            self._order = np.concatenate(parts, axis=1)
        self._trial = np.empty((self.runs, self.space.genes))
        X = np.empty((self.runs, 1, self.space.genes), dtype=np.uint8)
        evolve(
            self._everyone.V,
            self._order,
            lower.first,
            count,
            members.first + members.turn,
            self.random.requests(requests(count, attempts, self.space.genes)),
            attempts,
            float(self.mutation_factor),
            float(self.crossover_probability),
            self._cardinalities,
            *validity,
            self._trial,
            X,
        )
        return X

    def _mutants(self, pool: NDArray[np.float64], n: int) -> NDArray[np.float64]:
        """Mutants by rand/1: (runs, n, genes)."""
        return mutant_vectors(pool, n, float(self.mutation_factor), self.random)

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        count, epochs = self._bracket[self._rung]
        members, values = self._members[epochs], F[:, 0, 0]
        if enabled() and self._order is not None:
            compete(
                self._everyone.V,
                self._everyone.F,
                self._order,
                members.first,
                members.turn,
                self._trial,
                np.ascontiguousarray(F),
            )
        else:
            won = np.flatnonzero(values <= members.values[:, members.turn])
            members.vectors[won, members.turn], members.values[won, members.turn] = self._trial[won], values[won]
            self._order = None
        members.evaluated[members.turn] = True
        members.turn = (members.turn + 1) % len(members.evaluated)
        self._place += 1
        if self._place < count:
            return
        self._place, self._rung = 0, self._rung + 1
        if self._rung == len(self._bracket):
            self._turn, self._rung = self._turn + 1, 0
            self._bracket = self._cycle[self._turn % len(self._cycle)]

    @property
    def population(self) -> tuple[Genotypes, NDArray[np.float64]] | None:
        members = self._members[self.budgets[-1]]
        return genes_of(members.vectors, self.space), members.values[..., np.newaxis]
