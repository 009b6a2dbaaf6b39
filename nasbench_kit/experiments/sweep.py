"""Sweeps: many searches in pieces that are saved one by one, so that a sweep that was killed resumes where it was."""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nasbench_kit.algorithms import Algorithm
from nasbench_kit.errors import StoreError, UnknownName
from nasbench_kit.experiments.budget import Budget
from nasbench_kit.experiments.comparison import Comparison
from nasbench_kit.experiments.dask_client import dask_client
from nasbench_kit.experiments.names import file_names
from nasbench_kit.experiments.result import Result
from nasbench_kit.experiments.result_loading import load_result
from nasbench_kit.experiments.sweep_dask import on_dask, pickled_by_value
from nasbench_kit.experiments.sweep_folder import SweepFolder
from nasbench_kit.experiments.sweep_grid import Grid, Piece, Report, grid_of
from nasbench_kit.experiments.sweep_job import Done, Job, Outcome, kit_version
from nasbench_kit.experiments.sweep_workers import in_processes, in_this_process
from nasbench_kit.files import replace_file
from nasbench_kit.kernels.cores import usable_cores
from nasbench_kit.problems import Problem

__all__ = ["Sweep", "SweepProgress", "run_sweep", "sweep"]

ROUNDS = 3  # a damaged piece is computed again, but not for ever


@dataclass(frozen=True)
class SweepProgress:
    """How far a sweep is.

    Attributes
    ----------
    pieces, done : int
        Pieces of the whole sweep, and the finished ones, earlier ones included.
    failed : int
        Pieces that failed.
    seconds_left : float or None
        An estimate from the pieces finished by this call; None before the first one.
    failure : str
        What happened if a piece has just failed: its name and the error, in one line.
    """

    pieces: int
    done: int
    failed: int
    seconds_left: float | None
    failure: str = ""


@dataclass(frozen=True)
class Sweep:
    """A sweep that has ended.

    Attributes
    ----------
    folder : Path
    grid : Grid
    failures : dict of str to str
        The errors of the pieces that failed, by their names. Repeating the call tries these again.
    """

    folder: Path
    grid: Grid
    failures: dict[str, str]

    @functools.cached_property
    def results(self) -> dict[tuple[str, str, int], Result]:
        """The results of the complete cells, by problem, algorithm and seed."""
        place = SweepFolder(self.folder)
        found = {}
        for cell in self.grid.cells:
            if (path := place.result_path(cell)).exists():
                found[cell.problem, cell.algorithm, cell.seed] = load_result(path)
        return found

    def comparison(self, problem: str | None = None, seed: int | None = None) -> Comparison:
        """The complete cells of a problem as a `Comparison`.

        Parameters
        ----------
        problem : str, optional
            Its name in the grid. Default: the only one.
        seed : int, optional
            Default: the first of the grid.

        Raises
        ------
        UnknownName
            No such problem or seed.
        ValueError
            None of its cells is complete.
        """
        names = list(self.grid.problems)
        if problem is None and len(names) == 1:
            problem = names[0]
        if problem not in names:
            raise UnknownName("problem", problem, names)
        seed = self.grid.seeds[0] if seed is None else seed
        if seed not in self.grid.seeds:
            raise UnknownName("seed", seed, self.grid.seeds)
        results = {a: result for (p, a, s), result in self.results.items() if (p, s) == (problem, seed)}
        if not results:
            raise ValueError(f"{self.folder}: no search on {problem} is complete")
        return Comparison(self.grid.problems[problem], results, self.grid.reports[problem], self.grid.budgets[problem])

    @property
    def comparisons(self) -> Iterator[tuple[str, int, Comparison]]:
        """Problem, seed and comparison, of all that have a complete cell."""
        for problem in self.grid.problems:
            for seed in self.grid.seeds:
                with contextlib.suppress(ValueError):
                    yield problem, seed, self.comparison(problem, seed)


