"""REINFORCE with an independent categorical policy per gene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators.mutation import ATTEMPTS
from nasbench_kit.kernels.policy import climb, draw
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Reinforce"]


@dataclass(kw_only=True)
class Reinforce(Algorithm):
    """REINFORCE: policy gradient on a softmax policy with independent genes.

    The logits are updated by Adam, one genotype at a time. The reward is the negative objective; the baseline is an
    exponential moving average of rewards. Invalid genotypes are redrawn. Source: Williams 1992, Simple statistical
    gradient-following algorithms; policy, optimiser and baseline as in the NAS-Bench-201 paper (arXiv 2001.00326),
    which does not state a learning rate.

    Parameters
    ----------
    learning_rate : float
        Learning rate of Adam. The default is our choice and reproduces the results of the NAS-Bench-201 paper. The
        script of NATS-Bench (arXiv 2009.00437) uses 0.01 and falls short of them.
    momentum : float
        Momentum of the moving average.
    """

    learning_rate: float = 0.04
    momentum: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("learning_rate", 0, without_least=True)
        self._require("momentum", 0, 1, without_most=True)

    @property
    def first_population_size(self) -> int:
        return 0  # samples from a policy instead of a population

    def _begin(self) -> None:
        self._cardinalities = np.array(self.space.cardinalities)
        shape = (self.runs, self.space.genes, max(self.space.cardinalities))
        self._logits, self._moments = np.zeros(shape), (np.zeros(shape), np.zeros(shape))
        self._exponentials = np.ones(shape)  # of the logits, minus the largest one of each gene
        self._steps = 0
        self._reward, self._weight = np.zeros(self.runs), np.zeros(self.runs)  # moving average and its total weight

    def _ask(self) -> Genotypes:
        tries = 1 if self.space.unconstrained else ATTEMPTS
        words = self.random.words(tries * self.space.genes)
        drawn, self._chances = draw(self._exponentials, self._cardinalities, words)
        if tries == 1:
            return drawn
        valid = self.space.is_valid(drawn.reshape(-1, self.space.genes)).reshape(self.runs, tries)
        chosen: Genotypes = drawn[np.arange(self.runs), valid.argmax(axis=1)]
        without = np.flatnonzero(~valid.any(axis=1))
        chosen[without] = self.random.single(self.space, without)
        return chosen[:, np.newaxis]

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        reward = -F[:, 0, 0]
        known = np.isfinite(reward)
        reward = np.where(known, reward, 0.0)
        keep = np.where(known, self.momentum, 1.0)
        self._reward = keep * self._reward + (1 - keep) * reward
        self._weight = keep * self._weight + (1 - keep)
        baseline = self._reward / np.maximum(self._weight, 1e-300)
        advantage = np.where(known, reward - baseline, 0.0)
        self._steps += 1
        rate = float(self.learning_rate)
        shifted = climb(self._logits, self._moments, self._chances, X[:, 0], advantage, self._steps, rate)
        self._exponentials = np.exp(shifted, out=shifted)
