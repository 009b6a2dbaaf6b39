"""Figure style, supported formats and atomic writing of figures (extra ``plot``)."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasbench_kit.errors import MissingExtra
from nasbench_kit.files import check_target, replace_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "STYLE", "check_matplotlib", "check_picture", "write_picture"]

# Okabe and Ito's palette, distinguishable for colour-blind readers.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")

# matplotlib settings for curves; a fixed salt makes SVG output reproducible.
STYLE: dict[Any, Any] = {
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "svg.hashsalt": "nasbench-kit",
}


def check_matplotlib() -> None:
    """Raise MissingExtra if matplotlib is not installed."""
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtra("drawing", "plot")


def check_picture(path: Path) -> str:
    """Check that a figure can be written to ``path`` and return its format: png, svg or pdf.

    Raises
    ------
    MissingExtra
        matplotlib is not installed.
    ValueError
        The suffix is not supported.
    WriteError
        The folder does not exist or is not writable, or the path is not that of a file.
    """
    check_matplotlib()
    form = path.suffix.removeprefix(".").lower()
    if form not in ("png", "svg", "pdf"):
        raise ValueError(
            f"{path}: figures can be written as .png, .svg or .pdf, not as {path.suffix or 'a file without suffix'}"
        )
    check_target(path)
    return form


def write_picture(figure: Figure, path: Path) -> Path:
    """Write a figure in the format of the suffix; raises as `check_picture`, or WriteError if writing fails."""
    form = check_picture(path)
    # omit the date to make the files reproducible
    metadata = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[form]
    return replace_file(path, lambda temporary: figure.savefig(temporary, format=form, dpi=160, metadata=metadata))
