"""Reproduce published results: run a recipe, and put our figures beside the published ones."""

from __future__ import annotations

import dataclasses
import itertools
import math
import os
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nasbench_kit.benchmark import Benchmark, TabularProblem, open_benchmark
from nasbench_kit.data import found_stores, store_folder
from nasbench_kit.errors import NasbenchKitError, SourceError, StoreError, UnknownName
from nasbench_kit.experiments.budget import whole_number
from nasbench_kit.experiments.comparison import Comparison
from nasbench_kit.experiments.facts import FACTS, Column
from nasbench_kit.experiments.names import seeds_of
from nasbench_kit.experiments.published_figure import PublishedFigure, beside_published, verdict
from nasbench_kit.experiments.published_order import beside_order
from nasbench_kit.experiments.recipe import Fact, Member, NeededTable, NeededTraining, Recipe, Report, SearchPart
from nasbench_kit.experiments.recipe_file import read_recipe
from nasbench_kit.experiments.result import Result
from nasbench_kit.experiments.scale import scale_of
from nasbench_kit.experiments.search import search
from nasbench_kit.metrics import Metric, known_metric, minimised
from nasbench_kit.metrics.indicators import igd
from nasbench_kit.problems import Problem, TestSelectionWarning
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Reproduction", "open_table", "reproduce"]

NOT_RUN = "not run"
#: Makes the problem of a recipe that trains, from what it needs and its objectives.
Trained = Callable[[NeededTraining, tuple[str, ...]], AbstractContextManager[Problem]]
LEFT_OUT = {"n": 0, "runs": 0, "test": "", "verdict": NOT_RUN}


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


COLUMNS = [
    *("search", "algorithm", "quantity", "ours", "ours_sd", "n", "runs", "published", "published_sd", "published_runs"),
    *("decimals", "difference", "difference_sd", "allowed", "standard_error", "test", "p", "verdict", "why"),
]


