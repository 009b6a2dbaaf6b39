"""Pictures of a comparison (extra ``plot``): anytime curves with bands, and fronts."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.experiments.comparison import Comparison
from nasbench_kit.experiments.result import Result
from nasbench_kit.metrics import minimised
from nasbench_kit.pictures import COLOURS, STYLE, check_picture, write_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["anytime", "plain_log_ticks", "plot_comparison"]

# beside the colours, for black and white
STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (5, 5)))
FIRST = 10  # evaluations: before that, a picture shows the luck of the first draws
CLOCKS = {
    "evaluations": "evaluations",
    "unique_networks": "unique networks evaluated",
    "simulated_seconds": "simulated training time [s]",
}


def anytime(
    result: Result, values: NDArray[np.float64], clock: str, points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Each run's value at given times of a clock, as its trace has it: (runs, points).

    Parameters
    ----------
    result : Result
    values : ndarray of float, shape (rows,)
        One for each row of the trace.
    clock : str
        A clock's column of the trace.
    points : ndarray of float, shape (points,)

    Returns
    -------
    ndarray of float, shape (runs, points)
        The value of the last row that is not later; ``nan`` before a run's first row, and where nothing is known.
    """
    run = result.rows["run"]
    time = result.rows[clock]
    values = np.where(np.isfinite(values), values, np.nan)
    table = np.full((result.runs, len(points)), np.nan)
    bounds = np.searchsorted(run, np.arange(result.runs + 1))
    for r, (a, b) in enumerate(itertools.pairwise(bounds)):
        at = np.searchsorted(time[a:b], points, side="right") - 1
        known = at >= 0
        table[r, known] = values[a:b][at[known]]
    return table


def plot_comparison(comparison: Comparison, path: str | os.PathLike[str], *, clock: str = "evaluations") -> Path:
    """Draw a comparison to a file; the format follows its suffix (PNG, SVG, PDF).

    For one objective: the regret, and what is reported of the incumbents, over the clock; mean and 95 % interval. For
    several: the hypervolume over the clock, and the front of each algorithm's median run beside the table's own.

    Raises
    ------
    MissingExtra
        Where matplotlib is not installed.
    StoreError
        Where the file cannot be written.
    """
    target = Path(path)
    check_picture(target)
    return write_picture(_figure(comparison, clock), target)


def _figure(comparison: Comparison, clock: str) -> Figure:
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as MplFigure

    with mpl.rc_context(STYLE):
        figure = MplFigure(figsize=(11, 5.0), layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2)
        if len(comparison.problem.objectives) == 1:
            _draw_single(comparison, clock, left, right)
        else:
            _draw_many(comparison, clock, left, right)
        for axes in (left, right):
            plain_log_ticks(axes)
        _title(figure, comparison)
    return figure


def _title(figure: Figure, comparison: Comparison) -> None:
    problem = comparison.problem
    first = next(iter(comparison.results.values()))
    budget = f", {problem.epochs} epochs" if problem.epochs is not None else ""
    runs = f"{first.runs} runs each" if first.runs > 1 else "one run each"
    where = problem.bench.name if len(problem.bench.datasets) == 1 else f"{problem.bench.name}, {problem.dataset}"
    figure.suptitle(f"{where}: search on {' and '.join(map(_words, problem.objectives))}{budget} ({runs})", fontsize=13)


