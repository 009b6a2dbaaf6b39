"""Recipes: published results, with all that is needed to find them again; bundled ones and a user's own TOML files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nasbench_kit.algorithms import Algorithm
from nasbench_kit.experiments.budget import Budget
from nasbench_kit.experiments.published_figure import PublishedFigure, Tolerance

__all__ = [
    "OF_FRONT",
    "OF_METRIC",
    "QUANTITIES",
    "Fact",
    "Member",
    "NeededTable",
    "NeededTraining",
    "Recipe",
    "Report",
    "SearchPart",
    "bundled_recipes",
]

_FOLDER = Path(__file__).parent / "recipes"

#: What a search for one objective reports of each run: the value of a metric of the incumbent, the incumbent's rank by it in
#: the whole table (1 is the best), or how far its value is from the table's best.
OF_METRIC = ("value", "rank", "regret")
#: What a search for several objectives reports of each run's archive: its hypervolume, or its IGD from the table's front.
OF_FRONT = ("hypervolume", "igd")
#: All that a search can report of each run: also the mean of the first objective over the last population, and the run's clocks
#: where it ends.
QUANTITIES = (*OF_METRIC, *OF_FRONT, "population", "evaluations", "unique_networks", "simulated_seconds")


@dataclass(frozen=True)
class NeededTable:
    """The table that a recipe is about.

    Attributes
    ----------
    name : str
        A benchmark's name, or the name of a store file (``.h5``) in the recipe's folder.
    space : str
    architectures : int or None
    digest : tuple of str
        ``Benchmark.digest`` of the stores that are meant; empty if the content is not pinned.
    version : str
        The version of the published file, in words.
    get : str
        What to do to get it.
    """

    name: str
    space: str
    architectures: int | None = None
    digest: tuple[str, ...] = ()
    version: str = ""
    get: str = ""


@dataclass(frozen=True)
class NeededTraining:
    """The real training that a recipe is about, instead of a table.

    Attributes
    ----------
    space, dataset : str
    recipe : str or None
        The training recipe; None for that of the dataset or space.
    epochs : int or None
    skeleton : dict
        Values of the skeleton that differ from the defaults.
    seeds : int
        Trainings per network.
    """

    space: str
    dataset: str
    recipe: str | None = None
    epochs: int | None = None
    skeleton: Mapping[str, Any] = field(default_factory=dict)
    seeds: int = 1


@dataclass(frozen=True)
class Member:
    """An algorithm of a recipe, with the published settings.

    Attributes
    ----------
    name : str
        Its name in the publication.
    algorithm : Algorithm
    dataset : str or None
        The dataset that it searches instead of the search's own, e.g. the one with the learning curves.
    nominal_budgets : tuple of int
        As in ``Benchmark.problem``.
    needs : str
        What a table must have for it, in words.
    why : str
        What explains a known difference.
    """

    name: str
    algorithm: Algorithm
    dataset: str | None = None
    nominal_budgets: tuple[int, ...] = ()
    needs: str = ""
    why: str = ""


@dataclass(frozen=True)
class Report:
    """A quantity that is reported of the runs of a search, with published figures or a published order.

    Attributes
    ----------
    where : str
        Its place in the file, for messages.
    label : str
    quantity : str
        One of `QUANTITIES`.
    metric, dataset : str or None
    epochs : int or None
    published : dict of str to PublishedFigure
        By algorithm; empty if an order is published.
    order : tuple of str
        Algorithms, the best first; empty if figures are published.
    rises : bool
        Whether it is published that the last population is better than the first.
    scale : str
        Of a hypervolume or IGD, see ``scale_of``.
    within : Tolerance
    why : str
    """

    where: str
    label: str
    quantity: str
    metric: str | None
    dataset: str | None
    epochs: int | None
    published: Mapping[str, PublishedFigure]
    within: Tolerance
    order: tuple[str, ...] = ()
    rises: bool = False
    scale: str = "front"
    why: str = ""


@dataclass(frozen=True)
class SearchPart:
    """A search of a recipe: one problem, several algorithms, the same budget.

    Attributes
    ----------
    where : str
        Its place in the file, for messages.
    name : str
    objectives : tuple of str
    dataset : str
        Empty for real training.
    epochs : int or None
    options : dict
        Further arguments of ``Benchmark.problem``.
    algorithms : tuple of str
    budget : Budget
    to_optimum : bool
        Whether a run ends when it finds the best architecture of the table.
    clock : str
    runs, seed : int
    published_runs : int or None
    reports : tuple of Report
    initial : tuple of str
        Native forms of the first members of the first population.
    """

    where: str
    name: str
    objectives: tuple[str, ...]
    dataset: str
    epochs: int | None
    options: Mapping[str, Any]
    algorithms: tuple[str, ...]
    budget: Budget
    to_optimum: bool
    clock: str
    runs: int
    seed: int
    published_runs: int | None
    reports: tuple[Report, ...]
    initial: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Fact:
    """A published fact about the whole table; see `nasbench_kit.experiments.facts`.

    Attributes
    ----------
    where, label : str
    quantity : str
        One of ``FACTS``.
    metrics : tuple of str
    dataset : str or None
    epochs : int or None
    settings : dict
    published : PublishedFigure or str
    within : Tolerance
    why : str
    """

    where: str
    label: str
    quantity: str
    metrics: tuple[str, ...]
    dataset: str | None
    epochs: int | None
    settings: Mapping[str, Any]
    published: PublishedFigure | str
    within: Tolerance
    why: str = ""


@dataclass(frozen=True)
class Recipe:
    """A published result: where it stands, what it takes, and its figures.

    Attributes
    ----------
    path : Path
    name, title, citation : str
    source : str
        The table or section that the figures are from.
    table : NeededTable or NeededTraining
    algorithms : dict of str to Member
    searches : tuple of SearchPart
    facts : tuple of Fact
    notes : tuple of str
        Known differences from the publication.
    """

    path: Path
    name: str
    title: str
    citation: str
    source: str
    table: NeededTable | NeededTraining
    algorithms: Mapping[str, Member] = field(default_factory=dict)
    searches: tuple[SearchPart, ...] = ()
    facts: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()

    def task(self, search: SearchPart, algorithm: str) -> str:
        """The name of one algorithm's searches: the algorithm's, after the search's if there are several."""
        return algorithm if len(self.searches) == 1 else f"{search.name}: {algorithm}"

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of all searches that progress is reported of."""
        return tuple(self.task(search, name) for search in self.searches for name in search.algorithms)


def bundled_recipes() -> dict[str, Path]:
    """The recipes that ship with the package: names to files."""
    return {path.stem: path for path in sorted(_FOLDER.glob("*.toml"))}


def recipe_path(recipe: str | os.PathLike[str]) -> Path | None:
    """The file of a recipe by its name or path; None if it is neither."""
    bundled = bundled_recipes()
    if isinstance(recipe, str) and recipe in bundled:
        return bundled[recipe]
    path = Path(recipe)
    looks_like_path = not isinstance(recipe, str) or path.suffix == ".toml" or len(path.parts) > 1
    return path if looks_like_path else None