def sweep(
    problems: Sequence[Problem] | Mapping[str, Problem],
    algorithms: Sequence[Algorithm] | Mapping[str, Algorithm],
    folder: str | os.PathLike[str],
    *,
    runs: int = 100,
    seeds: Sequence[int] = (0,),
    budget: Budget | Mapping[str, Budget] | None = None,
    clock: str = "evaluations",
    report: Mapping[str, Report] | None = None,
    piece_runs: int | None = None,
    workers: int | None = None,
    scheduler: Any = None,
    progress: Callable[[SweepProgress], None] | None = None,
    **ends: Any,
) -> Sweep:
    """Search every problem with every algorithm, on all cores or on a cluster, and keep what is finished in a folder.

    The runs of each search are divided into pieces, each of which is saved as soon as it is finished. Killed at any moment, a
    sweep resumes when the call is repeated; its results are bit-identical to those of an undisturbed sweep, and of `search`.

    Parameters
    ----------
    problems : sequence of Problem, or mapping of str to Problem
        A mapping gives names.
    algorithms : sequence of Algorithm, or mapping of str to Algorithm
        As in `compare`. An algorithm is left out where it does not fit a problem's objectives or epoch budgets.
    folder : path-like
        Created if need be; see `nasbench_kit.experiments.sweep_folder`. Another grid needs another folder.
    runs : int
        Runs per problem, algorithm and seed.
    seeds : sequence of int
        Each is a search of its own.
    budget : Budget, or mapping of str to Budget, optional
        For all problems, or by their names. Default: as in `search`.
    clock : str
        As in `search`.
    report : mapping of str to (dataset, metric, epochs), optional
        What to report of the incumbents, by names of problems. Default: as in `compare`.
    piece_runs : int, optional
        Runs per piece. Default: 50.
    workers : int, optional
        Worker processes of one thread each. Default: all cores. With 1, everything runs in this process. They are spawned:
        scripts need the usual ``if __name__ == "__main__":``, and functions must not be defined in a notebook.
    scheduler : str or distributed.Client, optional
        Use the workers of this Dask scheduler instead (extra ``dask``).
    progress : callable, optional
        Called with a `SweepProgress` at the start and after every piece.
    **ends
        The fields of a `Budget` as keyword arguments.

    Returns
    -------
    Sweep
        A piece that failed is in its ``failures``; the others are not affected.

    Raises
    ------
    StoreError
        Another sweep is at work in the folder, or it has another grid, or it cannot be written.
    ValueError, TypeError
        As in `search` and `compare`.
    ConnectionError
        No scheduler answers, or it was lost. What was finished is saved.
    """
    if isinstance(budget, Mapping) and any(value is not None for value in ends.values()):
        raise TypeError("give budget= or its fields, not both")
    chosen = budget if isinstance(budget, Mapping) else Budget.of(budget, ends, sweep)
    grid = grid_of(problems, algorithms, chosen, report, runs=runs, seeds=seeds, piece_runs=piece_runs, clock=clock)
    return run_sweep(grid, folder, workers=workers, scheduler=scheduler, progress=progress)


def run_sweep(
    grid: Grid,
    folder: str | os.PathLike[str],
    *,
    workers: int | None = None,
    scheduler: Any = None,
    progress: Callable[[SweepProgress], None] | None = None,
) -> Sweep:
    """Run or resume the sweep of a grid; see `sweep`."""
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    place = SweepFolder(folder)
    with place.claimed(grid.manifest()):
        place.forget_failures()
        missing = _missing(grid, place, check=True)
        place.announce(
            done=grid.runs * len(grid.cells) - sum(piece.runs for piece in missing),
            workers=(workers or usable_cores()) if scheduler is None else None,
        )
        log = _Log(sum(len(grid.pieces(cell)) for cell in grid.cells), len(missing), progress)
        failed: set[Piece] = set()
        for left in range(ROUNDS, -1, -1):
            if not missing:
                break
            if not left:
                path = place.piece_path(missing[0])
                raise StoreError(f"{path} was written {ROUNDS} times and cannot be read: is the disk damaged?")
            with contextlib.closing(_outcomes(grid, missing, workers, scheduler)) as outcomes:
                for piece, outcome in outcomes:
                    if isinstance(outcome, Done):
                        place.save(piece, outcome.attributes, outcome.arrays)
                        log.tell()
                        pieces = grid.pieces(piece.cell)
                        if all(place.piece_path(other).exists() for other in pieces):
                            place.merge(piece.cell, pieces)
                    else:
                        place.fail(piece, outcome.message, outcome.details)
                        failed.add(piece)
                        log.tell(f"{piece.name}: {outcome.message}")
            missing = [piece for piece in _missing(grid, place) if piece not in failed]
        done = Sweep(place.path, grid, place.failures())
        _write_tables(done)
    return done


