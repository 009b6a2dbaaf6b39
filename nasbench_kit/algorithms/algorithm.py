"""The contract of a search algorithm: settings in, then ask and tell over all runs at once."""

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
    """A search strategy over a batch of runs.

    The fields of an algorithm are its settings. ``start`` begins a search; then ``ask`` and ``tell`` take turns. It sees
    genotypes, objective values and a space for sampling: never a table or a metric's name.

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
    needs_budgets: ClassVar[bool] = False  # whether it trades epochs of training for numbers of genotypes

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
        """Refuse a number outside a range, and ``nan`` and ``inf``: ValueError. A setting that is None is not given, and passes.

        Parameters
        ----------
        name : str
            Of a setting.
        least : float
        most : float or str
            The name of a setting stands for its value.
        without_least, without_most : bool
            Whether the end itself is outside.
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
        raise ValueError(f"{self.name}: {name} is {words}, not {value}")

    @property
    def name(self) -> str:
        """The algorithm's name."""
        return type(self).__name__

    @property
    def settings(self) -> dict[str, Any]:
        """The settings by name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @property
    def batch(self) -> int:
        """About how many genotypes a run asks for at a time."""
        return 1

    @property
    def epochs(self) -> int | None:
        """The epoch budget of what `ask` gave last; None for the problem's own."""
        return None

    @property
    def trained(self) -> int:
        """Epochs for which what `ask` gave last is trained already, where its training goes on; 0 where it starts anew."""
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
    ) -> Self:
        """Begin a search anew.

        Parameters
        ----------
        space : Space
        runs : int
            How many runs are held at once.
        seed : int
            With the number of a run, it fixes all of its random draws. Another algorithm, or this one with other settings,
            has independent ones.
        first_run : int
            The number of the first run.
        objectives : int
            How many objective values ``tell`` will get, all minimised.
        budgets : sequence of int, optional
            The epoch budgets at which genotypes can be evaluated, ascending; see `epochs`.
        initial : array_like of int, shape (n, genes) or (first_run + runs or more, n, genes), optional
            Genotypes that take the first places of the first population: the same for all runs, or each run's own.

        Returns
        -------
        Algorithm
            Itself.

        Raises
        ------
        ValueError
            Where this algorithm cannot search for so many objectives, with these budgets, or from such a population.
        InvalidArchitecture
            Where an initial genotype is invalid.
        """
        if runs < 1:
            raise ValueError(f"runs is at least 1, not {runs}")
        if objectives == 1 and not self.single_objective:
            raise ValueError(f"{self.name} needs at least two objectives; for one there is GeneticAlgorithm")
        if objectives > 1 and not self.many_objectives:
            raise ValueError(f"{self.name} minimises one objective, not {objectives}; for several there is NSGA2")
        if self.needs_budgets and len(budgets) < 2:
            raise ValueError(
                f"{self.name} needs at least two epoch budgets, and the problem has "
                + (f"{budgets[0]} alone" if budgets else "none")
            )
        self.space, self.runs, self.objectives = space, runs, objectives
        self.budgets = tuple(budgets)
        self.random = Streams(seed, runs, first_run, key=stream_key(self.name, self.settings))
        self._initial = self._check_initial(initial, first_run)
        self._asked: Genotypes | None = None
        self._begin()
        return self

    def _check_initial(self, initial: ArrayLike | None, first_run: int) -> Genotypes:
        """The genotypes that each run begins with: (runs, n, genes)."""
        if initial is None:
            return np.empty((self.runs, 0, self.space.genes), dtype=np.uint8)
        given = np.asarray(initial)
        given = given[np.newaxis] if given.ndim == 1 else given
        rows = self.space.check(given.reshape(-1, given.shape[-1])).reshape(*given.shape[:-1], self.space.genes)
        if rows.ndim == 2:
            rows = np.broadcast_to(rows, (first_run + self.runs, *rows.shape))
        if rows.ndim != 3 or len(rows) < first_run + self.runs:
            raise ValueError(
                f"initial has the shape (n, genes), or (runs, n, genes) with {first_run + self.runs} runs, not {given.shape}"
            )
        if rows.shape[1] > self.first_population_size:
            raise ValueError(
                f"initial has {rows.shape[1]} genotypes a run, and the first population of {self.name} has "
                f"{self.first_population_size}"
            )
        return rows[first_run : first_run + self.runs]

    @property
    def first_population_size(self) -> int:
        """How many genotypes the first population has: as many may be given as ``initial``."""
        return self.batch

    def _initial_sample(self, n: int) -> Genotypes:
        """Genotypes to begin with, (runs, n, genes): the initial ones that are left, then random ones."""
        X = self.random.sample(self.space, n)
        given, self._initial = self._initial[:, :n], self._initial[:, n:]
        X[:, : given.shape[1]] = given
        return X

    def ask(self) -> Genotypes:
        """The next genotypes to evaluate: (runs, batch, genes). Asking again without telling gives the same."""
        if not hasattr(self, "random"):
            raise RuntimeError(f"{self.name}: call start(space, ...) before ask()")
        if self._asked is None:
            self._asked = self._ask()
        return self._asked

    def tell(self, F: ArrayLike) -> None:
        """The objective values of what was asked for: (runs, batch, objectives), minimised; ``inf`` for a failure."""
        if getattr(self, "_asked", None) is None:
            raise RuntimeError(f"{self.name}: call ask() before tell()")
        assert self._asked is not None
        values = np.asarray(F, dtype=np.float64)
        wanted = (*self._asked.shape[:2], self.objectives)
        if values.shape != wanted:
            raise ValueError(f"{self.name}: F has the shape {values.shape}, expected {wanted}")
        if np.isnan(values).any():
            raise ValueError(f"{self.name}: F has nan; tell inf for a genotype that could not be evaluated")
        asked, self._asked = self._asked, None
        self._tell(asked, values)

    @property
    def population(self) -> tuple[Genotypes, NDArray[np.float64]] | None:
        """The current population and its objective values, for algorithms that have one."""
        return None

    @abstractmethod
    def _begin(self) -> None:
        """Forget everything but the settings, the space and the random streams."""

    @abstractmethod
    def _ask(self) -> Genotypes: ...

    @abstractmethod
    def _tell(self, X: Genotypes, F: NDArray[np.float64]) -> None: ...


def _check_setting(algorithm: str, field: dataclasses.Field[Any], value: Any) -> None:
    """Refuse a setting that is not of the kind that its field is declared to be: ValueError."""
    declared = field.type if isinstance(field.type, str) else getattr(field.type, "__name__", "")
    kind, _, optional = declared.partition(" | ")
    if value is None and optional == "None":
        return
    for name, types, words in _KINDS:
        if kind == name and (not isinstance(value, types) or (isinstance(value, bool) and name != "bool")):
            raise ValueError(f"{algorithm}: {field.name} is {words}, not {value!r}")


_KINDS: tuple[tuple[str, type, str], ...] = (
    ("int", numbers.Integral, "a whole number"),
    ("float", numbers.Real, "a number"),
    ("bool", bool, "True or False"),
)
