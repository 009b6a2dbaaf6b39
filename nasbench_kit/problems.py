"""What a search minimises: the contract of a problem, and a user's own function."""

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
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Evaluation", "FunctionProblem", "Problem", "TestSelectionWarning", "check_objectives", "warn_of_test_data"]


class TestSelectionWarning(UserWarning):
    """A search selects on test data: its result says nothing about unseen data."""

    __test__ = False  # no test class, whatever pytest makes of its name


def warn_of_test_data(objectives: Sequence[Metric], where: str, *, stacklevel: int) -> None:
    """Give a TestSelectionWarning where an objective is measured on test data; the stack is counted from the caller."""
    on_test = [metric.name for metric in objectives if metric.split == "test"]
    if on_test:
        warnings.warn(
            f"the search selects on {on_test[0]} of {where}: it is no estimate for unseen data, and is not "
            "comparable with searches that select on validation data",
            TestSelectionWarning,
            stacklevel=stacklevel + 1,
        )


def check_objectives(objectives: Sequence[str]) -> None:
    """Raise ValueError unless there is at least one objective, and none is named twice."""
    if not objectives:
        raise ValueError("a problem has at least one objective")
    twice = next((name for name in objectives if list(objectives).count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"the objective {twice!r} is given twice: every objective of a problem is another one")


@dataclass(frozen=True)
class Evaluation:
    """What a search learns of a batch of genotypes.

    Attributes
    ----------
    F : ndarray of float64, shape (n, m)
        Objective values, minimised; ``inf`` for a failure.
    seconds : ndarray of float64, shape (n,)
        What training each would have cost; ``nan`` where that is not known.
    """

    F: NDArray[np.float64]
    seconds: NDArray[np.float64]


class Problem(ABC):
    """Objectives over a search space, all minimised.

    Attributes
    ----------
    space : Space
    objectives : tuple of str
        The names of the m objectives.
    objective_metrics : tuple of Metric
        What each objective is, in its own unit and direction.
    bounds : ndarray of float64, shape (2, m), or None
        The best and the worst value of each objective.
    front_bounds : ndarray of float64, shape (2, m), or None
        The best and the worst value of each objective on the Pareto front (ideal and nadir point), between which the
        hypervolume is measured; those of `bounds` unless the front is known.
    budgets : tuple of int
        The epoch budgets that an evaluation may have, ascending; the last is the one that counts. Empty where there is
        no choice.
    noisy : bool
        Whether evaluating a genotype twice may give two values: then `evaluate` needs ``draws``.
    """

    space: Space
    objectives: tuple[str, ...]

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
        """Where the values come from, as plain JSON for the file of a result; empty where there is nothing to say."""
        return {}

    def metrics(self, X: Genotypes) -> dict[str, NDArray[np.float64]]:
        """What else is known of genotypes that were evaluated in full: metrics in their own units, each (n,).

        A result keeps them for what it found. Empty where there is nothing, or a benchmark to ask.
        """
        return {}

    @abstractmethod
    def evaluate(self, X: Genotypes, epochs: int | None = None, draws: NDArray[np.float64] | None = None) -> Evaluation:
        """Evaluate valid genotypes (n, genes).

        Parameters
        ----------
        X : ndarray of uint8, shape (n, genes)
        epochs : int, optional
            How long each is trained, one of the budgets; the last unless given.
        draws : ndarray of float64, shape (n,), optional
            Random numbers in [0, 1), one for each row: given to a noisy problem, and to no other.
        """

    def __call__(self, X: ArrayLike) -> NDArray[np.float64]:
        """The objective values of genotypes, without noise: (n, genes) to (n, m), each to be minimised."""
        return self.evaluate(self.space.check(X)).F


class FunctionProblem(Problem):
    """A user's own objective function over a search space.

    Parameters
    ----------
    function : callable
        Genotypes (n, genes) to objective values (n, m) or (n,), to be minimised; with ``budgets``, genotypes and a number
        of epochs. The genotypes are read-only. ``nan`` stands for a failure.
    space : Space
    objectives : sequence of str, optional
        Names of the objectives; ``("f",)`` unless given.
    bounds : array_like of float, shape (2, m), optional
        The best and the worst value of each objective: of one, what its regret counts from; of several, what the
        hypervolume is measured between (best the ideal and the nadir point). Without them there is neither.
    seconds : callable, optional
        Genotypes, and with ``budgets`` a number of epochs, to what evaluating each costs (n,): needed for a budget of
        simulated seconds. Evaluations cost 0 s unless given.
    budgets : sequence of int, optional
        The epoch budgets that an evaluation may have, ascending: for successive halving and its relatives.

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
            raise ValueError(f"bounds have the shape (2, {len(self.objectives)}), not {self._bounds.shape}")
        self._budgets = tuple(budgets)
        if any(b <= a for a, b in itertools.pairwise((0, *self._budgets))):
            raise ValueError(f"budgets are positive and ascend, not {self._budgets}")

    @property
    def bounds(self) -> NDArray[np.float64] | None:
        return self._bounds

    @property
    def budgets(self) -> tuple[int, ...]:
        return self._budgets

    def evaluate(self, X: Genotypes, epochs: int | None = None, draws: NDArray[np.float64] | None = None) -> Evaluation:
        budget = (self._budgets[-1] if epochs is None else epochs,) if self._budgets else ()
        X = X.view()
        X.flags.writeable = False  # a function that wrote to it would change what the search remembers
        F = _real("the objective function", self.function(X, *budget))
        F = F[:, np.newaxis] if F.ndim == 1 else F
        if F.shape != (len(X), len(self.objectives)):
            raise ValueError(
                f"the objective function returned the shape {F.shape} for {len(X)} genotypes and "
                f"{len(self.objectives)} objectives"
            )
        if np.isneginf(F).any():
            raise ValueError(
                "the objective function returned -inf, which nothing is better than; give nan for a failure"
            )
        seconds = np.zeros(len(X))
        if self.seconds is not None:
            seconds = _real("seconds", self.seconds(X, *budget))
            if seconds.shape != (len(X),):
                raise ValueError(f"seconds returned the shape {seconds.shape} for {len(X)} genotypes, not ({len(X)},)")
            if (seconds < 0).any() or np.isinf(seconds).any():
                raise ValueError("seconds returned a number that is negative or infinite: no evaluation takes so long")
        return Evaluation(np.where(np.isnan(F), np.inf, F), seconds)


def _real(what: str, values: ArrayLike) -> NDArray[np.float64]:
    """What a user's function returned as real numbers; ValueError where it is anything else."""
    found = np.asarray(values)
    if found.dtype.kind not in "biuf":
        raise ValueError(f"{what} returned {found.dtype}, not real numbers")
    return found.astype(np.float64)
