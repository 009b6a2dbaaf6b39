"""What a search minimises: a table's metrics, or a user's own function."""

from __future__ import annotations

import itertools
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
from nasbench_kit.store.schema import PROXY, higher_is_better

if TYPE_CHECKING:
    from nasbench_kit.benchmark import Benchmark

__all__ = [
    "Evaluation",
    "FunctionProblem",
    "Problem",
    "TabularProblem",
    "TestSelectionWarning",
    "minimised",
    "warn_of_test_data",
]


class TestSelectionWarning(UserWarning):
    """A search selects on test data: its result says nothing about unseen data."""

    __test__ = False  # no test class, whatever pytest makes of its name


def minimised(values: NDArray[np.float64], objectives: Sequence[str]) -> NDArray[np.float64]:
    """Metrics (n, m) as objectives to minimise: an accuracy becomes 100 - accuracy, a proxy -proxy, the others stay.

    What is turned twice is what it was.
    """
    result = values.copy()
    for i, name in enumerate(objectives):
        if higher_is_better(name):
            result[:, i] = (100 if name.endswith("_accuracy") else 0) - result[:, i]
    return result


def warn_of_test_data(objectives: Sequence[str], where: str, *, stacklevel: int) -> None:
    """Give a TestSelectionWarning where an objective is measured on test data; the stack is counted from the caller."""
    on_test = [name for name in objectives if "test_" in name]
    if on_test:
        warnings.warn(
            f"the search selects on {on_test[0]} of {where}: it is no estimate for unseen data, and is not "
            "comparable with searches that select on validation data",
            TestSelectionWarning,
            stacklevel=stacklevel + 1,
        )


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
    budgets : tuple of int
        The epoch budgets that an evaluation may have, ascending; the last is the one that counts. Empty where there is
        no choice.
    """

    space: Space
    objectives: tuple[str, ...]

    @property
    @abstractmethod
    def bounds(self) -> NDArray[np.float64] | None: ...

    @property
    def budgets(self) -> tuple[int, ...]:
        return ()

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
    def evaluate(self, X: Genotypes, epochs: int | None = None) -> Evaluation:
        """Evaluate valid genotypes (n, genes), after ``epochs`` of training, one of the budgets; the last unless given."""

    def __call__(self, X: ArrayLike) -> NDArray[np.float64]:
        """The objective values of genotypes: (n, genes) to (n, m), each to be minimised."""
        return self.evaluate(self.space.check(X)).F


class TabularProblem(Problem):
    """Metrics of a benchmark as objectives; made by ``Benchmark.problem``.

    The simulated seconds of an evaluation are the table's ``training_time`` for the same dataset and epoch budget. Proxies
    ``proxy_*``, alone or with costs, need no training: theirs are the table's ``*_time`` of each.
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
        self._tables: dict[int | None, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        self._query(bench.architectures[:1])  # an unknown budget is an error here, not in the search
        warn_of_test_data(objectives, bench.name, stacklevel=3)

    def __repr__(self) -> str:
        budget = f", {self.epochs} epochs" if self.epochs is not None else ""
        return f"<problem {', '.join(self.objectives)} on {self.bench.name}/{self.dataset}{budget}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.bench, self.objectives, self.dataset, self.epochs, self.seed)

    @property
    def source(self) -> dict[str, Any]:
        return {
            "benchmark": str(self.bench.path),
            "dataset": self.dataset,
            "epochs": self.epochs,
            "seed": self.seed,
        }

    @cached_property
    def budgets(self) -> tuple[int, ...]:
        """The epoch budgets that the table has for all objectives that depend on training, up to the problem's own."""
        stored = [set(epochs) for name in self.objectives if (epochs := self.bench.epochs(self.dataset, name))]
        common = sorted(set.intersection(*stored)) if stored else []
        return tuple(epochs for epochs in common if self.epochs is None or epochs <= self.epochs)

    def _query(self, X: ArrayLike, epochs: int | None = None) -> NDArray[np.float64]:
        values = self.bench.query(
            X, self.objectives, dataset=self.dataset, epochs=epochs or self.epochs, seed=self.seed
        )
        return minimised(values, self.objectives)

    def __call__(self, X: ArrayLike) -> NDArray[np.float64]:
        """The objective values (n, m) of genotypes (n, genes); ``nan`` where the table has none."""
        return self._query(X)

    def _seconds(self, X: ArrayLike, epochs: int | None) -> NDArray[np.float64]:
        proxies = [name for name in self.objectives if name.startswith(PROXY)]
        if proxies and set(self.objectives) <= {*proxies, *self.space.cost_names}:
            times = [f"{name.removeprefix(PROXY)}_time" for name in proxies]
            stored_times = [name for name in times if name in self.bench.metrics(self.dataset)]
            total: NDArray[np.float64] = np.nansum(self.bench.query(X, stored_times, dataset=self.dataset), axis=1)
            return total
        if "training_time" not in self.bench.metrics(self.dataset):
            return np.zeros(len(np.atleast_2d(np.asarray(X))))
        stored = self.bench.epochs(self.dataset, "training_time")
        seconds = self.bench.query(
            X, "training_time", dataset=self.dataset, epochs=epochs if epochs in stored else None
        )
        if stored and epochs is not None and epochs not in stored:
            seconds = seconds * epochs / stored[-1]
        return np.nan_to_num(seconds)

    def evaluate(self, X: Genotypes, epochs: int | None = None) -> Evaluation:
        epochs = self.epochs if epochs is None else epochs
        if self.space.size <= SMALL_SIZE:
            F, seconds = self._by_number(epochs)
            number = self.space.small_number(X)
            return Evaluation(F.take(number, axis=0, mode="clip"), seconds.take(number, mode="clip"))
        F = self._query(X, epochs)
        np.nan_to_num(F, copy=False, nan=np.inf, posinf=np.inf, neginf=-np.inf)
        return Evaluation(F, self._seconds(X, epochs))

    def _by_number(self, epochs: int | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Objectives and seconds of every genotype of a small space, by its number."""
        if epochs not in self._tables:
            everything = self.space.all()
            valid = self.space.is_valid(everything)
            F = np.full((len(everything), len(self.objectives)), np.inf)
            F[valid] = np.nan_to_num(self._query(everything[valid], epochs), nan=np.inf, posinf=np.inf, neginf=-np.inf)
            seconds = np.zeros(len(everything))
            seconds[valid] = self._seconds(everything[valid], epochs)
            self._tables[epochs] = F, seconds
        return self._tables[epochs]

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
        Genotypes (n, genes) to objective values (n, m) or (n,), to be minimised; with ``budgets``, genotypes and a number
        of epochs.
    space : Space
    objectives : sequence of str, optional
        Names of the objectives; ``("f",)`` unless given.
    bounds : array_like of float, shape (2, m), optional
        The best and the worst value of each objective; without them there is no hypervolume trace.
    seconds : callable, optional
        Genotypes (n, genes) to the seconds that each evaluation costs (n,); with ``budgets``, genotypes and a number of
        epochs.
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
        self.function, self.space, self.objectives, self.seconds = function, space, tuple(objectives), seconds
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

    def evaluate(self, X: Genotypes, epochs: int | None = None) -> Evaluation:
        budget = (epochs or self._budgets[-1],) if self._budgets else ()
        F = np.asarray(self.function(X, *budget), dtype=np.float64)
        F = F[:, np.newaxis] if F.ndim == 1 else F
        if F.shape != (len(X), len(self.objectives)):
            raise ValueError(
                f"the objective function returned the shape {F.shape} for {len(X)} genotypes and "
                f"{len(self.objectives)} objectives"
            )
        seconds = np.zeros(len(X))
        if self.seconds is not None:
            seconds = np.asarray(self.seconds(X, *budget), dtype=np.float64)
        return Evaluation(np.where(np.isnan(F), np.inf, F), seconds)
