"""Successive halving: trains many genotypes briefly and the best of them for longer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators.selection import gather
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["SuccessiveHalving", "rungs"]


@dataclass(kw_only=True)
class SuccessiveHalving(Algorithm):
    """Successive halving: trains random genotypes briefly, promotes the best to longer training, and repeats.

    Source: Jamieson and Talwalkar 2016 (AISTATS, arXiv 1502.07943), which uses eta = 2. The problem must offer several
    epoch budgets. Each rung should train eta times as long as the one before; the nearest available budget (by ratio)
    is used, and each budget at most once. Only values at the largest budget count for the incumbent.

    Parameters
    ----------
    eta : float
        One in eta genotypes is promoted to the next rung, which trains eta times as long.
    configurations : int, optional
        Number of genotypes on the first rung; by default, just enough for one to reach the last rung.
    continue_training : bool
        Whether promoted genotypes only cost the additional epochs. This is only realistic if smaller budgets are
        earlier stages of the same training, and not if each budget was trained separately, as in NAS-Bench-101 and
        NAS-Bench-201.
    """

    needs_budgets = True

    eta: float = 2.0
    configurations: int | None = None
    continue_training: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("eta", 1, without_least=True)
        self._require("configurations", 1)

    @property
    def batch(self) -> int:
        return self.configurations or 8

    @property
    def first_population_size(self) -> int:
        return self._brackets[0][0][0]

    @property
    def epochs(self) -> int | None:
        return self._bracket[self._rung][1]

    @property
    def trained(self) -> int:
        return self._bracket[self._rung - 1][1] if self.continue_training and self._rung else 0

    @property
    def _brackets(self) -> list[list[tuple[int, int]]]:
        """Brackets to cycle through, each a list of rungs (genotypes, epochs)."""
        most = steps(self.budgets, self.eta)
        n = self.configurations or math.ceil(self.eta**most - 1e-9)
        return [rungs(n, most, self.budgets, self.eta)]

    def _begin(self) -> None:
        self._turn = 0  # completed brackets
        self._rung = 0
        self._cycle = self._brackets
        self._bracket = self._cycle[0]
        self._X: Genotypes | None = None  # remaining genotypes of the bracket, best first

    def _ask(self) -> Genotypes:
        n = self._bracket[self._rung][0]
        return self._new(n) if self._X is None else self._X[:, :n]

    def _new(self, n: int) -> Genotypes:
        """Generate the genotypes of a first rung: (runs, n, genes)."""
        return self._initial_sample(n)

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        self._learn(X, F[..., 0])
        self._rung += 1
        if self._rung < len(self._bracket):
            self._X = gather(X, F[..., 0].argsort(axis=1, kind="stable"))
            return
        self._turn += 1
        self._rung, self._X = 0, None
        self._bracket = self._cycle[self._turn % len(self._cycle)]

    def _learn(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        """Hook for models: called with the genotypes (runs, n, genes) and values (runs, n) of each rung."""


def steps(budgets: tuple[int, ...], eta: float) -> int:
    """Number of times that the largest budget can be divided by eta without falling below the smallest."""
    return math.floor(math.log(budgets[-1] / budgets[0], eta) + 1e-9)


def rungs(n: int, below: int, budgets: tuple[int, ...], eta: float) -> list[tuple[int, int]]:
    """Rungs of one bracket, as (genotypes, epochs).

    Parameters
    ----------
    n : int
        Number of genotypes on the first rung.
    below : int
        The first rung trains eta**below times less than the largest budget.
    budgets : tuple of int
        Available budgets, ascending.
    eta : float

    Examples
    --------
    The budgets of NAS-Bench-101 are exactly those required by eta = 3:

    >>> rungs(27, 3, (4, 12, 36, 108), 3)
    [(27, 4), (9, 12), (3, 36), (1, 108)]

    If two rungs would use the same budget, the second is omitted:

    >>> rungs(9, 2, (12, 200), 3)
    [(9, 12), (3, 200)]
    """
    found: list[tuple[int, int]] = []
    for i in range(below + 1):
        wanted = budgets[-1] / eta ** (below - i)
        epochs = min(budgets, key=lambda stored: abs(math.log(stored / wanted)))
        count = max(1, math.floor(n / eta**i + 1e-9))
        if not found or epochs > found[-1][1]:
            found.append((count, epochs))
    return found
