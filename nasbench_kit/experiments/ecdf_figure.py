"""The figure of ECDFs (extra ``plot``): the share of pairs of run and target that are reached within a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nasbench_kit.experiments.comparison_figure import CLOCKS, drawn_part, figure_title
from nasbench_kit.experiments.runtimes import default_targets, ecdf, hitting_times
from nasbench_kit.figures.axes import algorithm_name, head, legend_below, line_look, plain_log_ticks
from nasbench_kit.figures.style import STYLE, check_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ecdf_figure"]


def ecdf_figure(comparison: Any, clock: str, algorithms: Sequence[str] | None = None) -> Figure:
    """The ECDFs of a `Comparison` with its default targets, the same for all algorithms.

    Raises
    ------
    MissingExtra
        Where matplotlib is not installed.
    UnknownName
        There is no algorithm of that name.
    ValueError
        No value is above 0, so that there are no default targets.
    """
    check_matplotlib()
    import matplotlib as mpl

    from nasbench_kit.figures.inline import InlineFigure

    count = len(comparison.results)
    targets = default_targets([comparison.progress(result) for result in comparison.results.values()])
    comparison = drawn_part(comparison, algorithms)
    with mpl.rc_context(STYLE):
        figure = InlineFigure(figsize=(6.5, 4.8), layout="constrained")
        axes = figure.subplots()
        end = max(float(getattr(result, clock).max()) for result in comparison.results.values())
        for i, (name, result) in enumerate(comparison.results.items()):
            frame = ecdf(hitting_times(result, comparison.progress(result), targets, clock))
            time = np.append(frame["time"].to_numpy(), end)
            share = np.append(frame["share"].to_numpy(), frame["share"].iloc[-1] if len(frame) else 0.0)
            label = algorithm_name(name) if name.startswith(result.algorithm) else name
            axes.step(time, share, where="post", label=label, **line_look(i))
        axes.set(xscale="log", xlabel=CLOCKS[clock], ylabel="share of runs and targets", ylim=(0, 1.02))
        axes.set_title(f"{len(targets)} targets from {targets[0]:.3g} to {targets[-1]:.3g}", fontsize=10)
        plain_log_ticks(axes)
        legend_below(figure, *axes.get_legend_handles_labels())
        head(figure, figure_title(comparison, count), 11)
    return figure
