"""Loops that NumPy has no words for, compiled by Numba where that is installed (the extra ``fast``).

Each does what the NumPy code beside its call does, bit by bit: whether a search has them decides its speed and nothing else.
To import Numba takes a third of a second and to compile the loops some seconds, once on a machine: so searches do without
until a process has spent `PATIENCE` on them. ``NASBENCH_KIT_COMPILED=0`` in the environment is never, ``1`` is at once.
"""

from __future__ import annotations

import importlib.util
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

__all__ = ["CompiledLoopsWarning", "available", "load", "loops", "searching", "unload"]

PATIENCE = 1.0  # seconds of searches in a process before the loops are loaded: about what that takes

_loops: ModuleType | None = None
_given_up = False  # nothing more to try in this process
_spent = 0.0


class CompiledLoopsWarning(UserWarning):
    """Numba is installed and cannot be used: searches go on without, with the same results and more slowly."""


def loops() -> ModuleType | None:
    """The compiled loops, `nasbench_kit.compiled.inner_loops`, once they are loaded."""
    return _loops


def available() -> bool:
    """Whether there is anything to load."""
    return os.environ.get("NASBENCH_KIT_COMPILED") != "0" and importlib.util.find_spec("numba") is not None


def load() -> bool:
    """Load the loops now, unless the environment says never; whether they are loaded.

    Where Numba is installed and cannot be imported (it wants another NumPy, for one), a `CompiledLoopsWarning` says why.
    """
    global _loops, _given_up
    if _loops is None and not _given_up:
        _given_up = True
        if available():
            try:
                from nasbench_kit.compiled import inner_loops
            except Exception as error:  # whatever a broken installation raises
                reason = f"{type(error).__name__}: {error}"
                warnings.warn(f"searches run without compiled loops: {reason}", CompiledLoopsWarning, stacklevel=2)
            else:
                _loops = inner_loops
    return _loops is not None


def unload() -> None:
    """Do without the loops, until `load` or `PATIENCE` has them loaded again: to compare."""
    global _loops, _given_up, _spent
    _loops, _given_up, _spent = None, False, 0.0


@contextmanager
def searching() -> Iterator[None]:
    """A search, or a batch of its runs; before it the loops are loaded where that pays."""
    global _spent
    if _loops is None and not _given_up and (_spent > PATIENCE or os.environ.get("NASBENCH_KIT_COMPILED") == "1"):
        load()
    start = time.perf_counter()
    try:
        yield
    finally:
        _spent += time.perf_counter() - start
