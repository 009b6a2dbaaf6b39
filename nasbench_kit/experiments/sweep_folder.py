"""The folder of a sweep: its manifest, a file per finished piece, the merged results, and a lock.

::

    sweep.json                          the grid; written once
    sweep.lock                          locked while a sweep works here: its process, its machine, its start (see `SweepState`)
    pieces/CELL.FIRST-LAST.h5           the result of the runs FIRST to LAST of a cell, until the cell is complete
    failed/CELL.FIRST-LAST.txt          why a piece failed; removed when it is tried again
    results/CELL.h5                     the merged result of a complete cell

Every file is written to a temporary one, flushed and renamed, so a piece is there completely or not at all. A piece depends on
the grid alone: whoever computes it, and however often, its content is the same. That, and not the lock, is what makes a sweep
safe; the lock prevents work from being done twice.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from nasbench_kit.errors import StoreError
from nasbench_kit.experiments.merging import merge
from nasbench_kit.experiments.result import Result
from nasbench_kit.experiments.result_loading import load_result
from nasbench_kit.experiments.sweep_grid import MOST_PIECES, Cell, Piece
from nasbench_kit.files import replace_file
from nasbench_kit.store.record import write_record

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["SweepFolder", "SweepState"]

FORMAT = "nasbench-kit sweep"
VERSION = 1
MANIFEST, LOCK = "sweep.json", "sweep.lock"
PIECES, FAILED, RESULTS = "pieces", "failed", "results"
CLOCK = (
    60  # seconds by which the start of a process, as the kernel counts it, may seem later than the time that it stated
)


@dataclass(frozen=True)
class SweepState:
    """How far a sweep is.

    Attributes
    ----------
    runs, done : int
        Runs of the whole grid, and of its finished pieces.
    cells, complete : int
        Cells of the grid, and those whose results are merged.
    failed : dict of str to str
        The error of each failed piece, in one line.
    worker : dict or None
        ``pid``, ``host`` and ``started`` (seconds since 1970) of the process that is at work; ``done``, the finished runs that it
        found, and ``workers``, its worker processes (None on a cluster). None if there is none. Whether a process of another
        machine still runs is not known here: it counts as one that does.
    """

    runs: int
    done: int
    cells: int
    complete: int
    failed: dict[str, str]
    worker: dict[str, Any] | None


class SweepFolder:
    """The files of a sweep.

    Parameters
    ----------
    path : path-like
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._handle: int | None = None  # of the lock, while it is held

    # ---------------------------------------------------------------- manifest and lock

    @contextlib.contextmanager
    def claimed(self, manifest: Mapping[str, Any]) -> Iterator[None]:
        """Hold the folder for a sweep of this grid; it is created, or continued.

        Raises
        ------
        StoreError
            Another sweep is at work there, or the folder has another grid, or other files.
        """
        if self.path.exists() and not self.path.is_dir():
            raise StoreError(f"{self.path} is not a folder")
        if self.path.is_dir() and not (self.path / MANIFEST).exists():
            other = next(
                (
                    entry.name
                    for entry in sorted(self.path.iterdir())
                    if entry.name != LOCK and not entry.name.endswith(".tmp")
                ),
                None,
            )
            if other is not None:
                raise StoreError(
                    f"{self.path} has other files ({other}) and no {MANIFEST}: give a new or an empty folder"
                )
        try:
            for folder in (PIECES, FAILED, RESULTS):
                (self.path / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written: {error.strerror}") from error
        with self._locked():
            if (self.path / MANIFEST).exists():
                _check_same(self.path, self.manifest(), manifest)
            else:
                content = {"format": FORMAT, "format_version": VERSION, **manifest}
                text = json.dumps(content, indent=1) + "\n"
                replace_file(
                    self.path / MANIFEST, lambda temporary: temporary.write_text(text, encoding="utf-8"), StoreError
                )
            yield

    def manifest(self) -> dict[str, Any]:
        """The grid that the folder states; StoreError if it is not a sweep's folder."""
        path = self.path / MANIFEST
        try:
            content = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise StoreError(f"{self.path} is not the folder of a sweep: it has no {MANIFEST}") from None
        except (OSError, ValueError, RecursionError) as error:
            raise StoreError(f"{path} cannot be read: {error}") from error
        if not isinstance(content, dict) or (content.get("format"), content.get("format_version")) != (FORMAT, VERSION):
            raise StoreError(f"{path} is not the manifest of a sweep that this version of the kit can read")
        return content

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        path = self.path / LOCK
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            if not _lock(handle):
                other = _content(path) or {}
                raise StoreError(
                    f"another sweep is at work in {self.path}: process {other.get('pid', '?')} on {other.get('host', '?')}; wait "
                    "for it, or end it"
                )
            self._handle = handle
            os.truncate(handle, 0)
            try:
                self.announce()
                yield
            finally:
                os.truncate(handle, 0)  # nobody is at work here, even if this process runs on
        finally:
            self._handle = None
            os.close(handle)  # also releases the lock

    def announce(self, **facts: Any) -> None:
        """State in the lock, which is held, which process is at work here, and more for those who look on."""
        assert self._handle is not None
        me = {"pid": os.getpid(), "host": socket.gethostname(), "started": time.time(), **facts}
        os.lseek(self._handle, 0, os.SEEK_SET)
        os.write(self._handle, json.dumps(me).encode())  # over what it stated before, which was not longer

    # ---------------------------------------------------------------- pieces and results

    def piece_path(self, piece: Piece) -> Path:
        """Where the result of a piece is, until its cell is complete."""
        return self.path / PIECES / f"{piece.name}.h5"

    def result_path(self, cell: Cell) -> Path:
        """Where the merged result of a cell is."""
        return self.path / RESULTS / f"{cell.name}.h5"

    def save(self, piece: Piece, attributes: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Save the content of a piece's result, all or nothing."""
        write_record(self.piece_path(piece), attributes, arrays)
        self._failure_path(piece).unlink(missing_ok=True)

    def fail(self, piece: Piece, message: str, details: str) -> None:
        """Note why a piece failed."""
        text = f"{message}\n\n{details}\n"
        replace_file(
            self._failure_path(piece),
            lambda path: path.write_text(text, encoding="utf-8", errors="backslashreplace"),
            StoreError,
        )

    def failures(self) -> dict[str, str]:
        """The errors of failed pieces by name, in one line each."""
        found = {}
        for path in sorted((self.path / FAILED).glob("*.txt")):
            with contextlib.suppress(OSError), path.open(encoding="utf-8", errors="backslashreplace") as file:
                found[path.stem] = file.readline().rstrip("\n")
        return found

    def forget_failures(self) -> None:
        """Remove the notes of failed pieces, which are to be tried again."""
        for path in (self.path / FAILED).glob("*.txt"):
            path.unlink(missing_ok=True)

    def _failure_path(self, piece: Piece) -> Path:
        return self.path / FAILED / f"{piece.name}.txt"

    def merge(self, cell: Cell, pieces: tuple[Piece, ...]) -> list[Piece]:
        """Merge the pieces of a cell, which are all there, to its result, and remove them.

        Returns
        -------
        list of Piece
            Those that turned out to be damaged, whose files are removed; if there are any, nothing is merged.
        """
        parts: list[Result] = []
        damaged = []
        for piece in pieces:
            path = self.piece_path(piece)
            try:
                part = load_result(path)
                if part.run_numbers.tolist() != list(range(piece.first_run, piece.first_run + piece.runs)):
                    raise StoreError(f"{path} has other runs")
                parts.append(part)
            except StoreError:
                path.unlink(missing_ok=True)
                damaged.append(piece)
        if not damaged:
            try:
                whole = merge(parts)
            except ValueError:  # files were exchanged, and no telling which
                self.clean(pieces)
                return list(pieces)
            whole.save(self.result_path(cell))
            self.clean(pieces)
        return damaged

    def clean(self, pieces: tuple[Piece, ...]) -> None:
        """Remove the pieces of a complete cell, if they are still there."""
        for piece in pieces:
            self.piece_path(piece).unlink(missing_ok=True)
            self._failure_path(piece).unlink(missing_ok=True)

    # ---------------------------------------------------------------- for those who look on

    def state(self) -> SweepState:
        """How far the sweep is, from the folder alone; StoreError if it is not a sweep's folder."""
        runs, _, cells = self.cells()
        finished = self.finished(runs, cells)
        complete = sum(path.parent.name == RESULTS for files in finished.values() for path in files)
        done = sum(len(numbers) for files in finished.values() for numbers in files.values())
        return SweepState(runs * len(cells), done, len(cells), complete, self.failures(), self.worker())

    def cells(self) -> tuple[int, int, list[Cell]]:
        """Runs per cell, runs per piece, and the cells of the grid that the folder states.

        Raises
        ------
        StoreError
            It is not a sweep's folder, or its manifest is damaged.
        """
        manifest = self.manifest()
        try:
            runs, piece_runs = int(manifest["runs"]), int(manifest["piece_runs"])
            cells = [Cell(**cell) for cell in manifest["cells"]]
            if not 0 < len(cells) * -(-runs // piece_runs) <= MOST_PIECES or min(runs, piece_runs) < 1:
                raise ValueError("its numbers of runs")
            named = [name for cell in cells for name in (cell.name, cell.problem, cell.algorithm)]
            if not all(isinstance(name, str) for name in named):
                raise ValueError("the names of its cells")
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise StoreError(f"{self.path / MANIFEST} is damaged ({error})") from error
        return runs, piece_runs, cells

    def finished(self, runs: int, cells: list[Cell]) -> dict[str, dict[Path, range]]:
        """The files that are there of each cell, by its name, and the runs that each has: the result, or the pieces."""
        found: dict[str, dict[Path, range]] = {cell.name: {} for cell in cells}
        for path in sorted((self.path / PIECES).glob("*.h5")):  # before the results, whose pieces are removed
            name, _, numbers = path.stem.rpartition(".")
            first, _, last = numbers.partition("-")
            if name in found and first.isdecimal() and last.isdecimal() and int(first) <= int(last) < runs:
                found[name][path] = range(int(first), int(last) + 1)
        for path in (self.path / RESULTS).glob("*.h5"):
            if path.stem in found:
                found[path.stem] = {path: range(runs)}
        return found

    def worker(self) -> dict[str, Any] | None:
        """The process that the lock names, unless it no longer runs.

        Nothing is locked to find out: a sweep that starts at this moment would be refused.
        """
        found = _content(self.path / LOCK)
        return found if found is not None and _runs(found) else None


def _runs(process: Mapping[str, Any]) -> bool:
    """Whether a process still runs; True where that cannot be told."""
    pid, started = process.get("pid"), process.get("started")
    if not isinstance(pid, int) or pid < 1 or not isinstance(started, (int, float)):
        return False
    if process.get("host") != socket.gethostname() or fcntl is None:  # on Windows, os.kill would end it
        return True
    try:
        os.kill(pid, 0)  # no signal, only whether it could be sent
    except PermissionError:
        pass  # of another user
    except (ProcessLookupError, OverflowError):
        return False
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
        begun = int(boot.split()[1]) + int(status[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, StopIteration):  # no Linux
        return True
    return status[0] not in "ZX" and begun < started + CLOCK  # else ended, or another process with its number


def _lock(handle: int) -> bool:
    """Lock an open file; False if another process has. Where nothing can be locked, it counts as locked."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _content(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _check_same(path: Path, there: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise StoreError unless two manifests are of the same grid."""
    there = {key: value for key, value in there.items() if key not in ("format", "format_version")}
    if there.get("kit_version") != wanted["kit_version"]:
        raise StoreError(
            f"{path} was begun with nasbench-kit {there.get('kit_version')}, and this is {wanted['kit_version']}: resume it with "
            "that version, or give another folder"
        )
    place = _difference("", _portable(there), _portable(wanted))
    if place:
        raise StoreError(f"{path} has a sweep of another grid: {place}; give another folder")


def _portable(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest without the places of stores, whose checksums identify them."""
    found: dict[str, Any] = json.loads(json.dumps(dict(manifest)))
    try:
        for problem in found["problems"].values():
            if "digest" in problem["source"]:
                problem["source"].pop("benchmark", None)
    except (KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"the manifest is damaged ({error}): give another folder") from error
    return found


def _difference(place: str, there: Any, wanted: Any) -> str:
    """The first difference between two plain values in words; empty if there is none."""
    if isinstance(there, dict) and isinstance(wanted, dict):
        for key in {**there, **wanted}:
            inner = f"{place}.{key}" if place else str(key)
            if key not in wanted:
                return f"it has {inner}"
            if key not in there:
                return f"it lacks {inner}"
            found = _difference(inner, there[key], wanted[key])
            if found:
                return found
        return ""
    return "" if there == wanted else f"{place} is {there!r} there, not {wanted!r}"
