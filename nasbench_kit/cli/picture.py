"""Command-line options of figures: the file, the kind, the style and the width, shared by the commands that draw."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["add_look_arguments", "add_plot_arguments", "check_plot", "look_of"]

STYLES = ("light", "dark")


def add_plot_arguments(parser: argparse._ActionsContainer, kinds: Sequence[str] = (), more: str = "") -> None:
    """Declare the options of a figure; ``kinds`` are those that the command draws, the first by default."""
    parser.add_argument("--plot", type=Path, metavar="FILE", help=f"draw a figure: .png, .svg or .pdf{more}")
    if kinds:
        parser.add_argument("--figure", choices=kinds, help=f"what --plot draws (default: {kinds[0]})")
    add_look_arguments(parser)


def add_look_arguments(parser: argparse._ActionsContainer) -> None:
    """Declare the options of a figure's style and width."""
    parser.add_argument("--style", choices=STYLES, help="the style of the figure (default: light)")
    parser.add_argument(
        "--width", type=float, metavar="MM",
        help="the width of the figure in millimetres, such as 80 for a column of a paper (default: for a slide)",
    )  # fmt: skip


def check_plot(options: argparse.Namespace, objectives: int | None = None) -> None:
    """Refuse a figure that could not be drawn or written, before the searches.

    Parameters
    ----------
    options : Namespace
    objectives : int, optional
        Their number, if it is known.
    """
    kind = getattr(options, "figure", None)
    if options.plot is None:
        given = {"figure": kind, "style": options.style, "width": options.width}
        if any(value is not None for value in given.values()):
            first = next(name for name, value in given.items() if value is not None)
            raise ValueError(f"--{first} is of the figure that --plot draws: give --plot FILE, too")
        return
    from nasbench_kit.figures.files import check_picture
    from nasbench_kit.figures.style import style_of

    style_of(options.style or "light", options.width)
    if objectives is not None and kind in ("front", "attainment"):
        if objectives < 2:
            raise ValueError(f"--figure {kind} needs several objectives: give --objectives")
        if kind == "attainment" and objectives > 2:
            raise ValueError(f"--figure attainment is for two objectives, not {objectives}")
    check_picture(options.plot)


def look_of(options: argparse.Namespace) -> dict[str, Any]:
    """The style and the width of the options, as the arguments of a figure."""
    return {"style": options.style or "light", "width": options.width}
