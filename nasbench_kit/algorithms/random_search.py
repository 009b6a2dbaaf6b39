"""Random search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["RandomSearch"]

BATCH = 100


@dataclass(kw_only=True)
class RandomSearch(Algorithm):
    """Uniform sampling of valid genotypes with replacement: the baseline for any search algorithm.

    Source: Bergstra and Bengio 2012 (JMLR 13); for NAS: Li and Talwalkar 2019 (arXiv 1902.07638).
    """

    many_objectives = True

    @property
    def batch(self) -> int:
        return BATCH

    def _begin(self) -> None:
        pass

    def _ask(self) -> Genotypes:
        return self._initial_sample(BATCH)

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        pass
