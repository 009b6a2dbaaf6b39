"""NSGA-II, vectorised over runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.chain_model import sample_chain
from nasbench_kit.algorithms.operators.duplicates import POLICIES, distinct_children
from nasbench_kit.algorithms.operators.mutation import reset_genes
from nasbench_kit.algorithms.operators.offspring import cross_and_mutate
from nasbench_kit.algorithms.operators.selection import gather, keep_valid
from nasbench_kit.errors import UnknownName
from nasbench_kit.kernels.crowding import survivors
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["NSGA2", "survivors"]


@dataclass(kw_only=True)
class NSGA2(Algorithm):
    """NSGA-II: binary tournaments on rank and crowding distance, two-point crossover, mutation, and elitist survival.

    Source: Deb et al. 2002 (IEEE TEC 6(2)), with the operators and settings of the MacroNAS paper (arXiv 2004.08996):
    population 100, two-point crossover with probability 1, and each gene mutated to another allele with probability 1 /
    genes. As in that paper, duplicates are allowed. As in Deb et al.'s program, crowding distances are computed with
    equal members in random order, drawn anew for each objective. See `nsga_net` for the settings of NSGA-Net.

    Parameters
    ----------
    population_size : int
        Population size; must be even.
    crossover_probability : float
        Probability that a pair is crossed.
    mutation_probability : float, optional
        Mutation probability of each gene; default: 1 / genes.
    offspring : int, optional
        Children per generation; default: the population size.
    duplicates : {"allow", "genotype", "network"}
        Whether children may equal members of the population or other children. ``"genotype"`` forbids equal genotypes;
        ``"network"`` also forbids other encodings of the same network. Children are oversampled by a factor of three,
        and random genotypes fill up if too few of them differ.
    exploit_from : int, optional
        From this generation on, children are sampled from a Bayesian network fitted to the population and then mutated.
        Its variables are the stages of the genotype (or its cells, or its genes), each conditioned on the preceding
        one.
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
                raise ValueError(f"{self.name}: {name} must be even, not {getattr(self, name)}")
        self._require("crossover_probability", 0, 1)
        self._require("mutation_probability", 0, 1)
        self._require("exploit_from", 1)
        if self.duplicates not in POLICIES:
            raise UnknownName("duplicates of NSGA2", self.duplicates, POLICIES)

    @classmethod
    def nsga_net(cls, kind: Literal["macro", "micro"] = "macro") -> NSGA2:
        """Settings of NSGA-Net (Lu et al. 2019, arXiv 1810.03522): population 40, no duplicates, for 30 generations.

        On the macro space, each generation has 40 children, which come from the Bayesian network in the last ten
        generations (the starting point is our choice). On the micro space, each generation has 20 children.
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
        return distinct_children(self._children, n, self._X, self.space, self.random, self.duplicates)

    def _children(self, X: Genotypes) -> Genotypes:
        """Generate as many children as there are members: (runs, population_size, genes)."""
        n = self.population_size
        if self.exploit_from is not None and self._generation >= self.exploit_from:
            model = keep_valid(sample_chain(X, self._parts, n, self.random), X, self.space)
            return keep_valid(reset_genes(model, self.space, self.random, self.mutation_probability), model, self.space)
        # Survivors are sorted by rank, then crowding distance, so the lower position wins a tournament. As in the
        # authors' program, every member enters two tournaments: adjacent members in two random permutations.
        entered = self.random.permutations((2, n)).reshape(self.runs, 2 * n)
        mates = gather(X, np.minimum(entered[:, ::2], entered[:, 1::2]))
        return cross_and_mutate(mates, self.space, self.random, self.crossover_probability, self.mutation_probability)

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
