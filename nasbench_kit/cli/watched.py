"""What a path given to ``nasbench-kit watch`` is: a sweep, a table in the making, or a search by training."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from nasbench_kit.errors import StoreError
from nasbench_kit.experiments.snapshot import Snapshot
from nasbench_kit.experiments.sweep_folder import MANIFEST
from nasbench_kit.experiments.watching import SweepWatch
from nasbench_kit.training.parts import CLAIM
from nasbench_kit.training.search.watching import CHECKPOINTS, SQLITE, SearchWatch
from nasbench_kit.training.tables.watching import TableWatch

__all__ = ["Watch", "watch_of"]

EXPECTED = (
    f"expected the folder of a sweep (which has {MANIFEST}), the store that 'nasbench-kit train' is making or its folder "
    f"STORE.parts (which has {CLAIM}), or the cache of a search by training (such as SPACE-DATASET.trainings)"
)


class Watch(Protocol):
    """Looks at work in progress."""

    def look(self) -> Snapshot: ...


def watch_of(folder: str) -> Watch:
    """Find out what to look at.

    Raises
    ------
    StoreError
        Nothing that can be watched, or its files are damaged.
    """
    path = Path(folder)
    try:
        if (path / MANIFEST).is_file():
            return SweepWatch(path)
        if (path / CLAIM).is_file():
            return TableWatch(path)
        parts = path.with_name(f"{path.name}.parts")
        if path.name and (parts / CLAIM).is_file():
            return TableWatch(parts)
        if path.is_dir() and path.name.endswith(CHECKPOINTS):
            path = path.with_name(path.name.removesuffix(CHECKPOINTS))
        if path.is_file():
            with path.open("rb") as file:
                start = file.read(len(SQLITE))
            if start == SQLITE:
                return SearchWatch(path)
        there = path.exists()
    except (OSError, ValueError) as error:  # no permission, or a name that no file can have
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{folder} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    what = "is neither a sweep nor a training" if there else "does not exist"
    raise StoreError(f"{folder} {what}: {EXPECTED}")
