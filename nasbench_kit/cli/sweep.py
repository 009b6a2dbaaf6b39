"""Search every problem of a grid with every algorithm, on all cores or on a cluster; killed anywhere, it resumes.

Repeat the command to resume. What is finished is in the folder: see docs/sweeps.md.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from nasbench_kit.cli.comparison_table import comparison_json, duration, print_comparison, print_ranks
from nasbench_kit.cli.output import print_json, say, warnings_on_stderr
from nasbench_kit.cli.sweep_file import read_grid
from nasbench_kit.experiments.sweep import SweepProgress, run_sweep

EVERY = 10  # seconds between two lines of progress without a terminal
MOST_FAILURES = 20  # shown one by one


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument("file", metavar="FILE", help="the grid, as a TOML file")
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True, help="folder of the sweep, new or to resume")
    parser.add_argument("--workers", type=int, metavar="N", help="worker processes (default: all cores)")
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="use the workers of this Dask scheduler, such as tcp://host:8786 (extra 'dask')",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    if options.workers is not None and options.scheduler is not None:
        raise ValueError("--workers is for this machine: leave it out with --scheduler")
    with warnings_on_stderr():
        grid = read_grid(Path(options.file))
    for problem in grid.problems:
        for reason in sorted({why for (where, _), why in grid.left_out.items() if where == problem}):
            names = [name for (where, name), why in grid.left_out.items() if (where, why) == (problem, reason)]
            say(f"left out on {problem} ({reason}): {', '.join(names)}", error=True)
    try:
        with _progress() as progress:
            done = run_sweep(
                grid, options.output, workers=options.workers, scheduler=options.scheduler, progress=progress
            )
    except KeyboardInterrupt:
        say(f"what is finished is saved in {options.output}: repeat the command to resume", error=True)
        raise
    comparisons = list(done.comparisons)
    several = len(grid.seeds) > 1
    if options.json:
        found = [
            {"problem": problem, "seed": seed, **comparison_json(comparison, None)}
            for problem, seed, comparison in comparisons
        ]
        print_json({"folder": str(done.folder), "failed": done.failures, "comparisons": found})
    else:
        for problem, seed, comparison in comparisons:
            say(f"{problem}, seed {seed}" if several else problem)
            print_comparison(comparison, None)
        print_ranks({problem: comparison for problem, seed, comparison in comparisons if seed == comparisons[0][1]})
    say(f"results and tables are in {done.folder}", error=True)
    if done.failures:
        count = "1 piece" if len(done.failures) == 1 else f"{len(done.failures)} pieces"
        say(f"{count} failed; see {done.folder / 'failed'}; repeat the command to try again", error=True)
    return 1 if done.failures else 0


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[SweepProgress], None]]:
    """Progress on stderr: a bar, or without a terminal a line now and then; and a line for each failure."""
    console = Console(stderr=True)
    shown = 0

    def failure(state: SweepProgress) -> None:
        nonlocal shown
        if state.failure and shown < MOST_FAILURES:
            shown += 1
            say(f"failed: {state.failure}", error=True)

    if not console.is_terminal:
        last = time.monotonic() - EVERY

        def line(state: SweepProgress) -> None:
            nonlocal last
            failure(state)
            if time.monotonic() - last >= EVERY or state.done == state.pieces:
                last = time.monotonic()
                say(f"{state.done} of {state.pieces} pieces{_left(state)}", error=True)

        yield line
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("pieces"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=console) as bars:
        task = bars.add_task("", total=None, left="")

        def bar(state: SweepProgress) -> None:
            failure(state)
            bars.update(task, total=state.pieces, completed=state.done, left=_left(state))

        yield bar


def _left(state: SweepProgress) -> str:
    left = f", {duration(state.seconds_left)} left" if state.seconds_left else ""
    return f"{left}, {state.failed} failed" if state.failed else left
