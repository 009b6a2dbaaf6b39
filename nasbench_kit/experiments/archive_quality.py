"""Indicators of archives: scaled as the hypervolume is, and measured against the exact front of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.errors import UnknownName
from nasbench_kit.experiments.scale import Scale
from nasbench_kit.metrics.named_indicators import HYPERVOLUME, INDICATORS, Indicator, check_positive, group_indicator
from nasbench_kit.problems import Problem

__all__ = ["Yardstick", "check_front", "checked_indicators", "exact_front", "indicator_named"]


def indicator_named(name: str) -> Indicator:
    """The indicator of a name; UnknownName if there is none."""
    if name not in INDICATORS:
        raise UnknownName("indicator", name, INDICATORS)
    return INDICATORS[name]


@dataclass(frozen=True)
class Yardstick:
    """What archives are measured with.

    Attributes
    ----------
    scale : Scale
        Ideal point 0, nadir point 1.
    front : ndarray of float64, shape (k, m), or None
        The exact front, minimised and unscaled; None if unknown.
    """

    scale: Scale
    front: NDArray[np.float64] | None

    def values(self, name: str, F: NDArray[np.float64], run: NDArray[np.int64], runs: int) -> NDArray[np.float64]:
        """An indicator of each run's points, (n, m), which `nondominated` has ordered: (runs,); see `group_indicator`."""
        if name == HYPERVOLUME:
            return self.scale.hypervolume(F, run, runs)
        indicator = indicator_named(name)
        if not indicator.scaled:
            return group_indicator(indicator, F, run, runs, self.front)
        front = None if self.front is None else self.scale.scaled(self.front)
        return group_indicator(indicator, self.scale.scaled(F), run, runs, front)


def exact_front(problem: Problem) -> NDArray[np.float64] | None:
    """The exact front of a table, minimised: (k, m); None for other problems."""
    return problem.front()[1] if isinstance(problem, TabularProblem) else None


def checked_indicators(names: str | Sequence[str], problem: Problem) -> tuple[str, ...]:
    """The names of indicators to record besides the hypervolume, each once.

    Raises
    ------
    UnknownName
        There is no such indicator.
    ValueError
        A problem with a single objective, without bounds, or without what an indicator needs.
    """
    wanted = dict.fromkeys((names,) if isinstance(names, str) else names)
    for name in wanted:
        indicator_named(name)
    if not wanted:
        return ()
    if len(problem.objectives) == 1:
        raise ValueError(f"{next(iter(wanted))} is an indicator for several objectives, and this problem has one")
    if problem.bounds is None:
        raise ValueError("indicators need the bounds of the objectives: pass bounds= to the problem")
    front = exact_front(problem)
    for name in wanted:
        check_front(name, front, problem.objectives)
    return tuple(name for name in wanted if name != HYPERVOLUME)


def check_front(name: str, front: NDArray[np.float64] | None, objectives: Sequence[str]) -> None:
    """Raise ValueError unless a front is what an indicator needs."""
    if indicator_named(name).needs_front and front is None:
        raise ValueError(
            f"{name} compares with the exact front, which is known for tables only; hypervolume and r2 need no front"
        )
    if front is not None and (front.shape[1:] != (len(objectives),) or not len(front) or np.isnan(front).any()):
        raise ValueError(
            f"a front of shape (k, {len(objectives)}) without nan is expected, with k of at least 1, not {front.shape}"
        )
    if name == "epsilon_multiplicative":
        check_positive([front], objectives)
