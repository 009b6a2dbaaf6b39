"""Hyperband: successive halving with several trades of numbers against training."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nasbench_kit.algorithms.successive_halving import SuccessiveHalving, rungs, steps

__all__ = ["Hyperband"]


@dataclass(kw_only=True)
class Hyperband(SuccessiveHalving):
    """Brackets of successive halving in turn, from the one with most genotypes to the one that trains all in full.

    Bracket s = s_max, ..., 0 begins with ceil((s_max + 1) eta^s / (s + 1)) genotypes at 1 / eta^s of the largest budget.
    Source: Li et al. 2018 (JMLR 18, arXiv 1603.06560), algorithm 1, whose eta is 3. Otherwise see `SuccessiveHalving`.

    Parameters
    ----------
    eta : float
        One in eta goes on to the next rung, which trains eta times as long.
    configurations : int, optional
        Must be left out: the brackets say how many there are.
    continue_training : bool
        Whether those that go on cost only the epochs that they still lack.
    """

    eta: float = 3.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.configurations is not None:
            raise ValueError(
                f"{self.name} has as many configurations as its brackets say; SuccessiveHalving takes a number"
            )

    @property
    def _brackets(self) -> list[list[tuple[int, int]]]:
        most = steps(self.budgets, self.eta)
        numbers = [math.ceil((most + 1) * self.eta**s / (s + 1) - 1e-9) for s in range(most + 1)]
        return [rungs(numbers[s], s, self.budgets, self.eta) for s in range(most, -1, -1)]
