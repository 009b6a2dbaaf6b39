"""Picture files (extra ``plot``): which formats there are, and how a figure is written, all or nothing."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasbench_kit.errors import MissingExtra, StoreError
from nasbench_kit.files import replace_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "STYLE", "check_matplotlib", "check_picture", "write_picture"]

# Okabe and Ito's palette, told apart by colour-blind readers.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")

# matplotlib's settings for curves; the salt makes the same figure the same SVG.
STYLE: dict[Any, Any] = {
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "svg.hashsalt": "nasbench-kit",
}


def check_matplotlib() -> None:
    """Raise MissingExtra where matplotlib is not installed."""
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtra("drawing", "plot")


def check_picture(path: Path) -> str:
    """The format that ``path`` asks for: png, svg or pdf.

    Raises
    ------
    MissingExtra
        Where matplotlib is not installed.
    ValueError
        Another suffix.
    StoreError
        No such folder.
    """
    check_matplotlib()
    form = path.suffix.removeprefix(".").lower()
    if form not in ("png", "svg", "pdf"):
        raise ValueError(
            f"{path}: a picture is written as .png, .svg or .pdf, not as {path.suffix or 'a file without suffix'}"
        )
    if not path.parent.is_dir():
        raise StoreError(f"{path}: there is no folder {path.parent}")
    return form


def write_picture(figure: Figure, path: Path) -> Path:
    """Write a figure; the format follows the suffix. Raises as `check_picture`, and where the file cannot be written."""
    form = check_picture(path)
    # without the date, the same figure is the same file
    metadata = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[form]
    return replace_file(path, lambda temporary: figure.savefig(temporary, format=form, dpi=160, metadata=metadata))
