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
from nasbench_kit.experiments.front_panel import EXACT, draw_fronts, exact_look
from nasbench_kit.figures.axes import (
    Legend,
    axis_label,
    empty,
    grid,
    head,
    label,
    plain_ticks,
    remark,
    time_unit,
    words,
)
from nasbench_kit.figures.files import check_matplotlib, check_picture, write_picture
from nasbench_kit.figures.style import Style, open_figure, style_of
from nasbench_kit.metrics.named_indicators import INDICATORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["CLOCKS", "clock_axis", "comparison_figure", "drawn_part", "figure_title", "plot_comparison"]

CLOCKS = {
    "evaluations": "evaluations",
    "unique_networks": "unique networks evaluated",
    "simulated_seconds": "simulated training time",
}
MOST = 6  # curves that can be told apart
MOST_BANDS = 3  # intervals of more curves are drawn as bars
BARS = 7
NOTHING = "no run found a value"
FLOOR = 1e-9  # on a log axis of the regret: values below are rounding errors


def plot_comparison(
    comparison: Any,
    path: str | os.PathLike[str],
    *,
    clock: str | None = None,
    algorithms: Sequence[str] | None = None,
    style: str = "light",
    width: float | None = None,
) -> Path:
    """Draw a comparison to a file; the format follows its suffix (PNG, SVG, PDF).

    For one objective: the regret (its value, where the best one is not known) over the clock, and beside it what is
    reported of the incumbents, else where the runs end. For several: what the archive's hypervolume lacks of the exact
    front's (the hypervolume itself, where that is not known) over the clock, and the front of each algorithm's median run.
    Bands, or bars where there are more than three curves, are the intervals of the mean that `Comparison.table` has.

    Parameters
    ----------
    comparison : Comparison
    path : str or path-like
    clock : {"evaluations", "unique_networks", "simulated_seconds"}, optional
        Default: that of the traces.
    algorithms : sequence of str, optional
        The names of those to draw. Default: all, or the best six.
    style, width
        As in `Comparison.plot`.

    Raises
    ------
    MissingExtra
        Where matplotlib is not installed.
    UnknownName
        There is no algorithm or style of that name.
    WriteError
        Where the file cannot be written.
    ValueError
        The traces follow another clock, or the width is out of range.
    """
    target = Path(path)
    check_picture(target)
    clock = clock or comparison.clock or "evaluations"
    return write_picture(comparison_figure(comparison, clock, algorithms, style=style, width=width), target)


def drawn_part(comparison: Any, algorithms: Sequence[str] | None) -> Any:
    """The comparison of the algorithms to draw: those named, else the best six, the best first."""
    results = comparison.results
    if algorithms is not None and not len(algorithms):
        raise ValueError("no algorithms to draw: name some, or leave algorithms= out for the best six")
    for name in algorithms or ():
        if name not in results:
            raise UnknownName("algorithm", name, results)
    if algorithms is None:
        sign = -1.0 if comparison.maximise else 1.0
        order = {name: sign * float(np.median(comparison.final(result))) for name, result in results.items()}
        algorithms = sorted(order, key=order.__getitem__)[:MOST]
    return dataclasses.replace(comparison, results={name: results[name] for name in algorithms})


def comparison_figure(
    comparison: Any,
    clock: str,
    algorithms: Sequence[str] | None = None,
    *,
    style: str = "light",
    width: float | None = None,
) -> Figure:
    """The figure of a `Comparison`; see `plot_comparison`."""
    look = style_of(style, width)
    check_matplotlib()
    from matplotlib.lines import Line2D

    count = len(comparison.results)
    comparison = drawn_part(comparison, algorithms)
    points = clock_points(list(comparison.results.values()), clock)
    curves = _progress_curves(comparison, clock, points)
    # below both panels: no corner is free of curves
    markers = comparison.many or len(curves) > MOST_BANDS
    handles = [Line2D([], [], **look.line(i), **(look.marker(i) if markers else {})) for i in range(len(curves))]
    names = _labels(comparison, curves, clock)
    if comparison.many and isinstance(comparison.problem, TabularProblem):
        handles.append(Line2D([], [], **exact_look(look)))
        names.append(EXACT)
    legend = Legend(look, names)
    rows, columns, height = grid(look, 2, legend.height)
    with open_figure(look, height) as figure:
        left, right = figure.subplots(rows, columns, squeeze=False).ravel()
        if comparison.many:
            _draw_archives(left, comparison, look, clock, curves)
            _draw_front(right, comparison, look)
        else:
            _draw_incumbents(left, comparison, look, clock, curves)
            if comparison.report is None or not isinstance(
                comparison.problem, TabularProblem
            ):  # loaded without its benchmark
                _draw_finals(right, comparison, look)
            else:
                _draw_report(right, comparison, look, clock, points)
        for axes in (left, right):
            plain_ticks(axes)
        legend.draw(figure, handles)
        head(figure, look, figure_title(comparison, count))
    return figure


