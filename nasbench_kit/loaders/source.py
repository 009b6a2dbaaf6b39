"""Checks and provenance of source files that all loaders share."""

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
    """Raise SourceError unless ``path`` is a readable, non-empty regular file."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # the path contains a null byte
        raise SourceError(f"{path} is not a valid file name: {error}") from error
    if stat.S_ISDIR(mode):
        raise SourceError(f"{path} is a folder; give the path of the file in it")
    if not stat.S_ISREG(mode):
        raise SourceError(f"{path} is not a regular file; save its content to a file first")
    if path.stat().st_size == 0:
        raise SourceError(f"{path} is empty (0 bytes); the download probably failed, download it again")
    if head(path).startswith(_LFS):
        raise SourceError(
            f"{path} is a Git LFS pointer (byte 0: {_LFS.decode()}...), not the file itself: run 'git lfs pull' in the "
            "repository that it comes from, or download the file from its web page"
        )


def head(path: Path, size: int = 4096) -> bytes:
    """Read the first bytes of a file; SourceError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error


def file_provenance(paths: Iterable[Path]) -> dict[str, Any]:
    """``source``, ``sha256`` and ``size`` (bytes) of a table's source files, for the provenance of a store."""
    names, digests, size = [], [], 0
    for path in paths:
        with path.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
        names.append(one_line(path.name))  # file names need not be valid text
        size += os.path.getsize(path)  # noqa: PTH202 - the file was just read
    return {"source": ", ".join(names), "sha256": ", ".join(digests), "size": size}


def published_provenance(paths: Sequence[Path], benchmark: str) -> dict[str, Any]:
    """`file_provenance` of a benchmark's files, plus their origin and the evidence that they are the published ones."""
    published = source(benchmark)
    found = [published.identify(path) for path in paths]
    known = [file for file in found if file is not None]
    return {
        **file_provenance(paths),
        "published_file": ", ".join(file.name for file in known) or "none that is known",
        "verified_by": "; ".join(dict.fromkeys(file.evidence for file in known)) or "its content alone",
        "url": published.page,
        **({"commit": published.commit} if published.commit else {}),
        "licence": published.licence,
        "citation": published.citation,
    }


def check_complete(
    path: Path, space: Space, architectures: Genotypes, *, partial: bool, all_genotypes: bool
) -> int | str:
    """Count the architectures that a source lacks; SourceError if there are any, unless ``partial``.

    Parameters
    ----------
    path : Path
    space : Space
    architectures : ndarray of uint8, shape (n, genes)
        Valid and distinct.
    partial : bool
    all_genotypes : bool
        Whether the source should have every genotype, rather than one genotype of every network.

    Returns
    -------
    int or str
        The number; if it could only be found by listing the space, or not even so, text that says this.
    """
    wanted: int | None
    if all_genotypes:
        here, wanted, what = len(architectures), space.size, "genotypes"
    elif len(architectures) == space.size:  # whatever the number of networks
        return 0
    else:
        if partial and not space.networks_are_counted:
            return f"unknown: the networks of {space.name} have not been counted"
        here, wanted, what = len(np.unique(space.key(architectures))), space.networks, "networks"
    if wanted is None:
        raise SourceError(
            f"{path}: whether the table is complete cannot be checked, because the networks of {space.name} have not "
            "been counted; to store it anyway, use --partial (partial=True)"
        )
    if here < wanted and not partial:
        raise SourceError(
            f"{path} lacks {wanted - here} of the {wanted} {what} of {space.name}: the file is truncated or only part "
            "of the table; to store it anyway, use --partial (partial=True)"
        )
    return wanted - here
