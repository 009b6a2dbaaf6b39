"""Optimisation problems: the interface that searches minimise, and user-defined objective functions."""

from __future__ import annotations

import itertools
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.metrics import Metric
from nasbench_kit.notebook import card, data_table
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = [
    "Evaluation",
    "FunctionProblem",
    "PartialTableWarning",
    "Problem",
    "TestSelectionWarning",
    "check_objectives",
    "warn_of_test_data",
]


class TestSelectionWarning(UserWarning):
    """A search selects on test data, so its result is not an estimate for unseen data."""

    __test__ = False  # pytest would collect it as a test class because of its name


class PartialTableWarning(UserWarning):
    """A table stores a small part of its space, so a search on it is restricted to the stored networks."""


def warn_of_test_data(objectives: Sequence[Metric], where: str, *, stacklevel: int) -> None:
    """Issue a TestSelectionWarning if an objective is measured on test data; ``stacklevel`` counts from the caller."""
    on_test = [metric.name for metric in objectives if metric.split == "test"]
    if on_test:
        warnings.warn(
            f"the search selects on {on_test[0]} of {where}: the result is not an estimate for unseen data and is not "
            "comparable with searches that select on validation data; use a validation metric",
            TestSelectionWarning,
            stacklevel=stacklevel + 1,
        )


