"""How a loop is compiled: on first use, for the types it is given, and kept on disk where that may be written to."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import numba

__all__ = ["compiled_loop"]

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled_loop(loop: Loop) -> Loop:
    """The loop, compiled, with NumPy's arithmetic: no ``fastmath``, and no product fused with a sum.

    What is kept on disk only saves time: where it is damaged, or the disk is full, or no folder may be written to, the loop is
    compiled in memory. Loops raise no errors of their own: what is raised comes before they begin.
    """
    in_memory = numba.njit(loop, nogil=True, error_model="numpy")
    try:
        compiled = numba.njit(loop, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:  # neither the package's folder nor the user's cache may be written to
        compiled = in_memory

    @wraps(loop)
    def call(*arguments: Any) -> Any:
        nonlocal compiled
        try:
            return compiled(*arguments)
        except Exception as error:
            if "no compiled object yet" in str(error):  # what Numba makes of Ctrl-C while it compiles
                raise KeyboardInterrupt from None
            if compiled is in_memory:
                raise
        compiled = in_memory
        return compiled(*arguments)

    return cast(Loop, call)
