"""Files that are written whole or not at all: stores, results, pictures and pages alike."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import stat
import time
from collections.abc import Callable
from pathlib import Path

from nasbench_kit.errors import StoreError

__all__ = ["check_target", "decoded", "encoding_of", "replace_file"]

_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
ABANDONED = 24 * 3600  # seconds after which a temporary file belongs to nobody


def check_target(path: Path) -> None:
    """Raise StoreError where it is plain beforehand that no file can be written to ``path``."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = stat.S_IFREG
    except (OSError, ValueError) as error:  # too long, in a folder that may not be entered, a zero byte
        raise StoreError(f"{path} cannot be written: {_reason(error)}") from error
    if stat.S_ISDIR(mode):
        raise StoreError(f"{path} is a folder; give the name of a file")
    if not stat.S_ISREG(mode):
        raise StoreError(f"{path} is no regular file, and is not replaced by one")
    if not path.parent.is_dir():
        raise StoreError(f"{path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise StoreError(f"{path} cannot be written: no permission in {path.parent}")


def replace_file(path: Path, write: Callable[[Path], object]) -> Path:
    """Let ``write`` fill a temporary file beside ``path``, flush it to the disk, and rename it to ``path``.

    The temporary file has a random name and is made exclusively: neither another process or thread that writes to the same
    target nor a link that somebody planted has anything to do with it. A file that is replaced passes its permissions on.
    """
    check_target(path)
    _remove_abandoned(path)
    mode = _mode(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        # as private as the file that is replaced from the beginning; a new one gets what the umask leaves of 0666
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666 if mode is None else 0o600))
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {_reason(error)}") from error
    try:
        write(temporary)
        if mode is not None:
            temporary.chmod(mode)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except StoreError as error:
        raise StoreError(str(error).replace(str(temporary), str(path))) from error
    except (OSError, RuntimeError) as error:  # libraries give a RuntimeError where their own writing fails
        raise StoreError(f"{path} cannot be written: {_reason(error)}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return path


def _mode(path: Path) -> int | None:
    """The permissions of the file that is replaced; None where there is none."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def _sync_folder(folder: Path) -> None:
    """Bring a renaming to the disk, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_abandoned(path: Path) -> None:
    """Remove what a writer that was killed has left beside ``path``, long enough ago that no other is at it still."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - left.lstat().st_mtime > ABANDONED:
                left.unlink()


def _reason(error: BaseException) -> str:
    """The operating system's reason where there is one in the chain of errors, on one line."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno)
        cause = cause.__context__
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def encoding_of(start: bytes) -> str:
    """The encoding that a file's first bytes tell; UTF-8 where they tell none."""
    return next((name for mark, name in _BYTE_ORDER_MARKS.items() if start.startswith(mark)), "utf-8")


def decoded(content: bytes) -> str:
    """Bytes as text without a byte-order mark; UnicodeDecodeError where they are none."""
    return content.decode(encoding_of(content))
