"""Convert published benchmark files to stores; one module per source format."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nasbench_kit.benchmark import Benchmark
from nasbench_kit.errors import SourceError, UnknownName
from nasbench_kit.loaders import (
    accel_nasbench,
    macronas,
    nas_bench_graph,
    nas_bench_macro,
    nas_bench_nlp,
    nats,
    nb101,
    nb101_test,
    nb201,
    table,
    transnas,
)
from nasbench_kit.loaders.mapping import TableMapping
from nasbench_kit.loaders.progress import reading
from nasbench_kit.loaders.source import check_file
from nasbench_kit.store import Table, check_new_store, create_store

__all__ = ["convert", "formats", "load", "store_name"]


@dataclass(frozen=True)
class Loader:
    """One source format.

    Attributes
    ----------
    recognises : callable
        Tells from the content whether a path has this format.
    load : callable
        ``load(path, partial=..., **options)`` returns the table.
    options : frozenset of str
        Further keyword arguments of ``load``: ``"mapping"``, ``"curves"``, ``"reader"``, ``"progress"``.
    store_name : str, callable or None
        The default store name, or a function that derives it from the path; None to use the source's name.
    folder : bool
        Whether a source may be a folder.
    """

    recognises: Callable[[Path], bool]
    load: Callable[..., Table]
    options: frozenset[str] = frozenset()
    store_name: str | Callable[[Path], str] | None = None
    folder: bool = False


_RECORDS = frozenset({"curves", "progress"})
_LOADERS = {
    "macronas": Loader(macronas.recognises, macronas.load, frozenset({"progress"}), macronas.store_name),
    "nas-bench-macro": Loader(nas_bench_macro.recognises, nas_bench_macro.load, store_name=nas_bench_macro.STORE_NAME),
    "nas-bench-nlp": Loader(
        nas_bench_nlp.recognises, nas_bench_nlp.load, store_name=nas_bench_nlp.STORE_NAME, folder=True
    ),
    "nas-bench-graph": Loader(
        nas_bench_graph.recognises, nas_bench_graph.load, store_name=nas_bench_graph.STORE_NAME, folder=True
    ),
    "nb101": Loader(nb101.recognises, nb101.load, frozenset({"progress", "reader"}), nb101.store_name),
    "nb101-test": Loader(nb101_test.recognises, nb101_test.load, store_name=nb101_test.STORE_NAME),
    "nb201": Loader(nb201.recognises, nb201.load, _RECORDS, nb201.STORE_NAME),
    "nats": Loader(nats.recognises, nats.load, _RECORDS, nats.store_name, folder=True),
    "accel-nasbench": Loader(
        accel_nasbench.recognises, accel_nasbench.load, store_name=accel_nasbench.STORE_NAME, folder=True
    ),
    "transnas": Loader(transnas.recognises, transnas.load, store_name=transnas.store_name),
    "table": Loader(table.recognises, table.load, frozenset({"mapping"}), folder=True),
}


def formats() -> tuple[str, ...]:
    """The names of the source formats."""
    return tuple(_LOADERS)


def recognise(source: Path) -> str:
    """Detect the format of a source from its content.

    Raises
    ------
    SourceError
        If the content matches no known format, or the file cannot be read.
    """
    folder = os.path.isdir(source)  # noqa: PTH112 - unlike Path.is_dir, False for invalid names
    if not folder:
        check_file(source)
    for name, loader in _LOADERS.items():
        if (loader.folder or not folder) and loader.recognises(source):
            return name
    raise SourceError(
        f"{source}: the content from byte 0 on matches no known format ({', '.join(_LOADERS)}); "
        "if it should be one of them, the file is damaged"
    )


def load(
    source: str | os.PathLike[str],
    *,
    source_format: str | None = None,
    partial: bool = False,
    curves: bool = False,
    progress: bool = False,
    mapping: TableMapping | str | os.PathLike[str] | None = None,
    reader: str | None = None,
) -> Table:
    """Read and check a source; see `convert`."""
    path = Path(source)
    if source_format is not None and source_format not in _LOADERS:
        raise UnknownName("source format", source_format, _LOADERS)
    chosen = source_format or ("table" if mapping is not None else recognise(path))
    loader = _LOADERS[chosen]
    options: dict[str, Any] = {}
    for name, given in (("mapping", mapping), ("curves", curves), ("reader", reader)):
        if given and name not in loader.options:
            takers = ", ".join(known for known, other in _LOADERS.items() if name in other.options)
            raise SourceError(f"{path}: {name} only applies to the format {takers}, not to {chosen}")
        if given or (name == "mapping" and name in loader.options):
            options[name] = given
    if not (loader.folder and os.path.isdir(path)):  # noqa: PTH112
        check_file(path)
    with reading(path, shown=progress and "progress" in loader.options) as update:
        if "progress" in loader.options:
            options["progress"] = update
        return loader.load(path, partial=partial, **options)


def store_name(source: Path, source_format: str | None, mapping: TableMapping | None) -> str:
    """The default name of the store of a source."""
    if mapping is not None:
        return mapping.name or source.name.split(".")[0]
    if source_format is not None and source_format not in _LOADERS:
        raise UnknownName("source format", source_format, _LOADERS)
    name = _LOADERS[source_format or recognise(source)].store_name
    if callable(name):
        if not os.path.isdir(source):  # noqa: PTH112
            check_file(source)
        return name(source)
    return name or source.name.split(".")[0]


def convert(
    source: str | os.PathLike[str],
    store: str | os.PathLike[str],
    *,
    source_format: str | None = None,
    partial: bool = False,
    curves: bool = False,
    progress: bool = True,
    mapping: TableMapping | str | os.PathLike[str] | None = None,
    reader: str | None = None,
) -> Benchmark:
    """Convert a published benchmark file to a store, which then opens in a millisecond.

    Parameters
    ----------
    source : path-like
        The file, or the folder for formats that consist of several files.
    store : path-like
        The store file to write; an existing file is replaced once the new one is complete.
    source_format : str, optional
        One of ``formats()`` (default: detected from the content).
    partial : bool
        Accept a source with missing architectures, and record this in ``info``.
    curves : bool
        Also store the source's per-epoch values, as separate datasets (formats ``nb201`` and ``nats``).
    progress : bool
        Show a progress bar if stderr is a terminal; formats that are read within a second show none.
    mapping : path-like or TableMapping, optional
        For the format ``table``: the meaning of its columns.
    reader : {"builtin", "tensorflow"}, optional
        For NAS-Bench-101: the TFRecord reader to use. The resulting store is the same.

    Returns
    -------
    Benchmark
        The new store, opened.

    Raises
    ------
    SourceError
        If the source is invalid; the message names the place. An existing store is left untouched.
    StoreError
        If the store cannot be written. An existing store is left untouched.
    """
    check_new_store(Path(store))  # fail now, not after minutes of reading
    content = load(
        source,
        source_format=source_format,
        partial=partial,
        curves=curves,
        progress=progress,
        mapping=mapping,
        reader=reader,
    )
    return Benchmark(create_store(store, content))
