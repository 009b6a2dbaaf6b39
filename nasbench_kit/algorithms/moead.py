"""MOEA/D: decomposition of a multi-objective problem into neighbouring single-objective subproblems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators.crossover import two_point_crossover
from nasbench_kit.algorithms.operators.mutation import reset_genes
from nasbench_kit.algorithms.operators.selection import gather, keep_valid
from nasbench_kit.algorithms.simplex_lattice import most_divisions, simplex_lattice
from nasbench_kit.errors import UnknownName
from nasbench_kit.kernels.hashing import mix
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["MOEAD", "weight_vectors"]

UNKNOWN = 1e300  # finite stand-in for failed evaluations


@dataclass(kw_only=True)
class MOEAD(Algorithm):
    """MOEA/D: one member per weight vector; children replace neighbouring members that they are no worse than.

    Source: Zhang and Li 2007 (IEEE TEC 11(6)), with occasional mating outside the neighbourhood and a limited number of
    replacements as in Li and Zhang 2009 (IEEE TEC 13(2)), and the variation operators of the MacroNAS paper (arXiv
    2004.08996). Objectives are scaled by the best values seen by the run and the worst values of its population.

    Parameters
    ----------
    population_size : int
        Number of weight vectors. With three or more objectives, the largest simplex lattice of at most this size is
        used.
    neighbours : int
        Size of the neighbourhood (nearest weight vectors) from which parents are drawn and in which children replace
        members.
    decomposition : {"tchebycheff", "weighted_sum"}
        Scalarising function.
    neighbour_mating : float
        Probability that parents and replaced members come from the neighbourhood rather than the whole population.
    mutation_probability : float, optional
        Mutation probability of each gene; default: 1 / genes.
    max_replacements : int, optional
        Maximum number of members that a child replaces, drawn at random; the default is n_r = 2 of Li and Zhang 2009.
        None for no limit, as in Zhang and Li 2007.
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
                f"{self.name}: neighbours must be at most {len(self._weights)}, the number of weight vectors for "
                f"{self.objectives} objectives and population_size={self.population_size}, not {self.neighbours}"
            )
        distance = ((self._weights[:, np.newaxis] - self._weights) ** 2).sum(axis=2)
        near = distance.argsort(axis=1, kind="stable")[:, : self.neighbours]
        self._near = near
        self._is_near = np.zeros(distance.shape, dtype=np.bool_)
        np.put_along_axis(self._is_near, near, True, axis=1)
        self._X: Genotypes | None = None
        # the objective axis comes first, so that reductions are vectorised over all members of all runs
        self._F: NDArray[np.float64] = np.empty((self.objectives, self.runs, 0))
        self._turn = 0  # current subproblem

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
        # failures are large but finite, because differences of infinities are nan
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
        """Run and member indices of the members to replace, at most ``max_replacements`` per run."""
        run, member = np.nonzero(no_worse)
        if self.max_replacements is None:
            return run, member
        # pack run, random number and member into one integer, which sorts fast; the random number is hashed from a
        # random word of the run and the member
        member_bits, bits = no_worse.shape[1].bit_length(), 63 - no_worse.shape[0].bit_length()
        word = mix(self._word.astype(np.uint64)[run] + (member.astype(np.uint64) << np.uint64(32)))
        key = (
            (run << bits) | ((word >> np.uint64(1 + 63 - bits)).astype(np.int64) >> member_bits << member_bits) | member
        )
        key.sort()
        run, member = key >> bits, key & (2**member_bits - 1)
        kept = np.ones(len(run), dtype=np.bool_)  # the first few of each run
        kept[self.max_replacements :] = run[self.max_replacements :] != run[: -self.max_replacements]
        return run[kept], member[kept]

    def _scalarised(self, F: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scalarised value of each member, or of one child, for each weight vector: (runs, n)."""
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
    """Evenly spread weight vectors that sum to one: (n or fewer, objectives).

    Uses the simplex lattice of Das and Dennis 1998. Zero weights are raised to 1e-6, so that no objective is ignored.

    Examples
    --------
    >>> weight_vectors(3, 2)
    array([[1.e-06, 1.e+00],
           [5.e-01, 5.e-01],
           [1.e+00, 1.e-06]])
    """
    return np.maximum(simplex_lattice(most_divisions(n, objectives), objectives), 1e-6)
