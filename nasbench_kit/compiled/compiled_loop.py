"""How a loop is compiled: on first use, for the types it is given, and kept on disk where that may be written to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

__all__ = ["compiled_loop"]

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled_loop(loop: Loop) -> Loop:
    """The loop, compiled, with NumPy's arithmetic: no ``fastmath``, and no product fused with a sum."""
    try:
        compiled: Loop = numba.njit(loop, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:  # neither the package's folder nor the user's cache may be written to
        compiled = numba.njit(loop, nogil=True, error_model="numpy")
    return compiled
