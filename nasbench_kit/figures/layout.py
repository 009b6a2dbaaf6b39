"""A layered layout of an architecture's graphs, from left to right (Sugiyama, Tagawa and Toda 1981).

A node's layer is the length of its longest path from the input. An arrow across several layers gets a slot in each, so that
it is routed around the nodes in between, and the barycentre method orders each layer to keep neighbours close. A chain that
is too wide for a page goes on in another line.
"""

from __future__ import annotations

import itertools
import math
import textwrap

from nasbench_kit.spaces.diagram import Arrow, Diagram

__all__ = ["Layout"]

SWEEPS = 12  # sweeps of the barycentre method
LETTER = 0.085  # inches, approximate width of a character in a label
SPACING = 0.46  # inches between the rows of a layer
WIDEST = 7.5  # inches: longer chains go on in another line
LINE = 0.7  # inches between the lines of a chain
TITLE = 0.2  # inches between the lines of a title
DOWN = 0.38  # inches between layers, from top to bottom
FURTHER = 0.24  # inches between rows of labels in a layer
ASIDE = 0.12  # inches between what stands in a layer, from top to bottom
RETURN = 0.3  # inches that the arrow to the next line sticks out


class Layout:
    """Positions of all elements of a diagram, in inches, from the lower left corner.

    Parameters
    ----------
    diagram : Diagram
    most : float, optional
        Inches: longer chains and titles go on in another line. Default: 7.5, for chains alone.
    downwards : bool
        From top to bottom instead, which is narrower for cells of many layers.

    Attributes
    ----------
    title : str
    width, height : float
    nodes : list of Node
        Those that are drawn.
    arrows : list of (int, int, Arrow)
        Source and target, as indices of ``nodes``.
    paths : list of list of int
        The slots of each arrow, from its source to its target.
    labels : dict of int to Arrow
        The arrows with a label, by the slot of the label.
    at : dict of int to (float, float)
        The centre of each slot; the first slots are those of the nodes.
    """

    def __init__(self, diagram: Diagram, most: float | None = None, *, downwards: bool = False) -> None:
        joined = {end for arrow in diagram.arrows for end in (arrow.source, arrow.target)}
        kept = [i for i, node in enumerate(diagram.nodes) if i in joined or node.used]
        number = {old: new for new, old in enumerate(kept)}
        self.nodes = [diagram.nodes[i] for i in kept]
        self.arrows = [(number[arrow.source], number[arrow.target], arrow) for arrow in diagram.arrows]
        left_out = [node.label for i, node in enumerate(diagram.nodes) if i not in number]
        self.title = diagram.title + (f" (without edges: {', '.join(left_out)})" if left_out else "")
        if most is not None:
            self.title = textwrap.fill(self.title, max(12, int((most - 0.8) / LETTER)))
        lines = self.title.splitlines()
        longest = LETTER * max(map(len, lines)) + 0.8  # inches
        head = 0.6 + TITLE * (len(lines) - 1)

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
        self.downwards = downwards
        self.chain = all(len(group) == 1 for group in members)
        if downwards:
            self._from_the_top(members, most or WIDEST, longest, head)
            return

        widths = [max((self.width_of(i) for i in group), default=0.1) for group in members]
        gap = 0.3 if named else 0.45
        rows = max(len(group) for group in members)
        most = most or WIDEST
        wraps = self.chain and sum(widths) + gap * (len(widths) + 1) > most
        margin = RETURN + 0.15 if wraps else 0.3
        x, widest, line = margin, 0.0, 0
        centre: list[tuple[float, int]] = []  # of each layer, and the line that it is on
        for width in widths:
            if wraps and x + width + margin > most:
                x, line = margin, line + 1
            centre.append((x + width / 2, line))
            x += width + gap
            widest = max(widest, x - gap + margin)
        self.width = max(widest, longest)
        self.height = (rows - 1) * SPACING + line * LINE + head + SPACING
        middle = (self.height - head + 0.3 + line * LINE) / 2
        self.at = {
            i: (centre[own][0], middle - place[i] * SPACING - centre[own][1] * LINE) for i, own in enumerate(layer)
        }

    def curve(self, path: list[int]) -> list[tuple[str, list[tuple[float, float]]]]:
        """The line of an arrow along its slots: ``("M", [start])``, then cubic curves ``"C"`` between layers and straight
        lines ``"L"`` along labels, as in SVG but with y upwards."""
        if self.downwards:
            return self._curve_downwards(path)
        half = [self.width_of(i) / 2 for i in path]
        points = [self.at[i] for i in path]
        x0, y0 = points[0][0] + half[0], points[0][1]
        line: list[tuple[str, list[tuple[float, float]]]] = [("M", [(x0, y0)])]
        for k in range(1, len(path)):
            x1, y1 = points[k][0] - half[k], points[k][1]
            if x1 < x0:  # back to the start of the next line
                between = (y0 + y1) / 2
                line.append(("C", [(x0 + RETURN, y0), (x0 + RETURN, between), (x0, between)]))
                line.append(("L", [(x1, between)]))
                line.append(("C", [(x1 - RETURN, between), (x1 - RETURN, y1), (x1, y1)]))
            else:
                bend = (x1 - x0) / 2
                line.append(("C", [(x0 + bend, y0), (x1 - bend, y1), (x1, y1)]))
            if k < len(path) - 1:
                x1 = points[k][0] + half[k]
                line.append(("L", [(x1, y1)]))
            x0, y0 = x1, y1
        return line

    def _from_the_top(self, members: list[list[int]], most: float, longest: float, head: float) -> None:
        """Place the layers below each other; within a layer, everything is as near to its neighbours as there is room."""
        widths: dict[int, float] = {}
        rows = []  # of each layer: labels that do not fit beside each other are placed alternately in several
        for group in members:
            own = {i: self.width_of(i) + ASIDE for i in group}
            labelled = any(i in self.labels for i in group)
            rows.append(1)
            if labelled and sum(own.values()) > most:
                widest = max(own.values())
                rows[-1] = min(len(group), math.ceil(widest * (len(group) - 1) / max(most - 0.4 - widest, widest)))
                own = dict.fromkeys(group, widest / rows[-1])
            widths |= own
        near: dict[int, list[int]] = {i: [] for i in widths}
        for path in self.paths:
            for a, b in itertools.pairwise(path):
                near[a].append(b)
                near[b].append(a)
        x: dict[int, float] = {}
        for group in members:
            x.update(_apart(group, dict.fromkeys(group, 0.0), widths))
        for sweep in range(SWEEPS):
            for group in members if sweep % 2 == 0 else reversed(members):
                wanted = {i: sum(x[j] for j in near[i]) / len(near[i]) if near[i] else x[i] for i in group}
                x.update(_apart(group, wanted, widths))
        half = {i: (self.width_of(i) + ASIDE) / 2 for i in x}
        left = min(x[i] - half[i] for i in x)
        inner = max(x[i] + half[i] for i in x) - left
        self.width = max(inner + 0.2, longest)
        shift = (self.width - inner) / 2 - left
        step = DOWN if self.labels else DOWN + 0.12
        depth = [step * k + FURTHER * sum(row - 1 for row in rows[:k]) for k in range(len(members))]
        self.height = depth[-1] + head + SPACING
        top = self.height - head - 0.1
        self.at = {
            i: (x[i] + shift, top - deep - (k % row) * FURTHER)
            for group, deep, row in zip(members, depth, rows, strict=True)
            for k, i in enumerate(group)
        }

    def _curve_downwards(self, path: list[int]) -> list[tuple[str, list[tuple[float, float]]]]:
        points = [self.at[i] for i in path]
        half = [0.14 if i < len(self.nodes) else 0.11 if i in self.labels else 0.0 for i in path]
        x0, y0 = points[0][0], points[0][1] - half[0]
        line: list[tuple[str, list[tuple[float, float]]]] = [("M", [(x0, y0)])]
        for (x1, middle), h in zip(points[1:], half[1:], strict=True):
            y1 = middle + h
            bend = (y0 - y1) / 2
            line.append(("C", [(x0, y0 - bend), (x1, y1 + bend), (x1, y1)]))
            x0, y0 = x1, y1
            if h == 0.11:
                line.append(("L", [(x1, middle - h)]))
                y0 = middle - h
        return line

    def width_of(self, i: int) -> float:
        """The width of a node's box or an arrow's label; small for a slot that an arrow only passes through."""
        if i < len(self.nodes):
            return max(0.36, LETTER * len(self.nodes[i].label) + 0.16)
        return LETTER * len(self.labels[i].label) if i in self.labels else 0.1


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


def _apart(group: list[int], wanted: dict[int, float], widths: dict[int, float]) -> dict[int, float]:
    """Places in the order of a layer, at least their widths apart and nearest to the wanted ones (least squares).

    Without the widths that stand before each, the places only have to ascend: pool adjacent violators.
    """
    before = list(itertools.accumulate((widths[a] + widths[b]) / 2 for a, b in itertools.pairwise(group)))
    offset = dict(zip(group, [0.0, *before], strict=True))
    pools: list[tuple[float, list[int]]] = []  # the mean of each, and its members
    for i in group:
        mean, pool = wanted[i] - offset[i], [i]
        while pools and pools[-1][0] > mean:
            other, members = pools.pop()
            mean = (mean * len(pool) + other * len(members)) / (len(pool) + len(members))
            pool = members + pool
        pools.append((mean, pool))
    return {i: mean + offset[i] for mean, pool in pools for i in pool}
