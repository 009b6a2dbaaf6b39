"""Regularized (aging) evolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators.mutation import mutate_by_rates, mutate_one_gene, mutated_winner
from nasbench_kit.algorithms.operators.selection import gather, tournament
from nasbench_kit.errors import UnknownName
from nasbench_kit.kernels.compiling import enabled
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["RegularizedEvolution"]


@dataclass(kw_only=True)
class RegularizedEvolution(Algorithm):
    """Regularized evolution: mutates the best of a random sample, and replaces the oldest member by the child.

    Source: Real et al. 2019 (arXiv 1802.01548); the defaults are those of the NAS-Bench-201 paper (arXiv 2001.00326).

    Parameters
    ----------
    population_size : int
        Population size.
    sample_size : int
        Number of members drawn, the best of which becomes the parent.
    mutation : str
        ``"gene"`` mutates one gene, drawn uniformly. The name of a unit of the space, such as ``"node"``, first draws
        one such unit and then one of its genes, as the NAS-Bench-201 authors do. ``"rates"`` mutates each gene with its
        own probability, ``space.mutation_rates``, as the NAS-Bench-101 authors do.
    replacement : bool
        Whether a sample may contain a member more than once, as in Real et al. and NAS-Bench-201. The NAS-Bench-101
        authors draw distinct members; see `nas_bench_101` for their settings.
    """

    population_size: int = 10
    sample_size: int = 3
    mutation: str = "gene"
    replacement: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("population_size", 1)
        self._require("sample_size", 1, "population_size")

    @classmethod
    def nas_bench_101(cls) -> RegularizedEvolution:
        """Settings of the NAS-Bench-101 authors (Ying et al. 2019, arXiv 1902.09635, and their notebook)."""
        return cls(population_size=50, sample_size=10, mutation="rates", replacement=False)

    @property
    def first_population_size(self) -> int:
        return self.population_size

    def _begin(self) -> None:
        self._X: Genotypes | None = None
        if self.mutation not in (known := (*self.space.units, "rates")):
            raise UnknownName(f"mutation on {self.space.name}", self.mutation, known)
        self._F: NDArray[np.float64] = np.empty((self.runs, 0))
        self._in_a_loop = self.replacement and self.mutation != "rates" and self.space.validity is not None

    def _ask(self) -> Genotypes:
        if self._X is None:
            return self._initial_sample(self.population_size)
        units = None if self.mutation in ("gene", "rates") else self.space.units[self.mutation]
        if enabled() and self._in_a_loop:
            return mutated_winner(self._X, self._F, self.sample_size, self.space, self.random, units)
        parents = gather(self._X, self._parent())
        if self.mutation == "rates":
            return mutate_by_rates(parents, self.space, self.random)
        return mutate_one_gene(parents, self.space, self.random, units)

    def _parent(self) -> NDArray[np.intp]:
        return tournament(self._F, 1, self.sample_size, self.random, replacement=self.replacement)

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        if self._X is None:
            self._X, self._F, self._oldest = X.copy(), F[..., 0].copy(), 0
        else:
            self._X[:, self._oldest], self._F[:, self._oldest] = X[:, 0], F[:, 0, 0]
            self._oldest = (self._oldest + 1) % self.population_size

    @property
    def population(self) -> tuple[Genotypes, NDArray[np.float64]] | None:
        return None if self._X is None else (self._X, self._F[..., np.newaxis])
