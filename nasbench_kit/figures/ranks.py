"""The critical-difference diagram: mean ranks on an axis, bars over those that do not differ significantly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from nasbench_kit.figures.style import STYLE, check_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["cliques", "critical_difference_diagram"]

ROW = 0.3  # inches between names
BAR = 0.16  # inches between bars
LETTER = 0.085  # inches per character


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


def critical_difference_diagram(names: Sequence[str], ranks: ArrayLike, difference: float, label: str) -> Figure:
    """Draw mean ranks (Demsar 2006, figure 1).

    Parameters
    ----------
    names : sequence of str
    ranks : array_like of float, shape (algorithms,)
        Mean ranks, 1 the best.
    difference : float
        The critical difference; ``nan`` draws no bars.
    label : str
        Of the axis.

    Raises
    ------
    MissingExtra
        Where matplotlib is not installed.
    """
    check_matplotlib()
    import matplotlib as mpl

    from nasbench_kit.figures.inline import InlineFigure

    values = np.asarray(ranks, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    values, names = values[order], [names[i] for i in order]
    count = len(names)
    low, high = 1.0, float(max(count, 2))
    bars = cliques(values.tolist(), difference) if np.isfinite(difference) else []
    rows = -(-count // 2)
    head = 0.95 if np.isfinite(difference) else 0.6
    below = 0.25 + BAR * len(bars)
    height = head + below + ROW * rows + 0.1
    margin = 0.3 + LETTER * (6 + max(map(len, names)))
    inner = max(4.0, 0.45 * count)
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        figure = InlineFigure(figsize=(inner + 2 * margin, height))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, inner + 2 * margin), ylim=(0, height))
        axes.axis("off")
        line = height - head

        def at(rank: float) -> float:
            return margin + (rank - low) / (high - low) * inner

        axes.plot([at(low), at(high)], [line, line], color="0.2", linewidth=1.2)
        for tick in range(1, int(high) + 1):
            axes.plot([at(tick)] * 2, [line, line + 0.08], color="0.2", linewidth=1.2)
            axes.text(at(tick), line + 0.11, str(tick), ha="center", va="bottom", fontsize=10)
        axes.text(margin + inner / 2, line + 0.32, label, ha="center", va="bottom", fontsize=10)
        if np.isfinite(difference):
            width = min(difference, high - low) / (high - low) * inner
            top = height - 0.12
            axes.plot([margin, margin + width], [top, top], color="0.2", linewidth=1.2)
            for end in (margin, margin + width):
                axes.plot([end, end], [top - 0.05, top + 0.05], color="0.2", linewidth=1.2)
            axes.text(margin + width + 0.08, top, f"critical difference {difference:.2f}", va="center", fontsize=9)
        for k, (name, rank) in enumerate(zip(names, values, strict=True)):
            best = k < rows  # the better half on the left
            y = line - below - ROW * (k if best else count - 1 - k) - ROW / 2
            end = margin - 0.1 if best else margin + inner + 0.1
            axes.plot([at(rank), at(rank), end], [line, y, y], color="0.35", linewidth=1)
            side = "right" if best else "left"
            text = f"{name}  {rank:.2f}" if best else f"{rank:.2f}  {name}"
            axes.text(end + (-0.06 if best else 0.06), y, text, ha=side, va="center", fontsize=10)
        for k, (first, last) in enumerate(bars):
            y = line - 0.14 - BAR * k
            axes.plot(
                [at(values[first]) - 0.05, at(values[last]) + 0.05],
                [y, y],
                color="#0072B2",
                linewidth=4,
                solid_capstyle="round",
            )
    return figure
