"""Find, read and check the published image files that a user has downloaded."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from nasbench_kit.data import store_folder
from nasbench_kit.errors import SourceError

__all__ = ["Archive", "default_folder", "read_files"]

MAX_FILE = 2**28  # bytes per batch; the largest published one has 98 MB


@dataclass(frozen=True)
class Archive:
    """A published set of files.

    Attributes
    ----------
    title : str
        Its name in error messages.
    page : str
        The authors' download page.
    folder : str
        Name of the unpacked folder.
    files : mapping of str to str
        The files to read, with their MD5s.
    packed : str
        Name of the packed archive, if any.
    packed_md5 : str
        MD5 of the packed archive.
    """

    title: str
    page: str
    folder: str
    files: Mapping[str, str]
    packed: str = ""
    packed_md5: str = ""


def default_folder() -> Path:
    """Return the default dataset folder: ``datasets`` in the store folder."""
    return store_folder() / "datasets"


def read_files(archive: Archive, folder: Path | None, *, verify: bool = True) -> Iterator[tuple[str, str, bytes]]:
    """Yield the files of an archive in order, one at a time: name, name in error messages, and content.

    Parameters
    ----------
    archive : Archive
    folder : Path, optional
        The unpacked folder or the packed archive, or a folder that holds either (default: `default_folder`).
    verify : bool
        Whether to check the files' MD5s. Otherwise they only have to be readable.

    Raises
    ------
    SourceError
        If files are missing, unreadable, or not the published ones; the message has the path and the download page.
    """
    start = default_folder() if folder is None else Path(folder).expanduser()
    if start.is_file():
        yield from _unpacked(archive, start, verify)
        return
    for unpacked in (start / archive.folder, start):
        if any((unpacked / name).is_file() for name in archive.files):
            for name in archive.files:
                yield name, str(unpacked / name), _read(archive, unpacked / name, verify)
            return
    if archive.packed and (start / archive.packed).is_file():
        yield from _unpacked(archive, start / archive.packed, verify)
        return
    wanted = f"{archive.packed} (or its folder {archive.folder})" if archive.packed else f"the folder {archive.folder}"
    raise SourceError(
        f"{archive.title} is not in {start}: get {wanted} from {archive.page} and put it there, or give its folder"
    )


def _read(archive: Archive, path: Path, verify: bool) -> bytes:
    try:
        with path.open("rb") as file:
            data = _limited(file, str(path))
    except FileNotFoundError:
        raise SourceError(
            f"{path} is missing, although other files of {archive.title} are there; {_again(archive)}"
        ) from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
    if verify:
        _check(archive, str(path), hashlib.md5(data, usedforsecurity=False).hexdigest(), archive.files[path.name])
    return data


def _unpacked(archive: Archive, path: Path, verify: bool) -> Iterator[tuple[str, str, bytes]]:
    """Yield the files of the packed archive, whose order differs from ours; nothing is written to disk."""
    found: dict[str, tuple[str, bytes]] = {}
    try:
        if verify:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            _check(archive, str(path), digest, archive.packed_md5)
        # not mode r|gz, whose own reader fails on truncated headers
        with gzip.open(path) as unzipped, tarfile.open(fileobj=unzipped, mode="r|") as members:
            for member in members:
                name = member.name.removeprefix("./").removeprefix(f"{archive.folder}/")
                content = members.extractfile(member) if member.isfile() and name in archive.files else None
                if content is not None:
                    where = f"{path}: {member.name}"
                    found[name] = (where, _limited(content, where))
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise SourceError(
            f"{path} is not a complete .tar.gz: {str(error) or 'it is truncated'}; {_again(archive)}"
        ) from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}; {_again(archive)}") from error
    missing = [name for name in archive.files if name not in found]
    if missing:
        raise SourceError(f"{path} has no {archive.folder}/{missing[0]}: it is a different archive; {_again(archive)}")
    for name in archive.files:
        yield name, *found.pop(name)


def _limited(file: IO[bytes], where: str) -> bytes:
    data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise SourceError(f"{where} has more than {MAX_FILE} bytes; it is not the published file")
    return data


def _check(archive: Archive, where: str, found: str, expected: str) -> None:
    if found != expected:
        raise SourceError(
            f"{where} is damaged or not the published file: its MD5 is {found}, not {expected}; {_again(archive)}"
        )


def _again(archive: Archive) -> str:
    return f"download it again from {archive.page}"