def clock_axis(clock: str, last: float) -> tuple[str, float]:
    """The label of a clock's axis, and what its values are divided by: times are in the unit that suits the last one."""
    if clock != "simulated_seconds":
        return CLOCKS[clock], 1.0
    unit, length = time_unit(last)
    return f"{CLOCKS[clock]} [{unit}]", length


def figure_title(comparison: Any, count: int) -> str:
    """What was searched, and how many of the algorithms are drawn."""
    problem = comparison.problem
    first = next(iter(comparison.results.values()))
    runs = f"{first.runs} runs" if first.runs > 1 else "one run"
    runs += " each" if count > 1 else ""
    if len(comparison.results) < count:
        runs = f"{len(comparison.results)} of {count} algorithms, {runs}"
    objectives = " and ".join(words(name) for name in problem.objectives)
    if not isinstance(problem, TabularProblem):
        return f"{problem.space.name}: search on {objectives} ({runs})"
    epochs = f", {problem.epochs} epochs" if problem.epochs is not None else ""
    where = problem.bench.name if len(problem.bench.datasets) == 1 else f"{problem.bench.name}, {problem.dataset}"
    return f"{where}: search on {objectives}{epochs} ({runs})"


def _progress_curves(comparison: Any, clock: str, points: NDArray[np.float64]) -> list[Curve]:
    """The curve of each algorithm: regret or value, or what is missing of the front, or another indicator."""
    # without a table, progress is the negated hypervolume
    sign = -1.0 if comparison.maximise and comparison.front_hypervolume() is None else 1.0
    return [
        mean_curve(anytime(result, sign * comparison.progress(result), clock, points), points)
        for result in comparison.results.values()
    ]


def _labels(comparison: Any, curves: Sequence[Curve], clock: str) -> list[str]:
    """The names in the legend, with what a reader has to know about the curves."""
    found = []
    for (name, result), curve in zip(comparison.results.items(), curves, strict=True):
        notes = []
        if comparison.trains_partly(name) and clock != "simulated_seconds":
            notes.append("partial trainings")
        if curve.n < result.runs:
            notes.append(f"{curve.n} of {result.runs} runs, the others failed")
        found.append(name + (f" ({'; '.join(notes)})" if notes else ""))
    return found


# ---------------------------------------------------------------- one objective


def _draw_incumbents(axes: Axes, comparison: Any, style: Style, clock: str, curves: Sequence[Curve]) -> None:
    metric = comparison.problem.objective_metrics[0]
    regret = comparison.optimum is not None
    what = axis_label(metric, " regret", difference=True) if regret else axis_label(metric, ", minimised")
    noisy = comparison.problem.noisy
    label(
        axes, style, title="the incumbent, by the mean of all its trials" if noisy else "the incumbent",
        x=_draw_curves(axes, comparison, style, clock, curves, log=regret), y=what,
    )  # fmt: skip


def _draw_report(axes: Axes, comparison: Any, style: Style, clock: str, points: NDArray[np.float64]) -> None:
    problem = comparison.problem
    assert comparison.report is not None
    assert isinstance(problem, TabularProblem)
    dataset, name, epochs = comparison.report
    metric = problem.bench.metric(name, dataset)
    curves = []
    for result in comparison.results.values():
        values = result.trace_of(name, dataset=dataset, epochs=epochs)
        curves.append(mean_curve(anytime(result, values, clock, points), points))
    x = _draw_curves(axes, comparison, style, clock, curves, log=False)
    shown = _later_half(curves)
    if metric.direction is not None and len(shown):
        top = float(metric.minimised(np.array(comparison.best_reported())))
        axes.axhline(top, color=style.muted, linewidth=0.5 * style.thickness, linestyle=(0, (2, 2)))
        axes.annotate(
            "best in the table", (0.01, top), xycoords=axes.get_yaxis_transform(), xytext=(0, 2),
            textcoords="offset points", color=style.muted, fontsize=style.small,
        )  # fmt: skip
        # where the curves are in the end, and the optimum; with room for its remark
        low, high = min(float(shown.min()), top), max(float(shown.max()), top)
        if high > low:
            axes.set_ylim(low - 0.05 * (high - low), high + 0.12 * (high - low))
    what = {"test": "what it is worth on unseen data"}.get(metric.split or "", f"its {words(name)}")
    what += "" if dataset == problem.dataset else f" ({dataset})"
    label(axes, style, title=what, x=x, y=axis_label(metric, " of the incumbent"))


def _later_half(curves: Sequence[Curve]) -> NDArray[np.float64]:
    """The values of curves and their intervals in the later half of the time, on a log axis."""
    found = []
    for curve in curves:
        late = curve.times >= np.sqrt(curve.times[0] * curve.times[-1]) if len(curve.times) else curve.times > 0
        found += [values[late] for values in (curve.mean, curve.low, curve.high)]
    values = np.concatenate(found)
    finite: NDArray[np.float64] = values[np.isfinite(values)]
    return finite