def _draw_single(comparison: Comparison, clock: str, left: Axes, right: Axes) -> None:
    problem = comparison.problem
    objective = problem.objectives[0]
    points = _clock_points(comparison, clock)
    lowest = np.inf
    for i, (name, result) in enumerate(comparison.results.items()):
        table = anytime(result, comparison.regret(result), clock, points)
        lowest = min(lowest, _draw_curve(left, points, table, i, name, floor=0.0))
    unit = " [percentage points]" if objective.endswith("_accuracy") else ""
    left.set(xscale="log", yscale="log", xlabel=CLOCKS[clock], ylabel=f"{_words(objective)} regret{unit}")
    if np.isfinite(lowest):
        left.set_ylim(bottom=lowest / 1.5)
    left.set_title("what the search sees", fontsize=11)
    handles, names = left.get_legend_handles_labels()
    if clock != "simulated_seconds":
        partly = [comparison.trains_partly(name) for name in comparison.results]
        names = [f"{name} (partial trainings)" if part else name for name, part in zip(names, partly, strict=True)]
    # below both panels: there is no corner that all curves leave free
    left.figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 4), frameon=False)
    if comparison.report is None:
        _draw_finals(comparison, right)
        return
    dataset, metric, epochs = comparison.report
    for i, (name, result) in enumerate(comparison.results.items()):
        values = result.trace_of(metric, dataset=dataset, epochs=epochs)
        _draw_curve(right, points, anytime(result, values, clock, points), i, name)
    best = comparison.best_reported()
    about = problem.bench.metric(metric, dataset)
    top = float(minimised(np.array([[best]]), [about])[0, 0])
    right.axhline(top, color="0.5", linewidth=1, linestyle=(0, (2, 2)))
    right.annotate(
        "best in the table", (0.01, top), xycoords=right.get_yaxis_transform(), xytext=(0, 4), textcoords="offset points",
        color="0.4", fontsize=9,
    )  # fmt: skip
    unit = " [%]" if metric.endswith("_accuracy") else ""
    right.set(xscale="log", xlabel=CLOCKS[clock], ylabel=f"{_words(metric)} of the incumbent{unit}")
    # where the curves end and the optimum, with room on the side that they come from
    ends = [
        top,
        *(
            float(np.nanmean(result.best(metric, dataset=dataset, epochs=epochs)))
            for result in comparison.results.values()
        ),
    ]
    margin = max(ends) - min(ends)
    before, beyond = (2.0, 0.35) if about.direction == "max" else (0.35, 2.0)
    if margin > 0:
        right.set_ylim(min(ends) - before * margin, max(ends) + beyond * margin)
    right.set_title(
        f"what it is worth on unseen data{'' if dataset == problem.dataset else f' ({dataset})'}", fontsize=11
    )


