"""Figures as files (extra ``plot``): the formats, and atomic writing."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasbench_kit.errors import MissingExtra
from nasbench_kit.files import check_target, replace_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SETTINGS", "check_matplotlib", "check_picture", "write_picture"]

# reproducible SVG; letters as letters, so that they can be searched and edited; no Type 3 fonts, which many journals refuse
SETTINGS: dict[Any, Any] = {"svg.hashsalt": "nasbench-kit", "svg.fonttype": "none", "pdf.fonttype": 42}


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

    def write(temporary: Path) -> None:
        # a column of a paper is printed: more dots for a narrow figure
        dots = 300 if figure.get_figwidth() < 5 else 160
        figure.savefig(temporary, format=form, dpi=dots, metadata=metadata)

    return replace_file(path, write)
