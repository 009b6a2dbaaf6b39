"""Queries to the official packages ``nats-bench`` and ``nas-bench-201`` (needs torch), for comparison."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from nasbench_kit.errors import MissingExtra, SourceError
from nasbench_kit.loaders import nats, nb201
from nasbench_kit.loaders.nats_spaces import SIZE, TOPOLOGY, NATSSpace
from nasbench_kit.loaders.records import official_names

__all__ = ["ask_official"]


def ask_official(path: Path, source_format: str, indices: Collection[int], ask: Callable[[int, Any], None]) -> None:
    """Open architectures with the official package for the file format.

    A folder is opened by the package itself, which executes any code in its pickles: only use files that you trust. For
    the single files it would need tens of gigabytes of memory, so it is given the architectures as read by the kit.

    Parameters
    ----------
    path : Path
    source_format : {"nb201", "nats"}
    indices : collection of int
        Official architecture indices.
    ask : callable
        Called with each index and an API object that contains this architecture.

    Raises
    ------
    MissingExtra
        The official package is not installed.
    SourceError
        The format has no official package, or the file lacks an architecture.
    """
    if source_format not in ("nb201", "nats"):
        raise SourceError(f"{path} has the format {source_format}, but the official packages only read nb201 and nats")
    about = nats.space_of(path) if source_format == "nats" else TOPOLOGY
    if source_format == "nats" and path.is_dir():
        api = _nats_api(str(path), about, fast_mode=True)
        for index in sorted(indices):
            try:
                api.reload(str(path), index)
            except AssertionError as error:
                raise SourceError(f"{path} has no record of architecture {index}: {error}") from error
            except Exception as error:  # the package raises various types
                raise SourceError(f"{path}: nats-bench cannot read architecture {index}: {error}") from error
            ask(index, api)
            api.arch2infos_dict.clear()
        return
    if source_format == "nats" and not nats.is_single_file(path):
        raise SourceError(f"{path}: nats-bench cannot read an archive; unpack it and pass the folder")

    def make(content: Any) -> Any:
        return _nats_api(content, about) if source_format == "nats" else _nb201_api(content)

    left = set(indices)

    def item(index: Any, content: Any, offset: int) -> None:
        if index in left:
            left.remove(index)
            ask(index, make({"meta_archs": names, "arch2infos": {index: content}, "evaluated_indexes": [index]}))

    names = official_names(about.space())
    # raise MissingExtra before the file is read
    make({"meta_archs": names, "arch2infos": {}, "evaluated_indexes": []})
    (nats if source_format == "nats" else nb201).stream(path, item)
    if left:
        raise SourceError(f"{path} has no record of architecture {min(left)}")


def _nats_api(content: Any, about: NATSSpace, *, fast_mode: bool = False) -> Any:
    try:
        from nats_bench import create
    except ImportError as error:
        raise MissingExtra("comparing with nats-bench", "official") from error
    return create(content, "sss" if about is SIZE else "tss", fast_mode=fast_mode, verbose=False)


def _nb201_api(content: Any) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package is unmaintained; its warnings concern its own code
            from nas_201_api import NASBench201API
    except ImportError as error:
        raise MissingExtra("comparing with nas-bench-201", "official") from error
    return NASBench201API(content, verbose=False)
