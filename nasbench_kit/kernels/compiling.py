"""Whether loops that cannot be vectorised are compiled by Numba (the extra ``fast``), and how.

Every kernel has a NumPy form and, where that pays off, a compiled one that gives the same bits: which of them runs decides about
speed and nothing else. Importing Numba and loading the loops takes about a second, so they are used once a search is large
enough to gain more than that (`enable_for`), or on request (`enable`). ``NASBENCH_KIT_COMPILED=0`` in the environment means
never, ``1`` from the first search on.
"""

from __future__ import annotations

import importlib.util
import os
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

__all__ = ["ENOUGH", "SWITCH", "CompiledLoopsWarning", "compiled", "disable", "enable", "enable_for", "enabled"]

ENOUGH = 2_000_000  # evaluations of a search from which on compiled loops save more time than they take to load
SWITCH = "NASBENCH_KIT_COMPILED"

Loop = TypeVar("Loop", bound=Callable[..., Any])

_enabled: bool | None = None  # None: not decided yet


class CompiledLoopsWarning(UserWarning):
    """Numba is installed and cannot be used: searches run without it, with the same results, more slowly."""


def enabled() -> bool:
    """Whether kernels run their compiled forms."""
    return bool(_enabled)


def enable_for(evaluations: int) -> None:
    """Enable the compiled forms where a search of so many evaluations, planned or done, gains from them."""
    if _enabled is None and (evaluations >= ENOUGH or os.environ.get(SWITCH) == "1"):
        enable()


def enable() -> bool:
    """Enable the compiled forms now, unless the environment says never; returns whether they are enabled.

    Where Numba is installed and cannot be imported (it needs another NumPy, for example), a `CompiledLoopsWarning` says why.
    """
    global _enabled
    if _enabled is None:
        _enabled = False
        if os.environ.get(SWITCH) != "0" and importlib.util.find_spec("numba") is not None:
            try:
                import numba  # noqa: F401
            except Exception as error:  # whatever a broken installation raises
                reason = f"{type(error).__name__}: {error}"
                warnings.warn(f"searches run without compiled loops: {reason}", CompiledLoopsWarning, stacklevel=2)
            else:
                _enabled = True
    return _enabled


def disable() -> None:
    """Run the NumPy forms, until `enable` or `enable_for` decides anew."""
    global _enabled
    _enabled = None


def compiled(loop: Loop) -> Loop:
    """The loop, compiled when it is first called, for the types it is given, and cached on disk where possible.

    It is compiled with NumPy's arithmetic: no ``fastmath``, no fused multiply-add. The disk cache only saves time: where it is
    damaged, the disk is full, or no folder is writable, the loop is compiled in memory. Loops raise no errors of their own;
    arguments are checked before they start.
    """
    in_memory: Any = None
    ready: Any = None

    @wraps(loop)
    def call(*arguments: Any) -> Any:
        nonlocal in_memory, ready
        if ready is None:
            import numba

            in_memory = numba.njit(loop, nogil=True, error_model="numpy")
            try:
                ready = numba.njit(loop, cache=True, nogil=True, error_model="numpy")
            except RuntimeError:  # neither the package's folder nor the user's cache is writable
                ready = in_memory
        try:
            return ready(*arguments)
        except Exception as error:
            if "no compiled object yet" in str(error):  # what Numba makes of Ctrl-C while it compiles
                raise KeyboardInterrupt from None
            if ready is in_memory:
                raise
        ready = in_memory
        return ready(*arguments)

    return cast(Loop, call)
