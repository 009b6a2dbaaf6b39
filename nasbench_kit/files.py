"""Atomic file writing, used for stores, results, figures and HTML pages."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import stat
import time
from collections.abc import Callable
from pathlib import Path

from nasbench_kit.errors import StoreError, WriteError

__all__ = ["check_target", "decoded", "encoding_of", "replace_file"]

_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
ABANDONED = 24 * 3600  # seconds after which a temporary file is considered abandoned


Failure = type[StoreError] | type[WriteError]


def check_target(path: Path, failure: Failure = WriteError) -> None:
    """Raise ``failure`` if it is already clear that ``path`` cannot be written."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = stat.S_IFREG
    except (OSError, ValueError) as error:  # name too long, inaccessible folder, or null byte
        raise failure(f"{path} cannot be written: {_reason(error)}") from error
    if stat.S_ISDIR(mode):
        raise failure(f"{path} is a folder; give a file name")
    if not stat.S_ISREG(mode):
        raise failure(f"{path} is not a regular file and will not be replaced; choose another path")
    if not path.parent.is_dir():
        raise failure(f"{path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise failure(f"{path} cannot be written: no permission in {path.parent}")


def replace_file(path: Path, write: Callable[[Path], object], failure: Failure = WriteError) -> Path:
    """Write ``path`` atomically: ``write`` fills a temporary file in the same folder, which is then renamed.

    The temporary file has a random name and is created exclusively, so concurrent writers and planted symbolic links
    cannot interfere. The data are flushed to disk before renaming. The permissions of a replaced file are kept.

    Raises ``failure`` if the file cannot be written: `StoreError` for those that the kit reads back.
    """
    check_target(path, failure)
    _remove_abandoned(path)
    mode = _mode(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        # never more readable than the file being replaced; for a new file, the umask applies to 0666
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666 if mode is None else 0o600))
    except OSError as error:
        raise failure(f"{path} cannot be written: {_reason(error)}") from error
    try:
        write(temporary)
        with temporary.open("r+b") as file:  # Windows flushes only what may be written
            if mode is not None:
                temporary.chmod(mode)
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except failure as error:
        raise failure(str(error).replace(str(temporary), str(path))) from error
    except (OSError, RuntimeError) as error:  # h5py and torch raise RuntimeError when writing fails
        raise failure(f"{path} cannot be written: {_reason(error)}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return path


def _mode(path: Path) -> int | None:
    """Permissions of an existing file, or None if there is none."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def _sync_folder(folder: Path) -> None:
    """Flush a rename to disk, if the operating system supports it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_abandoned(path: Path) -> None:
    """Remove temporary files that a killed writer left next to ``path`` long enough ago that none is still in use."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - left.lstat().st_mtime > ABANDONED:
                left.unlink()


def _reason(error: BaseException) -> str:
    """A one-line reason; the operating system's if the exception chain contains one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno)
        cause = cause.__context__
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def encoding_of(start: bytes) -> str:
    """Encoding given by a byte-order mark at the start of a file; UTF-8 by default."""
    return next((name for mark, name in _BYTE_ORDER_MARKS.items() if start.startswith(mark)), "utf-8")


def decoded(content: bytes) -> str:
    """Decode text and drop any byte-order mark; raises UnicodeDecodeError if it is not text."""
    return content.decode(encoding_of(content))
