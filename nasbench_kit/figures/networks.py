"""Drawings of architectures with matplotlib (extra ``plot``): each cell or stage as a graph from left to right."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nasbench_kit.errors import InvalidArchitecture
from nasbench_kit.figures.layout import Layout
from nasbench_kit.figures.style import COLOURS, check_matplotlib, check_picture, write_picture
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.diagram import Node

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw", "network_figure"]

UNUSED = "#B8B8B8"
PLAIN = "#444444"
STYLE: dict[Any, Any] = {"font.size": 9, "svg.hashsalt": "nasbench-kit", "svg.fonttype": "none"}
TEXT = "#222222"  # legible at any size, which not all of the colours are


def draw(space: Space, native: Any, path: str | os.PathLike[str]) -> Path:
    """Draw an architecture to a file in the format of its suffix (SVG, PNG or PDF).

    Unused nodes and edges are drawn grey and dashed.

    Parameters
    ----------
    space : Space
        The search space of the architecture.
    native : native form
        The architecture.
    path : path-like
        Output file.

    Returns
    -------
    Path
        The output file.

    Raises
    ------
    InvalidArchitecture
        The architecture is not in the space.
    MissingExtra
        matplotlib is not installed.
    WriteError
        The file cannot be written.
    """
    target = Path(path)
    check_picture(target)
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        return write_picture(network_figure(space, native), target)


def network_figure(space: Space, x: Any) -> Figure:
    """The figure that `draw` writes, which a notebook shows below its cell.

    Parameters
    ----------
    space : Space
    x : ndarray of int, shape (genes,) or (1, genes), or native form
        One genotype, or its native form.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidArchitecture, MissingExtra
        As `draw`.
    """
    check_matplotlib()
    rows = space.check(x) if isinstance(x, np.ndarray) else space.encode([x])
    if len(rows) != 1:
        raise InvalidArchitecture(f"{space.name}: one architecture is drawn at a time, not {len(rows)}")
    diagrams = space.diagrams(rows[0])
    import matplotlib as mpl

    from nasbench_kit.figures.inline import InlineFigure

    layouts = [Layout(diagram) for diagram in diagrams]
    labels = dict.fromkeys(
        [node.label for diagram in diagrams for node in diagram.nodes if node.operation]
        + [arrow.label for diagram in diagrams for arrow in diagram.arrows if arrow.label]
    )
    colour = {label: COLOURS[i % 6] for i, label in enumerate(sorted(labels))}
    with mpl.rc_context(STYLE):
        size = max(layout.width for layout in layouts), sum(layout.height for layout in layouts)
        figure = InlineFigure(figsize=size)
        top = size[1]
        for layout in layouts:
            top -= layout.height
            axes = figure.add_axes((0, top / size[1], layout.width / size[0], layout.height / size[1]))
            _paint(axes, layout, colour)
    return figure


def _paint(axes: Axes, layout: Layout, colour: dict[str, str]) -> None:
    """Draw a layout into axes of its size in inches."""
    axes.set_xlim(0, layout.width)
    axes.set_ylim(0, layout.height)
    axes.axis("off")
    axes.text(0.3, layout.height - 0.22, layout.title, fontsize=10, fontweight="bold", va="center")
    for (_, _, arrow), path in zip(layout.arrows, layout.paths, strict=True):
        _paint_arrow(axes, layout.curve(path), colour.get(arrow.label, PLAIN) if arrow.used else UNUSED, arrow.used)
    for i, arrow in layout.labels.items():
        line = colour[arrow.label] if arrow.used else UNUSED
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        axes.text(*layout.at[i], arrow.label, color=line, fontsize=8, ha="center", va="center", bbox=box)
    for i, node in enumerate(layout.nodes):
        _paint_node(axes, layout.at[i], layout.width_of(i), node, colour)


def _paint_arrow(axes: Axes, curve: list[tuple[str, list[tuple[float, float]]]], line: str, used: bool) -> None:
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path as Curve

    code = {"M": Curve.MOVETO, "C": Curve.CURVE4, "L": Curve.LINETO}
    vertices = [point for _, points in curve for point in points]
    codes = [code[letter] for letter, points in curve for _ in points]
    style: dict[str, Any] = {"linewidth": 1.4, "linestyle": "-" if used else (0, (3, 3)), "color": line}
    arrow = FancyArrowPatch(
        path=Curve(vertices, codes), arrowstyle="-|>,head_length=5,head_width=2.5", shrinkA=0, shrinkB=0, **style
    )
    axes.add_patch(arrow)


def _paint_node(axes: Axes, at: tuple[float, float], width: float, node: Node, colour: dict[str, str]) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y = at
    line = (colour[node.label] if node.operation else PLAIN) if node.used else UNUSED
    box = FancyBboxPatch(
        (x - width / 2, y - 0.14),
        width,
        0.28,
        boxstyle="round,pad=0,rounding_size=0.08",
        facecolor="white",
        edgecolor=line,
        linewidth=1.4,
        linestyle="-" if node.used else (0, (3, 3)),
    )
    axes.add_patch(box)
    axes.text(x, y - 0.01, node.label, color=TEXT if node.used else UNUSED, ha="center", va="center", fontsize=9)
