"""Drawings of architectures with matplotlib (extra ``plot``): each cell or stage as a graph from left to right."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nasbench_kit.errors import InvalidArchitecture
from nasbench_kit.figures.files import check_matplotlib, check_picture, write_picture
from nasbench_kit.figures.layout import Layout
from nasbench_kit.figures.style import MM, SMALLEST, Style, open_figure, style_of
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.diagram import Diagram, Node

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw", "network_figure"]

LETTERS = 9.0  # points, of a drawing at its own size


def draw(
    space: Space, native: Any, path: str | os.PathLike[str], *, style: str = "light", width: float | None = None
) -> Path:
    """Draw an architecture to a file in the format of its suffix (SVG, PNG or PDF).

    Parameters
    ----------
    space : Space
    native : native form
        The architecture.
    path : path-like
        Output file.
    style, width
        As in `network_figure`.

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
    UnknownName, ValueError
        There is no such style, or the width is out of range.
    """
    target = Path(path)
    check_picture(target)
    return write_picture(network_figure(space, native, style=style, width=width), target)


def network_figure(space: Space, x: Any, *, style: str = "light", width: float | None = None) -> Figure:
    """Draw an architecture: each of its cells or stages as a graph.

    Unused nodes and edges are drawn grey and dashed.

    Parameters
    ----------
    space : Space
        The search space of the architecture.
    x : ndarray of int, shape (genes,) or (1, genes), or native form
        One genotype, or its native form.
    style : {"light", "dark"}
    width : float, optional
        In millimetres. Chains go on in another line; a cell that is too wide is drawn from top to bottom, and what is still
        too wide becomes smaller. Default: as wide as the drawing is.

    Raises
    ------
    InvalidArchitecture
        The architecture is not in the space, or there are several.
    MissingExtra
        matplotlib is not installed.
    UnknownName, ValueError
        There is no such style, or the width is out of range.
    """
    look = style_of(style, width)
    check_matplotlib()
    rows = space.check(x) if isinstance(x, np.ndarray) else space.encode([x])
    if len(rows) != 1:
        raise InvalidArchitecture(f"{space.name}: one architecture is drawn at a time, not {len(rows)}")
    diagrams = space.diagrams(rows[0])
    scale = 1.0 if width is None else look.small / LETTERS  # of all sizes
    if width is None:
        layouts = [Layout(diagram) for diagram in diagrams]
    else:
        layouts = _narrow(diagrams, look.inches / scale, look.small / SMALLEST)
    size = max(layout.width for layout in layouts), sum(layout.height for layout in layouts)
    if width is None:
        look = dataclasses.replace(look, width=size[0] * MM)
    else:
        scale = min(scale, look.inches / size[0])
        size = look.inches / scale, size[1]
    labels = dict.fromkeys(
        [node.label for diagram in diagrams for node in diagram.nodes if node.operation]
        + [arrow.label for diagram in diagrams for arrow in diagram.arrows if arrow.label]
    )
    colour = {label: look.colours[i % 6] for i, label in enumerate(sorted(labels))}
    with open_figure(look, size[1] * scale, layout=None) as figure:
        top = size[1]
        for layout in layouts:
            top -= layout.height
            axes = figure.add_axes((0, top / size[1], layout.width / size[0], layout.height / size[1]))
            _Painter(axes, layout, look, colour, scale).paint()
    return figure


def _narrow(diagrams: list[Diagram], most: float, shrink: float) -> list[Layout]:
    """The layouts for a width in inches: from left to right where letters stay legible, else from top to bottom."""
    layouts = [Layout(diagram, most) for diagram in diagrams]
    if all(layout.width <= most * shrink for layout in layouts):
        return layouts
    return [
        layout if layout.chain else Layout(diagram, most, downwards=True)
        for diagram, layout in zip(diagrams, layouts, strict=True)
    ]


@dataclass(frozen=True)
class _Painter:
    """Draws a layout into axes of its size: ``scale`` is of letters and lines."""

    axes: Axes
    layout: Layout
    style: Style
    colour: dict[str, str]
    scale: float

    def paint(self) -> None:
        axes, layout = self.axes, self.layout
        axes.set_xlim(0, layout.width)
        axes.set_ylim(0, layout.height)
        axes.axis("off")
        big = (LETTERS + 1) * self.scale
        axes.text(0.3, layout.height - 0.12, layout.title, fontsize=big, fontweight="bold", va="top")
        for (_, _, arrow), path in zip(layout.arrows, layout.paths, strict=True):
            self._arrow(layout.curve(path), self._line(arrow.label, arrow.used), arrow.used)
        for i, arrow in layout.labels.items():
            box = {"facecolor": self.style.ground, "edgecolor": "none", "pad": 1.5 * self.scale}
            self._text(layout.at[i], arrow.label, arrow.used, bbox=box)
        for i, node in enumerate(layout.nodes):
            self._node(layout.at[i], layout.width_of(i), node)

    def _line(self, label: str, used: bool) -> str:
        """The colour of an arrow or of a node's border."""
        return self.colour.get(label, self.style.muted) if used else self.style.faint

    def _text(self, at: tuple[float, float], text: str, used: bool, **more: Any) -> None:
        # legible at any size, which not all of the colours are
        ink = self.style.text if used else self.style.muted
        size = LETTERS * self.scale
        self.axes.text(at[0], at[1] - 0.01, text, color=ink, ha="center", va="center", fontsize=size, **more)

    def _arrow(self, curve: list[tuple[str, list[tuple[float, float]]]], line: str, used: bool) -> None:
        from matplotlib.patches import FancyArrowPatch
        from matplotlib.path import Path as Curve

        code = {"M": Curve.MOVETO, "C": Curve.CURVE4, "L": Curve.LINETO}
        vertices = [point for _, points in curve for point in points]
        codes = [code[letter] for letter, points in curve for _ in points]
        look: dict[str, Any] = {"linewidth": 1.4 * self.scale, "linestyle": "-" if used else (0, (3, 3)), "color": line}
        head = f"-|>,head_length={5 * self.scale:g},head_width={2.5 * self.scale:g}"
        arrow = FancyArrowPatch(
            path=Curve(vertices, codes), arrowstyle=head, mutation_scale=1, shrinkA=0, shrinkB=0, **look
        )
        self.axes.add_patch(arrow)

    def _node(self, at: tuple[float, float], width: float, node: Node) -> None:
        from matplotlib.patches import FancyBboxPatch

        x, y = at
        box = FancyBboxPatch(
            (x - width / 2, y - 0.14),
            width,
            0.28,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor=self.style.ground,
            edgecolor=self._line(node.label if node.operation else "", node.used),
            linewidth=1.4 * self.scale,
            linestyle="-" if node.used else (0, (3, 3)),
        )
        self.axes.add_patch(box)
        self._text(at, node.label, node.used)
