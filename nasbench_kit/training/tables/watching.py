"""A table that is being made, as others see it: finished trainings, their speed, and their accuracies so far.

Everything comes from the folder of finished parts, which are complete or not there at all. Nothing is written, and no torch needed.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import StoreError
from nasbench_kit.experiments.snapshot import Column, Snapshot
from nasbench_kit.metrics import known_metric
from nasbench_kit.training.parts import CLAIM, Part, divide, read_claim, read_part

__all__ = ["TableWatch", "speed_of"]

RECENT = 50  # parts that the speed is taken from
BREAK = 10  # a gap of so many median gaps is a break between two calls
SHOWN = ("_accuracy", "_loss")

COLUMNS = (
    *(Column("metric", "after the last epoch"), Column("trainings", "trainings")),
    *(Column("mean", "mean", 3), Column("sd", "sd", 3), Column("best", "best", 3)),
)


class TableWatch:
    """Looks at the making of a table again and again. Parts that it has read are not read twice.

    Parameters
    ----------
    path : Path
        The folder of finished parts, ``STORE.parts``.

    Raises
    ------
    StoreError
        It is no such folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            claim = read_claim(path)
            networks, seeds = int(claim["networks"]), len(claim["seeds"])
            size = None if claim["networks_a_part"] is None else int(claim["networks_a_part"])
            if networks < 1 or seeds < 1 or (size is not None and size < 1):
                raise ValueError("its numbers")
        except OSError as error:
            raise error if isinstance(error, StoreError) else StoreError(f"{path} cannot be read: {error}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"{path / CLAIM} is damaged ({error}); delete the folder to start again") from error
        self.seeds, self.stacked = seeds, size is not None
        self.total = networks * seeds
        self.parts = {part.number: part for part in divide(networks, seeds, size)}
        self.networks = networks
        self._read: dict[int, dict[str, NDArray[np.float64]]] = {}

    def look(self) -> Snapshot:
        """The state of the work now."""
        times = self._times("part")
        timed = self._times("steps") if self.stacked else {}
        sizes = {number: self._size(self.parts[number]) for number in times}
        done = sum(sizes.values())
        begun = self._begun(set(times))
        left = self.total - done
        speed = speed_of(sorted((when, sizes[number]) for number, when in times.items()))
        notes = self._read_parts(times)
        store = self.path.with_name(self.path.name.removesuffix(".parts"))
        if not left and len(timed) < len(self.parts) and self.stacked:
            notes.append(f"timing networks one by one: {len(timed)} of {len(self.parts)} parts are done")
        elif not left and not store.exists():
            notes.append(f"all parts are done; {store.name} is being written, or the command has to be repeated")
        return Snapshot(
            kind="table",
            path=self.path,
            unit="trainings",
            done=done,
            total=self.total,
            running=None if self.stacked else len(begun),
            per_second=speed,
            seconds_left=left / speed if speed else None,
            last=max([*times.values(), *timed.values(), *begun], default=None),
            columns=COLUMNS,
            rows=self._rows(),
            notes=tuple(notes),
            ended=not left and store.exists(),
        )

    def _times(self, kind: str) -> dict[int, float]:
        """When each finished part of a kind was finished, by its number."""
        found = {}
        for path in self.path.glob(f"{kind}-*.npz"):
            number = path.stem.removeprefix(f"{kind}-")
            if number.isdecimal() and int(number) in self.parts:
                with contextlib.suppress(OSError):
                    found[int(number)] = path.stat().st_mtime
        return found

    def _begun(self, done: set[int]) -> list[float]:
        """When unfinished parts last wrote a checkpoint, beside the parts."""
        found = []
        for folder in self.path.glob("checkpoints/part-*"):
            number = folder.name.removeprefix("part-")
            if number.isdecimal() and int(number) in self.parts and int(number) not in done:
                with contextlib.suppress(OSError):  # the part was finished meanwhile
                    found.append(folder.stat().st_mtime)
        return found

    def _size(self, part: Part) -> int:
        """The trainings of a part."""
        return len(range(self.networks)[part.networks]) * len(range(self.seeds)[part.seeds])

    def _read_parts(self, numbers: Sequence[int] | dict[int, float]) -> list[str]:
        """Read the parts that are new; returns what is wrong with those that cannot be read."""
        for number in numbers:
            if number in self._read:
                continue
            path = self.path / f"part-{number:06d}.npz"
            try:
                arrays = read_part(path)
                self._read[number] = {
                    name: np.asarray(values[:, -1], dtype=np.float64).reshape(-1)
                    for name, values in arrays.items()
                    if name.endswith(SHOWN) and values.ndim == 3
                }
            except (StoreError, ValueError, IndexError) as error:
                return [f"not read: {error}"]
        return []

    def _rows(self) -> list[dict[str, Any]]:
        names = dict.fromkeys(name for part in self._read.values() for name in part)
        rows = []
        for name in names:
            values = np.concatenate([part[name] for part in self._read.values() if name in part])
            values = values[np.isfinite(values)]
            if not len(values):
                continue
            metric = known_metric(name)
            best = values.max() if metric is None or metric.direction == "max" else values.min()
            sd = float(values.std(ddof=1)) if len(values) > 1 else math.nan
            row = {
                "metric": name,
                "trainings": len(values),
                "mean": float(values.mean()),
                "sd": sd,
                "best": float(best),
            }
            rows.append(row)
        return rows


def speed_of(finished: Sequence[tuple[float, int]]) -> float | None:
    """How much is finished per second lately; None until three are.

    Parameters
    ----------
    finished : sequence of (float, int)
        Ascending times in seconds, and how much was finished at each. Breaks, between a call that was killed and the one that
        resumed, do not count.
    """
    recent = finished[-RECENT:]
    gaps = np.diff([when for when, _ in recent])
    if len(gaps) < 2:
        return None
    counts = gaps <= BREAK * max(float(np.median(gaps)), 1e-3)
    took = float(gaps[counts].sum())
    return float(np.array([size for _, size in recent[1:]])[counts].sum()) / took if took > 0 else None
