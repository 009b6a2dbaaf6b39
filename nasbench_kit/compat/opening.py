"""From what a script passes to an official package to the store that answers it."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

from nasbench_kit.benchmark import Benchmark, open_benchmark
from nasbench_kit.compat.errors import WrongQuery
from nasbench_kit.data import find_store, store_folder
from nasbench_kit.errors import SourceError, UnknownName
from nasbench_kit.loaders import store_name

__all__ = ["opened", "random_stream"]

_STORE = ".h5"
_MEMBERS = "*.pickle.pbz2"
# the default names of what the official files of a space are converted to
_OFFICIAL = {"nb101": ("nb101", "nb101-only108"), "nb201": ("nb201", "nats"), "nats-size": ("nats-size",)}


def opened(source: Any, space: str, default: str) -> Benchmark:
    """Open the store that stands for a dataset file.

    Parameters
    ----------
    source : Benchmark, str, path-like or None
        An open benchmark, the name or path of a store, or an official file or folder that has been converted to the
        store folder under its default name. None opens ``default``.
    space : str
        The search space that the store must be about.
    default : str
        The name that conversion gives to the store.

    Raises
    ------
    WrongQuery
        There is no such store, or it is about another space. Also a ValueError, KeyError and AssertionError.
    SourceError
        An official file that has not been converted, and the message gives the command; or some other file. Also a
        ValueError.
    """
    if isinstance(source, dict):
        raise WrongQuery(
            "a dict, the content of an official file, is not accepted: convert the file once with "
            "'nasbench-kit convert FILE --curves', and pass the name or path of the store"
        )
    if source is not None and not isinstance(source, (str, os.PathLike, Benchmark)):
        raise WrongQuery(f"expected the name or path of a store, not {type(source).__name__}")
    bench = source if isinstance(source, Benchmark) else open_benchmark(_store_path(source, space, default))
    if bench.space.name != space:
        raise WrongQuery(f"{bench.name} is a table of the space {bench.space.name}, not of {space}")
    return bench


def _store_path(source: str | os.PathLike[str] | None, space: str, default: str) -> Path:
    try:
        path = find_store(default if source is None else source)
    except UnknownName as error:
        raise WrongQuery(str(error)) from error
    if not os.path.exists(path):  # noqa: PTH110 - returns False for invalid file names
        raise WrongQuery(f"{path} does not exist; pass the name or path of a store, or an official file")
    return path if path.suffix == _STORE else _converted(path, space)


def _converted(source: Path, space: str) -> Path:
    """The store that an official file or folder was converted to; SourceError with the command if there is none."""
    name = store_name(source, None, None)
    if name not in _OFFICIAL[space]:
        raise SourceError(f"{source} is neither a store nor an official file of the space {space}")
    store = store_folder() / f"{name}{_STORE}"
    if store.is_file():
        about = Benchmark(store).info
        if (about.get("source"), about.get("size")) == (source.resolve().name, _size(source)):
            return store
    raise SourceError(
        f"{source} is an official file, not a store: run 'nasbench-kit convert {source}' once"
        + ("" if space == "nb101" else ", with --curves for values before the last epoch")
        + f"; it is then opened from {store}"
    )


def _size(source: Path) -> int:
    members = source.glob(_MEMBERS) if source.is_dir() else [source]
    return sum(member.stat().st_size for member in members)


def random_stream(seed: Any) -> random.Random:
    """The stream that trials are drawn from.

    Parameters
    ----------
    seed : int, random.Random, module or None
        A seed, which gives the draws that ``random.seed(seed)`` gives with the official package; a stream to use; or the
        module ``random`` itself for Python's global stream, as in the original. None is the seed 0.
    """
    if hasattr(seed, "randint"):
        stream: random.Random = seed
        return stream
    return random.Random(0 if seed is None else seed)
