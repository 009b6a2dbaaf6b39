"""A sweep as others see it while it runs: what is done, what runs and waits, and the means so far.

Everything comes from the sweep's folder, to which nothing is written and in which nothing is locked. Files are complete or not
there at all; one that disappears while it is read, because its cell is complete, is found in the cell's result the next time.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import StoreError
from nasbench_kit.experiments.comparison import Comparison
from nasbench_kit.experiments.comparison_file import reopened
from nasbench_kit.experiments.result_loading import load_result
from nasbench_kit.experiments.snapshot import Column, Snapshot
from nasbench_kit.experiments.sweep_folder import SweepFolder
from nasbench_kit.experiments.sweep_grid import Cell, Piece
from nasbench_kit.metrics.named_indicators import INDICATORS

__all__ = ["SweepWatch"]

Values = NDArray[np.float64]

MOST_REASONS = 3  # shown of those for which files have no values


@dataclass(frozen=True)
class _Found:
    """What a file says of its runs: the measure that ranks them, and the reported metric, each (runs,); else why not."""

    measured: Values | None = None
    reported: Values | None = None
    reason: str = ""


class SweepWatch:
    """Looks at a sweep again and again. Files that it has read are not read twice.

    Parameters
    ----------
    path : path-like
        The folder of a sweep.

    Raises
    ------
    StoreError
        It is no such folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.place = SweepFolder(path)
        self.runs, self.piece_runs, self.cells = self.place.cells()
        self._problems = self.place.manifest().get("problems")
        self._read: dict[Path, tuple[tuple[int, int], _Found]] = {}  # with time and size of the file
        self._comparisons: dict[str, Comparison] = {}

    def look(self) -> Snapshot:
        """The state of the sweep now."""
        worker = self.place.worker()  # first: a sweep that ends meanwhile is seen as ended the next time
        failures = self.place.failures()
        files = self.place.finished(self.runs, self.cells)
        done = {name: sum(len(numbers) for numbers in own.values()) for name, own in files.items()}
        failed, running = self._under_way(files, failures, worker)
        self._read_files(files)
        rows = [self._row(cell, files[cell.name], done[cell.name], failed, running) for cell in self.cells]
        total, finished = self.runs * len(self.cells), sum(done.values())
        left = total - finished - sum(failed.values())
        speed = _speed(finished, worker)
        notes = [f"failed: {name}: {message}" for name, message in failures.items()]
        notes += sorted({found.reason for _, found in self._read.values() if found.reason})[:MOST_REASONS]
        if worker is None and left:
            notes.append("no process is at work: repeat the sweep's command to resume")
        return Snapshot(
            kind="sweep",
            path=self.place.path,
            unit="runs",
            done=finished,
            total=total,
            failed=sum(failed.values()),
            running=None if running is None else sum(running.values()),
            worker="" if worker is None else f"process {worker.get('pid')} on {worker.get('host')}",
            per_second=speed,
            seconds_left=left / speed if speed else None,
            last=_latest([path for own in files.values() for path in own]),
            columns=_columns(rows),
            rows=rows,
            notes=tuple(notes),
            ended=finished == total or (worker is None and not left),
        )

    def _under_way(
        self, files: Mapping[str, Mapping[Path, range]], failures: Mapping[str, str], worker: Mapping[str, Any] | None
    ) -> tuple[Counter[str], Counter[str] | None]:
        """Runs per cell that have failed, and those that run; None for those if it is unknown how many workers there are.

        Pieces are given to workers in a fixed order, so that the first that are neither there nor failed are those that run.
        """
        failed: Counter[str] = Counter()
        missing: list[Piece] = []
        begun = {name: {numbers.start for numbers in own.values()} for name, own in files.items()}
        whole = {name for name, own in files.items() if any(len(numbers) == self.runs for numbers in own.values())}
        for first in range(0, self.runs, self.piece_runs):
            for cell in self.cells:
                if cell.name in whole or first in begun[cell.name]:
                    continue
                piece = Piece(cell, first, min(self.piece_runs, self.runs - first))
                if piece.name in failures:
                    failed[cell.name] += piece.runs
                else:
                    missing.append(piece)
        if worker is None:
            return failed, Counter()
        workers = worker.get("workers")
        if not isinstance(workers, int):
            return failed, None
        running: Counter[str] = Counter()
        for piece in missing[:workers]:
            running[piece.cell.name] += piece.runs
        return failed, running

    # ---------------------------------------------------------------- results so far

    def _row(
        self, cell: Cell, files: Mapping[Path, range], done: int, failed: Counter[str], running: Counter[str] | None
    ) -> dict[str, Any]:
        found = [self._read[path][1] for path in files if path in self._read]
        comparison = self._comparisons.get(cell.problem)
        several = comparison is not None and comparison.many
        report = comparison.report if comparison is not None else None
        return {
            "problem": cell.problem,
            "algorithm": cell.algorithm,
            "seed": cell.seed,
            "runs": self.runs,
            "done": done,
            "running": None if running is None else running[cell.name],
            "failed": failed[cell.name],
            "measure": "" if comparison is None else _measure(comparison),
            "mean": _mean([values.measured for values in found]),
            "reported": report[1].replace("_", " ") if report is not None and not several else "",
            "reported_mean": _mean([values.reported for values in found]),
        }

    def _read_files(self, files: Mapping[str, Mapping[Path, range]]) -> None:
        """Read the files that are new, and forget those that are gone."""
        before, self._read = self._read, {}
        for cell in self.cells:
            for path in files[cell.name]:
                with contextlib.suppress(OSError):  # merged meanwhile
                    there = path.stat()
                    state = there.st_mtime_ns, there.st_size
                    known = before.get(path)
                    same = known is not None and known[0] == state
                    self._read[path] = known if known is not None and same else (state, self._measured(cell, path))

    def _measured(self, cell: Cell, path: Path) -> _Found:
        try:
            result = load_result(path)
        except StoreError as error:
            if not path.exists():
                raise
            return _Found(reason=f"not read: {error}")
        if cell.problem not in self._comparisons:
            self._comparisons[cell.problem] = Comparison(
                reopened(result), {cell.algorithm: result}, _report(self._problems, cell.problem), result.budget
            )
        comparison = self._comparisons[cell.problem]
        measured: Values | None = None
        try:
            measured = comparison.final(result)
            return _Found(measured, comparison.reported(result))
        except (ValueError, KeyError, OSError) as error:  # the store is gone
            return _Found(measured, reason=str(error))


