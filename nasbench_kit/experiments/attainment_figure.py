"""The figure of attainment surfaces (extra ``plot``): what a quarter, half and three quarters of the runs attained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.experiments.attainment import attainment_surfaces
from nasbench_kit.experiments.comparison_figure import drawn_part, figure_title
from nasbench_kit.experiments.front_panel import EXACT, exact_look, zoom
from nasbench_kit.figures.axes import Legend, axis_label, grid, head, label, plain_ticks
from nasbench_kit.figures.files import check_matplotlib
from nasbench_kit.figures.style import open_figure, style_of
from nasbench_kit.metrics import minimised

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["attainment_figure"]

SHARES = (0.25, 0.5, 0.75)
WIDTH = 165.0  # millimetres


def attainment_figure(
    comparison: Any, algorithms: Sequence[str] | None = None, *, style: str = "light", width: float | None = None
) -> Figure:
    """The attainment surfaces of a `Comparison` with two objectives.

    Raises
    ------
    MissingExtra
        Where matplotlib is not installed.
    UnknownName
        There is no algorithm or style of that name.
    ValueError
        There are not two objectives, or the width is out of range.
    """
    check_matplotlib()
    problem = comparison.problem
    if len(problem.objectives) != 2:
        raise ValueError(
            f"attainment surfaces are drawn for two objectives, and this comparison has {len(problem.objectives)}"
        )
    from matplotlib.lines import Line2D

    look = style_of(style, width, WIDTH)
    count = len(comparison.results)
    comparison = drawn_part(comparison, algorithms)
    vertical, horizontal = problem.objective_metrics
    where: Literal["pre", "post"] = "post" if horizontal.direction == "min" else "pre"
    names = list(comparison.results)
    handles = [Line2D([], [], **look.line(i)) for i in range(len(names))]
    exact = None
    if isinstance(problem, TabularProblem):
        exact = minimised(problem.front()[1], problem.objective_metrics)[:, ::-1]
        names.append(EXACT)
        handles.append(Line2D([], [], **exact_look(look)))
    legend = Legend(look, names)
    _, _, height = grid(look, 1, legend.height)
    with open_figure(look, height) as figure:
        axes = figure.subplots()
        points = []
        if exact is not None:
            axes.plot(exact[:, 0], exact[:, 1], **exact_look(look), zorder=1)
        for i, result in enumerate(comparison.results.values()):
            for share, surface in attainment_surfaces(result, SHARES).groupby("share"):
                values = surface[[horizontal.name, vertical.name]].to_numpy()
                values = values[np.argsort(values[:, 0], kind="stable")]
                points.append(values)
                thin = {} if share == 0.5 else {"linewidth": 0.4 * look.thickness, "alpha": 0.8}
                axes.step(values[:, 0], values[:, 1], where=where, **{**look.line(i), **thin})
        what = "attained by half of the runs (thick), a quarter and three quarters (thin)"
        label(axes, look, title=what, x=axis_label(horizontal), y=axis_label(vertical))
        zoom(axes, look, points, exact)
        plain_ticks(axes)
        legend.draw(figure, handles)
        head(figure, look, figure_title(comparison, count))
    return figure
