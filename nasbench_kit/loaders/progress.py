"""Progress bar on stderr for sources that take minutes to read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["reading"]


@contextmanager
def reading(path: Path, *, shown: bool) -> Iterator[Callable[[float], None]]:
    """Yield ``update(fraction)``, a no-op unless ``shown`` is true and stderr is a terminal."""
    if not (shown and sys.stderr.isatty()):
        yield lambda share: None
        return
    from rich.console import Console
    from rich.progress import Progress  # imported here to keep importing the package fast

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"reading {path.name}", total=1.0)
        yield lambda share: progress.update(task, completed=share)
