"""Reproduce published results: run a recipe, and put our figures beside the published ones."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nasbench_kit.benchmark import Benchmark, TabularProblem
from nasbench_kit.errors import LostWorker, NasbenchKitError, UnknownName
from nasbench_kit.experiments.budget import whole_number
from nasbench_kit.experiments.comparison import Comparison
from nasbench_kit.experiments.names import seeds_of
from nasbench_kit.experiments.pieces import Whole
from nasbench_kit.experiments.recipe import Member, NeededTraining, Recipe, SearchPart
from nasbench_kit.experiments.recipe_file import read_recipe
from nasbench_kit.experiments.recipe_table import check_report, initial_of, open_table, problem_of, unfit
from nasbench_kit.experiments.reported import COLUMNS, NOT_RUN, row_of_fact, rows_of_search
from nasbench_kit.experiments.result import Result
from nasbench_kit.experiments.search import planned, searched
from nasbench_kit.problems import Problem

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Reproduction", "reproduce"]

#: Makes the problem of a recipe that trains, from what it needs and its objectives.
Trained = Callable[[NeededTraining, tuple[str, ...]], AbstractContextManager[Problem]]


@dataclass(frozen=True)
class Reproduction:
    """Our figures beside the published ones.

    Attributes
    ----------
    recipe : Recipe
    bench : Benchmark or None
        None if networks were trained instead.
    rows : tuple of dict
        The rows of `table`.
    comparisons : dict of str to Comparison
        The results of each search, by its name in the recipe.
    """

    recipe: Recipe
    bench: Benchmark | None
    rows: tuple[dict[str, Any], ...]
    comparisons: dict[str, Comparison]

    def _repr_html_(self) -> str:
        from nasbench_kit.experiments.cards import reproduction_card

        return reproduction_card(self)

    @property
    def passed(self) -> bool:
        """Whether every figure that could be computed agrees with the published one."""
        verdicts = [row["verdict"] for row in self.rows if row["verdict"] != NOT_RUN]
        return bool(verdicts) and all(verdict == "agrees" for verdict in verdicts)

    def table(self) -> pd.DataFrame:
        """One row per published figure.

        Columns: ``search``, ``algorithm`` (empty for facts), ``quantity``; ``ours``, ``ours_sd`` over the ``n`` of ``runs``
        runs that found a value; ``published``, ``published_sd``, ``published_runs``, and the ``decimals`` that are printed;
        ``difference``, ``difference_sd`` (in published standard deviations), ``allowed`` (what still agrees),
        ``standard_error``, ``test``, ``p`` (not corrected for the number of rows), ``verdict`` (``"agrees"``, ``"differs"``,
        ``"undecided"``, ``"not run"``) and ``why``, what is known about a difference. What is not published is ``nan``. See
        `nasbench_kit.experiments.published_figure.beside_published`. Where an order is published, there is a row per pair of
        neighbours in it, ``published`` is text, and ``difference`` is that of our means; see
        `nasbench_kit.experiments.published_order.beside_order`.
        """
        import pandas as pd

        return pd.DataFrame(self.rows, columns=COLUMNS)

    def comparison(self, search: str | None = None) -> Comparison:
        """The comparison of a search; its name may be left out if there is only one.

        Raises
        ------
        UnknownName
            No such search, several of them, or a recipe of facts alone.
        """
        if search is None and len(self.comparisons) == 1:
            return next(iter(self.comparisons.values()))
        if search not in self.comparisons:
            raise UnknownName(f"search of {self.recipe.name}", search, self.comparisons)
        return self.comparisons[search]


def reproduce(
    recipe: str | os.PathLike[str] | Recipe,
    *,
    runs: int | None = None,
    seed: int | None = None,
    workers: int | None = None,
    progress: Callable[[str, float], None] | None = None,
    trained: Trained | None = None,
) -> Reproduction:
    """Run a recipe: the searches and facts of a published result, on the table that it names.

    Parameters
    ----------
    recipe : str, path-like or Recipe
        The name of a bundled recipe (``nasbench-kit reproduce --list``), or the path of a TOML file.
    runs : int, optional
        Independent runs of each search, at least 2. Default: as the recipe says. With fewer runs, only larger differences
        can be told from chance, and the verdicts allow for that.
    seed : int, optional
        Default: as the recipe says.
    workers : int, optional
        Processes that share the runs of searches on a table, as in ``nasbench_kit.search``. Default: all usable cores.
    progress : callable, optional
        Called with the name of a search (``Recipe.tasks``) and the fraction of its work done.
    trained : callable, optional
        For a recipe with ``[training]``: what makes a problem of it,
        `nasbench_kit.training.search.reproduction.training_problem`. Needed, so that nothing is trained by surprise.

    Returns
    -------
    Reproduction

    Raises
    ------
    UnknownName
        No such recipe.
    SourceError
        The recipe is not valid, or does not fit its table.
    StoreError
        The table is absent, or another one than the recipe needs. Nothing else is searched in its place.

    Examples
    --------
    >>> import nasbench_kit as nk
    >>> nk.reproduce("nas-bench-macro").table()[["quantity", "ours", "published", "verdict"]].iloc[1].tolist()
    ['best mean test accuracy', 93.12666320800781, 93.127, 'agrees']
    """
    recipe = recipe if isinstance(recipe, Recipe) else read_recipe(recipe)
    if runs is not None and whole_number("runs", runs) < 2:
        raise ValueError(f"runs must be at least 2, since a single run has no spread, not {runs}")
    if seed is not None and whole_number("seed", seed) < 0:
        raise ValueError(f"seed must be a non-negative integer, not {seed}")
    parts = [
        dataclasses.replace(part, runs=part.runs if runs is None else runs, seed=part.seed if seed is None else seed)
        for part in recipe.searches
    ]
    if isinstance(recipe.table, NeededTraining):
        return _by_training(recipe, recipe.table, parts, trained, progress)
    bench = open_table(recipe)
    problems = [problem_of(recipe, bench, part) for part in parts]
    for part in parts:  # wrong names are found before anything is searched
        initial_of(recipe, part, bench.space)
        for report in part.reports:
            check_report(recipe, bench, part, report)
    rows = [row_of_fact(recipe, bench, fact) for fact in recipe.facts]
    comparisons = {}
    for part, problem in zip(parts, problems, strict=True):
        comparison, left_out = _searched(recipe, bench, part, problem, workers, progress)
        comparisons[part.name] = comparison
        rows += rows_of_search(recipe, part, comparison, left_out)
    return Reproduction(recipe, bench, tuple(rows), comparisons)


def _by_training(
    recipe: Recipe,
    training: NeededTraining,
    parts: list[SearchPart],
    trained: Trained | None,
    progress: Callable[[str, float], None] | None,
) -> Reproduction:
    """Run the searches of a recipe that trains networks."""
    if trained is None:
        raise ValueError(
            f"the recipe {recipe.name} trains networks: run nasbench-kit reproduce {recipe.name}, or pass trained="
            "training_problem from nasbench_kit.training.search.reproduction"
        )
    rows: list[dict[str, Any]] = []
    comparisons = {}
    for part in parts:
        with trained(training, part.objectives) as problem:
            initial_of(recipe, part, problem.space)
            comparison, left_out = _searched(recipe, None, part, problem, 1, progress)
            comparisons[part.name] = comparison
            try:
                rows += rows_of_search(recipe, part, comparison, left_out)
            except ValueError as error:  # such as a metric that is not measured
                raise unfit(recipe, part.where, error) from error
    return Reproduction(recipe, None, tuple(rows), comparisons)


def _searched(
    recipe: Recipe,
    bench: Benchmark | None,
    part: SearchPart,
    problem: Problem,
    workers: int | None,
    progress: Callable[[str, float], None] | None,
) -> tuple[Comparison, dict[str, str]]:
    """The results of a search, and why algorithms were left out."""
    members = {name: recipe.algorithms[name] for name in part.algorithms}
    seeds = seeds_of({name: member.algorithm for name, member in members.items()}, part.seed)
    budget = part.budget
    if part.to_optimum:
        assert isinstance(problem, TabularProblem)
        budget = dataclasses.replace(budget, target=_best(problem))
    left_out: dict[str, str] = {}
    plans: dict[str, Whole] = {}
    for name, member in members.items():
        own = problem
        if bench is not None and (member.nominal_budgets or member.dataset in bench.datasets):
            own = problem_of(recipe, bench, part, member)
        if lack := _lack(member, own):
            left_out[name] = lack
            if progress:
                progress(recipe.task(part, name), 1.0)
            continue
        with _fitting(recipe, part, name):
            plans[name] = planned(
                own,
                member.algorithm,
                runs=part.runs,
                seed=seeds[name],
                budget=budget,
                initial=initial_of(recipe, part, own.space),
                clock=part.clock,
                record=any(report.quantity == "population" for report in part.reports),
                workers=workers,
            )
    tell = [None if progress is None else functools.partial(progress, recipe.task(part, name)) for name in plans]
    found = searched(list(plans.values()), workers=workers, progress=tell)
    results: dict[str, Result] = {}
    for name in plans:
        with _fitting(recipe, part, name):
            results[name] = next(found)
    return Comparison(problem, results, _drawn_report(part, bench), budget), left_out


@contextmanager
def _fitting(recipe: Recipe, part: SearchPart, name: str) -> Iterator[None]:
    """Say which algorithm does not fit, such as one that needs times, which the table lacks."""
    try:
        yield
    except LostWorker:
        raise
    except (NasbenchKitError, ValueError) as error:
        raise unfit(recipe, f"{part.where}, algorithm {name!r}", error) from error


def _best(problem: TabularProblem) -> float:
    """The best value of the objective in the table, in the metric's own unit, bit for bit."""
    F = problem(problem.bench.architectures)[:, 0]
    best = problem.bench.architectures[[int(np.nanargmin(F))]]
    seed = "mean" if problem.seed == "random" else problem.seed
    [value] = problem.bench.query(
        best, problem.objectives[0], dataset=problem.dataset, epochs=problem.epochs, seed=seed
    )
    return float(value)


def _lack(member: Member, problem: Problem) -> str:
    """What the table lacks for an algorithm, given the problem that it would search; empty if nothing."""
    if not isinstance(problem, TabularProblem):
        return ""
    if member.dataset not in (None, problem.dataset):
        lacking = f"the dataset {member.dataset}"
    elif member.algorithm.needs_budgets and len(problem.budgets) < 2:
        lacking = "trainings of several lengths"
    else:
        return ""
    return f"needs {member.needs or f'{lacking}, which {problem.bench.name} lacks'}"


def _drawn_report(part: SearchPart, bench: Benchmark | None) -> tuple[str, str, int | None] | None:
    """What a figure shows beside the objective: the first test metric that is reported, else the first metric."""
    if bench is None:
        return None
    reports = [
        (report.dataset or part.dataset, report.metric, report.epochs) for report in part.reports if report.metric
    ]
    ordered = sorted(reports, key=lambda report: bench.metric(str(report[1]), report[0]).split != "test")
    if not ordered:
        return None
    dataset, metric, epochs = ordered[0]
    return dataset, str(metric), epochs
