"""Base class of search algorithms: settings, and an ask-and-tell interface vectorised over runs."""

from __future__ import annotations

import dataclasses
import math
import numbers
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.algorithms.streams import Streams, stream_key
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Algorithm"]


@dataclasses.dataclass(kw_only=True)
class Algorithm(ABC):
    """A search algorithm over a batch of independent runs.

    The dataclass fields of an algorithm are its settings. Call ``start`` once, then ``ask`` and ``tell`` alternately.
    An algorithm only sees the search space, genotypes and objective values, never a benchmark or a metric name.

    Examples
    --------
    >>> import nasbench_kit as nk
    >>> space = nk.space("nas-bench-macro")
    >>> algorithm = nk.RandomSearch().start(space, runs=2, seed=1)
    >>> X = algorithm.ask()
    >>> algorithm.tell((X != 2).sum(axis=2)[..., None])
    """

    many_objectives: ClassVar[bool] = False
    single_objective: ClassVar[bool] = True
    needs_budgets: ClassVar[bool] = False  # whether the algorithm is multi-fidelity

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check_setting(self.name, field, getattr(self, field.name))

    def _require(
        self,
        name: str,
        least: float,
        most: float | str = math.inf,
        *,
        without_least: bool = False,
        without_most: bool = False,
    ) -> None:
        """Raise ValueError unless a setting is None or a finite number within a range.

        Parameters
        ----------
        name : str
            Name of the setting.
        least : float
            Lower bound.
        most : float or str
            Upper bound, or the name of the setting that gives it.
        without_least, without_most : bool
            Whether the bound itself is excluded.
        """
        value = getattr(self, name)
        if value is None:
            return
        limit = getattr(self, most) if isinstance(most, str) else most
        above = value > least if without_least else value >= least
        below = value < limit if without_most else value <= limit
        if above and below and value != math.inf:  # nan is neither
            return
        end = f"{most} ({limit})" if isinstance(most, str) else f"{most}"
        if limit == math.inf:
            words = f"above {least}" if without_least else f"at least {least}"
            words += ", and finite" if value == math.inf else ""
        elif without_least:
            words = f"above {least} and {'below' if without_most else 'at most'} {end}"
        else:
            words = f"from {least} to {'below ' if without_most else ''}{end}"
        raise ValueError(f"{self.name}: {name} must be {words}, not {value}")

    @property
    def name(self) -> str:
        """Name of the algorithm."""
        return type(self).__name__

    @property
    def settings(self) -> dict[str, Any]:
        """Settings by name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @property
    def batch(self) -> int:
        """Approximate number of genotypes that a run asks for at a time."""
        return 1

    @property
    def epochs(self) -> int | None:
        """Epoch budget of the genotypes last returned by `ask`; None for the problem's default."""
        return None

    @property
    def trained(self) -> int:
        """Epochs already trained if the training of the last `ask` is continued; 0 if it starts from scratch."""
        return 0

    def start(
        self,
        space: Space,
        *,
        runs: int = 1,
        seed: int = 0,
        first_run: int = 0,
        objectives: int = 1,
        budgets: Sequence[int] = (),
        initial: ArrayLike | None = None,
        drawn_from: Genotypes | None = None,
    ) -> Self:
        """Start a new search.

        Parameters
        ----------
        space : Space
        runs : int
            Number of runs to perform in parallel.
        seed : int
            Seed. Together with the run number, it determines all random draws of a run. Different algorithms and
            different settings use independent random streams.
        first_run : int
            Number of the first run.
        objectives : int
            Number of objective values passed to ``tell``, all minimised.
        budgets : sequence of int, optional
            Available epoch budgets, ascending; see `epochs`.
        initial : array_like of int, shape (n, genes) or (first_run + runs or more, n, genes), optional
            Genotypes to include in the first population, either shared by all runs or separate for each run.
        drawn_from : ndarray of uint8, shape (k, genes), optional
            Random genotypes are drawn from these, uniformly and with replacement. Default: from the whole space.

        Returns
        -------
        Algorithm
            Itself.

        Raises
        ------
        ValueError
            If the algorithm does not support the number of objectives, the budgets, or the initial population.
        InvalidArchitecture
            If an initial genotype is invalid.
        """
        if runs < 1:
            raise ValueError(f"runs must be at least 1, not {runs}")
        if objectives == 1 and not self.single_objective:
            raise ValueError(f"{self.name} needs at least two objectives; for one, use GeneticAlgorithm")
        if objectives > 1 and not self.many_objectives:
            raise ValueError(f"{self.name} minimises one objective, not {objectives}; for several, use NSGA2")
        if self.needs_budgets and len(budgets) < 2:
            raise ValueError(
                f"{self.name} needs at least two epoch budgets, but the problem has "
                + (f"only {budgets[0]}" if budgets else "none")
            )
        self.space, self.runs, self.objectives = space, runs, objectives
        self.budgets = tuple(budgets)
        self.random = Streams(seed, runs, first_run, key=stream_key(self.name, self.settings))
        self.random.drawn_from = drawn_from
        self._initial = self._check_initial(initial, first_run)
        self._asked: Genotypes | None = None
        self._begin()
        return self

    def _check_initial(self, initial: ArrayLike | None, first_run: int) -> Genotypes:
        """Validate the initial genotypes and expand them to (runs, n, genes)."""
        if initial is None:
            return np.empty((self.runs, 0, self.space.genes), dtype=np.uint8)
        given = np.asarray(initial)
        given = given[np.newaxis] if given.ndim == 1 else given
        rows = self.space.check(given.reshape(-1, given.shape[-1])).reshape(*given.shape[:-1], self.space.genes)
        if rows.ndim == 2:
            rows = np.broadcast_to(rows, (first_run + self.runs, *rows.shape))
        if rows.ndim != 3 or len(rows) < first_run + self.runs:
            raise ValueError(
                f"initial must have the shape (n, genes), or (runs, n, genes) with {first_run + self.runs} runs, "
                f"not {given.shape}"
            )
        if rows.shape[1] > self.first_population_size:
            raise ValueError(
                f"initial has {rows.shape[1]} genotypes per run, but the first population of {self.name} holds only "
                f"{self.first_population_size}"
            )
        return rows[first_run : first_run + self.runs]

    @property
    def first_population_size(self) -> int:
        """Size of the first population, and the maximum number of ``initial`` genotypes per run."""
        return self.batch

    def _initial_sample(self, n: int) -> Genotypes:
        """Starting genotypes, (runs, n, genes): remaining ``initial`` ones first, then random ones."""
        X = self.random.sample(self.space, n)
        given, self._initial = self._initial[:, :n], self._initial[:, n:]
        X[:, : given.shape[1]] = given
        return X

    def _single_starts(self, runs: NDArray[np.intp]) -> Genotypes:
        """The next starting genotype of each run of a subset, to be called in every step: (len(runs), genes).

        Remaining ``initial`` ones are those of the first steps, then they are random.
        """
        X = self.random.single(self.space, runs)
        if self._initial.shape[1]:
            X, self._initial = self._initial[runs, 0], self._initial[:, 1:]
        return X

    def ask(self) -> Genotypes:
        """Return the next genotypes to evaluate: (runs, batch, genes). Repeated calls before `tell` return the same."""
        if not hasattr(self, "random"):
            raise RuntimeError(f"{self.name}: call start(space, ...) before ask()")
        if self._asked is None:
            self._asked = self._ask()
        return self._asked

    def tell(self, F: ArrayLike) -> None:
        """Report the objective values of the last `ask`: (runs, batch, objectives), minimised; ``inf`` for failures."""
        if getattr(self, "_asked", None) is None:
            raise RuntimeError(f"{self.name}: call ask() before tell()")
        assert self._asked is not None
        values = np.asarray(F, dtype=np.float64)
        wanted = (*self._asked.shape[:2], self.objectives)
        if values.shape != wanted:
            raise ValueError(f"{self.name}: F has the shape {values.shape}, expected {wanted}")
        if np.count_nonzero(np.isnan(values)):
            raise ValueError(f"{self.name}: F contains nan; use inf for genotypes that could not be evaluated")
        asked, self._asked = self._asked, None
        self._tell(asked, values)

    @property
    def population(self) -> tuple[Genotypes, NDArray[np.float64]] | None:
        """Current population and its objective values; None for algorithms without a population."""
        return None

    @abstractmethod
    def _begin(self) -> None:
        """Reset all state except the settings, the space and the random streams."""

    @abstractmethod
    def _ask(self) -> Genotypes: ...

    @abstractmethod
    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None: ...


def _check_setting(algorithm: str, field: dataclasses.Field[Any], value: Any) -> None:
    """Raise ValueError if a setting does not have the declared type of its field."""
    declared = field.type if isinstance(field.type, str) else getattr(field.type, "__name__", "")
    kind, _, optional = declared.partition(" | ")
    if value is None and optional == "None":
        return
    for name, types, words in _KINDS:
        if kind == name and (not isinstance(value, types) or (isinstance(value, bool) and name != "bool")):
            raise ValueError(f"{algorithm}: {field.name} must be {words}, not {value!r}")


_KINDS: tuple[tuple[str, type, str], ...] = (
    ("int", numbers.Integral, "a whole number"),
    ("float", numbers.Real, "a number"),
    ("bool", bool, "True or False"),
)
