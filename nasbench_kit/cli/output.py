"""What the subcommands share in showing: tables and JSON on stdout, progress and warnings on stderr."""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

__all__ = ["print_json", "print_table", "progress_bars", "warnings_on_stderr"]


def print_table(
    title: str | None,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str | None = None,
    *,
    left: int = 1,
) -> None:
    """Print a table to stdout: the first ``left`` columns to the left, the others to the right."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    table = Table(title=title, caption=caption, title_justify="left", caption_justify="left")
    for i, name in enumerate(header):
        table.add_column(name, justify="left" if i < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def print_json(value: Any) -> None:
    """Print JSON to stdout; numbers that JSON does not know become null."""
    json.dump(_plain(value), sys.stdout, indent=2, allow_nan=False)
    print()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@contextmanager
def progress_bars(names: Sequence[str]) -> Iterator[Any]:
    """A bar a name on stderr; yields ``update(name, share)``. Where stderr is no terminal, a line when one is done."""
    console = Console(stderr=True)
    if not console.is_terminal:

        def line(name: str, share: float) -> None:
            if share >= 1:
                print(f"{name}: done", file=sys.stderr)

        yield line
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        tasks = {name: progress.add_task(name, total=1.0, start=False) for name in names}

        def update(name: str, share: float) -> None:
            progress.start_task(tasks[name])
            progress.update(tasks[name], completed=share)

        yield update


@contextmanager
def warnings_on_stderr() -> Iterator[None]:
    """Show the kit's warnings as one line each."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        print(f"warning: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = show
        yield
