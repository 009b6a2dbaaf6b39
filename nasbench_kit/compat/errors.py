"""Errors of the official interfaces.

The packages report one mistake as a ``ValueError``, another as a ``KeyError`` and a third by an assertion, and differ
in this from each other. An error here is all three, so that whatever a caller catches is caught.
"""

from __future__ import annotations

from nasbench_kit.errors import MOST_SHOWN, NasbenchKitError, one_line

__all__ = ["NotStored", "OutOfDomainError", "Unsupported", "WrongQuery"]


class WrongQuery(NasbenchKitError, ValueError, KeyError, AssertionError):
    """A question that the official package does not answer either; the message says what would be accepted."""

    def __str__(self) -> str:  # KeyError would show the repr of its argument
        return one_line(self.args[0] if self.args else "", MOST_SHOWN)


class NotStored(WrongQuery):
    """A value that the official files have, but not the store; the message says how to get one that does."""


class OutOfDomainError(NasbenchKitError, ValueError):
    """A cell outside NAS-Bench-101, or an epoch budget that the store does not have."""


class Unsupported(NasbenchKitError, NotImplementedError):
    """A method of the official package that needs more than a table, such as trained weights."""
