"""The figure of attainment surfaces (extra ``plot``): what a quarter, half and three quarters of the runs attained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.experiments.attainment import attainment_surfaces
from nasbench_kit.experiments.comparison_figure import drawn_part, figure_title
from nasbench_kit.experiments.front_panel import zoom
from nasbench_kit.figures.axes import algorithm_name, axis_label, head, legend_below, line_look, plain_log_ticks
from nasbench_kit.figures.style import STYLE, check_matplotlib
from nasbench_kit.metrics import minimised

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["attainment_figure"]

SHARES = (0.25, 0.5, 0.75)


def attainment_figure(comparison: Any, algorithms: Sequence[str] | None = None) -> Figure:
    """The attainment surfaces of a `Comparison` with two objectives.

    Raises
    ------
    MissingExtra
        Where matplotlib is not installed.
    UnknownName
        There is no algorithm of that name.
    ValueError
        There are not two objectives.
    """
    check_matplotlib()
    problem = comparison.problem
    if len(problem.objectives) != 2:
        raise ValueError(
            f"attainment surfaces are drawn for two objectives, and this comparison has {len(problem.objectives)}"
        )
    import matplotlib as mpl

    from nasbench_kit.figures.inline import InlineFigure

    count = len(comparison.results)
    comparison = drawn_part(comparison, algorithms)
    vertical, horizontal = problem.objective_metrics
    where: Literal["pre", "post"] = "post" if horizontal.direction == "min" else "pre"
    with mpl.rc_context(STYLE):
        figure = InlineFigure(figsize=(6.5, 5.0), layout="constrained")
        axes = figure.subplots()
        points = []
        exact = None
        if isinstance(problem, TabularProblem):
            exact = minimised(problem.front()[1], problem.objective_metrics)[:, ::-1]
            axes.plot(exact[:, 0], exact[:, 1], "o", color="0.72", markersize=7, zorder=1, label="the exact front")
        for i, (name, result) in enumerate(comparison.results.items()):
            look = line_look(i)
            for share, surface in attainment_surfaces(result, SHARES).groupby("share"):
                values = surface[[horizontal.name, vertical.name]].to_numpy()
                values = values[np.argsort(values[:, 0], kind="stable")]
                points.append(values)
                median = share == 0.5
                label = (algorithm_name(name) if name.startswith(result.algorithm) else name) if median else None
                style = {**look, "linewidth": 2 if median else 0.8, "alpha": 1 if median else 0.8}
                axes.step(values[:, 0], values[:, 1], where=where, label=label, **style)
        zoom(axes, points, exact)
        axes.set(xlabel=axis_label(horizontal), ylabel=axis_label(vertical))
        axes.set_title("attained by half of the runs (thick), a quarter and three quarters (thin)", fontsize=10)
        plain_log_ticks(axes)
        legend_below(figure, *axes.get_legend_handles_labels())
        head(figure, figure_title(comparison, count), 11)
    return figure
