"""A benchmark's published files: where they are, how they are told from damaged ones, and whose they are."""

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
        As its authors call it.
    url : str
        The file itself.
    sha256, md5 : str, optional
        Its checksum, as its authors state it, or as people who downloaded it report it.
    md5_end : str
        The last digits of its MD5, where its authors state no more: they write them at the end of its name.
    size : int, optional
        Bytes, where that is known.
    stated : bool
        Whether its authors state the checksum; otherwise it is reported by others.
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
        """What tells the file from others, in words: how far one that matches is verified."""
        parts = [] if self.size is None else [f"its size, {self.size:,} bytes"]
        if self.sha256 is not None or self.md5 is not None:
            whose = "that its authors state" if self.stated else "that others who downloaded it report"
            parts.append(f"the {'SHA-256' if self.sha256 is not None else 'MD5'} {whose}")
        if self.md5_end:
            weak = "" if self.md5 else ", which anybody can match"
            parts.append(f"the last {len(self.md5_end)} digits of its MD5, in its name{weak}")
        return " and ".join(parts)

    def matches(self, path: Path) -> bool:
        """Whether a file here is this one, as far as `evidence` goes."""
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
    """A benchmark's published files.

    Attributes
    ----------
    page : str
        Where its authors tell people to get them.
    licence, citation : str
    files : tuple of Published
        The first ``default`` are those that one wants; the others are older or smaller ones.
    default : int
    """

    page: str
    licence: str
    citation: str
    files: tuple[Published, ...]
    default: int = 1

    def file(self, name: str) -> Published:
        """One of the files by its name; raises UnknownName."""
        for file in self.files:
            if file.name == name:
                return file
        raise UnknownName("published file", name, [file.name for file in self.files])

    def identify(self, path: Path) -> Published | None:
        """The published file that a file here is, if it is one."""
        return next((file for file in self.files if file.matches(path)), None)


def google_drive(file_id: str) -> str:
    """The address of a file on Google Drive that needs no further click."""
    return f"https://drive.usercontent.google.com/download?id={file_id}&export=download&confirm=t"