def _missing(grid: Grid, place: SweepFolder, *, check: bool = False) -> list[Piece]:
    """The pieces to compute: the first of every cell before the second of any, for an even picture early on.

    With ``check``, results that cannot be read are removed, and so computed again. Cells whose pieces are all there are merged.
    """
    missing: list[tuple[int, Piece]] = []
    for cell in grid.cells:
        pieces, path = grid.pieces(cell), place.result_path(cell)
        if check and path.exists() and not _is_whole(path, grid.runs):
            path.unlink()
        if path.exists():
            place.clean(pieces)
            continue
        own = [piece for piece in pieces if not place.piece_path(piece).exists()] or place.merge(cell, pieces)
        missing += [(piece.first_run, piece) for piece in own]
    missing.sort(key=lambda entry: entry[0])
    return [piece for _, piece in missing]


def _is_whole(path: Path, runs: int) -> bool:
    try:
        return load_result(path).runs == runs
    except StoreError:
        return False


def _outcomes(
    grid: Grid, pieces: Sequence[Piece], workers: int | None, scheduler: Any
) -> Generator[tuple[Piece, Outcome]]:
    """Run pieces wherever they are to run; yields each with its outcome, as they end."""
    with contextlib.ExitStack() as stack:
        if scheduler is not None:
            client = stack.enter_context(dask_client(scheduler, workers, purpose="a sweep on Dask"))
            running = on_dask(_jobs(grid, pieces, pickled_by_value), client)
        elif (count := workers or usable_cores()) == 1:
            running = in_this_process(_jobs(grid, pieces, None))
        else:  # even for a single piece, which may be one that kills its process
            running = in_processes(_jobs(grid, pieces, _pickled), count)
        stack.enter_context(contextlib.closing(running))
        for number, outcome in running:
            yield pieces[number], outcome


def _jobs(grid: Grid, pieces: Sequence[Piece], dumps: Callable[[Any], Any] | None) -> list[Job]:
    dumps = dumps or (lambda thing: thing)
    problems = {name: dumps(grid.problems[name]) for name in {piece.cell.problem for piece in pieces}}
    algorithms = {name: dumps(grid.algorithms[name]) for name in {piece.cell.algorithm for piece in pieces}}
    return [
        Job(
            problems[piece.cell.problem],
            algorithms[piece.cell.algorithm],
            piece.cell.search_seed,
            piece.first_run,
            piece.runs,
            grid.budgets[piece.cell.problem],
            grid.clock,
            kit_version(),
        )
        for piece in pieces
    ]


def _pickled(thing: Any) -> bytes:
    try:
        return pickle.dumps(thing)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(
            f"{thing!r} cannot be sent to worker processes ({error}): define its functions and classes in a module, or use "
            "workers=1"
        ) from error


class _Log:
    """Counts pieces and estimates the time left."""

    def __init__(self, pieces: int, missing: int, progress: Callable[[SweepProgress], None] | None) -> None:
        self.pieces, self.before, self.done = pieces, pieces - missing, pieces - missing
        self.failed, self.progress, self.start = 0, progress, time.perf_counter()
        self._report(None)

    def tell(self, failure: str = "") -> None:
        """A piece is finished, or failed."""
        self.done += not failure
        self.failed += bool(failure)
        ended = self.done - self.before + self.failed
        left = max(self.pieces - self.done - self.failed, 0)  # a piece that turned out to be damaged counts twice
        self._report((time.perf_counter() - self.start) / ended * left, failure)

    def _report(self, seconds_left: float | None, failure: str = "") -> None:
        if self.progress is not None:
            self.progress(SweepProgress(self.pieces, min(self.done, self.pieces), self.failed, seconds_left, failure))


def _write_tables(done: Sweep) -> None:
    """Write ``tables/PROBLEM.csv``, as `Comparison.table` has it."""
    several = len(done.grid.seeds) > 1
    labels = {(p, s): f"{p}\0seed-{s}" if several else p for p in done.grid.problems for s in done.grid.seeds}
    files = file_names(labels.values(), ".csv")
    (done.folder / "tables").mkdir(exist_ok=True)
    for problem, seed, comparison in done.comparisons:
        text = comparison.table().to_csv()
        replace_file(
            done.folder / "tables" / files[labels[problem, seed]], functools.partial(Path.write_text, data=text)
        )
