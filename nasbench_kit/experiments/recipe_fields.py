"""Typed reading of the fields of a recipe's TOML file: every mistake is one error with the path and the key."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from nasbench_kit.errors import SourceError, UnknownName

__all__ = ["Fields"]

MOST_TEXT = 2000  # characters
MOST_ITEMS = 1000  # of a list


class Fields:
    """A table of a TOML file, read key by key.

    Parameters
    ----------
    path : Path
    where : str
        The table's place in the file, such as ``search[0].report[1]``; empty for the file itself.
    content : object
        What the file has there. Real numbers are `decimal.Decimal`, as they are written.
    known : iterable of str, optional
        The keys that may be there; default: any.

    Raises
    ------
    SourceError
        Not a table, or an unknown key.
    """

    def __init__(self, path: Path, where: str, content: Any, known: Iterable[str] | None = None) -> None:
        self.path, self.where = path, where
        if not isinstance(content, dict):
            raise SourceError(f"{path}: {where} must be a table of keys and values, not {_shown(content)}")
        self._content = content
        for key in content if known is not None else ():
            if key not in (names := list(known or ())):
                place = f"{where}: " if where else ""
                raise SourceError(f"{path}: {place}{UnknownName('key', key, names)}")

    def place(self, key: str) -> str:
        """The place of a key in the file."""
        return f"{self.where}.{key}" if self.where else key

    def fault(self, key: str, message: str) -> SourceError:
        """The error for a key: its path, its place, and what is wrong."""
        return SourceError(f"{self.path}: {self.place(key)} {message}")

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._content

    def names(self) -> tuple[str, ...]:
        """The keys that are there."""
        return tuple(self._content)

    def value(self, key: str) -> Any:
        """What stands there, whatever it is; SourceError if nothing does."""
        if key not in self._content:
            raise self.fault(key, "is missing")
        return self._content[key]

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty."""
        if default is not None and not self.has(key):
            return default
        found = self.value(key)
        if not isinstance(found, str):
            raise self.fault(key, f"must be text, not {_shown(found)}")
        if not found.strip() or len(found) > MOST_TEXT:
            raise self.fault(key, f"must be a text of 1 to {MOST_TEXT:,} characters")
        return " ".join(found.split())

    def optional_text(self, key: str) -> str | None:
        """As `text`; None if it is absent."""
        return self.text(key) if self.has(key) else None

    def texts(self, key: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """A list of texts; a single text stands for a list of one."""
        if default is not None and not self.has(key):
            return tuple(default)
        if isinstance(self.value(key), str):
            return (self.text(key),)
        listed = {f"{key}[{i}]": item for i, item in enumerate(self._list(key))}
        return tuple(Fields(self.path, self.where, listed).text(name) for name in listed)

    def choice(self, key: str, options: Sequence[str], default: str | None = None) -> str:
        """One of some texts."""
        found = self.text(key, default)
        if found not in options:
            raise SourceError(f"{self.path}: {self.place(key)}: {UnknownName('value', found, options)}")
        return found

    def boolean(self, key: str, *, default: bool) -> bool:
        """True or false."""
        found = self._content.get(key, default)
        if not isinstance(found, bool):
            raise self.fault(key, f"must be true or false, not {_shown(found)}")
        return found

    def whole(self, key: str, least: int, default: int | None = None) -> int:
        """A whole number, from ``least`` to 2**53."""
        found = default if default is not None and not self.has(key) else self.value(key)
        if not isinstance(found, int) or isinstance(found, bool):
            raise self.fault(key, f"must be a whole number, not {_shown(found)}")
        if not least <= found < 2**53:
            raise self.fault(key, f"must be at least {least} and below 2**53, not {_shown(found)}")
        return found

    def optional_whole(self, key: str, least: int) -> int | None:
        """As `whole`; None if it is absent."""
        return self.whole(key, least) if self.has(key) else None

    def number(self, key: str, least: float = -math.inf) -> float:
        """A finite number of at least ``least``."""
        return float(self.decimal(key, least))

    def decimal(self, key: str, least: float = -math.inf) -> Decimal:
        """A finite number as it is written, with its decimals."""
        found = self.value(key)
        if isinstance(found, bool) or not isinstance(found, (int, Decimal)):
            raise self.fault(key, f"must be a number, not {_shown(found)}")
        if (isinstance(found, Decimal) and not found.is_finite()) or not -(10**300) < found < 10**300:
            raise self.fault(key, f"must be a finite number, not {_shown(found)}")
        number = Decimal(found)
        exponent = number.as_tuple().exponent
        if not isinstance(exponent, int) or exponent < -30:
            raise self.fault(key, "must be a number of at most 30 decimals")
        if number < Decimal(least):
            raise self.fault(key, f"must be at least {least:g}, not {_shown(found)}")
        return number

    def wholes(self, key: str, least: int) -> tuple[int, ...]:
        """A list of whole numbers."""
        listed = {f"{key}[{i}]": item for i, item in enumerate(self._list(key))}
        return tuple(Fields(self.path, self.where, listed).whole(name, least) for name in listed)

    def numbers(self, key: str) -> tuple[float, ...]:
        """A list of finite numbers."""
        listed = {f"{key}[{i}]": item for i, item in enumerate(self._list(key))}
        return tuple(Fields(self.path, self.where, listed).number(name) for name in listed)

    def table(self, key: str, known: Iterable[str] | None = None) -> Fields:
        """The table that stands there."""
        return Fields(self.path, self.place(key), self.value(key), known)

    def tables(self, key: str, known: Iterable[str]) -> tuple[Fields, ...]:
        """The tables of a list ``[[key]]``; none if it is absent."""
        if not self.has(key):
            return ()
        names = list(known)
        return tuple(
            Fields(self.path, f"{self.place(key)}[{i}]", item, names) for i, item in enumerate(self._list(key))
        )

    def _list(self, key: str) -> list[Any]:
        found = self.value(key)
        if not isinstance(found, list):
            raise self.fault(key, f"must be a list, not {_shown(found)}")
        if not 1 <= len(found) <= MOST_ITEMS:
            raise self.fault(key, f"must have 1 to {MOST_ITEMS:,} entries, not {len(found)}")
        return found


def _shown(value: object) -> str:
    """A value as it stands in the file, shortened."""
    words = {True: "true", False: "false"}
    text = words[value] if isinstance(value, bool) else str(value) if isinstance(value, Decimal) else _short_repr(value)
    return text if len(text) <= 100 else f"{text[:100]}..."


def _short_repr(value: object) -> str:
    if isinstance(value, int) and abs(value) >= 10**100:  # Python refuses to print the longest ones
        return "a number of more than 100 digits"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return repr(value)
