"""Successive halving: many genotypes after little training, the best of them after more."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.operators.operators import gather
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["SuccessiveHalving", "rungs"]


@dataclass(kw_only=True)
class SuccessiveHalving(Algorithm):
    """Train some random genotypes a little, keep the best share for longer training, until the last have it all; repeat.

    Source: Jamieson and Talwalkar 2016 (AISTATS, arXiv 1502.07943), whose eta is 2. What is searched needs several epoch
    budgets; the wanted ones, eta times longer each, are taken as the nearest stored (by ratio), each once. Only values at the
    largest budget make an incumbent.

    Parameters
    ----------
    eta : float
        One in eta goes on to the next rung, which trains eta times as long.
    configurations : int, optional
        Genotypes on the first rung; so many that one reaches the last, unless given.
    continue_training : bool
        Whether those that go on cost only the epochs that they still lack. Honest where a smaller budget is the same training
        stopped early; not where each budget was a training of its own, as in NAS-Bench-101 and NAS-Bench-201.
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
        """What is gone through again and again: brackets, each its rungs as (genotypes, epochs)."""
        most = steps(self.budgets, self.eta)
        n = self.configurations or math.ceil(self.eta**most - 1e-9)
        return [rungs(n, most, self.budgets, self.eta)]

    def _begin(self) -> None:
        self._turn = 0  # brackets done
        self._rung = 0
        self._bracket = self._brackets[0]
        self._X: Genotypes | None = None  # of the bracket, those that are left, the best first

    def _ask(self) -> Genotypes:
        n = self._bracket[self._rung][0]
        return self._new(n) if self._X is None else self._X[:, :n]

    def _new(self, n: int) -> Genotypes:
        """The genotypes of a first rung: (runs, n, genes)."""
        return self._initial_sample(n)

    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        self._learn(X, F[..., 0])
        self._rung += 1
        if self._rung < len(self._bracket):
            self._X = gather(X, F[..., 0].argsort(axis=1, kind="stable"))
            return
        self._turn += 1
        self._rung, self._X = 0, None
        brackets = self._brackets
        self._bracket = brackets[self._turn % len(brackets)]

    def _learn(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        """What there is to learn from a rung: genotypes (runs, n, genes) and values (runs, n)."""


def steps(budgets: tuple[int, ...], eta: float) -> int:
    """How many times the largest budget can be divided by eta without falling below the smallest."""
    return math.floor(math.log(budgets[-1] / budgets[0], eta) + 1e-9)


def rungs(n: int, below: int, budgets: tuple[int, ...], eta: float) -> list[tuple[int, int]]:
    """The rungs of one bracket: (genotypes, epochs).

    Parameters
    ----------
    n : int
        Genotypes on the first rung.
    below : int
        The first rung trains eta to so many times less than the largest budget.
    budgets : tuple of int
        Those that exist, ascending.
    eta : float

    Examples
    --------
    NAS-Bench-101 has just the budgets that an eta of 3 asks for:

    >>> rungs(27, 3, (4, 12, 36, 108), 3)
    [(27, 4), (9, 12), (3, 36), (1, 108)]

    Where two rungs would train equally long, the second is left out:

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
