"""Axis helpers shared by all figures: line styles, metric labels and log-axis ticks."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nasbench_kit.figures.style import COLOURS
from nasbench_kit.metrics import Metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "algorithm_name",
    "axis_label",
    "head",
    "legend_below",
    "line_look",
    "marker_look",
    "plain_log_ticks",
    "unit_label",
    "words",
]

# in addition to colours, for black-and-white printing
STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (5, 5)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")


def line_look(i: int) -> dict[str, Any]:
    """Colour, dashes and width of the i-th line; the first 64 combinations are distinct."""
    return {"color": COLOURS[i % 8], "linestyle": STYLES[(i + i // 8) % 8], "linewidth": 2}


def marker_look(i: int) -> dict[str, Any]:
    """Shape and size of the i-th algorithm's points."""
    return {"marker": MARKERS[i % 8], "markersize": 4.5}


def legend_below(figure: Figure, handles: Sequence[Any], names: Sequence[str]) -> None:
    """A legend below all panels, in as many columns as fit."""
    longest = max((len(name) for name in names), default=0)
    columns = max(1, int(figure.get_figwidth() * 11 / (longest + 7)))  # some eleven characters per inch
    figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), columns), frameon=False)


def head(figure: Figure, title: str, size: int = 12) -> None:
    """A title above all panels, in as many lines as its length needs."""
    title = re.sub(r"(\d) (runs|algorithms)", "\\1\u00a0\\2", title)  # a number stays with what it counts
    figure.suptitle(textwrap.fill(title, int(figure.get_figwidth() * 115 / size)), fontsize=size)


def plain_log_ticks(axes: Axes) -> None:
    """Label the ticks of log axes with plain numbers: 0.2, 0.5, 1."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            low, high = axis.get_view_interval()
            axis.set_major_locator(LogLocator(subs=(1.0,) if high / low > 1e3 else (1.0, 2.0, 5.0), numticks=20))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if value < 1e4 else f"{value:,.0f}"))
            axis.set_minor_formatter(NullFormatter())


def axis_label(metric: Metric, what: str = "", *, difference: bool = False) -> str:
    """A metric's axis label with its unit; a ``difference`` of percentages is in percentage points."""
    unit = "percentage points" if difference and metric.units == "percent" else unit_label(metric)
    return f"{words(metric.name)}{what}" + (f" [{unit}]" if unit else "")


def unit_label(metric: Metric) -> str:
    """A metric's unit as figures show it; empty for counts."""
    return {"percent": "%", "count": ""}.get(metric.units, metric.units)


def algorithm_name(algorithm: str) -> str:
    """The display name of an algorithm: ``RegularizedEvolution(...)`` becomes "Regularized evolution (...)"."""
    known = {
        "NSGA2": "NSGA-II",
        "NSGA3": "NSGA-III",
        "SMSEMOA": "SMS-EMOA",
        "MOEAD": "MOEA/D",
        "MOGOMEA": "MO-GOMEA",
        "MOLocalSearch": "Local search (scalarised)",
        "Reinforce": "REINFORCE",
    }
    kind, bracket, settings = algorithm.partition("(")
    words = known.get(kind.strip()) or re.sub(r"(?<=[a-z])([A-Z])(?=[a-z])", lambda m: f" {m[1].lower()}", kind.strip())
    return f"{words} ({settings}" if bracket else words


def words(metric: str) -> str:
    """A metric's name as plain words."""
    return {"valid_accuracy": "validation accuracy"}.get(metric, metric.replace("_", " "))
