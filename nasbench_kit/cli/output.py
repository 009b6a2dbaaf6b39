"""Output of the subcommands: tables and JSON on stdout, progress and warnings on stderr."""

from __future__ import annotations

import json
import math
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from nasbench_kit.errors import MOST_SHOWN, one_line

__all__ = [
    "number_text",
    "plain",
    "print_json",
    "print_table",
    "progress_bars",
    "say",
    "warnings_on_stderr",
]


def say(*cells: object, error: bool = False) -> None:
    """Print a line to stdout, or with ``error`` to stderr: cells with a tab between them.

    Everything that the commands print goes through here, `print_table` or `print_json`: what files and arguments say cannot
    begin a line of its own, nor tell a terminal to do anything.
    """
    print(*map(one_line, cells), sep="\t", file=sys.stderr if error else sys.stdout)


def print_table(
    title: str | None,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str | None = None,
    *,
    left: int = 1,
    optional: Sequence[str] = (),
) -> None:
    """Print a table to stdout.

    Parameters
    ----------
    title, caption : str or None
    header : sequence of str
    rows : sequence of sequence of str
    left : int
        The first columns are aligned to the left, the others to the right.
    optional : sequence of str
        Columns that are left out, one after the other, until the table fits the terminal. A pipe is 200 characters wide, or
        what ``COLUMNS`` says.
    """
    from rich.box import SIMPLE_HEAD  # here and below, so that usage and errors are shown at once
    from rich.console import Console
    from rich.table import Table

    console = Console(
        markup=False, emoji=False, highlight=False
    )  # names and messages are text, whatever brackets they have
    if not console.is_terminal:
        columns = os.environ.get("COLUMNS", "")
        console.width = max(int(columns), 20) if columns.isdecimal() else 200
    shown = list(header)
    for name in (None, *optional):
        shown = [column for column in shown if column != name]
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for i, column in enumerate(shown):
            table.add_column(one_line(column), justify="left" if i < left else "right", overflow="fold")
        for row in rows:
            table.add_row(*(one_line(cell) for column, cell in zip(header, row, strict=True) if column in shown))
        if console.measure(table, options=console.options.update(width=10_000)).maximum <= console.width:
            break
    if title:
        console.print(one_line(title), style="bold")
    console.print(table)
    hidden = [column for column in header if column not in shown]
    if hidden:
        console.print(f"columns hidden, terminal too narrow: {', '.join(hidden)} (--json shows all)")
    if caption:
        for line in caption.splitlines():  # a command may give several
            console.print(one_line(line), style="italic")


def print_json(value: Any) -> None:
    """Print JSON to stdout; numbers that JSON cannot represent become null."""
    json.dump(plain(value), sys.stdout, indent=2, allow_nan=False)
    print()


def number_text(metric: str, value: float) -> str:
    """A value of a metric in a table: accuracies with two places, whole numbers in full."""
    if metric.endswith("_accuracy"):
        return f"{value:.2f}"
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:,.6g}"


def plain(value: Any) -> Any:
    """The value as JSON can represent it: dicts, lists, numbers and text; numbers that are not finite become None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@contextmanager
def progress_bars(names: Sequence[str]) -> Iterator[Any]:
    """One bar per name on stderr; yields ``update(name, share)``. Without a terminal, one line when a name is done."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:

        def line(name: str, share: float) -> None:
            if share >= 1:
                say(f"{name}: done", error=True)

        yield line
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        tasks = {name: progress.add_task(one_line(name), total=1.0, start=False) for name in names}

        def update(name: str, share: float) -> None:
            progress.start_task(tasks[name])
            progress.update(tasks[name], completed=share)

        yield update


@contextmanager
def warnings_on_stderr() -> Iterator[None]:
    """Show the kit's warnings as one line each."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        say(f"warning: {one_line(message, MOST_SHOWN)}", error=True)

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = show
        yield
