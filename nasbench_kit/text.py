"""Text as people's programs write it: UTF-8, or what a byte-order mark says."""

from __future__ import annotations

__all__ = ["decoded", "encoding_of"]

_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def encoding_of(start: bytes) -> str:
    """The encoding that a file's first bytes tell; UTF-8 where they tell none."""
    return next((name for mark, name in _BYTE_ORDER_MARKS.items() if start.startswith(mark)), "utf-8")


def decoded(content: bytes) -> str:
    """Bytes as text without a byte-order mark; UnicodeDecodeError where they are none."""
    return content.decode(encoding_of(content))