def check_objectives(objectives: Sequence[str]) -> None:
    """Raise ValueError unless there is at least one objective and no duplicates."""
    if not objectives:
        raise ValueError("a problem needs at least one objective")
    twice = next((name for name in objectives if list(objectives).count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"the objective {twice!r} is given twice; objectives must be distinct")


@dataclass(frozen=True)
class Evaluation:
    """Result of evaluating a batch of genotypes.

    Attributes
    ----------
    F : ndarray of float64, shape (n, m)
        Objective values, minimised; ``inf`` for a failure.
    seconds : ndarray of float64, shape (n,)
        Simulated training time of each genotype; ``nan`` if unknown.
    network : ndarray of int, shape (n,), or None
        The ``network_index`` of each genotype, if the problem computed it, so that nobody computes it again.
    """

    F: NDArray[np.float64]
    seconds: NDArray[np.float64]
    network: NDArray[np.intp] | None = None


class Problem(ABC):
    """Objectives over a search space, all minimised.

    Attributes
    ----------
    space : Space
    objectives : tuple of str
        Names of the m objectives.
    objective_metrics : tuple of Metric
        The metric behind each objective, in its own unit and direction.
    bounds : ndarray of float64, shape (2, m), or None
        Best and worst value of each objective.
    front_bounds : ndarray of float64, shape (2, m), or None
        Best and worst value of each objective on the Pareto front (ideal and nadir point), used to normalise the
        hypervolume; equal to `bounds` if the front is not known.
    budgets : tuple of int
        Available epoch budgets, ascending; the last one is the full budget. Empty if there is no choice.
    noisy : bool
        Whether evaluating a genotype twice may return different values; `evaluate` then needs ``draws``.
    """

    space: Space
    objectives: tuple[str, ...]

    def _repr_html_(self) -> str:
        words = {"max": "maximised", "min": "minimised", None: "minimised"}
        rows = [(m.name, words[m.direction], m.units or "–", m.split or "–") for m in self.objective_metrics]
        table = data_table(("objective", "is", "unit", "measured on"), rows, left=4)
        return card(", ".join(self.objectives), "problem", {"space": self.space.name, **self._facts()}, table)

    def _facts(self) -> dict[str, Any]:
        """What else a notebook shows, by name."""
        return {"epoch budgets": ", ".join(map(str, self.budgets))}

    @property
    @abstractmethod
    def bounds(self) -> NDArray[np.float64] | None: ...

    @property
    def front_bounds(self) -> NDArray[np.float64] | None:
        return self.bounds

    @property
    def objective_metrics(self) -> tuple[Metric, ...]:
        return tuple(Metric(name, direction="min") for name in self.objectives)

    @property
    def budgets(self) -> tuple[int, ...]:
        return ()

    @property
    def noisy(self) -> bool:
        return False

    @property
    def source(self) -> dict[str, Any]:
        """Where the values come from, as JSON data stored in result files; may be empty."""
        return {}

    @property
    def drawn_from(self) -> Genotypes | None:
        """The genotypes (k, genes) that random ones are drawn from, uniformly; None for the whole space."""
        return None

    def answered(self, X: Genotypes) -> Genotypes:
        """The genotypes (n, genes) that `evaluate` answers with, which a search records: ``X`` itself, by default.

        A problem that is restricted to some genotypes returns the one that stands for each row of ``X``.
        """
        return X

    def metrics(self, X: Genotypes) -> dict[str, NDArray[np.float64]]:
        """Further metrics of genotypes evaluated at the full budget, in their own units: arrays of shape (n,).

        Results store them for the solutions that were found. Empty if there are none, or if a benchmark can be queried
        instead.
        """
        return {}

    @abstractmethod
    def evaluate(self, X: Genotypes, epochs: int | None = None, draws: NDArray[np.float64] | None = None) -> Evaluation:
        """Evaluate valid genotypes (n, genes).

        Parameters
        ----------
        X : ndarray of uint8, shape (n, genes)
        epochs : int, optional
            Epoch budget, one of `budgets`; default: the last one.
        draws : ndarray of float64, shape (n,), optional
            Random numbers in [0, 1), one per row; passed to noisy problems only.
        """

    def __call__(self, X: ArrayLike) -> NDArray[np.float64]:
        """Noise-free objective values, to be minimised: (n, genes) to (n, m)."""
        return self.evaluate(self.space.check(X)).F


class FunctionProblem(Problem):
    """A user-defined objective function over a search space.

    Parameters
    ----------
    function : callable
        Maps genotypes (n, genes) to objective values (n, m) or (n,), to be minimised. With ``budgets``, it is called
        with the genotypes and a number of epochs. The genotypes are read-only. ``nan`` marks a failed evaluation.
    space : Space
    objectives : sequence of str, optional
        Names of the objectives; default: ``("f",)``.
    bounds : array_like of float, shape (2, m), optional
        Best and worst value of each objective. With one objective, regret is measured from the best value. With
        several, the hypervolume is normalised by the bounds (preferably the ideal and nadir points). Without bounds,
        neither is computed.
    seconds : callable, optional
        Maps genotypes (and, with ``budgets``, a number of epochs) to the cost of evaluating each, shape (n,). Needed
        for a budget of simulated seconds. By default, evaluations cost 0 s.
    budgets : sequence of int, optional
        Available epoch budgets, ascending; used by successive halving and related algorithms.

    Examples
    --------
    >>> import nasbench_kit as nk
    >>> ones = FunctionProblem(lambda X: (X != 1).sum(axis=1), nk.space("nas-bench-macro"))
    >>> ones([[1, 1, 1, 1, 1, 1, 0, 2]])
    array([[2.]])
    """

    def __init__(
        self,
        function: Callable[..., ArrayLike],
        space: Space,
        objectives: Sequence[str] = ("f",),
        bounds: ArrayLike | None = None,
        seconds: Callable[..., ArrayLike] | None = None,
        budgets: Sequence[int] = (),
    ) -> None:
        objectives = (objectives,) if isinstance(objectives, str) else tuple(objectives)
        check_objectives(objectives)
        self.function, self.space, self.objectives, self.seconds = function, space, objectives, seconds
        self._bounds = None if bounds is None else np.asarray(bounds, dtype=np.float64)
        if self._bounds is not None and self._bounds.shape != (2, len(self.objectives)):
            raise ValueError(f"bounds must have the shape (2, {len(self.objectives)}), not {self._bounds.shape}")
        self._budgets = tuple(budgets)
        if any(b <= a for a, b in itertools.pairwise((0, *self._budgets))):
            raise ValueError(f"budgets must be positive and ascending, not {self._budgets}")

    @property
    def bounds(self) -> NDArray[np.float64] | None:
        return self._bounds

    @property
    def budgets(self) -> tuple[int, ...]:
        return self._budgets

    def evaluate(self, X: Genotypes, epochs: int | None = None, draws: NDArray[np.float64] | None = None) -> Evaluation:
        budget = (self._budgets[-1] if epochs is None else epochs,) if self._budgets else ()
        X = X.view()
        X.flags.writeable = False  # writing to it would corrupt the state of the search
        F = _real("the objective function", self.function(X, *budget))
        F = F[:, np.newaxis] if F.ndim == 1 else F
        if F.shape != (len(X), len(self.objectives)):
            raise ValueError(
                f"the objective function returned an array of shape {F.shape} for {len(X)} genotypes and "
                f"{len(self.objectives)} objectives"
            )
        if np.isneginf(F).any():
            raise ValueError("the objective function returned -inf; return nan to mark a failed evaluation")
        seconds = np.zeros(len(X))
        if self.seconds is not None:
            seconds = _real("seconds", self.seconds(X, *budget))
            if seconds.shape != (len(X),):
                raise ValueError(
                    f"seconds returned an array of shape {seconds.shape} for {len(X)} genotypes, not ({len(X)},)"
                )
            if (seconds < 0).any() or np.isinf(seconds).any():
                raise ValueError("seconds returned a negative or infinite number; return finite costs of at least 0")
        return Evaluation(np.where(np.isnan(F), np.inf, F), seconds)


def _real(what: str, values: ArrayLike) -> NDArray[np.float64]:
    """Convert the return value of a user's function to float64; raises ValueError if it is not real-valued."""
    found = np.asarray(values)
    if found.dtype.kind not in "biuf":
        raise ValueError(f"{what} returned {found.dtype}, not real numbers")
    return found.astype(np.float64)