def reproduce(
    recipe: str | os.PathLike[str] | Recipe,
    *,
    runs: int | None = None,
    seed: int | None = None,
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
    problems = [_problem(recipe, bench, part) for part in parts]
    for part in parts:  # wrong names are found before anything is searched
        _initial(recipe, part, bench.space)
        for report in part.reports:
            _check_report(recipe, bench, part, report)
    rows = [_of_fact(recipe, bench, fact) for fact in recipe.facts]
    comparisons = {}
    for part, problem in zip(parts, problems, strict=True):
        comparison, left_out = _searched(recipe, bench, part, problem, progress)
        comparisons[part.name] = comparison
        rows += _of_part(recipe, part, comparison, left_out)
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
            _initial(recipe, part, problem.space)
            comparison, left_out = _searched(recipe, None, part, problem, progress)
            comparisons[part.name] = comparison
            try:
                rows += _of_part(recipe, part, comparison, left_out)
            except ValueError as error:  # such as a metric that is not measured
                raise _unfit(recipe, part.where, error) from error
    return Reproduction(recipe, None, tuple(rows), comparisons)


def _of_part(
    recipe: Recipe, part: SearchPart, comparison: Comparison, left_out: dict[str, str]
) -> list[dict[str, Any]]:
    """The rows of a search: the figures algorithm by algorithm, then the orders."""
    rows = [
        _of_search(recipe, part, report, name, comparison, left_out.get(name))
        for name in part.algorithms
        for report in part.reports
        if name in report.published
    ]
    for report in part.reports:
        pairs = [(name, None) for name in part.algorithms] if report.rises else itertools.pairwise(report.order)
        rows += [_of_order(part, report, pair, comparison, left_out) for pair in pairs]
    return rows


def open_table(recipe: Recipe) -> Benchmark:
    """Open the table that a recipe needs; StoreError if it is absent, or if the store of this name is another one."""
    needed = recipe.table
    assert isinstance(needed, NeededTable)
    own = recipe.path.parent / needed.name
    how = f": {needed.get}" if needed.get else ""
    words = f"{needed.name!r}" + (f" ({needed.version})" if needed.version else "")
    if needed.name in found_stores():
        bench = open_benchmark(needed.name)
    elif own.suffix == ".h5" and own.is_file():
        bench = open_benchmark(own)
    else:
        raise StoreError(
            f"the recipe {recipe.name} needs the benchmark {words}, which is not here{how}. Stores are searched for in "
            f"{store_folder()}"
        )
    found = None
    if bench.space.name != needed.space:
        found = f"is of the space {bench.space.name}, not {needed.space}"
    elif needed.architectures is not None and len(bench) != needed.architectures:
        found = f"has {len(bench):,} architectures, not {needed.architectures:,}"
    elif needed.digest and bench.digest not in needed.digest:
        found = f"has the digest {bench.digest}, which is not that of the recipe"
    if found:
        raise StoreError(f"{bench.path} is not the table that the recipe {recipe.name} needs, {words}: it {found}{how}")
    return bench


def _problem(recipe: Recipe, bench: Benchmark, part: SearchPart, member: Member | None = None) -> TabularProblem:
    """The problem of a search, or of one of its algorithms where that has a dataset or budgets of its own."""
    dataset, nominal = (member.dataset, member.nominal_budgets) if member else (None, ())
    try:
        with warnings.catch_warnings():  # the recipe, not the user, decided to search on test data
            warnings.simplefilter("ignore", TestSelectionWarning)
            return bench.problem(
                part.objectives,
                dataset=dataset or part.dataset,
                epochs=part.epochs,
                nominal_budgets=nominal,
                **part.options,
            )
    except (NasbenchKitError, ValueError) as error:
        raise _unfit(recipe, part.where, error) from error


def _check_report(recipe: Recipe, bench: Benchmark, part: SearchPart, report: Report) -> None:
    if report.metric is None:
        return
    try:
        dataset = report.dataset or part.dataset
        bench.query(bench.architectures[:1], report.metric, dataset=dataset, epochs=report.epochs)
        if report.quantity != "value" or report.order:
            bench.metric(report.metric, dataset).minimised(np.empty(0))
    except (NasbenchKitError, ValueError) as error:
        raise _unfit(recipe, report.where, error) from error


def _initial(recipe: Recipe, part: SearchPart, space: Space) -> Genotypes | None:
    """The first members of the first population; None if the recipe gives none."""
    if not part.initial:
        return None
    try:
        return space.encode(list(part.initial))
    except NasbenchKitError as error:
        raise _unfit(recipe, f"{part.where}.initial", error) from error


def _unfit(recipe: Recipe, where: str, error: Exception) -> SourceError:
    """The error for a recipe that does not fit its table."""
    get = recipe.table.get if isinstance(recipe.table, NeededTable) else ""
    how = f" (to get the table of the recipe: {get})" if get and isinstance(error, UnknownName) else ""
    return SourceError(f"{recipe.path}: {where}: {error}{how}")


# ---------------------------------------------------------------- searches


def _searched(
    recipe: Recipe,
    bench: Benchmark | None,
    part: SearchPart,
    problem: Problem,
    progress: Callable[[str, float], None] | None,
) -> tuple[Comparison, dict[str, str]]:
    """The results of a search, and why algorithms were left out."""
    members = {name: recipe.algorithms[name] for name in part.algorithms}
    seeds = seeds_of({name: member.algorithm for name, member in members.items()}, part.seed)
    budget = part.budget
    if part.to_optimum:
        assert isinstance(problem, TabularProblem)
        budget = dataclasses.replace(budget, target=_best(problem))
    results: dict[str, Result] = {}
    left_out: dict[str, str] = {}
    for name, member in members.items():
        task = recipe.task(part, name)
        own = problem
        if bench is not None and (member.nominal_budgets or member.dataset in bench.datasets):
            own = _problem(recipe, bench, part, member)
        if lack := _lack(member, own):
            left_out[name] = lack
            if progress:
                progress(task, 1.0)
            continue
        try:
            results[name] = search(
                own,
                member.algorithm,
                runs=part.runs,
                seed=seeds[name],
                budget=budget,
                initial=_initial(recipe, part, own.space),
                clock=part.clock,
                record=any(report.quantity == "population" for report in part.reports),
                progress=None if progress is None else lambda share, task=task: progress(task, share),  # type: ignore[misc]
            )
        except (NasbenchKitError, ValueError) as error:  # such as a table without times
            raise _unfit(recipe, f"{part.where}, algorithm {name!r}", error) from error
    return Comparison(problem, results, _drawn_report(part, bench), budget), left_out


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


def _of_search(
    recipe: Recipe, part: SearchPart, report: Report, name: str, comparison: Comparison, lack: str | None
) -> dict[str, Any]:
    """The row of a figure of a search."""
    published, why = report.published[name], [recipe.algorithms[name].why, report.why]
    row: dict[str, Any] = {"search": part.name, "algorithm": name, "quantity": report.label}
    if lack is not None:
        sd = math.nan if published.sd is None else published.sd
        figures = {"published": published.mean, "published_sd": sd, "decimals": published.decimals}
        return row | LEFT_OUT | figures | {"why": _sentence(lack, *why)}
    result = comparison.results[name]
    values = _values(comparison.problem, part, report, result)
    row |= beside_published(values, published, report.within, part.published_runs)
    if row["n"] < row["runs"]:
        missed = (
            "did not reach the target"
            if comparison.budget and comparison.budget.target is not None
            else "found nothing"
        )
        why.insert(0, f"{row['runs'] - row['n']:,} of {row['runs']:,} runs {missed}")
    return row | {"why": _sentence(*why)}


def _of_order(
    part: SearchPart,
    report: Report,
    pair: tuple[str, str | None],
    comparison: Comparison,
    left_out: dict[str, str],
) -> dict[str, Any]:
    """The row of two algorithms of a published order, the better one first; or of one and its first population."""
    better, other = pair
    row: dict[str, Any] = {"search": part.name, "algorithm": better, "quantity": report.label}
    row |= {"published": f"better than {other or 'the first generation'}", "published_sd": math.nan, "decimals": 0}
    lacks = [f"{name} {left_out[name]}" for name in pair if name in left_out]
    if lacks:
        return row | LEFT_OUT | {"why": _sentence(*lacks, report.why)}
    ours = _values(comparison.problem, part, report, comparison.results[better])
    if other is None:
        others = _population(comparison.problem, comparison.results[better], 0)
    else:
        others = _values(comparison.problem, part, report, comparison.results[other])
    return row | beside_order(ours, others, gain=_gain(comparison.problem, part, report)) | {"why": report.why}


def _gain(problem: Problem, part: SearchPart, report: Report) -> bool:
    """Whether more of the reported quantity is better."""
    if report.quantity == "hypervolume":
        return True
    metric: Metric | None = None
    if report.quantity == "population":
        metric = problem.objective_metrics[0]
    elif report.quantity == "value" and report.metric is not None:
        metric = known_metric(report.metric)
        if isinstance(problem, TabularProblem):
            metric = problem.bench.metric(report.metric, report.dataset or part.dataset)
    return metric is not None and metric.direction == "max"


def _values(problem: Problem, part: SearchPart, report: Report, result: Result) -> NDArray[np.float64]:
    """The reported quantity of each run, (runs,); ``nan`` for a run without one."""
    if report.quantity == "hypervolume":
        return result.hypervolume(scale=report.scale)
    if report.quantity == "igd":
        assert isinstance(problem, TabularProblem)
        return _igd(problem, result, report.scale)
    if report.quantity == "population":
        return _population(problem, result, -1)
    if report.metric is None:
        clock: NDArray[np.float64] = np.asarray(getattr(result, report.quantity), dtype=np.float64)
        aimed = part.to_optimum or part.budget.target is not None
        return np.where(result.reached, clock, np.nan) if aimed else clock
    dataset = report.dataset or part.dataset or None
    values = result.best(report.metric, dataset=dataset, epochs=report.epochs)
    if report.quantity == "value":
        return values
    assert isinstance(problem, TabularProblem)
    bench = problem.bench
    metric = bench.metric(report.metric, dataset)
    everything = metric.minimised(
        bench.query(bench.architectures, report.metric, dataset=dataset, epochs=report.epochs)
    )
    if report.quantity == "regret":
        regret: NDArray[np.float64] = metric.minimised(values) - np.nanmin(everything)
        return regret
    ranked = np.sort(everything[~np.isnan(everything)])
    rank = 1.0 + np.searchsorted(ranked, metric.minimised(values), side="left")
    return np.where(np.isnan(values), np.nan, rank)


def _population(problem: Problem, result: Result, generation: int) -> NDArray[np.float64]:
    """The mean of the first objective over a population of each run, in its own unit, (runs,)."""
    found = result.generations
    if not found:
        return np.full(result.runs, np.nan)
    means = np.full(result.runs, np.nan)
    for run in np.flatnonzero(found.ended):
        ended = int(found.ended[run])
        values = found.population(generation % ended, int(run))[1][:, 0]
        means[run] = np.where(np.isfinite(values), values, np.nan).mean()
    own: NDArray[np.float64] = minimised(means[:, np.newaxis], problem.objective_metrics[:1])[:, 0]
    return own


def _igd(problem: TabularProblem, result: Result, scale: str) -> NDArray[np.float64]:
    """The mean distance from the points of the table's front to the nearest one of each run's archive, (runs,)."""
    scaled = scale_of(scale, problem.bounds, problem.front_bounds).scaled
    front = scaled(problem.front()[1])
    found = [scaled(problem(result.archive(run)[0])) for run in range(result.runs)]
    return np.array([igd(points, front) if len(points) else math.nan for points in found])


# ---------------------------------------------------------------- facts


def _of_fact(recipe: Recipe, bench: Benchmark, fact: Fact) -> dict[str, Any]:
    """The row of a fact about the table."""
    column = Column(bench, fact.metrics, fact.dataset, fact.epochs, **fact.settings)
    row: dict[str, Any] = {"search": "", "algorithm": "", "quantity": fact.label, "why": fact.why}
    row |= {"ours_sd": math.nan, "published_sd": math.nan, "test": "", "n": 0, "runs": 0, "decimals": 0}
    try:
        ours = FACTS[fact.quantity].compute(column)
    except (NasbenchKitError, ValueError) as error:
        raise _unfit(recipe, fact.where, error) from error
    if isinstance(ours, tuple):
        found = fact.published in ours
        first = fact.published if found else ours[0]
        others = f"as good: {', '.join([name for name in ours if name != first][:3])}"
        return row | {
            "ours": first,
            "published": fact.published,
            "verdict": "agrees" if found else "differs",
            "why": _sentence(others if len(ours) > 1 else "", fact.why),
        }
    published = fact.published
    assert isinstance(published, PublishedFigure)
    allowed = fact.within.margin(published)
    return row | {
        "ours": ours,
        "published": published.mean,
        "decimals": published.decimals,
        "difference": ours - published.mean,
        "allowed": allowed,
        "verdict": verdict(ours - published.mean, allowed, published),
    }


def _sentence(*parts: str) -> str:
    return "; ".join(filter(None, parts))
