"""The critical-difference diagram: mean ranks on an axis, bars over those that do not differ significantly."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.figures.axes import SIDE_BY_SIDE
from nasbench_kit.figures.style import Style, open_figure, style_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["cliques", "critical_difference_diagram"]

WIDTH = 200.0  # millimetres
ROW = 2.0  # letters' heights between names
BAR = 1.1  # letters' heights between bars
LETTER = 0.62  # the width of a letter, of its height


def cliques(ranks: Sequence[float], difference: float) -> list[tuple[int, int]]:
    """The longest stretches of ascending ranks that differ by less than a critical difference: (first, last) each.

    Examples
    --------
    >>> cliques([1.0, 1.5, 2.2, 4.0], 1.0)
    [(0, 1), (1, 2)]
    """
    found: list[tuple[int, int]] = []
    for first in range(len(ranks)):
        last = max(k for k in range(first, len(ranks)) if k == first or ranks[k] - ranks[first] < difference)
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found


def critical_difference_diagram(
    names: Sequence[str],
    ranks: ArrayLike,
    difference: float,
    label: str,
    *,
    style: str = "light",
    width: float | None = None,
) -> Figure:
    """Draw mean ranks (Demsar 2006, figure 1).

    In a narrow figure, which has no room for names on both sides, the names are below each other on the left, and the bars
    of those that do not differ stand on the right.

    Parameters
    ----------
    names : sequence of str
    ranks : array_like of float, shape (algorithms,)
        Mean ranks, 1 the best.
    difference : float
        The critical difference; ``nan`` draws no bars.
    label : str
        Of the axis.
    style, width
        As in `Comparison.plot`.

    Raises
    ------
    MissingExtra
        Where matplotlib is not installed.
    UnknownName, ValueError
        There is no such style, or the width is out of range.
    """
    look = style_of(style, width, WIDTH)
    values = np.asarray(ranks, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    values, names = values[order], [names[i] for i in order]
    bars = cliques(values.tolist(), difference) if np.isfinite(difference) else []
    return (_rows if look.width < SIDE_BY_SIDE else _both_sides)(look, names, values, bars, difference, label)


def _both_sides(
    look: Style,
    names: Sequence[str],
    values: NDArray[np.float64],
    bars: Sequence[tuple[int, int]],
    difference: float,
    label: str,
) -> Figure:
    count, em, high = len(names), look.small / 72, float(max(len(names), 2))
    rows = -(-count // 2)
    fits = min(max(map(len, names)), look.characters(0.3 * look.inches, look.small))
    names = [textwrap.fill(name, fits) for name in names]
    lines = max(name.count("\n") + 1 for name in names)
    row = (ROW + 1.2 * (lines - 1)) * em
    head = (7.0 if np.isfinite(difference) else 4.5) * em
    below = (1.2 + BAR * len(bars)) * em
    height = head + below + row * rows + em
    margin = LETTER * em * (7 + max(len(line) for name in names for line in name.splitlines())) + em
    inner = look.inches - 2 * margin
    with open_figure(look, height, layout=None) as figure:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, look.inches), ylim=(0, height))
        axes.axis("off")
        line = height - head
        thin: dict[str, Any] = {"color": look.text, "linewidth": 0.6 * look.thickness}

        def at(rank: float) -> float:
            return margin + (rank - 1) / (high - 1) * inner

        axes.plot([at(1), at(high)], [line, line], **thin)
        for tick in range(1, int(high) + 1):
            axes.plot([at(tick)] * 2, [line, line + 0.5 * em], **thin)
            axes.text(at(tick), line + 0.8 * em, str(tick), ha="center", va="bottom", fontsize=look.small)
        axes.text(margin + inner / 2, line + 2.3 * em, label, ha="center", va="bottom", fontsize=look.small)
        if np.isfinite(difference):
            width = min(difference / (high - 1), 1.0) * inner
            top = height - em
            axes.plot([margin, margin + width], [top, top], **thin)
            for end in (margin, margin + width):
                axes.plot([end, end], [top - 0.35 * em, top + 0.35 * em], **thin)
            text = f"critical difference {difference:.2f}"
            if margin + width + LETTER * em * len(text) < look.inches:
                axes.text(margin + width + 0.5 * em, top, text, va="center", fontsize=look.small)
            else:
                axes.text(margin + width / 2, top - 0.5 * em, text, ha="center", va="top", fontsize=look.small)
        for k, (name, rank) in enumerate(zip(names, values, strict=True)):
            best = k < rows  # the better half on the left
            y = line - below - row * (k if best else count - 1 - k) - row / 2
            end = margin - 0.5 * em if best else margin + inner + 0.5 * em
            axes.plot([at(rank), at(rank), end], [line, y, y], color=look.muted, linewidth=0.5 * look.thickness)
            far = 5 * LETTER * em  # beyond the rank
            sign, side = (-1, "right") if best else (1, "left")
            axes.text(end + sign * 0.3 * em, y, f"{rank:.2f}", ha=side, va="center", fontsize=look.small)
            axes.text(end + sign * far, y, name, ha=side, va="center", fontsize=look.small)
        for k, (first, last) in enumerate(bars):
            y = line - (0.9 + BAR * k) * em
            ends = [at(values[first]) - 0.3 * em, at(values[last]) + 0.3 * em]
            axes.plot(ends, [y, y], color=look.colours[0], linewidth=1.8 * look.thickness, solid_capstyle="round")
    return figure


def _rows(
    look: Style,
    names: Sequence[str],
    values: NDArray[np.float64],
    bars: Sequence[tuple[int, int]],
    difference: float,
    label: str,
) -> Figure:
    em, high = look.small / 72, float(max(len(names), 2))
    fits = min(max(map(len, names)), look.characters(0.4 * look.inches, look.small))
    names = [textwrap.fill(name, fits) for name in names]
    row = (ROW + 1.2 * (max(name.count("\n") for name in names))) * em
    text = label + (f"\nbars: differences below {difference:.2f}, not significant" if np.isfinite(difference) else "")
    with open_figure(look, row * len(names) + 6.5 * em, layout="constrained") as figure:
        axes = figure.subplots()
        place = np.arange(len(names))
        axes.hlines(place, 1, values, color=look.faint, linewidth=0.5 * look.thickness)
        axes.plot(values, place, "o", color=look.colours[0], markersize=3 * look.thickness)
        step = (high - 1) / 14
        for k, rank in enumerate(values):
            axes.annotate(
                f"{rank:.2f}", (rank, k), xytext=(0.6 * look.small, 0), textcoords="offset points", va="center",
                fontsize=look.small,
            )  # fmt: skip
        for k, (first, last) in enumerate(bars):
            x = high + (4 + k) * step
            axes.plot([x, x], [first - 0.2, last + 0.2], color=look.colours[0], linewidth=1.8 * look.thickness)
        axes.set_yticks(place, names)
        ticks = range(1, int(high) + 1, 1 if high < 12 else 2)
        axes.set_xticks(list(ticks))
        axes.set(xlim=(1 - step / 2, high + (4.5 + len(bars)) * step), ylim=(len(names) - 0.5, -0.5))
        room = look.characters(0.9 * look.inches - 0.6 * em * max(map(len, names)), look.small)
        lines = [line for part in text.splitlines() for line in textwrap.wrap(part, room)]
        axes.set_xlabel("\n".join(lines), fontsize=look.small)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
        axes.spines["left"].set_visible(False)
    return figure
