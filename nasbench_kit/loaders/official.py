"""The official packages' own answers, for comparison: ``nats-bench`` and ``nas-bench-201`` (which needs torch)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from nasbench_kit.errors import MissingExtra, SourceError
from nasbench_kit.loaders import nats, nb201
from nasbench_kit.loaders.records import official_names

__all__ = ["ask_official"]


def ask_official(path: Path, source_format: str, indices: Collection[int], ask: Callable[[int, Any], None]) -> None:
    """Open each architecture with the official package that its file belongs to.

    A folder is opened by the package itself, which runs whatever its pickles say: do this with files that you trust. The
    single files would take it tens of gigabytes; there it gets the architectures as the kit has read them.

    Parameters
    ----------
    path : Path
    source_format : {"nb201", "nats"}
    indices : collection of int
        Official indices.
    ask : callable
        Gets each index and an API object that knows this architecture.

    Raises
    ------
    MissingExtra
        The package is not installed.
    SourceError
        Another format, or an architecture that the file does not have.
    """
    if source_format not in ("nb201", "nats"):
        raise SourceError(f"{path} is of the format {source_format}; the official packages read nb201 and nats")
    if source_format == "nats" and path.is_dir():
        api = _nats_api(str(path), fast_mode=True)
        for index in sorted(indices):
            try:
                api.reload(str(path), index)
            except AssertionError as error:
                raise SourceError(f"{path} has no record of architecture {index}: {error}") from error
            except Exception as error:  # of whatever kind the package lets through
                raise SourceError(f"{path}: nats-bench cannot read architecture {index}: {error}") from error
            ask(index, api)
            api.arch2infos_dict.clear()
        return
    if source_format == "nats" and not nats.is_single_file(path):
        raise SourceError(f"{path}: nats-bench reads no archive; unpack it and give the folder")
    make = _nats_api if source_format == "nats" else _nb201_api
    left = set(indices)

    def item(index: Any, content: Any, offset: int) -> None:
        if index in left:
            left.remove(index)
            ask(index, make({"meta_archs": names, "arch2infos": {index: content}, "evaluated_indexes": [index]}))

    names = official_names()
    make({"meta_archs": names, "arch2infos": {}, "evaluated_indexes": []})  # a package that is not there is missed now
    (nats if source_format == "nats" else nb201).stream(path, item)
    if left:
        raise SourceError(f"{path} has no record of architecture {min(left)}")


def _nats_api(content: Any, *, fast_mode: bool = False) -> Any:
    try:
        from nats_bench import create
    except ImportError as error:
        raise MissingExtra("comparing with nats-bench", "official") from error
    return create(content, "tss", fast_mode=fast_mode, verbose=False)


def _nb201_api(content: Any) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package is no longer maintained; what it warns of is its own
            from nas_201_api import NASBench201API
    except ImportError as error:
        raise MissingExtra("comparing with nas-bench-201", "official") from error
    return NASBench201API(content, verbose=False)
