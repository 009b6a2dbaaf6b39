"""Drawings of architectures with matplotlib (extra ``plot``): each cell or stage as a graph from left to right.

This is a layered layout (Sugiyama, Tagawa and Toda 1981). A node's layer is the length of its longest path from the input.
An arrow across several layers gets a slot in each, so that it is routed around the nodes in between, and the barycentre
method orders each layer to keep neighbours close.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasbench_kit.figures.style import COLOURS, check_picture, write_picture
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.diagram import Arrow, Diagram, Node

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]

SWEEPS = 12  # sweeps of the barycentre method
UNUSED = "#B8B8B8"
PLAIN = "#444444"
LETTER = 0.085  # inches, approximate width of a character in a label
SPACING = 0.46  # inches between the rows of a layer


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
    diagrams = space.diagrams(space.encode([native])[0])
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    layouts = [_Layout(diagram) for diagram in diagrams]
    labels = dict.fromkeys(
        [node.label for diagram in diagrams for node in diagram.nodes if node.operation]
        + [arrow.label for diagram in diagrams for arrow in diagram.arrows if arrow.label]
    )
    colour = {label: COLOURS[i % 6] for i, label in enumerate(sorted(labels))}
    with mpl.rc_context({"font.size": 9, "svg.hashsalt": "nasbench-kit", "svg.fonttype": "none"}):
        size = max(layout.width for layout in layouts), sum(layout.height for layout in layouts)
        figure = Figure(figsize=size)
        FigureCanvasAgg(figure)
        top = size[1]
        for layout in layouts:
            top -= layout.height
            axes = figure.add_axes((0, top / size[1], layout.width / size[0], layout.height / size[1]))
            layout.paint(axes, colour)
        return write_picture(figure, target)


class _Layout:
    """Positions of all elements of a diagram, in inches."""

    def __init__(self, diagram: Diagram) -> None:
        joined = {end for arrow in diagram.arrows for end in (arrow.source, arrow.target)}
        kept = [i for i, node in enumerate(diagram.nodes) if i in joined or node.used]
        number = {old: new for new, old in enumerate(kept)}
        self.nodes = [diagram.nodes[i] for i in kept]
        self.arrows = [(number[arrow.source], number[arrow.target], arrow) for arrow in diagram.arrows]
        left_out = [node.label for i, node in enumerate(diagram.nodes) if i not in number]
        self.title = diagram.title + (f" (without edges: {', '.join(left_out)})" if left_out else "")

        # if arrows have labels, every second layer is reserved for them
        named = any(arrow.label for arrow in diagram.arrows)
        step = 2 if named else 1
        layer = [0] * len(self.nodes)
        for source, target, _ in sorted(self.arrows, key=lambda arrow: arrow[1]):
            layer[target] = max(layer[target], layer[source] + step)
        last = max(layer)
        layer[-1] = last  # the output is always in the last layer
        self.paths: list[list[int]] = []
        self.labels: dict[int, Arrow] = {}
        for source, target, arrow in self.arrows:
            between = range(layer[source] + 1, layer[target])
            self.paths.append([source, *range(len(layer), len(layer) + len(between)), target])
            if arrow.label:
                self.labels[len(layer)] = arrow
            layer += between
        members = [[i for i, own in enumerate(layer) if own == k] for k in range(last + 1)]
        place = _places(members, self.paths)

        widths = [max((self.width_of(i) for i in group), default=0.1) for group in members]
        gap = 0.3 if named else 0.45
        x, centre = 0.3, []
        for width in widths:
            centre.append(x + width / 2)
            x += width + gap
        rows = max(len(group) for group in members)
        self.width = max(x - gap + 0.3, LETTER * len(self.title) + 0.8)
        self.height = rows * SPACING + 0.6
        middle = (self.height - 0.3) / 2
        self.at = {i: (centre[own], middle - place[i] * SPACING) for i, own in enumerate(layer)}

    def width_of(self, i: int) -> float:
        """The width of a node's box or an arrow's label; small for a slot that an arrow only passes through."""
        if i < len(self.nodes):
            return max(0.36, LETTER * len(self.nodes[i].label) + 0.16)
        return LETTER * len(self.labels[i].label) if i in self.labels else 0.1

    def paint(self, axes: Axes, colour: dict[str, str]) -> None:
        """Draw into axes of the same size in inches as the layout."""
        axes.set_xlim(0, self.width)
        axes.set_ylim(0, self.height)
        axes.axis("off")
        axes.text(0.3, self.height - 0.22, self.title, fontsize=10, fontweight="bold", va="center")
        for (_, _, arrow), path in zip(self.arrows, self.paths, strict=True):
            self._paint_arrow(axes, path, colour.get(arrow.label, PLAIN) if arrow.used else UNUSED, arrow.used)
        for i, arrow in self.labels.items():
            line = colour[arrow.label] if arrow.used else UNUSED
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
            axes.text(*self.at[i], arrow.label, color=line, fontsize=8, ha="center", va="center", bbox=box)
        for i, node in enumerate(self.nodes):
            self._paint_node(axes, i, node, colour)

    def _paint_arrow(self, axes: Axes, path: list[int], line: str, used: bool) -> None:
        from matplotlib.patches import FancyArrowPatch
        from matplotlib.path import Path as Curve

        half = [self.width_of(i) / 2 for i in path]
        points = [self.at[i] for i in path]
        vertices, codes = [(points[0][0] + half[0], points[0][1])], [Curve.MOVETO]
        for k in range(1, len(path)):
            # straight along a label, curved between layers
            (x0, y0), (x1, y1) = vertices[-1], (points[k][0] - half[k], points[k][1])
            bend = (x1 - x0) / 2
            vertices += [(x0 + bend, y0), (x1 - bend, y1), (x1, y1)]
            codes += [Curve.CURVE4] * 3
            if k < len(path) - 1:
                vertices.append((points[k][0] + half[k], y1))
                codes.append(Curve.LINETO)
        style: dict[str, Any] = {"linewidth": 1.4, "linestyle": "-" if used else (0, (3, 3)), "color": line}
        arrow = FancyArrowPatch(
            path=Curve(vertices, codes), arrowstyle="-|>,head_length=5,head_width=2.5", shrinkA=0, shrinkB=0, **style
        )
        axes.add_patch(arrow)

    def _paint_node(self, axes: Axes, i: int, node: Node, colour: dict[str, str]) -> None:
        from matplotlib.patches import FancyBboxPatch

        x, y = self.at[i]
        line = (colour[node.label] if node.operation else PLAIN) if node.used else UNUSED
        width = self.width_of(i)
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
        axes.text(x, y - 0.01, node.label, color=line, ha="center", va="center", fontsize=9)


def _places(members: list[list[int]], paths: list[list[int]]) -> dict[int, float]:
    """Order each layer to keep neighbours close; returns each item's offset from the middle of its layer."""
    before: dict[int, list[int]] = {i: [] for group in members for i in group}
    after: dict[int, list[int]] = {i: [] for group in members for i in group}
    for path in paths:
        for a, b in itertools.pairwise(path):
            before[b].append(a)
            after[a].append(b)
    place: dict[int, float] = {}

    def lay_out(group: list[int]) -> None:
        place.update({i: k - (len(group) - 1) / 2 for k, i in enumerate(group)})

    for group in members:
        lay_out(group)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        near = before if forward else after
        for group in members if forward else reversed(members):
            centre = {i: sum(place[j] for j in near[i]) / len(near[i]) if near[i] else place[i] for i in group}
            group.sort(key=centre.__getitem__)
            lay_out(group)
    return place
