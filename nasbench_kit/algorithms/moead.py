"""MOEA/D: a multi-objective problem as many single-objective ones, each helped by its neighbours."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators.operators import gather, keep_valid, reset_genes, two_point_crossover
from nasbench_kit.errors import UnknownName
from nasbench_kit.kernels.hashing import mix
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["MOEAD", "weight_vectors"]

UNKNOWN = 1e300  # stands for an objective that is not known


@dataclass(kw_only=True)
class MOEAD(Algorithm):
    """One member for each of a set of weight vectors; a child replaces members of its neighbourhood that it is no worse for.

    Source: Zhang and Li 2007 (IEEE TEC 11(6)), with mating outside the neighbourhood now and then and a limit to what a
    child replaces as in Li and Zhang 2009 (IEEE TEC 13(2)), and the variation of the MacroNAS paper (arXiv 2004.08996).
    Objectives are scaled by the best values that the run has seen and the worst of its population.

    Parameters
    ----------
    population_size : int
        The number of weight vectors. For three objectives and more, the largest simplex lattice of at most so many.
    neighbours : int
        The members nearest by weight, with which one mates and which its child may replace.
    decomposition : {"tchebycheff", "weighted_sum"}
    neighbour_mating : float
        The probability that parents come from the neighbourhood, and not from everywhere.
    mutation_probability : float, optional
        Of each gene; 1 / genes unless given.
    max_replacements : int, optional
        How many members a child replaces at most, drawn from those that it is no worse for: n_r = 2 of Li and Zhang 2009. None
        for all of them, as in Zhang and Li 2007.
    """

    many_objectives = True
    single_objective = False

    population_size: int = 100
    neighbours: int = 20
    decomposition: Literal["tchebycheff", "weighted_sum"] = "tchebycheff"
    neighbour_mating: float = 0.9
    mutation_probability: float | None = None
    max_replacements: int | None = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("population_size", 2)
        self._require("neighbours", 2, "population_size")
        self._require("neighbour_mating", 0, 1)
        self._require("mutation_probability", 0, 1)
        self._require("max_replacements", 1)
        if self.decomposition not in ("tchebycheff", "weighted_sum"):
            raise UnknownName("decomposition of MOEAD", self.decomposition, ["tchebycheff", "weighted_sum"])

    def _begin(self) -> None:
        self._weights = weight_vectors(self.population_size, self.objectives)
        if self.neighbours > len(self._weights):
            raise ValueError(
                f"{self.name}: neighbours is at most {len(self._weights)}, the weight vectors of {self.objectives} objectives "
                f"with population_size={self.population_size}, not {self.neighbours}"
            )
        distance = ((self._weights[:, np.newaxis] - self._weights) ** 2).sum(axis=2)
        near = distance.argsort(axis=1, kind="stable")[:, : self.neighbours]
        self._near = near
        self._is_near = np.zeros(distance.shape, dtype=np.bool_)
        np.put_along_axis(self._is_near, near, True, axis=1)
        self._X: Genotypes | None = None
        # objectives first: a minimum over them is then a vector operation over all members of all runs
        self._F: NDArray[np.float64] = np.empty((self.objectives, self.runs, 0))
        self._turn = 0  # the subproblem whose child is next

    def _ask(self) -> Genotypes:
        n = len(self._weights)
        if self._X is None:
            return self._initial_sample(n)
        draws = self.random.random((3,))
        near = self._near[self._turn]
        self._from_near = draws[:, 0] < self.neighbour_mating
        inside = near[(draws[:, 1:] * len(near)).astype(np.intp)]
        parents = np.where(self._from_near[:, np.newaxis], inside, (draws[:, 1:] * n).astype(np.intp))
        self._word = self.random.bits((1,))[:, 0]
        mates = gather(self._X, parents)
        child, _ = two_point_crossover(mates[:, :1], mates[:, 1:], self.random)
        child = reset_genes(child, self.space, self.random, self.mutation_probability)
        return keep_valid(child, mates[:, :1], self.space)

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        # an objective that is not known is large, not infinite: differences of infinities are no numbers
        F = np.minimum(np.ascontiguousarray(np.moveaxis(F, 2, 0)), UNKNOWN)
        if self._X is None:
            self._X, self._F = X.copy(), F
            self._ideal = F.min(axis=2, keepdims=True)
            return
        self._ideal = np.minimum(self._ideal, F)
        worst = np.where(self._F < UNKNOWN, self._F, -UNKNOWN).max(axis=2, keepdims=True)
        scale = 1 / np.where(worst > self._ideal, worst - self._ideal, 1.0)
        new, old = self._scalarised(F, scale), self._scalarised(self._F, scale)
        pool = self._is_near[self._turn] | ~self._from_near[:, np.newaxis]
        run, member = self._replaced(pool & (new <= old))
        self._X[run, member], self._F[:, run, member] = X[run, 0], F[:, run, 0]
        self._turn = (self._turn + 1) % len(self._weights)

    def _replaced(self, no_worse: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The members (runs, n) that a child replaces, as runs and numbers: all that it is no worse for, or so many of them."""
        run, member = np.nonzero(no_worse)
        if self.max_replacements is None:
            return run, member
        # run, random number and member side by side in one number, whose sort is fast; the random number is one word of the
        # run, mixed with the number of the member
        member_bits, bits = no_worse.shape[1].bit_length(), 63 - no_worse.shape[0].bit_length()
        word = mix(self._word.astype(np.uint64)[run] + (member.astype(np.uint64) << np.uint64(32)))
        key = (
            (run << bits) | ((word >> np.uint64(1 + 63 - bits)).astype(np.int64) >> member_bits << member_bits) | member
        )
        key.sort()
        run, member = key >> bits, key & (2**member_bits - 1)
        kept = np.ones(len(run), dtype=np.bool_)  # the first ones of each run
        kept[self.max_replacements :] = run[self.max_replacements :] != run[: -self.max_replacements]
        return run[kept], member[kept]

    def _scalarised(self, F: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
        """The value of each member, or of one child, for each weight vector: (runs, n)."""
        value = np.zeros(1)
        for weight, values, ideal, unit in zip(self._weights.T, F, self._ideal, scale, strict=True):
            part = (values - ideal) * unit * weight
            value = np.maximum(value, part) if self.decomposition == "tchebycheff" else value + part
        return value

    @property
    def population(self) -> tuple[Genotypes, NDArray[np.float64]] | None:
        if self._X is None:
            return None
        F = np.moveaxis(self._F, 0, 2)
        return self._X, np.where(F < UNKNOWN, F, np.inf)


def weight_vectors(n: int, objectives: int) -> NDArray[np.float64]:
    """Evenly spread weights that add up to one: (n or fewer, objectives).

    The simplex lattice of Das and Dennis 1998; a weight of 0 is lifted to 1e-6, so that no objective is forgotten.

    Examples
    --------
    >>> weight_vectors(3, 2)
    array([[1.e-06, 1.e+00],
           [5.e-01, 5.e-01],
           [1.e+00, 1.e-06]])
    """
    steps = 1
    while math.comb(steps + objectives, objectives - 1) <= n:
        steps += 1
    cuts = np.array(list(itertools.combinations(range(steps + objectives - 1), objectives - 1)))
    ends = np.full((len(cuts), 1), steps + objectives - 1)
    parts = np.diff(np.concatenate([np.full((len(cuts), 1), -1), cuts, ends], axis=1), axis=1) - 1
    return np.maximum(parts / steps, 1e-6)
