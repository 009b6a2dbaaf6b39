"""A search by training, as others see it: the trainings in its cache, and those under way. It needs no torch.

The cache is an SQLite file, which is read here without its locks: a reader that was stopped while it held one would end the
search. That nothing was being written meanwhile is seen from the journal, which is there as long as something is, and from the
file's change counter (https://www.sqlite.org/fileformat.html, section 1.3.7).
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

from nasbench_kit.errors import StoreError
from nasbench_kit.experiments.snapshot import Column, Snapshot

__all__ = ["CHECKPOINTS", "SQLITE", "SearchWatch"]

SQLITE = b"SQLite format 3\0"  # the first bytes of a file
COUNTER = slice(24, 28)
CHECKPOINTS = ".checkpoints"
TRIES, PAUSE = 20, 0.02  # seconds; writing a training takes milliseconds

COLUMNS = (
    *(Column("space", "space"), Column("dataset", "dataset"), Column("epochs", "epochs")),
    *(Column("networks", "networks"), Column("trainings", "trainings"), Column("seconds", "s / training", 1)),
    *(Column("mean", "mean valid accuracy", 2), Column("best", "best", 2)),
)
_QUERY = """
    SELECT settings.identity, count(*), count(DISTINCT genotype), min(epoch), max(epoch), avg(valid_accuracy),
        max(valid_accuracy), (SELECT sum(seconds) FROM epochs AS own WHERE own.setting = last.setting)
    FROM (SELECT setting, genotype, seed, max(epoch) AS epoch FROM epochs GROUP BY setting, genotype, seed) AS last
    JOIN epochs USING (setting, genotype, seed, epoch) JOIN settings ON settings.digest = last.setting
    GROUP BY last.setting ORDER BY last.setting
"""


class SearchWatch:
    """Looks at the cache of searches by training again and again.

    Parameters
    ----------
    path : Path
        The cache.

    Raises
    ------
    StoreError
        It is no such file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows: list[dict[str, Any]] = []
        self._rows, noted = self._look()
        if noted:
            raise StoreError(f"{path} is not a cache of trainings, or it is damaged: {noted}")
        self._first: tuple[float, int] | None = None

    def look(self) -> Snapshot:
        """The state of the cache now."""
        self._rows, noted = self._look()
        done = sum(row["trainings"] for row in self._rows)
        now = time.monotonic()
        self._first = self._first or (now, done)
        took, more = now - self._first[0], done - self._first[1]
        searches, begun = self._under_way()
        notes = [f"not read: {noted}"] if noted else []
        notes.append("how many trainings a search still needs is not in its cache")
        with contextlib.suppress(OSError):
            begun.append(self.path.stat().st_mtime)
        return Snapshot(
            kind="search",
            path=self.path,
            unit="trainings",
            done=done,
            total=None,
            running=len(begun) - 1 if searches else 0,
            worker="" if not searches else "1 search" if searches == 1 else f"{searches} searches",
            per_second=more / took if took > 0 and more > 0 else None,
            last=max(begun, default=None),
            columns=COLUMNS,
            rows=self._rows,
            notes=tuple(notes),
        )

    def _under_way(self) -> tuple[int, list[float]]:
        """The searches that use the cache, and when each unfinished training last wrote its checkpoint."""
        folder = self.path.with_name(f"{self.path.name}{CHECKPOINTS}")
        searches, begun = 0, []
        with contextlib.suppress(OSError):
            for entry in folder.iterdir():
                if entry.name.startswith("in-use-"):
                    searches += 1
                elif entry.suffix == ".pt":
                    with contextlib.suppress(OSError):
                        begun.append(entry.stat().st_mtime)
        return searches, begun

    def _look(self) -> tuple[list[dict[str, Any]], str]:
        """The rows, and why they are those of before if they could not be read."""
        journal = self.path.with_name(f"{self.path.name}-journal")
        reason = ""
        for left in reversed(range(TRIES)):
            try:
                before = self._counter()
                # one that stays was left by a killed search: the next one that opens the cache undoes what it began
                if (journal.exists() and left) or before is None:
                    raise sqlite3.DatabaseError("it is being written")
                rows = _rows(self.path)
                if self._counter() == before and (not journal.exists() or not left):
                    return rows, ""
            except (sqlite3.Error, OSError, ValueError, TypeError, UnicodeDecodeError) as error:
                reason = str(error)
            if left:
                time.sleep(PAUSE)
        return self._rows, reason or "it is being written"

    def _counter(self) -> bytes | None:
        """What SQLite changes with every transaction; None for a file that is no database yet."""
        with self.path.open("rb") as file:
            head = file.read(100)
        return head[COUNTER] if head.startswith(SQLITE) else None


def _rows(path: Path) -> list[dict[str, Any]]:
    """One row per setting."""
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        tables = connection.execute("SELECT type, name FROM sqlite_schema WHERE type != 'index'").fetchall()
        if sorted(tables) != [("table", "epochs"), ("table", "settings")]:
            raise ValueError("it has other tables")
        found = connection.execute(_QUERY).fetchall()
    rows = []
    for identity, trainings, networks, fewest, most, mean, best, seconds in found:
        setting = json.loads(identity)
        rows.append(
            {
                "space": str(setting["space"]),
                "dataset": str(setting["dataset"]),
                "epochs": f"{int(most)}" if fewest == most else f"{int(fewest)} to {int(most)}",
                "networks": int(networks),
                "trainings": int(trainings),
                "seconds": None if seconds is None else float(seconds) / int(trainings),
                "mean": None if mean is None else float(mean),
                "best": None if best is None else float(best),
            }
        )
    return rows
