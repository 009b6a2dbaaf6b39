"""The errors that the kit raises; each also derives from the builtin that a caller would expect."""

from __future__ import annotations

import difflib
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
    "one_line",
]

MOST_SHOWN = 1900  # characters of an error, so that a line with what precedes it has at most 2,000


class NasbenchKitError(Exception):
    """Every error of the kit derives from this one; its text is one line, whatever a file or an argument put into it."""

    def __str__(self) -> str:
        return one_line(super().__str__(), MOST_SHOWN)

    def __reduce__(self) -> tuple[Any, ...]:  # a worker's error comes back as it was, whatever it was made from
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[NasbenchKitError], arguments: tuple[Any, ...], state: dict[str, Any]) -> NasbenchKitError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class InvalidArchitecture(NasbenchKitError, ValueError):
    """A genotype or a native form that is no member of its search space."""


class UnknownName(NasbenchKitError, KeyError):
    """A name that does not exist; the message lists what does, the closest match first.

    Parameters
    ----------
    kind : str
        What was looked for, e.g. ``"space"``.
    name : object
        The name that was given.
    known : iterable of str
        The names that exist.
    hint : str, optional
        A sentence on how to get more of them.

    Examples
    --------
    >>> print(UnknownName("space", "nb20", ["nb101", "nb201"]))
    unknown space 'nb20'; did you mean 'nb201'? Available: nb201, nb101
    >>> print(UnknownName("setting of RandomSearch", "size", []))
    unknown setting of RandomSearch 'size'. There is no setting of RandomSearch
    """

    def __init__(self, kind: str, name: object, known: Iterable[object], hint: str = "") -> None:
        names = [str(k) for k in known]
        close = difflib.get_close_matches(str(name), names, n=max(1, len(names)), cutoff=0.5)
        ordered = close + [k for k in names if k not in close]
        text = f"unknown {kind} {name!r}" if name is not None else f"no {kind} is given"
        if close:
            text += f"; did you mean {close[0]!r}?"
        else:
            text += "."
        text += f" Available: {', '.join(ordered)}" if ordered else f" There is no {kind}"
        self.message = f"{text}. {hint}" if hint else text
        super().__init__(self.message)

    def __str__(self) -> str:  # KeyError shows its argument's repr
        return one_line(self.message, MOST_SHOWN)


class SourceError(NasbenchKitError, ValueError):
    """A source file that is not what it claims to be, with the place where that shows."""


class DownloadError(NasbenchKitError, OSError):
    """A published file that cannot be fetched; the message says where to get it by hand."""


class StoreError(NasbenchKitError, OSError):
    """A store file that cannot be read or written."""


class LostWorker(NasbenchKitError, RuntimeError):
    """A worker process that is gone; ``result`` has the runs that were done before, or is None."""

    def __init__(self, message: str, result: Any = None) -> None:
        super().__init__(message)
        self.result = result


class MissingExtra(NasbenchKitError, ImportError):
    """An optional dependency that is not installed; the message has the command that installs it."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs the extra '{extra}': pip install 'nasbench-kit[{extra}]'")


def one_line(text: object, most: int | None = None) -> str:
    r"""Text from anywhere as it may be shown: one line that does nothing to a terminal, at most ``most`` characters long.

    Line breaks, escape sequences, marks that turn the direction of writing and halves of characters are spelt out. What is
    too long loses its middle, for a message begins with a path and ends with what to do.

    Examples
    --------
    >>> print(one_line("acc\x1b[2J\nok"))
    acc\x1b[2J\nok
    >>> one_line("a" * 50, 20)
    'aaaaaaaaaaaa...aaaaa'
    """
    line = str(text)
    if most is not None and len(line) > most:  # every character is one at least: no more of them can be shown
        line = _shortened(line, most)
    if not line.isprintable():
        line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)
    return line if most is None or len(line) <= most else _shortened(line, most)


def _shortened(line: str, most: int) -> str:
    end = most // 4
    return f"{line[: most - end - 3]}...{line[-end:]}"
