"""Text as people's programs write it, UTF-8 or what a byte-order mark says; and as a terminal may show it."""

from __future__ import annotations

__all__ = ["MOST_SHOWN", "decoded", "encoding_of", "one_line"]

MOST_SHOWN = 1900  # characters of an error, so that a line with what stands before it has 2,000 at most

_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def encoding_of(start: bytes) -> str:
    """The encoding that a file's first bytes tell; UTF-8 where they tell none."""
    return next((name for mark, name in _BYTE_ORDER_MARKS.items() if start.startswith(mark)), "utf-8")


def decoded(content: bytes) -> str:
    """Bytes as text without a byte-order mark; UnicodeDecodeError where they are none."""
    return content.decode(encoding_of(content))


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
