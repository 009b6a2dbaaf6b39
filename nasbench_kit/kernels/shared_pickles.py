"""Pickles between processes that both hold some of the objects already: these travel as their positions in a list."""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Sequence
from types import FunctionType
from typing import Any

__all__ = ["loads", "pickled"]


class _Sent(pickle.Pickler):
    """Notes whose classes and functions a pickle refers to."""

    def __init__(self, file: io.BytesIO, shared: Sequence[object]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self.modules: set[str] = set()
        self._shared = {id(part): position for position, part in enumerate(shared)}

    def persistent_id(self, obj: Any) -> int | None:
        return self._shared.get(id(obj))

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, (type, FunctionType)):
            self.modules.add(obj.__module__)
        return NotImplemented


class _Received(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, shared: Sequence[object]) -> None:
        super().__init__(file)
        self._shared = shared

    def persistent_load(self, pid: Any) -> object:
        return self._shared[pid]


def pickled(thing: object, shared: Sequence[object] = ()) -> tuple[bytes, set[str]]:
    """Pickle an object for another process; those that the reader has, too, travel as their positions in ``shared``.

    Returns
    -------
    data : bytes
    own : set of str
        The modules of a user's own classes and functions that it refers to: all but Python's, NumPy's and this package's.
    """
    file = io.BytesIO()
    pickler = _Sent(file, shared)
    pickler.dump(thing)
    known = {"nasbench_kit", "numpy", *sys.stdlib_module_names}
    return file.getvalue(), {name for name in pickler.modules if name.partition(".")[0] not in known}


def loads(data: bytes, shared: Sequence[object] = ()) -> Any:
    """Read what `pickled` wrote, with the reader's own ``shared``."""
    return _Received(io.BytesIO(data), shared).load()
