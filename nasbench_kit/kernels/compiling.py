"""Optional compilation of loops that cannot be vectorised, by Numba (the extra ``fast``).

Every kernel has a NumPy implementation. Where it pays off, there is also a compiled one with bit-identical results, so
that the choice only affects speed. Importing Numba and loading the loops takes about a second. They are therefore only
used for searches, or comparisons, that are large enough to benefit (`enable_for`), or on request (`enable`). Set the environment
variable ``NASBENCH_KIT_COMPILED`` to ``0`` to never use them, or to ``1`` to use them for all searches.
"""

from __future__ import annotations

import importlib.util
import os
import types
import warnings
import zlib
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar, cast

__all__ = ["ENOUGH", "SWITCH", "CompiledLoopsWarning", "compiled", "disable", "enable", "enable_for", "enabled", "part"]

ENOUGH = 2_000_000  # evaluations from which compiled loops save more time than they take to load
SWITCH = "NASBENCH_KIT_COMPILED"

Loop = TypeVar("Loop", bound=Callable[..., Any])

_enabled: bool | None = None  # None: not decided yet


class CompiledLoopsWarning(UserWarning):
    """Numba is installed but cannot be imported; searches run more slowly, with the same results."""


def enabled() -> bool:
    """Whether kernels use their compiled versions."""
    return bool(_enabled)


def enable_for(evaluations: int) -> None:
    """Enable the compiled versions if searches with this many evaluations in all benefit from them."""
    if _enabled is None and (evaluations >= ENOUGH or os.environ.get(SWITCH) == "1"):
        enable()


def enable() -> bool:
    """Enable the compiled versions unless the environment forbids it; returns whether they are enabled.

    If Numba is installed but cannot be imported, e.g. because it needs another NumPy version, a `CompiledLoopsWarning`
    gives the reason.
    """
    global _enabled
    if _enabled is None:
        _enabled = False
        if os.environ.get(SWITCH) != "0" and importlib.util.find_spec("numba") is not None:
            try:
                import numba  # noqa: F401
            except Exception as error:  # a broken installation may raise anything
                reason = f"{type(error).__name__}: {error}"
                warnings.warn(f"searches run without compiled loops: {reason}", CompiledLoopsWarning, stacklevel=2)
            else:
                _enabled = True
    return _enabled


def disable() -> None:
    """Use the NumPy versions until `enable` or `enable_for` is called again."""
    global _enabled
    _enabled = None


def compiled(loop: Loop) -> Loop:
    """Decorator: compile a loop at its first call for the given argument types, cached on disk if possible.

    Arithmetic matches NumPy: no ``fastmath``, no fused multiply-add. The disk cache only saves time. If it is damaged,
    the disk is full, or no folder is writable, the loop is compiled in memory. Loops never raise errors themselves;
    arguments are checked before they are called.
    """
    in_memory: Any = None
    ready: Any = None

    @wraps(loop)
    def call(*arguments: Any) -> Any:
        nonlocal in_memory, ready
        if ready is None:
            import numba

            whole = _with_parts(loop)
            in_memory = numba.njit(whole, nogil=True, error_model="numpy")
            try:
                ready = numba.njit(whole, cache=True, nogil=True, error_model="numpy")
            except RuntimeError:  # neither the package's folder nor the user's cache is writable
                ready = in_memory
        try:
            return ready(*arguments)
        except Exception as error:
            if "no compiled object yet" in str(error):  # Numba's error after Ctrl-C during compilation
                raise KeyboardInterrupt from None
            if ready is in_memory:
                raise
        ready = in_memory
        return ready(*arguments)

    return cast(Loop, call)


def part(loop: Loop) -> Loop:
    """Decorator: a function that compiled loops may call; outside of them, it is a plain Python function."""
    vars(loop)["is_part"] = True
    return loop


def _with_parts(loop: Callable[..., Any]) -> Callable[..., Any]:
    """The loop with the parts that it calls compiled as well."""
    used = {name: loop.__globals__.get(name) for name in loop.__code__.co_names}
    parts = {name: value for name, value in used.items() if value is not None and getattr(value, "is_part", False)}
    if not parts:
        return loop
    ready = {name: _compiled_part(value) for name, value in parts.items()}
    whole = types.FunctionType(loop.__code__, loop.__globals__ | ready, loop.__name__, loop.__defaults__)
    # Numba's disk cache only notices changes to the loop's own file: the file's name says which parts it contains
    codes = [
        (name, code.co_code, code.co_names, code.co_consts)
        for name, code in ((part.py_func.__qualname__, part.py_func.__code__) for part in ready.values())
    ]
    whole.__qualname__ = f"{loop.__qualname__}-{zlib.crc32(repr(codes).encode()):08x}"
    return whole


@cache
def _compiled_part(loop: Callable[..., Any]) -> Any:
    import numba

    # without the wrappers for calls from Python and from C
    options = {"nogil": True, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return numba.njit(_with_parts(loop), **options)
