"""What a recipe reports, computed from our results and tables: one row per published figure."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.benchmark import Benchmark, TabularProblem
from nasbench_kit.errors import NasbenchKitError
from nasbench_kit.experiments.comparison import Comparison
from nasbench_kit.experiments.facts import FACTS, Column
from nasbench_kit.experiments.published_figure import PublishedFigure, beside_published, verdict
from nasbench_kit.experiments.published_order import beside_order
from nasbench_kit.experiments.recipe import Fact, Recipe, Report, SearchPart
from nasbench_kit.experiments.recipe_table import unfit
from nasbench_kit.experiments.result import Result
from nasbench_kit.experiments.scale import scale_of
from nasbench_kit.metrics import Metric, known_metric, minimised
from nasbench_kit.metrics.indicators import igd
from nasbench_kit.problems import Problem

__all__ = ["COLUMNS", "NOT_RUN", "row_of_fact", "rows_of_search"]

NOT_RUN = "not run"
LEFT_OUT = {"n": 0, "runs": 0, "test": "", "verdict": NOT_RUN}
COLUMNS = [
    *("search", "algorithm", "quantity", "ours", "ours_sd", "n", "runs", "published", "published_sd", "published_runs"),
    *("decimals", "difference", "difference_sd", "allowed", "standard_error", "test", "p", "verdict", "why"),
]


def rows_of_search(
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


def row_of_fact(recipe: Recipe, bench: Benchmark, fact: Fact) -> dict[str, Any]:
    """The row of a fact about the table."""
    column = Column(bench, fact.metrics, fact.dataset, fact.epochs, **fact.settings)
    row: dict[str, Any] = {"search": "", "algorithm": "", "quantity": fact.label, "why": fact.why}
    row |= {"ours_sd": math.nan, "published_sd": math.nan, "test": "", "n": 0, "runs": 0, "decimals": 0}
    try:
        ours = FACTS[fact.quantity].compute(column)
    except (NasbenchKitError, ValueError) as error:
        raise unfit(recipe, fact.where, error) from error
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
