"""What every loader asks of a source file before it reads it, and what it owes the reader of its errors."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nasbench_kit.data.catalogue import source
from nasbench_kit.errors import SourceError, one_line
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["check_complete", "check_file", "file_provenance", "head", "published_provenance"]

_LFS = b"version https://git-lfs.github.com/spec/"


def check_file(path: Path) -> None:
    """Raise SourceError unless ``path`` is a readable regular file with something in it."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise SourceError(f"{path}: there is no such file") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # a zero byte in it
        raise SourceError(f"{path} is no name of a file: {error}") from error
    if stat.S_ISDIR(mode):
        raise SourceError(f"{path} is a folder; give the file in it")
    if not stat.S_ISREG(mode):
        raise SourceError(f"{path} is no regular file; save its content to a file first")
    if path.stat().st_size == 0:
        raise SourceError(f"{path} is empty: byte 0 is its end; the download broke off, get it again")
    if head(path).startswith(_LFS):
        raise SourceError(
            f"{path} is a Git LFS pointer (byte 0: {_LFS.decode()}...), not the file itself: run 'git lfs pull' in the "
            "repository that it comes from, or download the file by its link"
        )


def head(path: Path, size: int = 4096) -> bytes:
    """The first bytes of a file; SourceError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error


def file_provenance(paths: Iterable[Path]) -> dict[str, Any]:
    """``source``, ``sha256`` and ``size`` (bytes) of the files that a table comes from, as a store's provenance."""
    names, digests, size = [], [], 0
    for path in paths:
        with path.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
        names.append(one_line(path.name))  # not every name of a file is text
        size += os.path.getsize(path)  # noqa: PTH202 - of what was just read
    return {"source": ", ".join(names), "sha256": ", ".join(digests), "size": size}


def published_provenance(paths: Sequence[Path], benchmark: str) -> dict[str, Any]:
    """`file_provenance` of a benchmark's files, where they come from, and how far they are verified as the published ones."""
    published = source(benchmark)
    found = [published.identify(path) for path in paths]
    known = [file for file in found if file is not None]
    return {
        **file_provenance(paths),
        "published_file": ", ".join(file.name for file in known) or "none that is known",
        "verified_by": "; ".join(dict.fromkeys(file.evidence for file in known)) or "its content alone",
        "url": published.page,
        "licence": published.licence,
        "citation": published.citation,
    }


def check_complete(path: Path, space: Space, architectures: Genotypes, *, partial: bool, all_genotypes: bool) -> int:
    """How many architectures a source lacks; SourceError where that is any, unless ``partial``.

    Parameters
    ----------
    path : Path
    space : Space
        Small enough to be listed.
    architectures : ndarray of uint8, shape (n, genes)
    partial : bool
    all_genotypes : bool
        Whether the source should have every genotype, or one of every network.
    """
    found = space.small_number(architectures)
    if all_genotypes:
        here, wanted, what = np.unique(found).size, space.size, "genotypes"
    else:
        networks = space.network_of_number
        here, wanted, what = np.unique(networks[found]).size, int(networks.max()) + 1, "networks"
    if here < wanted and not partial:
        raise SourceError(
            f"{path} lacks {wanted - here} of the {wanted} {what} of {space.name}; the file is cut short, or a part of the "
            "table: to store what is there, say so with --partial (partial=True)"
        )
    return wanted - here
