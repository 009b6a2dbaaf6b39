"""MOEA/D: decomposition of a multi-objective problem into neighbouring single-objective subproblems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators.mating import mating
from nasbench_kit.algorithms.operators.selection import keep_valid
from nasbench_kit.algorithms.simplex_lattice import most_divisions, simplex_lattice
from nasbench_kit.errors import UnknownName
from nasbench_kit.kernels.decomposition import REQUESTS, UNKNOWN, Subproblems, children, replace
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["MOEAD", "weight_vectors"]


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
        self._near = distance.argsort(axis=1, kind="stable")[:, : self.neighbours].copy()
        self._how = mating(self.space, self.mutation_probability)
        self._problems: Subproblems | None = None
        self._turn = 0  # current subproblem

    def _ask(self) -> Genotypes:
        if self._problems is None:
            return self._initial_sample(len(self._weights))
        self._words = self.random.requests(REQUESTS + self._how.requests)
        X = self._problems.X
        near = self._near[self._turn]
        child, parent, self._from_near = children(self._how, self._words, X, near, self.neighbour_mating)
        if self.space.unconstrained:
            return child
        return keep_valid(child, X[np.arange(self.runs), parent, np.newaxis], self.space)

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        if self._problems is None:
            # failures are large but finite, because differences of infinities are nan
            values = np.minimum(np.ascontiguousarray(np.moveaxis(F, 2, 0)), UNKNOWN)
            ideal = values.min(axis=2)
            self._problems = Subproblems(self._weights, X.copy(), values, ideal, np.full_like(ideal, np.nan))
            return
        replace(
            self._problems,
            X[:, 0],
            F[:, 0],
            self._near[self._turn],
            self._from_near,
            self._words,
            self.max_replacements,
            self.decomposition == "tchebycheff",
        )
        self._turn = (self._turn + 1) % len(self._weights)

    @property
    def population(self) -> tuple[Genotypes, NDArray[np.float64]] | None:
        if self._problems is None:
            return None
        F = np.moveaxis(self._problems.F, 0, 2)
        return self._problems.X, np.where(F < UNKNOWN, F, np.inf)


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
