"""Architectures as inline SVG, which needs no matplotlib: for notebooks, in whose colours they are drawn."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from nasbench_kit.errors import one_line
from nasbench_kit.figures.layout import Layout
from nasbench_kit.figures.style import LIGHT
from nasbench_kit.notebook import drawing
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.diagram import Diagram
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["example_of", "inline_svg"]

PIXELS = 64  # per inch of a layout
HEAD = 6  # pixels, length of an arrow's head
MOST_ARROWS = 48  # of a drawing; more cannot be read
DRAWN, COMPARED = 200, 8


def inline_svg(diagrams: Sequence[Diagram]) -> str:
    """Draw diagrams below each other; an empty text if they are too large to be read."""
    if not diagrams or sum(len(diagram.arrows) for diagram in diagrams) > MOST_ARROWS:
        return ""
    layouts = [Layout(diagram) for diagram in diagrams]
    labels = {node.label for layout in layouts for node in layout.nodes if node.operation}
    labels |= {arrow.label for layout in layouts for _, _, arrow in layout.arrows if arrow.label}
    colours = {label: LIGHT.colours[i % 6] for i, label in enumerate(sorted(labels))}
    width = max(layout.width for layout in layouts) * PIXELS
    height, parts = 0.0, []
    for layout in layouts:
        parts.append(f'<g transform="translate(0 {height:g})">{_drawn(layout, colours)}</g>')
        height += round(layout.height * PIXELS)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img" '
        'aria-label="an architecture" style="max-width:100%;height:auto;font-family:sans-serif;font-size:11px" '
        f'fill="none" stroke-width="1.4">{"".join(parts)}</svg>'
    )


def _drawn(layout: Layout, colours: dict[str, str]) -> str:
    def at(point: tuple[float, float]) -> tuple[float, float]:
        return point[0] * PIXELS, (layout.height - point[1]) * PIXELS

    parts = [f'<text x="18" y="16" fill="currentColor" font-weight="bold">{_text(layout.title)}</text>']
    for (_, _, arrow), path in zip(layout.arrows, layout.paths, strict=True):
        line = f'stroke="{colours.get(arrow.label, "currentColor")}" {_faint(arrow.used)}'
        curve = [(letter, [at(point) for point in points]) for letter, points in layout.curve(path)]
        if arrow.label:  # it stands in a gap of its line, as the colour behind it is not known
            gap = next(i for i, (letter, _) in enumerate(curve) if letter == "L")
            curve[gap] = ("M", curve[gap][1])
        drawn = "".join(letter + " ".join(f"{x:.1f} {y:.1f}" for x, y in points) for letter, points in curve)
        x, y = curve[-1][1][-1]
        head = f"M{x - HEAD:.1f} {y - HEAD / 2:.1f}L{x:.1f} {y:.1f}L{x - HEAD:.1f} {y + HEAD / 2:.1f}"
        parts.append(f'<path d="{drawn}{head}" {line}/>')
    for i, arrow in layout.labels.items():
        parts.append(_label(at(layout.at[i]), arrow.label, _faint(arrow.used, dashed=False)))
    for i, node in enumerate(layout.nodes):
        x, y = at(layout.at[i])
        wide, high = layout.width_of(i) * PIXELS, 0.3 * PIXELS
        colour = colours[node.label] if node.operation else "currentColor"
        parts.append(
            f'<rect x="{x - wide / 2:.1f}" y="{y - high / 2:.1f}" width="{wide:.1f}" height="{high:.1f}" rx="5" '
            f'stroke="{colour}" {_faint(node.used)}/>'
        )
        parts.append(_label((x, y), node.label, _faint(node.used, dashed=False)))
    return "".join(parts)


def _label(at: tuple[float, float], text: str, style: str) -> str:
    x, y = at
    return f'<text x="{x:.1f}" y="{y + 3.8:.1f}" text-anchor="middle" fill="currentColor" {style}>{_text(text)}</text>'


def _text(text: str) -> str:
    return html.escape(one_line(text))


def _faint(used: bool, *, dashed: bool = True) -> str:
    """How what the network does not use is drawn."""
    if used:
        return ""
    return 'opacity=".45"' + (' stroke-dasharray="3 3"' if dashed else "")


def example_of(space: Space) -> Genotypes:
    """A valid genotype (genes,), always the same one: of some random ones, the one of which the network uses most.

    Unlike `Space.sample` this opens no tables, and is not uniform.
    """
    rng = np.random.default_rng(0)
    X = np.stack([rng.integers(0, count, DRAWN, dtype=np.uint8) for count in space.cardinalities], axis=1)
    valid = X[space.is_valid(X)]
    some = (valid if len(valid) else space.sample(1, 0))[:COMPARED]
    best: Genotypes = max(some, key=lambda x: _share_used(space.diagrams(x)))
    return best


def _share_used(diagrams: Sequence[Diagram]) -> float:
    nodes = [node.used for diagram in diagrams for node in diagram.nodes]
    arrows = [arrow.used for diagram in diagrams for arrow in diagram.arrows]
    return (sum(nodes) + sum(arrows)) / max(len(nodes) + len(arrows), 1)


@drawing.register
def _(space: Space) -> str:
    return inline_svg(space.diagrams(example_of(space)))
