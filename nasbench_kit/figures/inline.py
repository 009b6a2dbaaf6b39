"""The matplotlib figure that all plots of the kit are: drawn without pyplot, and shown below its cell in a notebook.

Imported only where something is drawn, because it needs matplotlib.
"""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nasbench_kit.figures.files import SETTINGS

__all__ = ["InlineFigure"]

PIXELS = 80  # per inch, as shown: the widest figure, 11 inches, fits a notebook's column
SHARPNESS = 2  # pixels stored per pixel shown, for screens of high resolution


class InlineFigure(Figure):
    """A figure that notebooks show when it is the value of a cell.

    They would print ``<Figure size ...>`` for a plain figure that pyplot does not know, unless ``%matplotlib inline`` came first.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        FigureCanvasAgg(self)

    def savefig(self, fname: Any, **settings: Any) -> None:
        """Write the figure as the kit does: letters as letters, the same names within the same SVG file."""
        with mpl.rc_context(SETTINGS):
            super().savefig(fname, **settings)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """The PNG file, and the size at which to show it."""
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=SHARPNESS * PIXELS)
        width, height = (round(inches * PIXELS) for inches in self.get_size_inches())
        return file.getvalue(), {"width": width, "height": height}
