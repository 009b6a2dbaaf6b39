"""Write an HDF5 file such that a disk error becomes a Python exception.

If the disk is full, HDF5 cannot close the file and crashes the interpreter at exit. HDF5 therefore writes through a
Python file object that never reports an error to it; the error is raised once HDF5 is done.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

__all__ = ["new_hdf5"]


class _Unfailing(io.RawIOBase):
    """A file that records the first write error instead of raising it, and then ignores further writes."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b", buffering=0)
        self.error: OSError | None = None

    def _attempt(self, action: Any, *arguments: Any) -> None:
        if self.error is None:
            try:
                action(*arguments)
            except OSError as error:
                self.error = error

    def write(self, data: Any) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        while len(rest) and self.error is None:  # one call writes at most 2 GiB
            try:
                rest = rest[self._file.write(rest) :]
            except OSError as error:
                self.error = error
        return size

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer) or 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def truncate(self, size: int | None = None) -> int:
        self._attempt(self._file.truncate, size)
        return size or 0

    def close(self) -> None:
        self._attempt(self._file.close)
        super().close()


@contextlib.contextmanager
def new_hdf5(path: Path, **options: Any) -> Iterator[h5py.File]:
    """Create an HDF5 file to be filled; raises OSError on exit if it could not be written completely.

    Parameters
    ----------
    path : Path
        An existing file is overwritten.
    **options
        Passed to ``h5py.File``.
    """
    with (
        contextlib.closing(_Unfailing(path)) as target,
        h5py.File(target, "w", libver=("v110", "v110"), **options) as file,
    ):
        yield file
    if target.error is not None:
        raise target.error
