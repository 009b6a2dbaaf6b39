"""The style of figures: colours on a light and on a dark ground, and sizes of letters and lines at the width of a figure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nasbench_kit.errors import UnknownName
from nasbench_kit.figures.files import check_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DARK", "LIGHT", "STYLES", "WIDTHS", "Style", "open_figure", "style_of"]

WIDTHS = (50.0, 1000.0)  # millimetres
MM = 25.4  # per inch
NARROW, SLIDE = 80.0, 254.0  # millimetres: a column of a paper, and a slide
SMALLEST, LETTERS = 6.0, (7.0, 12.0)  # points: of any letter, and of most letters in a column and on a slide
THICKNESS = (1.2, 2.0)  # points: lines in a column and on a slide

# in addition to colours, for black-and-white printing
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (5, 5)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")


@dataclass(frozen=True)
class Style:
    """What a figure looks like.

    The first six colours of both styles stay apart for readers who confuse colours: see ``tests/figures/test_style.py``.

    Attributes
    ----------
    name : str
    ground, text, muted, faint : str
        Colours: behind everything; of letters and axes; of remarks; and of what curves are compared with.
    colours : tuple of str
        Of curves, the eight of them in their order.
    width : float
        The width of the figure in millimetres, on which the sizes of letters and lines depend.
    """

    name: str
    ground: str
    text: str
    muted: str
    faint: str
    colours: tuple[str, ...]
    width: float = SLIDE

    @property
    def inches(self) -> float:
        """The width in inches."""
        return self.width / MM

    @property
    def letters(self) -> float:
        """The size of most letters, in points."""
        return self._between(*LETTERS)

    @property
    def small(self) -> float:
        """The size of ticks, remarks and legends, in points."""
        return max(SMALLEST, 0.85 * self.letters)

    @property
    def thickness(self) -> float:
        """The width of a curve, in points."""
        return self._between(*THICKNESS)

    def _between(self, narrow: float, slide: float) -> float:
        share = min(max((self.width - NARROW) / (SLIDE - NARROW), 0.0), 1.0)
        return narrow + share * (slide - narrow)

    def characters(self, inches: float, size: float) -> int:
        """How many characters of a size fit into some inches of a line, on average."""
        return max(8, int(inches * 72 / (0.56 * size)))

    def line(self, i: int) -> dict[str, Any]:
        """Colour, dashes and width of the i-th curve; the first 64 pairs of colour and dashes are distinct."""
        return {"color": self.colours[i % 8], "linestyle": DASHES[(i + i // 8) % 8], "linewidth": self.thickness}

    def marker(self, i: int) -> dict[str, Any]:
        """Shape and size of the i-th algorithm's points."""
        return {"marker": MARKERS[i % 8], "markersize": 2.4 * self.thickness}

    def settings(self) -> dict[Any, Any]:
        """matplotlib's settings for everything that is drawn in this style."""
        return {
            "font.size": self.letters,
            "axes.titlesize": self.letters,
            "axes.labelsize": self.letters,
            "figure.titlesize": self.letters + 0.5,
            "legend.fontsize": self.small,
            "xtick.labelsize": self.small,
            "ytick.labelsize": self.small,
            "legend.frameon": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.25,
            "grid.linewidth": 0.4 * self.thickness,
            "axes.linewidth": 0.4 * self.thickness,
            "figure.facecolor": self.ground,
            "savefig.facecolor": "auto",
            "axes.facecolor": self.ground,
            "axes.edgecolor": self.text,
            "axes.labelcolor": self.text,
            "text.color": self.text,
            "xtick.color": self.text,
            "ytick.color": self.text,
            "grid.color": self.muted,
        }


# Okabe and Ito's hues, moved so that the six stay apart under every simulation and stand out from the ground
LIGHT = Style(
    "light",
    ground="#FFFFFF",
    text="#222222",
    muted="#666666",
    faint="#B8B8B8",
    colours=("#364EA3", "#B44D00", "#018874", "#EB4FB7", "#B78E12", "#0497F6", "#222222", "#8A8A8A"),
)
DARK = Style(
    "dark",
    ground="#15181E",
    text="#E8EAED",
    muted="#A8B0B9",
    faint="#666E78",
    colours=("#4379AA", "#CA6101", "#32B28F", "#D185F1", "#FDD883", "#99D8E5", "#FFFFFF", "#8F97A1"),
)
STYLES = {style.name: style for style in (LIGHT, DARK)}


def style_of(name: str, width: float | None = None, default: float = SLIDE) -> Style:
    """A style by its name, for a figure of a width in millimetres.

    Raises
    ------
    UnknownName
        There is no such style.
    ValueError
        The width is out of range.
    """
    if name not in STYLES:
        raise UnknownName("style of figures", name, STYLES)
    chosen = default if width is None else float(width)
    if not (math.isfinite(chosen) and WIDTHS[0] <= chosen <= WIDTHS[1]):
        raise ValueError(f"a figure is {WIDTHS[0]:g} to {WIDTHS[1]:g} mm wide, not {width:g}")
    return dataclasses.replace(STYLES[name], width=chosen)


@contextmanager
def open_figure(style: Style, height: float, layout: Literal["constrained"] | None = "constrained") -> Iterator[Figure]:
    """A new figure of the style's width and a height in inches, to draw in; matplotlib's own settings stay as they are.

    Raises
    ------
    MissingExtra
        matplotlib is not installed.
    """
    check_matplotlib()
    import matplotlib as mpl

    from nasbench_kit.figures.inline import InlineFigure

    with mpl.rc_context(style.settings()):
        figure = InlineFigure(figsize=(style.inches, height), layout=layout)
        yield figure
        for axes in figure.axes:
            # ticks are made when they are needed, perhaps after the style's settings are gone
            axes.tick_params(which="both", labelsize=style.small, color=style.text, labelcolor=style.text)
            if axes.axison:
                axes.tick_params(grid_color=style.muted, grid_alpha=0.25, grid_linewidth=0.4 * style.thickness)
