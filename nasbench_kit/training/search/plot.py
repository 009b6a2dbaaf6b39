"""Plot a search by training (extra ``plot``): all trained networks, and the best ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.experiments.result import Result
from nasbench_kit.figures.style import COLOURS, check_picture, write_picture
from nasbench_kit.metrics import minimised
from nasbench_kit.metrics.indicators import nondominated
from nasbench_kit.training.search.evaluator import TrainingProblem

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_search"]

GREY = "#B0B0B0"
WORDS = {"flops": "multiply-adds", "params": "parameters"}


def plot_search(problem: TrainingProblem, result: Result, path: str | os.PathLike[str]) -> Path:
    """Plot a search to a file; its suffix determines the format (PNG, SVG, PDF).

    For one objective, shows all networks in order of evaluation, and the best so far. For several objectives, shows all
    networks by the first two objectives, and the Pareto front. The test accuracy of the networks found is shown as
    well.

    Raises
    ------
    MissingExtra
        If matplotlib is not installed.
    WriteError
        If the file cannot be written.
    """
    target = Path(path)
    check_picture(target)
    import matplotlib as mpl

    from nasbench_kit.figures.inline import InlineFigure

    _, F = problem.evaluated()
    F = F[np.isfinite(F).all(axis=1)]
    values = minimised(F, problem.objective_metrics)
    with mpl.rc_context({"font.size": 9, "svg.hashsalt": "nasbench-kit", "svg.fonttype": "none"}):
        figure = InlineFigure(figsize=(6.4, 4.0), layout="constrained")
        axes = figure.add_subplot()
        if len(problem.objectives) == 1:
            _progress(axes, problem, result, values[:, 0], F[:, 0])
        else:
            _front(axes, problem, values, F)
        axes.set_title(
            f"{result.algorithm} on {problem.space.name}: {len(F)} networks trained on {problem.setting.dataset}, "
            f"{problem.budgets[-1]} epochs",
            fontsize=9,
        )
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="best")
        return write_picture(figure, target)


def _progress(
    axes: Axes, problem: TrainingProblem, result: Result, values: NDArray[np.float64], F: NDArray[np.float64]
) -> None:
    name = problem.objectives[0]
    number = np.arange(1, len(F) + 1)
    best = minimised(np.minimum.accumulate(F)[:, np.newaxis], problem.objective_metrics)[:, 0]
    axes.plot(number, values, ".", color=GREY, markersize=5, label="each network")
    axes.step(number, best, where="post", color=COLOURS[0], linewidth=1.6, label="best so far")
    test = result.metrics.get("test_accuracy")
    if test is not None and name == "valid_accuracy" and np.isfinite(test).any():
        found = test[result.incumbent_values.argmin()]
        axes.axhline(found, color=COLOURS[1], linewidth=1.2, linestyle="--", label="test accuracy of the best")
    axes.set_xlabel("networks, in the order of their evaluation")
    axes.set_ylabel(_word(name))
    if name.endswith("_accuracy") and len(values):
        axes.set_ylim(*_most_of(values))


def _front(axes: Axes, problem: TrainingProblem, values: NDArray[np.float64], F: NDArray[np.float64]) -> None:
    first, second = problem.objectives[:2]
    kept = nondominated(F, np.zeros(len(F), dtype=np.int64))
    kept = kept[F[kept, 1].argsort(kind="stable")]
    rest = np.setdiff1d(np.arange(len(F)), kept)
    axes.plot(values[rest, 1], values[rest, 0], ".", color=GREY, markersize=5, label="each network")
    if len(problem.objectives) == 2:
        axes.step(values[kept, 1], values[kept, 0], where="post", color=COLOURS[0], linewidth=1.2)
    axes.plot(values[kept, 1], values[kept, 0], "o", color=COLOURS[0], markersize=5, label=f"front ({len(kept)})")
    if first == "valid_accuracy" and len(problem.setting.data.part("test")):
        X, _ = problem.evaluated()
        finite = np.isfinite(problem.evaluate(X).F).all(axis=1)
        test = problem.metrics(X[finite][kept])["test_accuracy"]
        axes.plot(
            values[kept, 1],
            test,
            "D",
            color=COLOURS[1],
            markersize=4.5,
            fillstyle="none",
            label="test accuracy of the front",
        )
    axes.set_xlabel(_word(second))
    axes.set_ylabel(_word(first))
    if first.endswith("_accuracy") and len(values):
        axes.set_ylim(*_most_of(values[:, 0], values[kept, 0]))
    if second in WORDS:
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _most_of(values: NDArray[np.float64], shown: NDArray[np.float64] | None = None) -> tuple[float, float]:
    """Return limits for an accuracy axis that cut off the worst tenth, which would compress the rest."""
    low = float(np.quantile(values, 0.1))
    low = low if shown is None else min(low, float(shown.min()))
    return max(low - 3.0, 0.0), min(float(values.max()) + 2.0, 100.5)


def _word(metric: str) -> str:
    words = WORDS.get(metric, metric.replace("_", " ").replace("valid ", "validation "))
    return f"{words} [%]" if metric.endswith("_accuracy") else words
