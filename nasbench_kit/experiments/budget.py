"""Available budgets: a budget for each clock, and a target."""

from __future__ import annotations

import difflib
import inspect
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from nasbench_kit.metrics import minimised
from nasbench_kit.problems import Problem

__all__ = ["Budget", "whole_number"]

EVALUATIONS = 1000  # per run, by default
MOST_REPEATS = (
    1000  # evaluations per network of a budget of unique networks, after which a run that finds no new ones ends
)
MOST = 2**53  # upper limit of any count
OPEN_END = 10**9  # evaluations of a run that ends by its clock or target only


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Available budgets: whichever of these comes first.

    Parameters
    ----------
    evaluations : int, optional
        Never exceeded. Default: 1,000 if nothing else ends a run.
    unique_networks : int, optional
        A run ends with the evaluation of its last new network, or after 1,000 times as many evaluations.
    simulated_seconds : float, optional
        Seconds of training, as the table has them. An evaluation that would not finish in time does not count and ends
        the run.
    generations : int, optional
        Rounds of ask and tell.
    target : float, optional
        One objective: a value in the metric's own unit (an accuracy of 94, for example); a run ends when it is reached.
        Several objectives: a hypervolume as in ``Result.hypervolume``, checked after every round. ``result.reached``
        says which runs reached it.
    """

    evaluations: int | None = None
    unique_networks: int | None = None
    simulated_seconds: float | None = None
    generations: int | None = None
    target: float | None = None

    def __post_init__(self) -> None:
        for name in ("evaluations", "unique_networks", "generations"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, whole_number(name, value))
        for name in ("evaluations", "unique_networks", "simulated_seconds", "generations"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be above 0, not {value}")
        for name in ("evaluations", "unique_networks", "generations"):
            value = getattr(self, name)
            if value is not None and value >= MOST:
                raise ValueError(f"{name} must be below {MOST:,}, not {value:,}")
        if self.simulated_seconds is not None and not np.isfinite(self.simulated_seconds):
            raise ValueError("simulated_seconds must be finite: an infinite budget never ends")
        if self.target is not None and not np.isfinite(self.target):
            raise ValueError(f"target must be a number, not {self.target}")
        ends = (self.evaluations, self.unique_networks, self.simulated_seconds, self.generations)
        if all(end is None for end in ends):
            if self.target is not None:
                raise ValueError("a run that misses its target would never end: give evaluations= as well")
            object.__setattr__(self, "evaluations", EVALUATIONS)

    @classmethod
    def of(cls, budget: Budget | None, ends: Mapping[str, Any], caller: Callable[..., Any]) -> Budget:
        """The given budget, or a new one from its fields, which are keyword arguments of ``caller``.

        Raises
        ------
        TypeError
            Both a budget and fields, or an unknown field.
        """
        names = [declared.name for declared in fields(cls)]
        for name in ends:
            if name not in names:
                close = difflib.get_close_matches(name, [*names, *inspect.signature(caller).parameters], n=1)
                hint = f"; did you mean {close[0]!r}?" if close else "."
                raise TypeError(f"unknown argument {name!r}{hint} Available budgets: {', '.join(names)}")
        given = {name: value for name, value in ends.items() if value is not None}
        if budget is None:
            return cls(**given)
        if not isinstance(budget, Budget):
            raise TypeError(f"budget must be a Budget, such as Budget(evaluations=500), not {budget!r}")
        if given:
            raise TypeError(f"give budget= or {'=, '.join(given)}=, not both")
        return budget

    def __str__(self) -> str:
        """In words: ``"500 evaluations or 100 simulated seconds"``, whichever comes first."""
        ends = {
            "evaluations": self.evaluations,
            "unique networks": self.unique_networks,
            "simulated seconds": self.simulated_seconds,
            "generations": self.generations,
        }
        words = [
            f"{value:,.10g} {name if value != 1 else name[:-1]}" for name, value in ends.items() if value is not None
        ]
        return " or ".join([*words, f"the target {self.target:g}"] if self.target is not None else words)

    @property
    def limit(self) -> int:
        """The maximum number of evaluations per run."""
        if self.evaluations is not None:
            return self.evaluations
        return MOST_REPEATS * self.unique_networks if self.unique_networks is not None else OPEN_END

    def check(self, problem: Problem) -> None:
        """Raise ValueError for a budget that cannot be used with this problem."""
        networks = problem.space.networks
        if self.unique_networks is not None and networks is not None and self.unique_networks > networks:
            raise ValueError(f"{problem.space.name} has {networks:,} networks, fewer than {self.unique_networks:,}")
        if self.target is not None and len(problem.objectives) > 1 and problem.bounds is None:
            raise ValueError(
                "with several objectives a target is a hypervolume, which needs bounds: pass bounds= to the problem"
            )

    def minimised_target(self, problem: Problem) -> float | None:
        """The target of a single objective, minimised."""
        if self.target is None or len(problem.objectives) > 1:
            return None
        return float(minimised(np.array([[self.target]]), problem.objective_metrics)[0, 0])


def whole_number(name: str, value: Any) -> int:
    """The value as an int; TypeError with the argument's name if it is not an integer."""
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, not {value!r}") from None
