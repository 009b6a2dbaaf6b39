"""Hyperband: successive halving with different trade-offs between the number of genotypes and training time."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nasbench_kit.algorithms.successive_halving import SuccessiveHalving, rungs, steps

__all__ = ["Hyperband"]


@dataclass(kw_only=True)
class Hyperband(SuccessiveHalving):
    """Hyperband: cycles through brackets of successive halving, from most genotypes to training all of them fully.

    Bracket s = s_max, ..., 0 starts with ceil((s_max + 1) eta^s / (s + 1)) genotypes at 1 / eta^s of the largest
    budget. Source: Li et al. 2018 (JMLR 18, arXiv 1603.06560), algorithm 1, which uses eta = 3. See also
    `SuccessiveHalving`.

    Parameters
    ----------
    eta : float
        One in eta genotypes is promoted to the next rung, which trains eta times as long.
    configurations : int, optional
        Must not be given, because the brackets determine the numbers of genotypes.
    continue_training : bool
        Whether promoted genotypes only cost the additional epochs.
    """

    eta: float = 3.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.configurations is not None:
            raise ValueError(
                f"{self.name} does not accept configurations, since its brackets determine them; use SuccessiveHalving"
            )

    @property
    def _brackets(self) -> list[list[tuple[int, int]]]:
        most = steps(self.budgets, self.eta)
        numbers = [math.ceil((most + 1) * self.eta**s / (s + 1) - 1e-9) for s in range(most + 1)]
        return [rungs(numbers[s], s, self.budgets, self.eta) for s in range(most, -1, -1)]
