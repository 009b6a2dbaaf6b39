"""Published benchmark files: locations, checksums, licences and citations."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from nasbench_kit.errors import UnknownName

__all__ = ["Published", "Source", "google_drive"]


@dataclass(frozen=True)
class Published:
    """A published file.

    Attributes
    ----------
    name : str
        File name used by the authors.
    url : str
        Direct download link.
    sha256, md5 : str, optional
        Checksum, as stated by the authors or reported by others who downloaded the file.
    md5_end : str
        Last digits of the MD5 checksum, if that is all the authors give (as part of the file name).
    size : int, optional
        Size in bytes, if known.
    stated : bool
        Whether the authors state the checksum themselves; otherwise it is reported by others.
    """

    name: str
    url: str
    sha256: str | None = None
    md5: str | None = None
    md5_end: str = ""
    size: int | None = None
    stated: bool = True

    @property
    def evidence(self) -> str:
        """Describe in words which checks a matching file has passed."""
        parts = [] if self.size is None else [f"its size, {self.size:,} bytes"]
        if self.sha256 is not None or self.md5 is not None:
            whose = "that its authors state" if self.stated else "that others who downloaded it report"
            parts.append(f"the {'SHA-256' if self.sha256 is not None else 'MD5'} {whose}")
        if self.md5_end:
            weak = "" if self.md5 else ", which anybody can match"
            parts.append(f"the last {len(self.md5_end)} digits of its MD5, in its name{weak}")
        return " and ".join(parts)

    def matches(self, path: Path) -> bool:
        """Whether a local file is this one, as far as the available size and checksums tell."""
        size = path.stat().st_size
        if not size or self.size not in (None, size):
            return False
        with path.open("rb") as content:
            if self.sha256 is not None:
                return hashlib.file_digest(content, "sha256").hexdigest() == self.sha256
            digest = hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        return digest == self.md5 if self.md5 is not None else digest.endswith(self.md5_end)


@dataclass(frozen=True)
class Source:
    """The published files of a benchmark.

    Attributes
    ----------
    page : str
        The authors' download page.
    licence, citation : str
    files : tuple of Published
        The recommended files first, followed by older or smaller versions. Empty if no address is known to download
        them from.
    default : int
        Number of recommended files.
    together : bool
        Whether the recommended files make one benchmark, rather than one each.
    commit : str
        Commit of the repository ``page`` that the files were taken from, where they have no version of their own.
    """

    page: str
    licence: str
    citation: str
    files: tuple[Published, ...] = ()
    default: int = 1
    together: bool = False
    commit: str = ""

    def file(self, name: str) -> Published:
        """Return a file by name; raises UnknownName."""
        for file in self.files:
            if file.name == name:
                return file
        raise UnknownName("published file", name, [file.name for file in self.files])

    def identify(self, path: Path) -> Published | None:
        """Return the published file that matches a local file, or None."""
        return next((file for file in self.files if file.matches(path)), None)


def google_drive(file_id: str) -> str:
    """Direct download link of a file on Google Drive."""
    return f"https://drive.usercontent.google.com/download?id={file_id}&export=download&confirm=t"
