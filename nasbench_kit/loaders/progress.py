"""How far a source has been read: a bar on a terminal's stderr, for sources that take minutes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["reading"]


@contextmanager
def reading(path: Path, *, shown: bool) -> Iterator[Callable[[float], None]]:
    """Yields ``update(share)``, which does nothing unless the bar is ``shown`` and stderr is a terminal."""
    if not (shown and sys.stderr.isatty()):
        yield lambda share: None
        return
    from rich.console import Console
    from rich.progress import Progress  # here, so that importing the package stays light

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"reading {path.name}", total=1.0)
        yield lambda share: progress.update(task, completed=share)
