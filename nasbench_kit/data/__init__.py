"""Store lookup: the stores bundled with the package and those in the user's store folder."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from nasbench_kit.errors import UnknownName

__all__ = ["find_store", "list_benchmarks", "store_folder"]

_BUNDLED = Path(__file__).parent
_SUFFIX = ".h5"


def store_folder() -> Path:
    """The user's store folder: ``$NASBENCH_KIT_HOME`` if set, else the platform's application data folder.

    This function does not create it.
    """
    home = os.environ.get("NASBENCH_KIT_HOME")
    return Path(home).expanduser() if home else Path(platformdirs.user_data_dir("nasbench-kit", appauthor=False))


def _stores() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in (store_folder(), _BUNDLED):
        if folder.is_dir():
            found |= {
                path.name.removesuffix(_SUFFIX): path
                for path in sorted(folder.glob(f"*{_SUFFIX}"))
                if not path.name.startswith(".")
            }
    return found


def list_benchmarks() -> tuple[str, ...]:
    """The names that ``nasbench_kit.open`` accepts: bundled stores and those in the store folder."""
    return tuple(sorted(_stores()))


def find_store(name: str | os.PathLike[str]) -> Path:
    """The path of a store, given its name or path.

    Raises
    ------
    UnknownName
        ``name`` is neither a known store nor a path; the message lists the known stores.
    """
    stores = _stores()
    if isinstance(name, str) and name in stores:
        return stores[name]
    path = Path(name)
    looks_like_path = not isinstance(name, str) or path.suffix == _SUFFIX or len(path.parts) > 1
    if os.path.exists(path) or looks_like_path:  # noqa: PTH110 - returns False for invalid file names
        return path
    raise UnknownName(
        "benchmark",
        str(name),
        sorted(stores),
        f"Stores are searched for in {store_folder()}; a path also works.",
    )
