"""Axis helpers shared by all figures: titles and legends that fit, metric labels, ticks of log axes and of times."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nasbench_kit.figures.style import Style
from nasbench_kit.metrics import Metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "Legend",
    "axis_label",
    "balanced",
    "empty",
    "grid",
    "head",
    "label",
    "plain_number",
    "plain_ticks",
    "remark",
    "time_unit",
    "unit_label",
    "words",
]

SIDE_BY_SIDE = 140.0  # millimetres: narrower figures have their panels one below the other
HANDLE = 4.6  # the sample of a line in a legend and the gaps beside it, in letters' heights


class Legend:
    """The legend below all panels of a figure: its columns, and the height that it takes.

    Parameters
    ----------
    style : Style
    names : sequence of str
        Long ones go on in further lines.
    """

    def __init__(self, style: Style, names: Sequence[str]) -> None:
        em = style.small / 72
        most = style.characters(style.inches - (HANDLE + 1) * em, style.small)
        self.names = [textwrap.fill(name, most) for name in names]
        longest = max((len(line) for name in self.names for line in name.splitlines()), default=0)
        entry = (HANDLE + 0.6 * longest) * em
        self.columns = min(max(1, int(style.inches / entry)), max(1, len(names)))
        rows = -(-len(names) // self.columns)
        lines = rows if self.columns > 1 else sum(name.count("\n") + 1 for name in self.names)
        self.height = 1.55 * em * lines + em  # inches

    def draw(self, figure: Figure, handles: Sequence[Any]) -> None:
        """Draw it: one handle per name."""
        if handles:
            figure.legend(handles, self.names, loc="outside lower center", ncols=self.columns, columnspacing=1.5)


def head(figure: Figure, style: Style, text: str) -> None:
    """A title above all panels, in as many lines as its length needs."""
    text = re.sub(r"(\d) (runs|algorithms)", "\\1\u00a0\\2", text)  # a number stays with what it counts
    size = style.letters + 0.5
    figure.suptitle(balanced(text, style.characters(style.inches, size)))


def grid(style: Style, panels: int, legend: float) -> tuple[int, int, float]:
    """Rows and columns of some panels, and the height in inches of a figure of them with a title and a legend."""
    columns = 1 if style.width < SIDE_BY_SIDE else min(panels, 2)
    rows = -(-panels // columns)
    panel = min(max(0.76 * style.inches / columns, 1.9), 4.6)
    return rows, columns, rows * panel + legend + 4 * style.letters / 72


def label(axes: Axes, style: Style, *, title: str = "", x: str = "", y: str = "") -> None:
    """The title and the axis labels of a panel, in as many lines as their lengths need."""
    panel = axes.get_position()  # approximate, until everything is placed
    height = panel.height * axes.figure.bbox.height / axes.figure.dpi
    fits = style.characters(1.25 * panel.width * style.inches, style.letters)
    axes.set_title(_lines(title, fits))
    axes.set_xlabel(_lines(x, fits))
    axes.set_ylabel(_lines(y, style.characters(height, style.letters)))


def _lines(text: str, fits: int) -> str:
    """A text in lines of some characters; a unit in brackets is not torn apart, nor a number from what it is of."""
    whole = re.sub(r"\[[^]]*\]", lambda unit: unit[0].replace(" ", "\u00a0"), text)
    whole = re.sub(r"(?<=[a-z]) (?=[\d.]+[,)])", "\u00a0", whole)
    return balanced(whole, fits)


def balanced(text: str, fits: int) -> str:
    """A text in lines of at most some characters: as few as possible, and of similar lengths."""
    lines = len(textwrap.wrap(text, fits))
    while lines > 1 and fits > 8 and len(textwrap.wrap(text, fits - 1)) == lines:
        fits -= 1
    return textwrap.fill(text, fits)


def remark(axes: Axes, style: Style, text: str) -> None:
    """A remark in the lower right corner of a panel."""
    axes.text(
        0.99, 0.01, text, transform=axes.transAxes, ha="right", va="bottom", color=style.muted, fontsize=style.small
    )


def empty(axes: Axes, style: Style, text: str) -> None:
    """A sentence instead of empty axes: why there is nothing to show."""
    axes.axis("off")
    axes.text(
        0.5, 0.5, textwrap.fill(f"nothing to show: {text}", 36), transform=axes.transAxes, ha="center", va="center",
        color=style.muted,
    )  # fmt: skip


def plain_ticks(axes: Axes) -> None:
    """Label ticks with plain numbers: 0.2, 0.5, 1, 20k."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, ScalarFormatter

    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() != "log":
            if isinstance(axis.get_major_formatter(), ScalarFormatter):
                axis.set_major_formatter(FuncFormatter(plain_number))
            continue
        low, high = axis.get_view_interval()
        parts: tuple[float, ...] = (1.0,) if high / low > 300 else (1.0, 2.0, 5.0)
        if high / low < 4:  # less than two ticks, perhaps
            parts = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
        axis.set_major_locator(LogLocator(subs=parts, numticks=20))
        axis.set_major_formatter(FuncFormatter(plain_number))
        axis.set_minor_formatter(NullFormatter())


def plain_number(value: float, _: int | None = None) -> str:
    """A number as ticks have it."""
    for name, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= max(size, 1e4):
            return f"{value / size:g}{name}"
    return f"{value:g}".replace("-", "\u2212")


def time_unit(seconds: float) -> tuple[str, float]:
    """The unit that suits a time, and its seconds, as tables have it: s, min, h or d."""
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return unit, length
    return "s", 1.0


def axis_label(metric: Metric, what: str = "", *, difference: bool = False) -> str:
    """A metric's axis label with its unit; a ``difference`` of percentages is in percentage points."""
    unit = "percentage points" if difference and metric.units == "percent" else unit_label(metric)
    return f"{words(metric.name)}{what}" + (f" [{unit}]" if unit else "")


def unit_label(metric: Metric) -> str:
    """A metric's unit as figures show it; empty for counts."""
    return {"percent": "%", "count": ""}.get(metric.units, metric.units)


def words(metric: str) -> str:
    """A metric's name as plain words."""
    return {"valid_accuracy": "validation accuracy"}.get(metric, metric.replace("_", " "))