def _measure(comparison: Comparison) -> str:
    if comparison.many:
        return INDICATORS[comparison.indicator].title
    return "regret" if comparison.optimum is not None else comparison.measure.replace("_", " ")


def _columns(rows: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """The columns of the rows; a measure that is the same in all has no column of its own."""
    several = len({row["seed"] for row in rows}) > 1
    measures, reports = (sorted({row[name] for row in rows if row[name]}) for name in ("measure", "reported"))
    return (
        *(Column("problem", "problem"), Column("algorithm", "algorithm")),
        *((Column("seed", "seed"),) if several else ()),
        *(Column("done", "done"), Column("running", "running"), Column("failed", "failed")),
        *((Column("measure", "measure"),) if len(measures) > 1 else ()),
        Column("mean", measures[0] if len(measures) == 1 else "mean", 4),
        *((Column("reported", "reported"),) if len(reports) > 1 else ()),
        Column("reported_mean", reports[0] if len(reports) == 1 else "its mean", 2),
    )


def _report(problems: Any, name: str) -> tuple[str, str, int | None] | None:
    """What the manifest says is reported of a problem's incumbents."""
    try:
        dataset, metric, epochs = problems[name]["report"]
        return str(dataset), str(metric), None if epochs is None else int(epochs)
    except (KeyError, TypeError, ValueError):
        return None


def _mean(parts: Sequence[Values | None]) -> float | None:
    """The mean over the runs that found something, as `Comparison.table` has it."""
    known = [part[np.isfinite(part)] for part in parts if part is not None]
    values = np.concatenate(known) if known else np.empty(0)
    return float(values.mean()) if len(values) else None


def _speed(done: int, worker: Mapping[str, Any] | None) -> float | None:
    """Runs per second since the process at work began; None before the first."""
    if worker is None:
        return None
    before, started = worker.get("done"), worker.get("started")
    if not isinstance(before, int) or not isinstance(started, (int, float)) or done <= before:
        return None
    took = time.time() - started
    return (done - before) / took if took > 0 else None


def _latest(paths: Sequence[Path]) -> float | None:
    times = []
    for path in paths:
        with contextlib.suppress(OSError):
            times.append(path.stat().st_mtime)
    return max(times, default=None)
