"""How far the reading of a large file has got, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(path: Path, shown: bool) -> Iterator[Callable[[int], None]]:
    """A bar on stderr where that is a terminal and ``shown``; yields ``advance(bytes read so far)``."""
    if not shown or not sys.stderr.isatty():
        yield lambda position: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(path.name, total=path.stat().st_size)
        yield lambda position: progress.update(task, completed=position)
