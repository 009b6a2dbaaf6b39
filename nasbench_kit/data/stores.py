"""Store lookup: the stores bundled with the package and those in the user's store folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from nasbench_kit.errors import UnknownName

__all__ = ["FoundStore", "find_store", "found_stores", "list_benchmarks", "store_folder"]

_BUNDLED = Path(__file__).parent
_SUFFIX = ".h5"


@dataclass(frozen=True)
class FoundStore:
    """A store that opens by name.

    Attributes
    ----------
    path : Path
    bundled : bool
        Whether it ships with the package.
    hides_bundled : bool
        Whether it is the user's own, and takes the name of a bundled one.
    """

    path: Path
    bundled: bool
    hides_bundled: bool = False


def store_folder() -> Path:
    """The user's store folder: ``$NASBENCH_KIT_HOME`` if set, else the platform's application data folder.

    This function does not create it.
    """
    home = os.environ.get("NASBENCH_KIT_HOME")
    return Path(home).expanduser() if home else Path(platformdirs.user_data_dir("nasbench-kit", appauthor=False))


def found_stores() -> dict[str, FoundStore]:
    """The stores that open by name, sorted by name; a user's own store comes before a bundled one of the same name."""
    bundled, own = _stores_in(_BUNDLED), _stores_in(store_folder())
    found = {name: FoundStore(path, bundled=True) for name, path in bundled.items()}
    found |= {name: FoundStore(path, bundled=False, hides_bundled=name in bundled) for name, path in own.items()}
    return dict(sorted(found.items()))


def _stores_in(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    paths = (path for path in folder.glob(f"*{_SUFFIX}") if not path.name.startswith("."))
    return {path.name.removesuffix(_SUFFIX): path for path in paths}


def list_benchmarks() -> tuple[str, ...]:
    """The names that ``nasbench_kit.open`` accepts: bundled stores and those in the store folder."""
    return tuple(found_stores())


def find_store(name: str | os.PathLike[str]) -> Path:
    """The path of a store, given its name or path.

    Raises
    ------
    UnknownName
        ``name`` is neither a known store nor a path; the message lists the known stores.
    """
    if isinstance(name, str) and not name.startswith(".") and os.path.basename(name) == name:  # noqa: PTH119
        for folder in (store_folder(), _BUNDLED):  # without listing the folders, which takes longer than opening
            store = folder / f"{name}{_SUFFIX}"
            if os.path.isfile(store):  # noqa: PTH113 - unlike Path.is_file, False for invalid names
                return store
    path = Path(name)
    looks_like_path = not isinstance(name, str) or path.suffix == _SUFFIX or len(path.parts) > 1
    if os.path.exists(path) or looks_like_path:  # noqa: PTH110 - returns False for invalid file names
        return path
    raise UnknownName(
        "benchmark",
        str(name),
        list_benchmarks(),
        f"Stores are searched for in {store_folder()}; a path also works.",
    )
