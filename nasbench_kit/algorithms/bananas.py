"""BANANAS: Bayesian optimisation with an ensemble that predicts from paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators.duplicates import repeated
from nasbench_kit.algorithms.operators.mutation import mutate_by_rates
from nasbench_kit.algorithms.operators.selection import gather
from nasbench_kit.algorithms.predictors.features import ENCODINGS, encoded
from nasbench_kit.algorithms.predictors.forest import forest_predictions
from nasbench_kit.algorithms.predictors.networks import network_predictions
from nasbench_kit.errors import UnknownName
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["BANANAS"]

PARENTS = 5  # whose mutants are candidates, as long as better ones have too few that are new
TREES, NETWORKS = 20, 5  # default size of an ensemble
MOST_FEATURES = 4096  # their number grows exponentially with the length of paths


@dataclass(kw_only=True)
class BANANAS(Algorithm):
    """BANANAS: evaluates those mutants of the best genotypes that an ensemble of predictors likes.

    Starts from random genotypes. Then, an ensemble is fitted to all evaluations, the best genotypes are mutated, and
    each mutant that is a new network gets a random draw from a normal distribution with the mean and the deviation of
    its predictions (independent Thompson sampling). Those with the best draws are evaluated. Source: White, Neiswanger
    and Savani 2021 (AAAI, arXiv 1910.11858) and the authors' program naszilla, whose networks are slow; a random forest
    stands in for them by default.

    Parameters
    ----------
    initial_size : int
        Number of random genotypes to start from.
    batch_size : int
        Number of genotypes evaluated per round.
    candidates : int
        Number of new mutants per round.
    predictor : {"forest", "networks"}
        The members of the ensemble: the trees of a random forest, or neural networks as published, which take hundreds
        of times as long.
    members : int, optional
        Size of the ensemble; default: 20 trees, or 5 networks.
    encoding : {"path", "one_hot"}
        What is predicted from: the paths of a cell, in spaces that have them, or the gene values.
    path_length : int
        Maximum number of operations on an encoded path; fewer in spaces where that takes more than 4,096 features.
    """

    initial_size: int = 10
    batch_size: int = 10
    candidates: int = 100
    predictor: Literal["forest", "networks"] = "forest"
    members: int | None = None
    encoding: Literal["path", "one_hot"] = "path"
    path_length: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("initial_size", 2)
        self._require("batch_size", 1)
        self._require("candidates", 1)
        self._require("members", 2)
        self._require("path_length", 1, 8)
        for name, known in (("predictor", ("forest", "networks")), ("encoding", ENCODINGS)):
            if getattr(self, name) not in known:
                raise UnknownName(f"{name} of {self.name}", getattr(self, name), known)
        if self.batch_size > self.candidates:
            raise ValueError(
                f"{self.name}: batch_size must be from 1 to candidates ({self.candidates}), not {self.batch_size}"
            )

    @property
    def batch(self) -> int:
        return self.candidates  # more than are asked for, but all are in memory at a time

    @property
    def first_population_size(self) -> int:
        return self.initial_size

    def _begin(self) -> None:
        self._X: Genotypes = np.empty((self.runs, 0, self.space.genes), dtype=np.uint8)
        self._F: NDArray[np.float64] = np.empty((self.runs, 0))
        self._longest = self.path_length
        self._Z = self._features(self._X)
        while self._longest > 1 and self._Z.shape[2] > MOST_FEATURES:
            self._longest -= 1
            self._Z = self._features(self._X)

    def _features(self, X: Genotypes) -> NDArray[np.bool_]:
        return encoded(X, self.space, self.encoding, self._longest)

    def _ask(self) -> Genotypes:
        if not self._X.shape[1]:
            return self._initial_sample(self.initial_size)
        from scipy.special import ndtri  # here, so that the other algorithms need no SciPy

        candidates, again = self._candidates()
        predictions = self._predictions(self._features(candidates))
        draws = ndtri(self.random.random((self.candidates,)) + 2.0**-33)
        # rounded, so that ties do not depend on the processor's arithmetic
        samples = np.round(predictions.mean(axis=1) + predictions.std(axis=1) * draws, 9)
        samples[again] = np.inf
        return gather(candidates, samples.argsort(axis=1, kind="stable")[:, : self.batch_size])

    def _candidates(self) -> tuple[Genotypes, NDArray[np.bool_]]:
        """Mutants of the best genotypes that are new networks, the best one's first: (runs, candidates, genes).

        Random genotypes make up for missing ones. If there are still too few, others are repeated: (runs, candidates).
        A search that is restricted to some genotypes has random ones of these instead, because mutants are not among
        them.
        """
        drawn = self.random.sample(self.space, self.candidates)
        if self.random.drawn_from is None:
            best = self._F.argsort(axis=1, kind="stable")[:, :PARENTS].repeat(self.candidates, axis=1)
            mutants = mutate_by_rates(gather(self._X, best), self.space, self.random)
            drawn = np.concatenate([mutants, drawn], axis=1)
        again = repeated(drawn, self._X, self.space, "network")
        kept = again.argsort(axis=1, kind="stable")[:, : self.candidates]
        return gather(drawn, kept), np.take_along_axis(again, kept, axis=1)

    def _predictions(self, at: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Predicted ranks of each member: (runs, members, candidates)."""
        if self.predictor == "networks":
            return network_predictions(self._Z, self._F, at, self.random, members=self.members or NETWORKS)
        return forest_predictions(self._Z, self._F, at, self.random, trees=self.members or TREES)

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        self._X = np.concatenate([self._X, X], axis=1)
        self._F = np.concatenate([self._F, F[..., 0]], axis=1)
        self._Z = np.concatenate([self._Z, self._features(X)], axis=1)
