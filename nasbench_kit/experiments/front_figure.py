"""The figure of fronts (extra ``plot``): every pair of objectives, and parallel coordinates for three and more."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.experiments.comparison_figure import drawn_part, figure_title
from nasbench_kit.experiments.front_panel import draw_fronts
from nasbench_kit.figures.axes import (
    algorithm_name,
    axis_label,
    head,
    legend_below,
    line_look,
    marker_look,
    plain_log_ticks,
)
from nasbench_kit.figures.style import STYLE, check_matplotlib
from nasbench_kit.metrics import minimised

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["front_figure"]

WIDTH, HEIGHT = 5.0, 4.3  # inches of a panel


def front_figure(comparison: Any, algorithms: Sequence[str] | None = None) -> Figure:
    """The fronts of the median runs of a `Comparison` with several objectives.

    Raises
    ------
    MissingExtra
        Where matplotlib is not installed.
    UnknownName
        There is no algorithm of that name.
    ValueError
        The comparison has a single objective.
    """
    check_matplotlib()
    if not comparison.many:
        raise ValueError("a front needs several objectives, and this comparison has one")
    import matplotlib as mpl
    from matplotlib.lines import Line2D

    from nasbench_kit.figures.inline import InlineFigure

    count = len(comparison.results)
    comparison = drawn_part(comparison, algorithms)
    objectives = len(comparison.problem.objectives)
    # the first objective is on the vertical axis, as a rule the accuracy
    pairs = [(b, a) for a, b in itertools.combinations(range(objectives), 2)]
    panels = len(pairs) + (objectives > 2)
    columns = min(panels, 2)
    rows = -(-panels // columns)
    with mpl.rc_context(STYLE):
        figure = InlineFigure(figsize=(max(columns * WIDTH, 6.5), rows * HEIGHT + 0.8), layout="constrained")
        every = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, pair in zip(every, pairs, strict=False):
            draw_fronts(axes, comparison, pair)
            plain_log_ticks(axes)
        if objectives > 2:
            _draw_parallel(every[len(pairs)], comparison)
        for axes in every[panels:]:
            axes.axis("off")
        names = [
            algorithm_name(name) if name.startswith(result.algorithm) else name
            for name, result in comparison.results.items()
        ]
        handles = [Line2D([], [], **{**line_look(i), **marker_look(i)}) for i in range(len(names))]
        legend_below(figure, handles, names)
        head(figure, figure_title(comparison, count), 12)
    return figure


def _draw_parallel(axes: Axes, comparison: Any) -> None:
    """One line per member of a front across all objectives, each scaled from the worst (0) to the best (1) value shown."""
    problem = comparison.problem
    fronts = [result.median_archive()[1] for result in comparison.results.values()]
    exact = problem.front()[1] if isinstance(problem, TabularProblem) else np.empty((0, len(problem.objectives)))
    everything = np.concatenate([*fronts, exact])
    axes.set_title("parallel coordinates", fontsize=11)
    axes.set_yticks([0, 1], ["worst", "best"])
    metrics = problem.objective_metrics
    if not len(everything):
        axes.text(0.5, 0.5, "no run found anything", transform=axes.transAxes, ha="center", color="0.4")
        return
    low, high = everything.min(axis=0), everything.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    x = np.arange(len(metrics))
    if len(exact):
        axes.plot(x, ((high - exact) / span).T, color="0.85", linewidth=0.8, zorder=0)
    for i, front in enumerate(fronts):
        axes.plot(x, ((high - front) / span).T, **{**line_look(i), "linewidth": 0.9, "alpha": 0.7})
    ends = minimised(np.stack([high, low]), metrics)  # the worst and the best in the metrics' own units
    labels = [
        f"{axis_label(metric)}\n{worst:.4g} to {best:.4g}" for metric, worst, best in zip(metrics, *ends, strict=True)
    ]
    axes.set_xticks(x, labels, fontsize=9)
    axes.grid(axis="y", visible=False)
