"""Loops that NumPy has no words for, compiled by Numba where that is installed (the extra ``fast``).

Each does what the NumPy code beside its call does, bit by bit: whether a search has them decides its speed and nothing else.
To import Numba takes half a second, and to compile the loops some seconds once on a machine: so a process goes without
until it has spent `PATIENCE` on searches. ``NASBENCH_KIT_COMPILED=0`` in the environment means never, ``1`` at once.
"""

from __future__ import annotations

import importlib.util
import os
import warnings
from types import ModuleType

__all__ = ["CompiledLoopsWarning", "load", "loops", "spend", "unload"]

PATIENCE = 1.0  # seconds of searches in a process before the loops are loaded: about twice what that takes
SWITCH = "NASBENCH_KIT_COMPILED"

_loops: ModuleType | None = None
_tried = False
_spent = 0.0


class CompiledLoopsWarning(UserWarning):
    """Numba is installed and cannot be used: searches go on without, with the same results and more slowly."""


def loops() -> ModuleType | None:
    """The compiled loops, `nasbench_kit.compiled.inner_loops`, once they are loaded."""
    return _loops


def spend(seconds: float) -> None:
    """Take note of seconds spent on searches; where it is time to, load the loops."""
    global _spent
    if not _tried:
        _spent += seconds
        if _spent > PATIENCE or os.environ.get(SWITCH) == "1":
            load()


def load() -> bool:
    """Load the loops now, unless the environment says never; whether they are loaded.

    Where Numba is installed and cannot be imported (it wants another NumPy, for one), a `CompiledLoopsWarning` says why.
    """
    global _loops, _tried
    if not _tried:
        _tried = True
        if os.environ.get(SWITCH) != "0" and importlib.util.find_spec("numba") is not None:
            try:
                from nasbench_kit.compiled import inner_loops
            except Exception as error:  # whatever a broken installation raises
                reason = f"{type(error).__name__}: {error}"
                warnings.warn(f"searches run without compiled loops: {reason}", CompiledLoopsWarning, stacklevel=2)
            else:
                _loops = inner_loops
    return _loops is not None


def unload() -> None:
    """Do without the loops, until `load` or `spend` has them loaded again."""
    global _loops, _tried, _spent
    _loops, _tried, _spent = None, False, 0.0
