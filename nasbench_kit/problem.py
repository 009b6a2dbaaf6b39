"""What a search minimises: a table's metrics, or a user's own function."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.spaces import Space
from nasbench_kit.spaces.space import SMALL_SIZE, Genotypes

if TYPE_CHECKING:
    from nasbench_kit.benchmark import Benchmark

__all__ = ["Evaluation", "FunctionProblem", "Problem", "TabularProblem", "TestSelectionWarning", "minimised"]


class TestSelectionWarning(UserWarning):
    """A search selects on test data: its result says nothing about unseen data."""

    __test__ = False  # no test class, whatever pytest makes of its name


def minimised(values: NDArray[np.float64], objectives: Sequence[str]) -> NDArray[np.float64]:
    """Metrics (n, m) as objectives to minimise: an accuracy becomes 100 - accuracy, the others stay."""
    result = values.copy()
    for i, name in enumerate(objectives):
        if name.endswith("_accuracy"):
            result[:, i] = 100 - result[:, i]
    return result


@dataclass(frozen=True)
class Evaluation:
    """What a search learns of a batch of genotypes.

    Attributes
    ----------
    F : ndarray of float64, shape (n, m)
        Objective values, minimised; ``inf`` where they are not known.
    seconds : ndarray of float64, shape (n,)
        What training each would have cost; 0 where that is not known.
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
    bounds : ndarray of float64, shape (2, m), or None
        The best and the worst value of each objective, between which indicators are normalised.
    """

    space: Space
    objectives: tuple[str, ...]

    @property
    @abstractmethod
    def bounds(self) -> NDArray[np.float64] | None: ...

    @abstractmethod
    def evaluate(self, X: Genotypes) -> Evaluation:
        """Evaluate valid genotypes (n, genes)."""

    def __call__(self, X: ArrayLike) -> NDArray[np.float64]:
        """The objective values of genotypes: (n, genes) to (n, m), each to be minimised."""
        return self.evaluate(self.space.check(X)).F


class TabularProblem(Problem):
    """Metrics of a benchmark as objectives; made by ``Benchmark.problem``.

    The simulated seconds of an evaluation are the table's ``training_time`` for the same dataset and epoch budget.
    """

    def __init__(
        self,
        bench: Benchmark,
        objectives: tuple[str, ...],
        dataset: str,
        epochs: int | None,
        seed: int | Literal["mean"],
    ) -> None:
        if not objectives:
            raise ValueError("a problem has at least one objective")
        self.bench, self.space, self.objectives = bench, bench.space, objectives
        self.dataset, self.epochs, self.seed = dataset, epochs, seed
        self._query(bench.architectures[:1])  # an unknown budget is an error here, not in the search
        on_test = [name for name in objectives if "test_" in name]
        if on_test:
            warnings.warn(
                f"the search selects on {on_test[0]} of {bench.name}: it is no estimate for unseen data, and is not "
                "comparable with searches that select on validation data",
                TestSelectionWarning,
                stacklevel=3,
            )

    def __repr__(self) -> str:
        budget = f", {self.epochs} epochs" if self.epochs is not None else ""
        return f"<problem {', '.join(self.objectives)} on {self.bench.name}/{self.dataset}{budget}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.bench, self.objectives, self.dataset, self.epochs, self.seed)

    def _query(self, X: ArrayLike) -> NDArray[np.float64]:
        values = self.bench.query(X, self.objectives, dataset=self.dataset, epochs=self.epochs, seed=self.seed)
        return minimised(values, self.objectives)

    def __call__(self, X: ArrayLike) -> NDArray[np.float64]:
        """The objective values (n, m) of genotypes (n, genes); ``nan`` where the table has none."""
        return self._query(X)

    def _seconds(self, X: ArrayLike) -> NDArray[np.float64]:
        if "training_time" not in self.bench.metrics(self.dataset):
            return np.zeros(len(np.atleast_2d(np.asarray(X))))
        budgets = self.bench.epochs(self.dataset, "training_time")
        epochs = self.epochs if self.epochs in budgets else None
        seconds = self.bench.query(X, "training_time", dataset=self.dataset, epochs=epochs)
        if budgets and self.epochs is not None and epochs is None:
            seconds = seconds * self.epochs / budgets[-1]
        return np.nan_to_num(seconds)

    def evaluate(self, X: Genotypes) -> Evaluation:
        if self.space.size <= SMALL_SIZE:
            F, seconds = self._by_number
            number = self.space.small_number(X)
            return Evaluation(F.take(number, axis=0, mode="clip"), seconds.take(number, mode="clip"))
        F = self._query(X)
        np.nan_to_num(F, copy=False, nan=np.inf, posinf=np.inf, neginf=-np.inf)
        return Evaluation(F, self._seconds(X))

    @cached_property
    def _by_number(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Objectives and seconds of every genotype of a small space, by its number."""
        everything = self.space.all()
        valid = self.space.is_valid(everything)
        F = np.full((len(everything), len(self.objectives)), np.inf)
        F[valid] = np.nan_to_num(self._query(everything[valid]), nan=np.inf, posinf=np.inf, neginf=-np.inf)
        seconds = np.zeros(len(everything))
        seconds[valid] = self._seconds(everything[valid])
        return F, seconds

    @cached_property
    def bounds(self) -> NDArray[np.float64]:
        """The best and the worst value of each objective over the whole table."""
        F = self._query(self.bench.architectures)
        F = F[np.isfinite(F).all(axis=1)]
        return np.stack([F.min(axis=0), F.max(axis=0)])


