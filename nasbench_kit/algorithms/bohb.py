"""BOHB: Hyperband with genotypes sampled from kernel density estimates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.hyperband import Hyperband
from nasbench_kit.algorithms.operators.selection import gather
from nasbench_kit.kernels.kernel_density import around, density, deviations
from nasbench_kit.kernels.sorting import lowest
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["BOHB"]

LEAST = 1e-300  # minimum density, so that its logarithm is finite


@dataclass(kw_only=True)
class BOHB(Hyperband):
    """BOHB: Hyperband that samples genotypes from kernel density estimates instead of uniformly.

    The observations at the largest budget with enough data are split into good and bad ones, and a density is estimated
    for each. Candidates are sampled around good genotypes, and the one with the highest density ratio is evaluated. The
    kernels are Aitchison and Aitken's categorical kernels with the normal reference bandwidth. Source: Falkner, Klein
    and Hutter 2018 (ICML, arXiv 1807.01774), section 3 and algorithm 2. All genotypes of a rung are sampled from the
    same state of the model, as with that many parallel workers.

    Parameters
    ----------
    eta : float
        See `Hyperband`.
    configurations, continue_training
        See `Hyperband`.
    random_fraction : float
        Fraction of new genotypes that are sampled uniformly.
    good_share : float
        Fraction of observations that count as good.
    candidates : int
        Number of candidates sampled for each new genotype.
    bandwidth_factor : float
        Factor by which kernels for sampling are wider than those of the density estimates (b_w in the paper). The
        authors' program hpbandster effectively uses 1 for categorical variables.
    minimum_bandwidth : float
        Lower bound of the bandwidth.
    """

    random_fraction: float = 1 / 3
    good_share: float = 0.15
    candidates: int = 64
    bandwidth_factor: float = 3.0
    minimum_bandwidth: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("random_fraction", 0, 1)
        self._require("good_share", 0, 1)
        self._require("candidates", 1)
        self._require("bandwidth_factor", 0, without_least=True)
        self._require("minimum_bandwidth", 0, 1, without_least=True, without_most=True)

    def _begin(self) -> None:
        super()._begin()
        self._cardinalities = np.array(self.space.cardinalities)
        self._seen: dict[int, tuple[Genotypes, NDArray[np.float64]]] = {}  # by budget: (runs, n, genes), (runs, n)

    def _learn(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        assert self.epochs is not None
        if self.epochs in self._seen:
            before, values = self._seen[self.epochs]
            X, F = np.concatenate([before, X], axis=1), np.concatenate([values, F], axis=1)
        self._seen[self.epochs] = X, F

    def _new(self, n: int) -> Genotypes:
        uniform = self._initial_sample(n)
        least = self.space.genes + 1  # minimum number of observations per density
        enough = [epochs for epochs, (_, F) in self._seen.items() if F.shape[1] >= least + 2]
        if not enough:
            return uniform
        X, F = self._seen[max(enough)]
        good = max(least, int(self.good_share * F.shape[1]))
        bad = max(least, F.shape[1] - good)
        order = lowest(F, F.shape[1])
        rows = X.reshape(-1, self.space.genes)
        best, rest = rows.take(order[:, :good], axis=0), rows.take(order[:, -bad:], axis=0)
        width = self._bandwidth(best)
        drawn = self._drawn(best, width, n)
        keep_uniform = self.random.random((n,)) < self.random_fraction
        valid = self.space.is_valid(drawn.reshape(-1, self.space.genes)).reshape(drawn.shape[:2])
        wanted = valid & np.repeat(~keep_uniform, self.candidates, axis=1)
        score = np.log(self._density(best, width, drawn, wanted))
        score -= np.log(self._density(rest, self._bandwidth(rest), drawn, wanted))
        # rounded, so that ties do not depend on the processor's arithmetic
        score = np.where(wanted, np.round(score, 9), -np.inf).reshape(self.runs, n, self.candidates)
        place = score.argmax(axis=2) + np.arange(n) * self.candidates
        keep_uniform |= np.isneginf(score.max(axis=2))
        return np.where(keep_uniform[..., np.newaxis], uniform, gather(drawn, place))

    def _drawn(self, good: Genotypes, width: NDArray[np.float64], n: int) -> Genotypes:
        """Sample candidates around good genotypes: (runs, n * candidates, genes)."""
        count, genes = n * self.candidates, self.space.genes
        chosen = self.random.integers(good.shape[1], (count,))
        width = np.minimum(self.bandwidth_factor * width, 1.0)
        coins, words = self.random.words(count * genes), self.random.words(count * genes)
        return around(good, chosen, coins, words, width, self._cardinalities)

    def _bandwidth(self, X: Genotypes) -> NDArray[np.float64]:
        """Normal-reference bandwidth of each gene, at most that of a uniform kernel: (runs, genes)."""
        n, genes = X.shape[1:]
        width = 1.06 * deviations(X) * n ** (-1 / (4 + genes))
        most = (self._cardinalities - 1) / self._cardinalities
        return np.asarray(np.clip(width, np.minimum(self.minimum_bandwidth, most), most))

    def _density(
        self, X: Genotypes, width: NDArray[np.float64], at: Genotypes, wanted: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Kernel density estimate from (runs, n, genes) at (runs, k, genes), at least `LEAST`: (runs, k)."""
        other = np.where(width > 0, width / np.maximum(self._cardinalities - 1, 1), 1.0)
        return np.maximum(density(X, at, 1 - width, other, self._cardinalities, wanted), LEAST)