def _draw_finals(axes: Axes, comparison: Any, style: Style) -> None:
    """The empirical distribution of final values: the share of runs with a value of at most x; failed runs never count."""
    for i, result in enumerate(comparison.results.values()):
        final = comparison.final(result)
        known = np.sort(final[np.isfinite(final)])
        if len(known):
            share = np.arange(len(known) + 1) / len(final)
            axes.step(np.append(known[:1], known), share, where="post", **style.line(i))
    if not axes.lines:
        empty(axes, style, NOTHING)
        return
    axes.set(ylim=(0, 1.02))
    metric = comparison.problem.objective_metrics[0]
    regret = comparison.optimum is not None
    what = axis_label(metric, " regret" if regret else ", minimised", difference=regret)
    label(axes, style, title="where the runs end", x=f"final {what}", y="share of runs")


# ---------------------------------------------------------------- several objectives


def _draw_archives(axes: Axes, comparison: Any, style: Style, clock: str, curves: Sequence[Curve]) -> None:
    measured = INDICATORS[comparison.indicator]
    whole = comparison.front_hypervolume() if measured.maximise else None
    x = _draw_curves(axes, comparison, style, clock, curves, log=whole is not None or not measured.maximise)
    if not measured.maximise:
        scaled = " (ideal 0, nadir 1)" if measured.scaled else ""
        y, what = measured.title, f"{measured.title} of the archive{scaled}, lower is better"
    elif whole is None:
        y, what = "hypervolume", "the archive's hypervolume (bounds at 0 and 1, reference 1.1)"
    else:
        y, what = "hypervolume missing", f"missing of the exact front's {whole:.4g} (ideal 0, nadir 1, reference 1.1)"
    label(axes, style, title=what, x=x, y=y)


def _draw_front(axes: Axes, comparison: Any, style: Style) -> None:
    several = len(comparison.problem.objectives) > 2
    what = "fronts of the median runs" + (", first two objectives" if several else "")
    draw_fronts(axes, comparison, style, (1, 0), title=what)


# ---------------------------------------------------------------- what both have


def _draw_curves(axes: Axes, comparison: Any, style: Style, clock: str, curves: Sequence[Curve], *, log: bool) -> str:
    """Means and intervals; returns the label of the clock. On a log axis, curves that reach the optimum leave the figure, and
    a note says so."""
    lowest, ended = np.inf, False
    last = max((float(curve.times[-1]) for curve in curves if len(curve.times)), default=0.0)
    name, unit = clock_axis(clock, last)
    # by evaluations the traces are exact at points of a grid, by the other clocks at any time
    steps = not comparison.many and clock != "evaluations"
    for i, curve in enumerate(curves):
        mean, low = curve.mean, curve.low
        if log:
            above = mean > FLOOR
            ended |= not above.all()
            lowest = min(lowest, float(mean[above].min(initial=np.inf)))
            mean, low = np.where(above, mean, np.nan), np.maximum(low, FLOOR / 1e3)
        look = style.line(i)
        marker = "o" if len(curve.times) == 1 else ""
        axes.plot(curve.times / unit, mean, drawstyle="steps-post" if steps else "default", marker=marker, **look)
        if curve.n > 1 and len(curves) <= MOST_BANDS:
            axes.fill_between(
                curve.times / unit, low, curve.high, step="post" if steps else None,
                alpha=0.16, linewidth=0, color=look["color"],
            )  # fmt: skip
        if len(curves) > MOST_BANDS and len(curve.times):
            # bands of many curves cannot be told apart: bars and markers at a few times, different ones for each curve
            at = np.unique(np.searchsorted(curve.times, _bar_times(curve.times, i / len(curves))))
            axes.plot(curve.times[at] / unit, mean[at], color=look["color"], linestyle="", **style.marker(i))
            if curve.n > 1:
                axes.vlines(
                    curve.times[at] / unit, low[at], curve.high[at], color=look["color"], alpha=0.7,
                    linewidth=0.7 * style.thickness,
                )  # fmt: skip
    if not last:
        empty(axes, style, NOTHING)
    elif log and not np.isfinite(lowest):
        empty(axes, style, "every run has reached the optimum before the first point")
    else:
        axes.set(xscale="log")
        if log:
            axes.set(yscale="log", ylim=(lowest / 1.5, None))
        if ended:
            remark(axes, style, "a line that ends has reached the optimum in every run")
    return name


def _bar_times(times: NDArray[np.float64], shift: float) -> NDArray[np.float64]:
    """Where to draw the intervals of a curve: evenly on a log axis, shifted by a share of their distance."""
    first, last = np.log(times[0]), np.log(times[-1])
    found: NDArray[np.float64] = np.exp(first + (np.arange(BARS) + shift) / BARS * (last - first))
    found[found > times[-1]] = times[-1]  # by rounding
    return found
