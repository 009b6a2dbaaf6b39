"""Show how far a sweep or a training is, while it runs: what is done, running and waiting, the time left, and the results so far.

FOLDER is that of a sweep; or the store that 'nasbench-kit train' is making, or its folder STORE.parts; or the cache of a search by
training. Nothing is written or locked there. Ctrl-C stops watching; the work continues.
"""

from __future__ import annotations

import argparse
import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live

from nasbench_kit.cli.output import print_json
from nasbench_kit.cli.snapshot_view import live_view, print_snapshot
from nasbench_kit.cli.watched import Watch, watch_of

SHORTEST = 0.1  # seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument(
        "folder", metavar="FOLDER", help="a sweep's folder, STORE or STORE.parts, or a cache of trainings"
    )
    parser.add_argument(
        "--interval", type=float, default=2.0, metavar="SECONDS", help="seconds between updates (default: %(default)g)"
    )
    parser.add_argument(
        "--once", action="store_true", help="print the current state once and exit (the default in a pipe)"
    )
    parser.add_argument("--json", action="store_true", help="print the current state as JSON and exit")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status: 1 if it has ended and something failed."""
    if not (math.isfinite(options.interval) and options.interval >= SHORTEST):
        raise ValueError(f"--interval must be at least {SHORTEST} seconds, not {options.interval:g}")
    watch = watch_of(options.folder)
    if options.json:
        snapshot = watch.look()
        print_json(snapshot.as_dict())
    elif options.once or not sys.stdout.isatty():
        snapshot = watch.look()
        print_snapshot(snapshot)
    else:
        with _quiet_end():
            return _follow(watch, options.interval)
        return 0
    return 1 if snapshot.ended and snapshot.failed else 0


def _follow(watch: Watch, interval: float) -> int:
    """Show the state again and again, until there is nothing to wait for."""
    console = Console(markup=False, emoji=False, highlight=False)
    snapshot = watch.look()
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            live.update(live_view(snapshot, console), refresh=True)
            if snapshot.ended:
                break
            time.sleep(interval)
            snapshot = watch.look()
    return 1 if snapshot.failed else 0


@contextmanager
def _quiet_end() -> Iterator[None]:
    """Let Ctrl-C end the block silently, since it interrupts no work."""
    own = (
        threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    )
    before: Any = signal.signal(signal.SIGINT, signal.default_int_handler) if own else None
    try:
        yield
    except KeyboardInterrupt as error:
        if type(error) is not KeyboardInterrupt:  # another signal
            raise
    finally:
        if own:
            signal.signal(signal.SIGINT, before)
