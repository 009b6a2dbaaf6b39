"""Members of tar archives, read from their headers alone: nothing is unpacked, and no size is believed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nasbench_kit.errors import SourceError

__all__ = ["tar_members"]

_BLOCK = 512  # bytes, the block size of tar archives


def tar_members(path: Path, file: BinaryIO, size: int) -> Iterator[tuple[str, int, int]]:
    """The regular files in a tar archive (POSIX ustar, with or without pax or GNU headers), in archive order.

    Parameters
    ----------
    path : Path
        The source, for error messages.
    file : binary file
        The uncompressed archive.
    size : int
        Its size in bytes.

    Yields
    ------
    name : str
        Without its folder.
    start, length : int
        Where its content is, which always lies within the archive.

    Raises
    ------
    SourceError
        If the archive is truncated or damaged.
    """
    offset = 0
    while offset < size:
        file.seek(offset)
        header = file.read(_BLOCK)
        if header == bytes(_BLOCK):  # end of the archive; only padding follows
            return
        where = f"{path}: byte {offset}"
        fields = [header[124:136], header[148:156]]
        try:
            length, checksum = (int(field.strip(b"\0 "), 8) for field in fields)
        except ValueError:
            length, checksum = -1, -1
        if len(header) < _BLOCK or length < 0 or sum(header[:148]) + 8 * 32 + sum(header[156:]) != checksum:
            raise SourceError(f"{where}: not a tar header; the file is truncated or damaged, download it again")
        start = offset + _BLOCK
        if start + length > size:
            raise SourceError(
                f"{where}: the member has {length} bytes, but the file ends at byte {size}; download it again"
            )
        if header[156:157] in (b"0", b"\0"):
            yield str(header[:100].split(b"\0")[0], "utf-8", "replace").split("/")[-1], start, length
        offset = start + -(-length // _BLOCK) * _BLOCK
