"""Plot a search by training (extra ``plot``): all trained networks, and the best ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.experiments.result import Result
from nasbench_kit.figures.axes import Legend, axis_label, grid, head, label, plain_ticks, words
from nasbench_kit.figures.files import check_picture, write_picture
from nasbench_kit.figures.style import Style, open_figure, style_of
from nasbench_kit.metrics import minimised
from nasbench_kit.metrics.indicators import nondominated
from nasbench_kit.training.search.evaluator import TrainingProblem

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_search"]

WIDTH = 165.0  # millimetres


def plot_search(
    problem: TrainingProblem,
    result: Result,
    path: str | os.PathLike[str],
    *,
    style: str = "light",
    width: float | None = None,
) -> Path:
    """Plot a search to a file; its suffix determines the format (PNG, SVG, PDF).

    For one objective, shows all networks in order of evaluation, and the best so far. For several objectives, shows all
    networks by the first two objectives, and the Pareto front. The test accuracy of the networks found is shown as
    well.

    Parameters
    ----------
    problem : TrainingProblem
    result : Result
    path : str or path-like
    style, width
        As in `Comparison.plot`.

    Raises
    ------
    MissingExtra
        If matplotlib is not installed.
    WriteError
        If the file cannot be written.
    UnknownName, ValueError
        If there is no such style, or the width is out of range.
    """
    target = Path(path)
    check_picture(target)
    look = style_of(style, width, WIDTH)
    _, F = problem.evaluated()
    F = F[np.isfinite(F).all(axis=1)]
    values = minimised(F, problem.objective_metrics)
    legend = Legend(look, ["each network", "front (100)", "test accuracy of the front"])
    with open_figure(look, grid(look, 1, legend.height)[2]) as figure:
        axes = figure.add_subplot()
        if len(problem.objectives) == 1:
            _progress(axes, look, problem, result, values[:, 0], F[:, 0])
        else:
            _front(axes, look, problem, values, F)
        head(
            figure,
            look,
            f"{result.algorithm} on {problem.space.name}: {len(F)} networks trained on {problem.setting.dataset}, "
            f"{problem.budgets[-1]} epochs",
        )
        plain_ticks(axes)
        handles, names = axes.get_legend_handles_labels()
        Legend(look, names).draw(figure, handles)
        return write_picture(figure, target)


def _progress(
    axes: Axes,
    style: Style,
    problem: TrainingProblem,
    result: Result,
    values: NDArray[np.float64],
    F: NDArray[np.float64],
) -> None:
    metric = problem.objective_metrics[0]
    number = np.arange(1, len(F) + 1)
    best = minimised(np.minimum.accumulate(F)[:, np.newaxis], problem.objective_metrics)[:, 0]
    _cloud(axes, style, number, values)
    axes.step(number, best, where="post", label="best so far", **style.line(0))
    test = result.metrics.get("test_accuracy")
    if test is not None and metric.name == "valid_accuracy" and np.isfinite(test).any():
        found = test[result.incumbent_values.argmin()]
        axes.axhline(found, label=f"{words('test_accuracy')} of the best", **style.line(1))
    label(axes, style, x="networks, in the order of their evaluation", y=axis_label(metric))
    if metric.units == "percent" and len(values):
        axes.set_ylim(*_most_of(values))


def _front(
    axes: Axes, style: Style, problem: TrainingProblem, values: NDArray[np.float64], F: NDArray[np.float64]
) -> None:
    first, second = problem.objective_metrics[:2]
    kept = nondominated(F, np.zeros(len(F), dtype=np.int64))
    kept = kept[F[kept, 1].argsort(kind="stable")]
    rest = np.setdiff1d(np.arange(len(F)), kept)
    _cloud(axes, style, values[rest, 1], values[rest, 0])
    look = {**style.line(0), "linewidth": 0.7 * style.thickness}
    if len(problem.objectives) == 2:
        axes.step(values[kept, 1], values[kept, 0], where="post", **look)
    axes.plot(
        values[kept, 1], values[kept, 0], **look | style.marker(0) | {"linestyle": ""}, label=f"front ({len(kept)})"
    )
    if first.name == "valid_accuracy" and len(problem.setting.data.part("test")):
        X, _ = problem.evaluated()
        finite = np.isfinite(problem.evaluate(X).F).all(axis=1)
        test = problem.metrics(X[finite][kept])["test_accuracy"]
        hollow = style.line(1) | style.marker(3) | {"linestyle": "", "fillstyle": "none"}
        axes.plot(values[kept, 1], test, **hollow, label="test accuracy of the front")
    label(axes, style, x=axis_label(second), y=axis_label(first))
    if first.units == "percent" and len(values):
        axes.set_ylim(*_most_of(values[:, 0], values[kept, 0]))


def _cloud(axes: Axes, style: Style, x: NDArray[Any], y: NDArray[np.float64]) -> None:
    axes.plot(x, y, ".", color=style.faint, markersize=2.5 * style.thickness, label="each network")


def _most_of(values: NDArray[np.float64], shown: NDArray[np.float64] | None = None) -> tuple[float, float]:
    """Return limits for an accuracy axis that cut off the worst tenth, which would compress the rest."""
    low = float(np.quantile(values, 0.1))
    low = low if shown is None else min(low, float(shown.min()))
    return max(low - 3.0, 0.0), min(float(values.max()) + 2.0, 100.5)