def _reopen(
    bench: Benchmark, objectives: tuple[str, ...], dataset: str, epochs: int | None, seed: int | Literal["mean"]
) -> TabularProblem:
    with warnings.catch_warnings():  # said once already, where the problem was made
        warnings.simplefilter("ignore", TestSelectionWarning)
        return TabularProblem(bench, objectives, dataset, epochs, seed)


class FunctionProblem(Problem):
    """A user's own objective function over a search space.

    Parameters
    ----------
    function : callable
        Genotypes (n, genes) to objective values (n, m) or (n,), to be minimised.
    space : Space
    objectives : sequence of str, optional
        Names of the objectives; ``("f",)`` unless given.
    bounds : array_like of float, shape (2, m), optional
        The best and the worst value of each objective; without them there is no hypervolume trace.
    seconds : callable, optional
        Genotypes (n, genes) to the seconds that each evaluation costs (n,).

    Examples
    --------
    >>> import nasbench_kit as nk
    >>> ones = FunctionProblem(lambda X: (X != 1).sum(axis=1), nk.space("nas-bench-macro"))
    >>> ones([[1, 1, 1, 1, 1, 1, 0, 2]])
    array([[2.]])
    """

    def __init__(
        self,
        function: Callable[[Genotypes], ArrayLike],
        space: Space,
        objectives: Sequence[str] = ("f",),
        bounds: ArrayLike | None = None,
        seconds: Callable[[Genotypes], ArrayLike] | None = None,
    ) -> None:
        self.function, self.space, self.objectives, self.seconds = function, space, tuple(objectives), seconds
        self._bounds = None if bounds is None else np.asarray(bounds, dtype=np.float64)
        if self._bounds is not None and self._bounds.shape != (2, len(self.objectives)):
            raise ValueError(f"bounds have the shape (2, {len(self.objectives)}), not {self._bounds.shape}")

    @property
    def bounds(self) -> NDArray[np.float64] | None:
        return self._bounds

    def evaluate(self, X: Genotypes) -> Evaluation:
        F = np.asarray(self.function(X), dtype=np.float64)
        F = F[:, np.newaxis] if F.ndim == 1 else F
        if F.shape != (len(X), len(self.objectives)):
            raise ValueError(
                f"the objective function returned the shape {F.shape} for {len(X)} genotypes and "
                f"{len(self.objectives)} objectives"
            )
        seconds = np.zeros(len(X)) if self.seconds is None else np.asarray(self.seconds(X), dtype=np.float64)
        return Evaluation(np.where(np.isnan(F), np.inf, F), seconds)
