"""Exceptions raised by nasbench-kit; each also derives from the matching built-in exception."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

__all__ = [
    "MOST_SHOWN",
    "DownloadError",
    "InvalidArchitecture",
    "LostWorker",
    "MissingExtra",
    "NasbenchKitError",
    "SourceError",
    "StoreError",
    "UnknownName",
    "WriteError",
    "one_line",
]

MOST_SHOWN = 1900  # characters of a message; with its prefix, a line stays within 2,000


class NasbenchKitError(Exception):
    """Base class of all nasbench-kit errors; the message is always a single printable line."""

    def __str__(self) -> str:
        return one_line(super().__str__(), MOST_SHOWN)

    def __reduce__(self) -> tuple[Any, ...]:  # lets any error survive pickling between processes
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[NasbenchKitError], arguments: tuple[Any, ...], state: dict[str, Any]) -> NasbenchKitError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class InvalidArchitecture(NasbenchKitError, ValueError):
    """A genotype or native form that does not belong to the search space."""


class UnknownName(NasbenchKitError, KeyError):
    """An unknown name; the message lists the available names, closest match first.

    Parameters
    ----------
    kind : str
        What the name refers to, e.g. ``"space"`` or ``"setting of RandomSearch"``; the message puts the name after the noun.
    name : object
        The name that was given.
    known : iterable of str
        The available names.
    hint : str, optional
        A sentence on how to make more names available.

    Examples
    --------
    >>> print(UnknownName("space", "nb20", ["nb101", "nb201"]))
    unknown space 'nb20'; did you mean 'nb201'? Available: nb201, nb101
    >>> print(UnknownName("setting of RandomSearch", "size", []))
    unknown setting 'size' of RandomSearch. None are available
    """

    def __init__(self, kind: str, name: object, known: Iterable[object], hint: str = "") -> None:
        names = [str(k) for k in known]
        close = difflib.get_close_matches(str(name), names, n=max(1, len(names)), cutoff=0.5)
        ordered = close + [k for k in names if k not in close]
        noun, *qualifier = re.split(r"(?= (?:of|on|in|to|with) )", kind, maxsplit=1)
        text = f"unknown {noun} {name!r}{''.join(qualifier)}" if name is not None else f"no {kind} is given"
        if close:
            text += f"; did you mean {close[0]!r}?"
        else:
            text += "."
        text += f" Available: {', '.join(ordered)}" if ordered else " None are available"
        self.message = f"{text}. {hint}" if hint else text
        super().__init__(self.message)

    def __str__(self) -> str:  # KeyError would show the repr of its argument
        return one_line(self.message, MOST_SHOWN)


class SourceError(NasbenchKitError, ValueError):
    """A malformed or unexpected source file; the message says where the problem was found."""


class DownloadError(NasbenchKitError, OSError):
    """A published file that cannot be downloaded; the message says where to get it manually."""


class StoreError(NasbenchKitError, OSError):
    """A store, or another file that the kit reads back (result, cache, checkpoint), that cannot be read or written."""


class WriteError(NasbenchKitError, OSError):
    """A figure, or another file that the kit never reads back, that cannot be written."""


class LostWorker(NasbenchKitError, RuntimeError):
    """A worker process died; ``result`` holds the runs that had finished, or is None."""

    def __init__(self, message: str, result: Any = None) -> None:
        super().__init__(message)
        self.result = result


class MissingExtra(NasbenchKitError, ImportError):
    """A missing optional dependency; the message gives the command that installs it."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs the extra '{extra}': pip install 'nasbench-kit[{extra}]'")


def one_line(text: object, most: int | None = None) -> str:
    r"""Make untrusted text safe to display: a single printable line of at most ``most`` characters.

    Line breaks, escape sequences, bidirectional marks and lone surrogates are escaped. Text that is too long is
    shortened in the middle, because messages start with a path and end with what to do.

    Examples
    --------
    >>> print(one_line("acc\x1b[2J\nok"))
    acc\x1b[2J\nok
    >>> one_line("a" * 50, 20)
    'aaaaaaaaaaaa...aaaaa'
    """
    line = str(text)
    if most is not None and len(line) > most:  # escaping only lengthens the text
        line = _shortened(line, most)
    if not line.isprintable():
        line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)
    return line if most is None or len(line) <= most else _shortened(line, most)


def _shortened(line: str, most: int) -> str:
    end = most // 4
    return f"{line[: most - end - 3]}...{line[-end:]}"