def _draw_finals(comparison: Comparison, axes: Axes) -> None:
    """Where the runs end: the share of runs whose regret is at most x."""
    for i, (name, result) in enumerate(comparison.results.items()):
        final = np.sort(comparison.final(result))
        share = np.arange(1, len(final) + 1) / len(final)
        axes.step(
            final,
            share,
            where="post",
            color=COLOURS[i % 8],
            linestyle=STYLES[(i + i // 8) % 8],
            linewidth=2,
            label=_name(name),
        )
    axes.set(xlabel="final regret", ylabel="share of runs", ylim=(0, 1.02))
    axes.set_title("where the runs end", fontsize=11)


def _draw_many(comparison: Comparison, clock: str, left: Axes, right: Axes) -> None:
    problem = comparison.problem
    points = _clock_points(comparison, clock)
    whole = comparison.front_hypervolume()
    for i, (name, result) in enumerate(comparison.results.items()):
        missing = whole - anytime(result, result.rows["hypervolume"], clock, points)
        _draw_curve(left, points, missing, i, name, floor=1e-9)
    left.set(xscale="log", yscale="log", xlabel=CLOCKS[clock], ylabel="hypervolume missing to the table's front")
    left.set_title("how far the archive is from the exact front", fontsize=11)
    left.legend(frameon=False)
    first, second = problem.objectives[:2]
    front = minimised(problem.front()[1], problem.objective_metrics)
    right.plot(front[:, 1], front[:, 0], "o", color="0.75", markersize=7, label="the table's own front", zorder=1)
    for i, (name, result) in enumerate(comparison.results.items()):
        volume = result.hypervolume()
        median = int(np.argsort(volume, kind="stable")[len(volume) // 2])
        values = minimised(result.archive(median)[1], problem.objective_metrics)
        order = np.argsort(values[:, 1])
        right.step(
            values[order, 1], values[order, 0], where="post", color=COLOURS[i % 8], linestyle=STYLES[(i + i // 8) % 8], linewidth=1.8,
            marker=".", label=f"{_name(name)}, median run",
        )  # fmt: skip
    if np.all(front[:, 1] > 0) and front[:, 1].max() > 20 * front[:, 1].min():
        right.set_xscale("log")
    right.set(xlabel=_words(second), ylabel=_words(first) + (" [%]" if first.endswith("_accuracy") else ""))
    right.set_title("fronts" if len(problem.objectives) == 2 else "fronts, first two objectives", fontsize=11)
    right.legend(frameon=False, loc="lower right", fontsize=9)


def plain_log_ticks(axes: Axes) -> None:
    """Ticks of a log axis as plain numbers: 0.2, 0.5, 1."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            low, high = axis.get_view_interval()
            axis.set_major_locator(LogLocator(subs=(1.0,) if high / low > 1e3 else (1.0, 2.0, 5.0), numticks=20))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if value < 1e4 else f"{value:,.0f}"))
            axis.set_minor_formatter(NullFormatter())


def _draw_curve(
    axes: Axes, points: NDArray[np.float64], table: NDArray[np.float64], i: int, name: str, floor: float | None = None
) -> float:
    """Mean and 95 % interval (normal) over the runs that have begun; returns the lowest mean above ``floor``."""
    begun = ~np.isnan(table).any(axis=0)
    x, values = points[begun], table[:, begun]
    mean = values.mean(axis=0)
    half = 1.96 * values.std(axis=0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.zeros_like(mean)
    style: dict[str, Any] = {"color": COLOURS[i % 8]}
    low = mean - half
    if floor is not None:  # on a log axis what has reached the optimum leaves the picture
        mean = np.where(mean > floor, mean, np.nan)
        low = np.where(low > floor, low, np.maximum(mean / 10, 1e-12))
    axes.plot(x, mean, label=_name(name), linewidth=2, linestyle=STYLES[(i + i // 8) % 8], **style)
    axes.fill_between(x, low, mean + half, alpha=0.18, linewidth=0, **style)
    return float(np.nanmin(mean)) if np.isfinite(mean).any() else np.inf


def _clock_points(comparison: Comparison, clock: str) -> NDArray[np.float64]:
    if clock == "evaluations":  # the trace's own grid, so that no steps are drawn between its points
        rows = np.unique(np.concatenate([result.rows[clock] for result in comparison.results.values()])).astype(float)
        shared = [
            point
            for point in rows
            if all((result.rows[clock] == point).any() for result in comparison.results.values())
        ]
        return np.array([point for point in shared if point >= FIRST] or shared)
    last = max(float(result.rows[clock].max()) for result in comparison.results.values())
    first = min(float(result.rows[clock][result.rows[clock] > 0].min()) for result in comparison.results.values())
    return np.geomspace(first, last, 200) * (1 + 1e-9)  # a point that stands for a whole number is not below it


def _name(algorithm: str) -> str:
    """``RegularizedEvolution`` as "Regularized evolution"; acronyms stay as they are."""
    known = {
        "NSGA2": "NSGA-II",
        "MOEAD": "MOEA/D",
        "MOGOMEA": "MO-GOMEA",
        "MOLocalSearch": "Local search (scalarised)",
        "Reinforce": "REINFORCE",
    }
    return known.get(algorithm) or re.sub(r"(?<=[a-z])([A-Z])(?=[a-z])", lambda m: f" {m[1].lower()}", algorithm)


def _words(metric: str) -> str:
    return {"valid_accuracy": "validation accuracy"}.get(metric, metric.replace("_", " "))
