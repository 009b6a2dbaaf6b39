"""NSGA-II, over all runs at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.chain_model import sample_chain
from nasbench_kit.algorithms.operators.duplicates import POLICIES, first_different
from nasbench_kit.algorithms.operators.operators import gather, keep_valid, reset_genes, two_point_crossover
from nasbench_kit.errors import UnknownName
from nasbench_kit.kernels.crowding import survivors
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["NSGA2", "survivors"]


SURPLUS = 3  # times as many children as are needed, where duplicates are left out


@dataclass(kw_only=True)
class NSGA2(Algorithm):
    """Binary tournaments on rank and crowding, two-point crossover, mutation; the best of parents and children stay.

    Source: Deb et al. 2002 (IEEE TEC 6(2)), with the operators and settings of the MacroNAS paper (arXiv 2004.08996):
    population 100, two-point crossover with probability 1, each gene to another letter with probability 1 / genes.
    Duplicates are allowed, as there; crowding sorts equal members anew for each objective, in random order, as Deb et
    al.'s program does. `nsga_net` gives NSGA-Net's settings.

    Parameters
    ----------
    population_size : int
        Even.
    crossover_probability : float
    mutation_probability : float, optional
        Of each gene; 1 / genes unless given.
    offspring : int, optional
        Children of a generation; as many as the population unless given.
    duplicates : {"allow", "genotype", "network"}
        Whether a child may equal a member of the population or another child; with ``"network"`` not in another encoding
        either. Of three times as many children the first different ones are taken, then random genotypes.
    exploit_from : int, optional
        From this generation on, children come from a Bayesian network fitted to the population, and are mutated: its
        variables are the stages of a genotype (or its cells, or its genes), each depending on the one before.
    """

    many_objectives = True
    single_objective = False

    population_size: int = 100
    crossover_probability: float = 1.0
    mutation_probability: float | None = None
    offspring: int | None = None
    duplicates: Literal["allow", "genotype", "network"] = "allow"
    exploit_from: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("population_size", 2)
        self._require("offspring", 2, "population_size")
        for name in ("population_size", "offspring"):
            if (getattr(self, name) or 0) % 2:
                raise ValueError(f"{self.name}: {name} is even, not {getattr(self, name)}")
        self._require("crossover_probability", 0, 1)
        self._require("mutation_probability", 0, 1)
        self._require("exploit_from", 1)
        if self.duplicates not in POLICIES:
            raise UnknownName("duplicates of NSGA2", self.duplicates, POLICIES)

    @classmethod
    def nsga_net(cls, kind: Literal["macro", "micro"] = "macro") -> NSGA2:
        """The settings of NSGA-Net (Lu et al. 2019, arXiv 1810.03522): population 40, no duplicates, for 30 generations.

        For its macro space 40 children a generation, of which those of the last ten come from the Bayesian network (when to
        begin with it is our choice); for its micro space 20.
        """
        if kind not in ("macro", "micro"):
            raise UnknownName("kind of NSGA-Net", kind, ["macro", "micro"])
        if kind == "micro":
            return cls(population_size=40, offspring=20, duplicates="genotype")
        return cls(population_size=40, duplicates="genotype", exploit_from=20)

    @property
    def batch(self) -> int:
        return self.population_size

    def _begin(self) -> None:
        self._X: Genotypes | None = None
        self._F: NDArray[np.float64] = np.empty((self.runs, 0, self.objectives))
        self._generation = 0
        units = self.space.units
        self._parts = units.get("stage", units.get("cell", units["gene"]))

    def _ask(self) -> Genotypes:
        if self._X is None:
            return self._initial_sample(self.population_size)
        n = self.offspring or self.population_size
        if self.duplicates == "allow":
            return self._children(self._X)[:, :n]
        surplus = [self._children(self._X)[:, :n] for _ in range(SURPLUS)]
        candidates = np.concatenate([*surplus, self.random.sample(self.space, n)], axis=1)
        return first_different(candidates, n, self._X, self.space, self.duplicates)

    def _children(self, X: Genotypes) -> Genotypes:
        """As many children as members: (runs, population_size, genes)."""
        n = self.population_size
        if self.exploit_from is not None and self._generation >= self.exploit_from:
            model = keep_valid(sample_chain(X, self._parts, n, self.random), X, self.space)
            return keep_valid(reset_genes(model, self.space, self.random, self.mutation_probability), model, self.space)
        # Survivors are sorted by rank, then crowding: the lower of two positions wins its tournament. As in the authors'
        # own program every member takes part in two tournaments: the neighbours in two random orders.
        entered = self.random.permutations((2, n)).reshape(self.runs, 2 * n)
        mates = gather(X, np.minimum(entered[:, ::2], entered[:, 1::2]))
        crossed = None
        if self.crossover_probability < 1:
            crossed = self.random.random((n // 2,)) < self.crossover_probability
        children = np.concatenate(
            two_point_crossover(mates[:, : n // 2], mates[:, n // 2 :], self.random, crossed), axis=1
        )
        children = reset_genes(children, self.space, self.random, self.mutation_probability)
        return keep_valid(children, mates, self.space)

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        self._generation += 1
        if self._X is not None:
            X, F = np.concatenate([self._X, X], axis=1), np.concatenate([self._F, F], axis=1)
        order = survivors(F, self.population_size, self.random.bits(F.shape[1:2]))
        self._X = X.reshape(-1, self.space.genes).take(order, axis=0, mode="clip")
        self._F = F.reshape(-1, self.objectives).take(order, axis=0, mode="clip")

    @property
    def population(self) -> tuple[Genotypes, NDArray[np.float64]] | None:
        return None if self._X is None else (self._X, self._F)
