"""The populations of a search after every generation, and their form in a result's file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.metrics.indicators import nondominated
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Generations"]


@dataclass
class Generations:
    """The population after every generation, as recorded by ``search(..., record=True)``.

    Attributes
    ----------
    evaluations : ndarray of int, shape (generations,)
        Evaluations of each run so far.
    populations : list of ndarray of uint8, each (runs, members, genes)
    values : list of ndarray of float64, each (runs, members, objectives)
        Objective values, minimised.
    """

    evaluations: NDArray[np.int64]
    populations: list[Genotypes]
    values: list[NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.evaluations)

    def best(self, generation: int) -> tuple[Genotypes, NDArray[np.float64]]:
        """The member with the lowest first objective in each run: genotypes (runs, genes), values (runs, objectives)."""
        F = self.values[generation]
        rows, best = np.arange(len(F)), F[..., 0].argmin(axis=1)
        return self.populations[generation][rows, best], F[rows, best]

    def front(self, generation: int, run: int) -> tuple[Genotypes, NDArray[np.float64]]:
        """The approximation front of one run's population: genotypes (k, genes), values (k, objectives)."""
        F = self.values[generation][run]
        kept = nondominated(F, np.zeros(len(F), dtype=np.int64))
        return self.populations[generation][run][kept], F[kept]

    @classmethod
    def joined(cls, parts: Sequence[Generations]) -> Self | None:
        """The generations of consecutive batches of runs, up to the smallest number; None if there are none."""
        if not parts:
            return None
        shortest = min(len(part) for part in parts)  # runs that end by the clock differ in their number
        return cls(
            parts[0].evaluations[:shortest],
            [np.concatenate([part.populations[i] for part in parts]) for i in range(shortest)],
            [np.concatenate([part.values[i] for part in parts]) for i in range(shortest)],
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays by name, for a file, including the best member and the front of every generation."""
        found: dict[str, NDArray[Any]] = {"evaluations": self.evaluations}
        for i, F in enumerate(self.values):
            best, best_F = self.best(i)
            run = np.repeat(np.arange(len(F)), F.shape[1])
            front = nondominated(F.reshape(-1, F.shape[2]), run)
            found |= {
                f"{i}/population": self.populations[i],
                f"{i}/objectives": F,
                f"{i}/best": best,
                f"{i}/best_objectives": best_F,
                f"{i}/front": np.stack([run[front], front % F.shape[1]], axis=1),  # run, member of the population
            }
        return found

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        count = range(len(arrays["evaluations"]))
        return cls(
            arrays["evaluations"],
            [arrays[f"{i}/population"] for i in count],
            [arrays[f"{i}/objectives"] for i in count],
        )
