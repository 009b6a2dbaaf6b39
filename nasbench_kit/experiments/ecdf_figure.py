"""The figure of ECDFs (extra ``plot``): the share of pairs of run and target that are reached within a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nasbench_kit.experiments.comparison_figure import clock_axis, drawn_part, figure_title
from nasbench_kit.experiments.runtimes import default_targets, ecdf, hitting_times
from nasbench_kit.figures.axes import Legend, grid, head, label, plain_ticks, words
from nasbench_kit.figures.files import check_matplotlib
from nasbench_kit.figures.style import open_figure, style_of
from nasbench_kit.metrics.named_indicators import INDICATORS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ecdf_figure"]

WIDTH = 165.0  # millimetres


def ecdf_figure(
    comparison: Any,
    clock: str,
    algorithms: Sequence[str] | None = None,
    *,
    style: str = "light",
    width: float | None = None,
) -> Figure:
    """The ECDFs of a `Comparison` with its default targets, the same for all algorithms.

    Raises
    ------
    MissingExtra
        Where matplotlib is not installed.
    UnknownName
        There is no algorithm or style of that name.
    ValueError
        No value is above 0, so that there are no default targets, or the width is out of range.
    """
    check_matplotlib()
    look = style_of(style, width, WIDTH)
    count = len(comparison.results)
    targets = default_targets([comparison.progress(result) for result in comparison.results.values()])
    what = _measure(comparison)
    comparison = drawn_part(comparison, algorithms)
    legend = Legend(look, list(comparison.results))
    _, _, height = grid(look, 1, legend.height)
    with open_figure(look, height) as figure:
        axes = figure.subplots()
        end = max(float(getattr(result, clock).max()) for result in comparison.results.values())
        x, unit = clock_axis(clock, end)
        handles = []
        for i, result in enumerate(comparison.results.values()):
            frame = ecdf(hitting_times(result, comparison.progress(result), targets, clock))
            time = np.append(frame["time"].to_numpy(), end)
            share = np.append(frame["share"].to_numpy(), frame["share"].iloc[-1] if len(frame) else 0.0)
            handles += axes.step(time / unit, share, where="post", **look.line(i))
        axes.set(xscale="log", ylim=(0, 1.02))
        span = f"{len(targets)} targets of the {what}, {targets[0]:.3g} to {targets[-1]:.3g}"
        label(axes, look, title=span, x=x, y="share of runs and targets")
        plain_ticks(axes)
        legend.draw(figure, handles)
        head(figure, look, figure_title(comparison, count))
    return figure


def _measure(comparison: Any) -> str:
    """What the targets are values of."""
    if comparison.many:
        return "missing hypervolume" if comparison.maximise else INDICATORS[comparison.indicator].title
    return words(comparison.problem.objectives[0]) + (" regret" if comparison.optimum is not None else "")
