"""What somebody who looks on sees of work in progress: how far it is, how fast, and its results so far."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Column", "Snapshot"]


@dataclass(frozen=True)
class Column:
    """A column of `Snapshot.rows`.

    Attributes
    ----------
    name : str
        The key of its values.
    title : str
        What it is called.
    digits : int or None
        Decimals of its numbers; None for text and whole numbers.
    """

    name: str
    title: str
    digits: int | None = None


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The state of a sweep or of trainings at one moment, read from files alone.

    Attributes
    ----------
    kind : {"sweep", "table", "search"}
    path : Path
    unit : str
        What is counted, in the plural.
    done : int
    total : int or None
        None if the files do not tell how much there is to do.
    failed : int
    running : int or None
        None if the files do not tell.
    worker : str
        Who is at work, in words; empty if nobody is, or the files do not tell.
    per_second : float or None
        How many are finished per second.
    seconds_left : float or None
    last : float or None
        When something was last finished, in seconds since 1970.
    columns : tuple of Column
    rows : list of dict
        The results so far, as plain values.
    notes : tuple of str
        What else there is to say, one line each.
    ended : bool
        Whether nothing is left to wait for.
    """

    kind: str
    path: Path
    unit: str
    done: int
    total: int | None
    failed: int = 0
    running: int | None = None
    worker: str = ""
    per_second: float | None = None
    seconds_left: float | None = None
    last: float | None = None
    columns: tuple[Column, ...] = ()
    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    ended: bool = False

    @property
    def waiting(self) -> int | None:
        """How many are neither done nor failed nor running; None if the files do not tell."""
        if self.total is None:
            return None
        return max(self.total - self.done - self.failed - (self.running or 0), 0)

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        found = asdict(self)
        del found["columns"]
        return {**found, "path": str(self.path), "notes": list(self.notes), "waiting": self.waiting}
