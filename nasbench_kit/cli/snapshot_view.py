"""A snapshot of work in progress in the terminal: as plain lines, and as what `rich` shows in place."""

from __future__ import annotations

import math
import time
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nasbench_kit.cli.comparison_table import duration
from nasbench_kit.cli.output import print_table, say
from nasbench_kit.errors import one_line
from nasbench_kit.experiments.snapshot import Column, Snapshot

__all__ = ["live_view", "print_snapshot"]

BAR = 40
ABOVE = 7  # lines of a terminal besides the rows and the notes
MOST_NOTES = 5
OPTIONAL = (("reported", "reported_mean"), ("seconds",), ("sd",), ("running",), ("seed",))  # columns left out first
SHORTEST = 20  # characters to which a text is shortened
GAP = 3  # between columns
NOTE = 300  # characters


def print_snapshot(snapshot: Snapshot) -> None:
    """Print a snapshot to stdout."""
    say(f"{snapshot.path}: {_counts(snapshot)}")
    if timing := _timing(snapshot):
        say(timing)
    columns = _columns(snapshot)
    if snapshot.rows:
        header = [column.title for column in columns]
        optional = [column.title for names in OPTIONAL for column in columns if column.name in names]
        print_table(
            None, header, [_cells(row, columns) for row in snapshot.rows], left=_left(columns), optional=optional
        )
    for line in _notes(snapshot):
        say(line)


def live_view(snapshot: Snapshot, console: Console) -> RenderableType:
    """What is shown in place, no higher than the terminal."""
    parts: list[RenderableType] = [
        Text(one_line(f"{snapshot.path}: {_counts(snapshot)}"), style="bold", overflow="ellipsis", no_wrap=True)
    ]
    timing: list[RenderableType] = [Text(_timing(snapshot), overflow="ellipsis", no_wrap=True)]
    if snapshot.total:
        timing.insert(0, ProgressBar(total=snapshot.total, completed=snapshot.done, width=min(BAR, console.width // 3)))
    beside = Table.grid(padding=(0, 2))
    beside.add_row(*timing)
    parts.append(beside)
    notes = [Text(one_line(line, NOTE), overflow="ellipsis", no_wrap=True) for line in _notes(snapshot)]
    rows = _fitting(snapshot.rows, console.height - ABOVE - len(notes))
    if rows:
        parts.append(_table(rows, _columns(snapshot), console.width))
    if len(rows) < len(snapshot.rows):
        hidden = len(snapshot.rows) - len(rows)
        notes.append(Text(f"{hidden} rows hidden, terminal too short (--once shows all)"))
    return Group(*parts, *notes)


def _table(rows: list[dict[str, Any]], columns: list[Column], width: int) -> Table:
    """A table no wider than the terminal: columns are left out, one after the other, and at last texts are shortened."""
    for names in ((), *OPTIONAL):
        columns = [column for column in columns if column.name not in names]
        cells = [[one_line(cell) for cell in _cells(row, columns)] for row in rows]
        widths = [max(map(cell_len, texts)) for texts in zip([column.title for column in columns], *cells, strict=True)]
        left = _left(columns)
        if sum(min(own, SHORTEST) if i < left else own for i, own in enumerate(widths)) + GAP * len(widths) <= width:
            break
    while sum(widths) + GAP * len(widths) > width and max(widths[:left], default=1) > 1:
        widths[widths.index(max(widths[:left]))] -= 1
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for i, (column, own) in enumerate(zip(columns, widths, strict=True)):
        justify: Literal["left", "right"] = "left" if i < left else "right"
        table.add_column(one_line(column.title), justify=justify, no_wrap=True, overflow="ellipsis", width=own)
    for texts in cells:
        table.add_row(*map(Text, texts))
    return table


def _fitting(rows: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """The rows that fit: first those at work, then the unfinished ones, in their order."""
    if len(rows) <= most:
        return rows
    urgency = [0 if row.get("running") else 1 if row.get("done") != row.get("runs") else 2 for row in rows]
    kept = sorted(sorted(range(len(rows)), key=urgency.__getitem__)[: max(most, 1)])
    return [rows[i] for i in kept]


def _counts(snapshot: Snapshot) -> str:
    of = f" of {snapshot.total:,}" if snapshot.total is not None else ""
    words = [f"{snapshot.done:,}{of} {snapshot.unit} done"]
    words += [f"{snapshot.failed:,} failed"] if snapshot.failed else []
    if not snapshot.ended:
        words += [f"{snapshot.running:,} running"] if snapshot.running else []
        waiting = snapshot.waiting
        state = "waiting" if snapshot.running is not None else "running or waiting"
        words += [f"{waiting:,} {state}"] if waiting else []
    return ", ".join(words)


def _timing(snapshot: Snapshot) -> str:
    """Who is at work, how fast, and for how long still."""
    if snapshot.ended:
        return "ended"
    words = [snapshot.worker] if snapshot.worker else []
    if snapshot.per_second:
        words.append(_speed(snapshot))
    if snapshot.seconds_left:
        words.append(f"about {duration(snapshot.seconds_left)} left")
    if snapshot.last is not None:
        ago = max(time.time() - snapshot.last, 0.0)
        words.append(f"last change {duration(ago) if ago >= 1 else 'a moment'} ago")
    return one_line(", ".join(words))


def _speed(snapshot: Snapshot) -> str:
    assert snapshot.per_second is not None
    units = {"second": 1, "minute": 60, "hour": 3600}
    unit = next((name for name, length in units.items() if snapshot.per_second * length >= 1), "hour")
    return f"{snapshot.per_second * units[unit]:.3g} {snapshot.unit} per {unit}"


def _columns(snapshot: Snapshot) -> list[Column]:
    """The columns that have anything to say."""
    return [
        column
        for column in snapshot.columns
        if column.name not in ("failed", "running", "reported", "reported_mean")
        or any(row[column.name] for row in snapshot.rows)
    ]


def _left(columns: list[Column]) -> int:
    """How many columns, the first ones, are text."""
    names = ("problem", "algorithm", "metric", "space", "dataset")
    return sum(column.name in names for column in columns)


def _cells(row: dict[str, Any], columns: list[Column]) -> list[str]:
    return [_cell(row, column) for column in columns]


def _cell(row: dict[str, Any], column: Column) -> str:
    value = row[column.name]
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if column.name == "done":
        return f"{value:,}/{row['runs']:,}"
    if isinstance(value, str):
        return value
    return f"{value:,}" if column.digits is None else f"{value:,.{column.digits}f}"


def _notes(snapshot: Snapshot) -> list[str]:
    lines = [one_line(line, NOTE) for line in snapshot.notes[:MOST_NOTES]]
    more = len(snapshot.notes) - MOST_NOTES
    return [*lines, f"and {more} more lines (--json has all)"] if more > 0 else lines
