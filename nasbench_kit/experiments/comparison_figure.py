"""Figures of a comparison (extra ``plot``): anytime curves with bands, final values, and fronts."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.errors import UnknownName
from nasbench_kit.experiments.curves import Curve, anytime, clock_points, mean_curve
from nasbench_kit.experiments.front_panel import draw_fronts
from nasbench_kit.experiments.result import Result
from nasbench_kit.figures.axes import algorithm_name, axis_label, head, legend_below, line_look, plain_log_ticks, words
from nasbench_kit.figures.style import STYLE, check_matplotlib, check_picture, write_picture
from nasbench_kit.metrics.named_indicators import INDICATORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["comparison_figure", "drawn_part", "figure_title", "plot_comparison"]

CLOCKS = {
    "evaluations": "evaluations",
    "unique_networks": "unique networks evaluated",
    "simulated_seconds": "simulated training time [s]",
}
MOST = 6  # curves that can be told apart
FLOOR = 1e-9  # on a log axis of the regret: values below are rounding errors


def plot_comparison(
    comparison: Any, path: str | os.PathLike[str], *, clock: str | None = None, algorithms: Sequence[str] | None = None
) -> Path:
    """Draw a comparison to a file; the format follows its suffix (PNG, SVG, PDF).

    For one objective: the regret (its value, where the best one is not known) over the clock, and beside it what is
    reported of the incumbents, else where the runs end. For several: what the archive's hypervolume lacks of the exact
    front's (the hypervolume itself, where that is not known) over the clock, and the front of each algorithm's median run.
    Bands are the intervals of the mean that `Comparison.table` has.

    Parameters
    ----------
    comparison : Comparison
    path : str or path-like
    clock : {"evaluations", "unique_networks", "simulated_seconds"}, optional
        Default: that of the traces.
    algorithms : sequence of str, optional
        The names of those to draw. Default: all, or the best six.

    Raises
    ------
    MissingExtra
        Where matplotlib is not installed.
    UnknownName
        There is no algorithm of that name.
    WriteError
        Where the file cannot be written.
    ValueError
        The traces follow another clock.
    """
    target = Path(path)
    check_picture(target)
    return write_picture(comparison_figure(comparison, clock or comparison.clock or "evaluations", algorithms), target)


def drawn_part(comparison: Any, algorithms: Sequence[str] | None) -> Any:
    """The comparison of the algorithms to draw: those named, else the best six, the best first."""
    results = comparison.results
    for name in algorithms or ():
        if name not in results:
            raise UnknownName("algorithm", name, results)
    if algorithms is None:
        sign = -1.0 if comparison.maximise else 1.0
        order = {name: sign * float(np.median(comparison.final(result))) for name, result in results.items()}
        algorithms = sorted(order, key=order.__getitem__)[:MOST]
    return dataclasses.replace(comparison, results={name: results[name] for name in algorithms})


def comparison_figure(comparison: Any, clock: str, algorithms: Sequence[str] | None = None) -> Figure:
    """The figure of a `Comparison`; see `plot_comparison`."""
    check_matplotlib()
    count = len(comparison.results)
    comparison = drawn_part(comparison, algorithms)
    import matplotlib as mpl

    from nasbench_kit.figures.inline import InlineFigure

    with mpl.rc_context(STYLE):
        figure = InlineFigure(figsize=(11, 5.0), layout="constrained")
        left, right = figure.subplots(1, 2)
        if not comparison.many:
            _draw_single(comparison, clock, left, right)
        else:
            _draw_many(comparison, clock, left, right)
        for axes in (left, right):
            plain_log_ticks(axes)
        # below both panels: no corner is free of curves
        handles, names = left.get_legend_handles_labels()
        legend_below(figure, handles, names)
        head(figure, figure_title(comparison, count), 13)
    return figure


def figure_title(comparison: Any, count: int) -> str:
    """What was searched, and how many of the algorithms are drawn."""
    problem = comparison.problem
    first = next(iter(comparison.results.values()))
    runs = f"{first.runs} runs each" if first.runs > 1 else "one run each"
    if len(comparison.results) < count:
        runs = f"{len(comparison.results)} of {count} algorithms, {runs}"
    objectives = " and ".join(words(name) for name in problem.objectives)
    if not isinstance(problem, TabularProblem):
        return f"{problem.space.name}: search on {objectives} ({runs})"
    epochs = f", {problem.epochs} epochs" if problem.epochs is not None else ""
    where = problem.bench.name if len(problem.bench.datasets) == 1 else f"{problem.bench.name}, {problem.dataset}"
    return f"{where}: search on {objectives}{epochs} ({runs})"


# ---------------------------------------------------------------- one objective


def _draw_single(comparison: Any, clock: str, left: Axes, right: Axes) -> None:
    metric = comparison.problem.objective_metrics[0]
    points = clock_points(list(comparison.results.values()), clock)
    regret = comparison.optimum is not None
    curves = [
        mean_curve(anytime(result, comparison.regret(result), clock, points), points)
        for result in comparison.results.values()
    ]
    _draw_curves(left, comparison, curves, clock, log=regret)
    left.set(xscale="log", xlabel=CLOCKS[clock])
    left.set_ylabel(axis_label(metric, " regret", difference=True) if regret else axis_label(metric, ", minimised"))
    left.set_title(
        "the incumbent, by the mean of all its trials" if comparison.problem.noisy else "the incumbent", fontsize=11
    )
    if comparison.report is None or not isinstance(comparison.problem, TabularProblem):  # loaded without its benchmark
        _draw_finals(comparison, right)
        right.set_xlabel(f"final {'regret' if regret else 'value'}")
    else:
        _draw_report(comparison, clock, points, right)


def _draw_report(comparison: Any, clock: str, points: NDArray[np.float64], axes: Axes) -> None:
    problem = comparison.problem
    assert comparison.report is not None
    assert isinstance(problem, TabularProblem)
    dataset, name, epochs = comparison.report
    metric = problem.bench.metric(name, dataset)
    curves = []
    for result in comparison.results.values():
        values = result.trace_of(name, dataset=dataset, epochs=epochs)
        curves.append(mean_curve(anytime(result, values, clock, points), points))
    _draw_curves(axes, comparison, curves, clock, log=False)
    axes.set(xscale="log", xlabel=CLOCKS[clock], ylabel=axis_label(metric, " of the incumbent"))
    ends = [float(curve.mean[-1]) for curve in curves if len(curve.mean)]
    if metric.direction is not None:
        top = float(metric.minimised(np.array(comparison.best_reported())))
        axes.axhline(top, color="0.5", linewidth=1, linestyle=(0, (2, 2)))
        axes.annotate(
            "best in the table", (0.01, top), xycoords=axes.get_yaxis_transform(), xytext=(0, 4),
            textcoords="offset points", color="0.4", fontsize=9,
        )  # fmt: skip
        # the ends of the curves and the optimum, with room on the side that they come from
        ends.append(top)
        margin = max(ends) - min(ends)
        before, beyond = (2.0, 0.35) if metric.direction == "max" else (0.35, 2.0)
        if margin > 0:
            axes.set_ylim(min(ends) - before * margin, max(ends) + beyond * margin)
    what = {"test": "what it is worth on unseen data"}.get(metric.split or "", f"its {words(name)}")
    axes.set_title(f"{what}{'' if dataset == problem.dataset else f' ({dataset})'}", fontsize=11)


def _draw_finals(comparison: Any, axes: Axes) -> None:
    """The empirical distribution of final values: the share of runs with a value of at most x; failed runs never count."""
    for i, (name, result) in enumerate(comparison.results.items()):
        final = comparison.final(result)
        known = np.sort(final[np.isfinite(final)])
        share = np.arange(len(known) + 1) / len(final)
        axes.step(
            np.append(known[:1], known),
            share[: len(known) + (len(known) > 0)],
            where="post",
            **line_look(i),
            label=name,
        )
    axes.set(ylabel="share of runs", ylim=(0, 1.02))
    axes.set_title("where the runs end", fontsize=11)


# ---------------------------------------------------------------- several objectives


def _draw_many(comparison: Any, clock: str, left: Axes, right: Axes) -> None:
    points = clock_points(list(comparison.results.values()), clock)
    measured = INDICATORS[comparison.indicator]
    whole = comparison.front_hypervolume() if measured.maximise else None
    lacks = whole is not None or not measured.maximise
    curves = []
    for result in comparison.results.values():
        values = comparison.progress(result)
        curves.append(mean_curve(anytime(result, values if lacks else -values, clock, points), points))
    _draw_curves(left, comparison, curves, clock, log=lacks)
    left.set(xscale="log", xlabel=CLOCKS[clock])
    if not measured.maximise:
        left.set(ylabel=measured.title)
        scaled = " (ideal 0, nadir 1)" if measured.scaled else ""
        left.set_title(f"{measured.title} of the archive{scaled}, lower is better", fontsize=11)
    elif whole is None:
        left.set(ylabel="hypervolume")
        left.set_title("the archive's hypervolume (bounds at 0 and 1, reference 1.1)", fontsize=11)
    else:
        left.set(ylabel="hypervolume missing")
        left.set_title(f"missing of the exact front's {whole:.4g} (ideal 0, nadir 1, reference 1.1)", fontsize=11)
    draw_fronts(right, comparison, (1, 0))
    right.set_title(
        "fronts of the median runs" + (", first two objectives" if len(comparison.problem.objectives) > 2 else ""),
        fontsize=11,
    )


# ---------------------------------------------------------------- what both have


def _draw_curves(axes: Axes, comparison: Any, curves: Sequence[Curve], clock: str, *, log: bool) -> None:
    """Means and intervals. On a log axis, curves that reach the optimum leave the figure, and a note says so."""
    lowest, ended = np.inf, False
    # by evaluations the traces are exact at points of a grid, by the other clocks at any time
    steps = not comparison.many and clock != "evaluations"
    for i, ((name, result), curve) in enumerate(zip(comparison.results.items(), curves, strict=True)):
        mean, low = curve.mean, curve.low
        if log:
            above = mean > FLOOR
            ended |= not above.all()
            lowest = min(lowest, float(mean[above].min(initial=np.inf)))
            mean, low = np.where(above, mean, np.nan), np.maximum(low, FLOOR / 1e3)
        look = line_look(i)
        label = _label(comparison, name, result, curve, clock)
        marker = "o" if len(curve.times) == 1 else ""
        axes.plot(curve.times, mean, label=label, drawstyle="steps-post" if steps else "default", marker=marker, **look)
        if curve.n > 1:
            axes.fill_between(
                curve.times,
                low,
                curve.high,
                step="post" if steps else None,
                alpha=0.18,
                linewidth=0,
                color=look["color"],
            )
    if log:
        axes.set_yscale("log")
        if np.isfinite(lowest):
            axes.set_ylim(bottom=lowest / 1.5)
    if ended:
        axes.text(
            0.99, 0.01, "a line that ends has reached the optimum in every run", transform=axes.transAxes,
            ha="right", va="bottom", color="0.4", fontsize=9,
        )  # fmt: skip


def _label(comparison: Any, name: str, result: Result, curve: Curve, clock: str) -> str:
    """The name in the legend, with what a reader has to know about the curve."""
    notes = []
    if comparison.trains_partly(name) and clock != "simulated_seconds":
        notes.append("partial trainings")
    if curve.n < result.runs:
        notes.append(f"{curve.n} of {result.runs} runs, the others failed")
    text = algorithm_name(name) if name.startswith(result.algorithm) else name
    return text + (f" ({'; '.join(notes)})" if notes else "")
