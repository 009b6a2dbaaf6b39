"""The error for a missing extra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nasbench_kit.errors import MissingExtra

__all__ = ["needs_training"]


@contextmanager
def needs_training(purpose: str) -> Iterator[None]:
    """Around imports of `nasbench_kit.training`: raises MissingExtra where what these import is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("nasbench_kit"):
            raise
        raise MissingExtra(purpose, "train") from error
