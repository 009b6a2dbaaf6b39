"""Where stores are: the bundled ones inside the package, and the user's store folder."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from nasbench_kit.errors import UnknownName

__all__ = ["find_store", "list_benchmarks", "store_folder"]

_BUNDLED = Path(__file__).parent
_SUFFIX = ".h5"


def store_folder() -> Path:
    """The folder of the user's stores: ``$NASBENCH_KIT_HOME``, else the platform's folder for application data.

    It is not made by looking for it.
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
    """The names that ``nasbench_kit.open`` knows here and now: bundled stores, and those in the store folder."""
    return tuple(sorted(_stores()))


def find_store(name: str | os.PathLike[str]) -> Path:
    """The path of a store, from its name or its path.

    Raises
    ------
    UnknownName
        With the names that exist, where ``name`` is neither one of them nor a path.
    """
    stores = _stores()
    if isinstance(name, str) and name in stores:
        return stores[name]
    path = Path(name)
    looks_like_path = not isinstance(name, str) or path.suffix == _SUFFIX or len(path.parts) > 1
    if os.path.exists(path) or looks_like_path:  # noqa: PTH110 - False for what no file can be called
        return path
    raise UnknownName(
        "benchmark",
        str(name),
        sorted(stores),
        f"Stores are looked for in {store_folder()}; a path to a file opens too.",
    )
