"""The fronts of the median runs of a comparison, and the exact front, in matplotlib axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.figures.axes import axis_label, empty, label, remark
from nasbench_kit.figures.style import Style
from nasbench_kit.metrics import minimised

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["EXACT", "draw_fronts", "exact_look", "near", "zoom"]

EXACT = "exact front"
FAR = 3.0  # interquartile ranges beyond the quartiles


def draw_fronts(
    axes: Axes, comparison: Any, style: Style, pair: tuple[int, int], *, title: str = "", whole: bool = False
) -> None:
    """Draw two objectives of the fronts: of each algorithm's median run, and the exact one where there is a table.

    Parameters
    ----------
    axes : Axes
    comparison : Comparison
    style : Style
    pair : tuple of int
        The objectives on the horizontal and the vertical axis.
    title : str
        Of the panel.
    whole : bool
        Show every point, also those far from the others: a network that predicts nothing is often on it,
        for it is the fastest.
    """
    problem = comparison.problem
    horizontal, vertical = (problem.objective_metrics[k] for k in pair)
    fronts = [
        minimised(result.median_archive()[1], problem.objective_metrics)[:, pair]
        for result in comparison.results.values()
    ]
    exact = (
        minimised(problem.front()[1], problem.objective_metrics)[:, pair]
        if isinstance(problem, TabularProblem)
        else None
    )
    if exact is not None:
        axes.plot(exact[:, 0], exact[:, 1], **exact_look(style), zorder=1)
    for i, front in enumerate(fronts):
        values = front[np.argsort(front[:, 0], kind="stable")]
        look = {**style.line(i), **style.marker(i)}
        if len(problem.objectives) > 2:  # a line through points that differ in a third objective would be meaningless
            axes.plot(values[:, 0], values[:, 1], **{**look, "linestyle": ""})
        else:
            # what is attained at x is the best up to there, from the side that is better
            where: Literal["pre", "post"] = "post" if horizontal.direction == "min" else "pre"
            axes.step(values[:, 0], values[:, 1], where=where, **{**look, "linewidth": 0.7 * style.thickness})
    label(axes, style, title=title, x=axis_label(horizontal), y=axis_label(vertical))
    zoom(axes, style, fronts, exact, whole=whole)


def exact_look(style: Style) -> dict[str, Any]:
    """Colour and shape of the points of the exact front."""
    return {"color": style.faint, "linestyle": "", "marker": "o", "markersize": 3.6 * style.thickness}


def zoom(
    axes: Axes,
    style: Style,
    fronts: Sequence[NDArray[np.float64]],
    exact: NDArray[np.float64] | None,
    *,
    whole: bool = False,
) -> None:
    """Limit axes to the region where most points (k, 2) lie, and say how many lie outside."""
    points = [front for front in [*fronts, exact] if front is not None and len(front)]
    if not points:
        empty(axes, style, "no run found a value")
        return
    shown = np.concatenate(points)
    most = near(shown[:, 0]) & near(shown[:, 1])
    focus = shown if whole or not most.any() else shown[most]
    inside = np.ones(len(shown), dtype=np.bool_)
    for k, axis in enumerate("xy"):
        low, high = float(focus[:, k].min()), float(focus[:, k].max())
        if low > 0 and high > 20 * low:
            axes.set(**{f"{axis}scale": "log"})
            low, high = low / 1.15, high * 1.15
        else:
            room = 0.06 * (high - low or abs(high) or 1.0)
            low, high = low - room, high + room
        axes.set(**{f"{axis}lim": (low, high)})
        inside &= (shown[:, k] >= low) & (shown[:, k] <= high)
    if not inside.all():
        count = int((~inside).sum())
        remark(axes, style, f"{count} point{'s' if count > 1 else ''} outside")


def near(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which values are not far from most of the others: (n,)."""
    if len(values) < 5:
        return np.ones(len(values), dtype=np.bool_)
    first, third = np.quantile(values, [0.25, 0.75])
    reach = FAR * (third - first)
    kept: NDArray[np.bool_] = (values >= first - reach) & (values <= third + reach)
    return kept
