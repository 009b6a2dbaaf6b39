"""A published file -> a store, once: one file a source format."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nasbench_kit.benchmark import Benchmark
from nasbench_kit.errors import SourceError, UnknownName
from nasbench_kit.loaders import macronas, nas_bench_macro, nb101, table
from nasbench_kit.loaders.progress import reading
from nasbench_kit.loaders.source import check_file
from nasbench_kit.store import Table, check_target, write_store

__all__ = ["convert", "formats", "load", "store_name"]

_RECOGNISERS: dict[str, Callable[[Path], bool]] = {
    "macronas": macronas.recognises,
    "nas-bench-macro": nas_bench_macro.recognises,
    "nb101": nb101.recognises,
    "table": table.recognises,
}


def formats() -> tuple[str, ...]:
    """The names of the source formats."""
    return tuple(_RECOGNISERS)


def recognise(source: Path) -> str:
    """The format of a source file, from its content.

    Raises
    ------
    SourceError
        No format's content, or no readable file.
    """
    if source.is_dir():
        return "table"
    check_file(source)
    for name, recognises in _RECOGNISERS.items():
        if recognises(source):
            return name
    raise SourceError(
        f"{source}: the content from byte 0 on is that of no known format ({', '.join(_RECOGNISERS)}); "
        "if it should be one of them, the file is damaged"
    )


def load(
    source: str | os.PathLike[str],
    *,
    source_format: str | None = None,
    partial: bool = False,
    progress: bool = False,
    mapping: table.TableMapping | str | os.PathLike[str] | None = None,
    reader: str | None = None,
) -> Table:
    """Read and check a source file; see `convert`."""
    path = Path(source)
    if source_format is not None and source_format not in _RECOGNISERS:
        raise UnknownName("source format", source_format, _RECOGNISERS)
    chosen = source_format or ("table" if mapping is not None else recognise(path))
    if reader is not None and chosen != "nb101":
        raise SourceError(f"a reader is for the format nb101, not for {chosen}")
    if chosen == "table":
        if mapping is None:
            raise SourceError(
                f"{path}: a table needs to know its columns: give a mapping file (mapping='....toml', --mapping), or "
                "--space, --architecture and --column"
            )
        if not isinstance(mapping, table.TableMapping):
            mapping = table.read_mapping(Path(mapping))
        return table.load(path, mapping, partial=partial)
    if mapping is not None:
        raise SourceError(f"a mapping is for the format table, not for {chosen}")
    check_file(path)
    with reading(path, shown=progress and chosen in ("macronas", "nb101")) as update:
        if chosen == "nb101":
            return nb101.load(path, partial=partial, progress=update, reader=reader or "builtin")
        if chosen == "macronas":
            return macronas.load(path, partial=partial, progress=update)
    return nas_bench_macro.load(path, partial=partial)


def store_name(source: Path, source_format: str | None, mapping: table.TableMapping | None) -> str:
    """The name that a store gets where none is given."""
    if mapping is not None:
        return mapping.name or source.name.split(".")[0]
    chosen = source_format or recognise(source)
    if chosen == "nas-bench-macro":
        return nas_bench_macro.STORE_NAME
    if chosen in ("macronas", "nb101"):
        check_file(source)
        return macronas.store_name(source) if chosen == "macronas" else nb101.store_name(source)
    return source.name.split(".")[0]


def convert(
    source: str | os.PathLike[str],
    store: str | os.PathLike[str],
    *,
    source_format: str | None = None,
    partial: bool = False,
    progress: bool = True,
    mapping: table.TableMapping | str | os.PathLike[str] | None = None,
    reader: str | None = None,
) -> Benchmark:
    """Turn a published file into a store, once; from then on it opens in a millisecond.

    Parameters
    ----------
    source : path-like
        The file, or for a table of several files their folder.
    store : path-like
        The store file to write; an existing one is replaced when the new one is complete.
    source_format : str, optional
        One of ``formats()``; recognised from the content unless given.
    partial : bool
        Accept a source that lacks architectures, and say so in ``info``.
    progress : bool
        Show how far it is, on stderr where that is a terminal; formats that are read in a second show nothing.
    mapping : path-like or TableMapping, optional
        For tables: where their columns go.
    reader : {"builtin", "tensorflow"}, optional
        For NAS-Bench-101: what reads the TFRecord container; the store is the same.

    Returns
    -------
    Benchmark
        The new store, opened.

    Raises
    ------
    SourceError
        A source that is not what it claims to be, with the place where that shows.
    StoreError
        A store that cannot be written. In both cases what was there before is untouched.
    """
    check_target(Path(store))  # not after minutes of reading
    content: Any = load(
        source, source_format=source_format, partial=partial, progress=progress, mapping=mapping, reader=reader
    )
    return Benchmark(write_store(store, content))
