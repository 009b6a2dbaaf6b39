"""The figure of fronts (extra ``plot``): every pair of objectives, and parallel coordinates for three and more."""

from __future__ import annotations

import itertools
import json
import operator
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.experiments.comparison_figure import drawn_part, figure_title
from nasbench_kit.experiments.front_panel import EXACT, draw_fronts, exact_look
from nasbench_kit.figures.axes import Legend, axis_label, empty, grid, head, label, plain_number, plain_ticks
from nasbench_kit.figures.files import check_matplotlib
from nasbench_kit.figures.style import SLIDE, Style, open_figure, style_of
from nasbench_kit.metrics import minimised

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["front_figure"]

WIDTH = 165.0  # millimetres, of a single panel


def front_figure(
    comparison: Any,
    algorithms: Sequence[str] | None = None,
    *,
    architectures: int = 0,
    style: str = "light",
    width: float | None = None,
) -> Figure:
    """The fronts of the median runs of a `Comparison` with several objectives.

    Parameters
    ----------
    comparison : Comparison
    algorithms : sequence of str, optional
    architectures : int
        How many members of the first algorithm's front are numbered, from one of its ends to the other, and listed below.
    style, width
        As in `Comparison.plot`.

    Raises
    ------
    MissingExtra
        Where matplotlib is not installed.
    UnknownName
        There is no algorithm or style of that name.
    ValueError
        The comparison has a single objective, the number of architectures is negative, or the width is out of range.
    """
    check_matplotlib()
    if not comparison.many:
        raise ValueError("a front needs several objectives, and this comparison has one")
    if operator.index(architectures) < 0:
        raise ValueError(f"architectures must be at least 0, not {architectures}")
    from matplotlib.lines import Line2D

    count = len(comparison.results)
    comparison = drawn_part(comparison, algorithms)
    objectives = len(comparison.problem.objectives)
    look = style_of(style, width, WIDTH if objectives == 2 else SLIDE)
    # the first objective is on the vertical axis, as a rule the accuracy
    pairs = [(b, a) for a, b in itertools.combinations(range(objectives), 2)]
    panels = len(pairs) + (objectives > 2)
    names = list(comparison.results)
    handles = [Line2D([], [], **{**look.line(i), **look.marker(i)}) for i in range(len(names))]
    if isinstance(comparison.problem, TabularProblem):
        names.append(EXACT)
        handles.append(Line2D([], [], **exact_look(look)))
    legend = Legend(look, names)
    rows, columns, height = grid(look, panels, legend.height)
    with open_figure(look, height) as figure:
        cells = figure.add_gridspec(
            rows + bool(architectures), columns, height_ratios=[1.0] * rows + [0.2] * bool(architectures)
        )
        every = [figure.add_subplot(cells[k // columns, k % columns]) for k in range(rows * columns)]
        for axes, pair in zip(every, pairs, strict=False):
            draw_fronts(axes, comparison, look, pair)
            plain_ticks(axes)
        if objectives > 2:
            _draw_parallel(every[len(pairs)], comparison, look)
        for axes in every[panels:]:
            axes.axis("off")
        if architectures:
            listed = _number(every[: len(pairs)], pairs, comparison, look, architectures)
            below = 1.4 * look.small / 72 * (listed.count("\n") + 1)  # inches
            figure.set_figheight(height + below)
            cells.set_height_ratios([height / rows] * rows + [below])
            axes = figure.add_subplot(cells[rows, :])
            axes.axis("off")
            axes.text(0, 1, listed, transform=axes.transAxes, va="top", fontsize=look.small, linespacing=1.25)
        legend.draw(figure, handles)
        head(figure, look, figure_title(comparison, count))
    return figure


def _number(panels: Sequence[Axes], pairs: Sequence[tuple[int, int]], comparison: Any, style: Style, count: int) -> str:
    """Number members of the first algorithm's front, of those that a panel shows, and list them: one line per number."""
    name, result = next(iter(comparison.results.items()))
    X, F = result.median_archive()
    _, first = np.unique(F, axis=0, return_index=True)  # ascending by the first objective
    X, values = X[first], minimised(F[first], comparison.problem.objective_metrics)
    seen = np.zeros(len(X), dtype=np.bool_)
    for axes, pair in zip(panels, pairs, strict=True):
        (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
        x, y = values[:, pair].T
        seen |= (x >= left) & (x <= right) & (y >= low) & (y <= high)
    shown = np.flatnonzero(seen)
    shown = shown[np.unique(np.linspace(0, len(shown) - 1, min(count, len(shown))).round().astype(np.int64))]
    for axes, (a, b) in zip(panels, pairs, strict=True):
        for k, i in enumerate(shown, start=1):
            axes.annotate(
                str(k), (values[i, a], values[i, b]), xytext=(-0.4 * style.small, 0.4 * style.small),
                textcoords="offset points", ha="right", fontsize=style.small, fontweight="bold", annotation_clip=True,
            )  # fmt: skip
    natives = comparison.problem.space.decode(X[shown])
    texts = [native if isinstance(native, str) else json.dumps(native) for native in natives]
    fits = style.characters(style.inches - 8 * style.letters / 72, 1.08 * style.small)
    gap = "\u00a0\u00a0"  # which SVG does not collapse
    lines = [textwrap.fill(f"{k}{gap}{text}", fits, subsequent_indent=2 * gap) for k, text in enumerate(texts, start=1)]
    return "\n".join([textwrap.fill(f"architectures of {name}{'' if lines else ': none'}", fits), *lines])


def _draw_parallel(axes: Axes, comparison: Any, style: Style) -> None:
    """One line per member of a front across all objectives, each scaled from the worst (0) to the best (1) value shown."""
    problem = comparison.problem
    fronts = [result.median_archive()[1] for result in comparison.results.values()]
    exact = problem.front()[1] if isinstance(problem, TabularProblem) else np.empty((0, len(problem.objectives)))
    everything = np.concatenate([*fronts, exact])
    if not len(everything):
        empty(axes, style, "no run found a value")
        return
    label(axes, style, title="parallel coordinates")
    axes.set_yticks([0, 1], ["worst", "best"])
    metrics = problem.objective_metrics
    low, high = everything.min(axis=0), everything.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    x = np.arange(len(metrics))
    if len(exact):
        axes.plot(x, ((high - exact) / span).T, color=style.faint, alpha=0.7, linewidth=0.4 * style.thickness, zorder=0)
    for i, front in enumerate(fronts):
        thin = {"linewidth": 0.45 * style.thickness, "alpha": 0.7}
        axes.plot(x, ((high - front) / span).T, **{**style.line(i), **thin})
    ends = minimised(np.stack([high, low]), metrics)  # the worst and the best in the metrics' own units
    spec = axes.get_subplotspec()
    columns = 1 if spec is None else spec.get_gridspec().ncols
    fits = style.characters(0.85 * style.inches / columns / len(metrics), style.small)
    labels = [
        textwrap.fill(axis_label(metric), fits) + f"\nworst {_short(worst)}\nbest {_short(best)}"
        for metric, worst, best in zip(metrics, *ends, strict=True)
    ]
    axes.set_xticks(x, labels)
    axes.grid(axis="y", visible=False)


def _short(value: float) -> str:
    return plain_number(float(f"{value:.4g}"))
