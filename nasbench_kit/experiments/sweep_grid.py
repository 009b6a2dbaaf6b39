"""What a sweep is to do: problems x algorithms x seeds as cells, and the runs of each cell in pieces."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nasbench_kit.algorithms import Algorithm
from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.errors import UnknownName
from nasbench_kit.experiments.budget import Budget, whole_number
from nasbench_kit.experiments.names import file_names, named, seeds_of
from nasbench_kit.experiments.recorder import CLOCKS
from nasbench_kit.experiments.sweep_job import kit_version
from nasbench_kit.problems import FunctionProblem, Problem
from nasbench_kit.spaces import space

__all__ = ["MOST_PIECES", "Cell", "Grid", "Piece", "Report", "grid_of", "problem_names"]

Report = tuple[str, str, int | None]  # dataset, metric, epochs

PIECE_RUNS = 50  # by default
MOST_PIECES = 10**6


@dataclass(frozen=True)
class Cell:
    """One algorithm on one problem with one seed.

    Attributes
    ----------
    name : str
        The name of its files, without a suffix.
    problem, algorithm : str
        Their names in the grid.
    seed : int
        The seed in the grid.
    search_seed : int
        The seed of the search; another one for the second and later of equal algorithms, as in `compare`.
    """

    name: str
    problem: str
    algorithm: str
    seed: int
    search_seed: int


@dataclass(frozen=True)
class Piece:
    """Consecutive runs of a cell, the unit of work."""

    cell: Cell
    first_run: int
    runs: int

    @property
    def name(self) -> str:
        """The name of its files, without a suffix."""
        return f"{self.cell.name}.{self.first_run:06d}-{self.first_run + self.runs - 1:06d}"


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The cells of a sweep. Algorithms that do not fit a problem's objectives or epoch budgets are left out there.

    Parameters
    ----------
    problems : mapping of str to Problem
    algorithms : mapping of str to Algorithm
    budgets : mapping of str to Budget
        One per problem.
    reports : mapping of str to Report or None
        What to report of the incumbents of each problem.
    runs : int
        Runs per cell.
    seeds : sequence of int
    piece_runs : int, optional
        Runs per piece. Default: at most 50.
    clock : str
        Of the traces, as in `search`.

    Raises
    ------
    ValueError
        An empty grid, or a problem without what a search or a comparison needs.
    """

    problems: Mapping[str, Problem]
    algorithms: Mapping[str, Algorithm]
    budgets: Mapping[str, Budget]
    reports: Mapping[str, Report | None]
    runs: int = 100
    seeds: Sequence[int] = (0,)
    piece_runs: int | None = None
    clock: str = "evaluations"

    def __post_init__(self) -> None:
        object.__setattr__(self, "seeds", tuple(whole_number("each seed", seed) for seed in self.seeds))
        object.__setattr__(self, "runs", whole_number("runs", self.runs))
        piece_runs = min(self.runs, PIECE_RUNS) if self.piece_runs is None else self.piece_runs
        object.__setattr__(self, "piece_runs", whole_number("piece_runs", piece_runs))
        if self.runs < 1 or self._piece_runs < 1:
            raise ValueError(f"runs and piece_runs must be at least 1, not {self.runs} and {self.piece_runs}")
        if not self.seeds or min(self.seeds) < 0 or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds must be distinct integers of at least 0, not {list(self.seeds)}")
        if self.clock not in CLOCKS:
            raise UnknownName("clock", self.clock, CLOCKS)
        for name, problem in self.problems.items():
            if not isinstance(problem, Problem):
                raise TypeError(f"each problem must come from Benchmark.problem(...) or the like, not {problem!r}")
            _check_problem(name, problem)
            _check_report(name, problem, self.reports[name])
            self.budgets[name].check(problem)
        if not self.cells:
            reasons = "; ".join(f"{a} on {p}: {why}" for (p, a), why in self.left_out.items())
            raise ValueError(f"no cell is left in the grid ({reasons})" if reasons else "the grid has no problems")
        if len(self.cells) * -(-self.runs // self._piece_runs) > MOST_PIECES:
            raise ValueError(f"the sweep would have more than {MOST_PIECES:,} pieces: give a larger piece_runs")

    @property
    def _piece_runs(self) -> int:
        assert self.piece_runs is not None
        return self.piece_runs

    @cached_property
    def left_out(self) -> dict[tuple[str, str], str]:
        """The pairs of problem and algorithm that do not fit, and why."""
        pairs = {
            (p, a): _misfit(problem, algorithm)
            for p, problem in self.problems.items()
            for a, algorithm in self.algorithms.items()
        }
        return {pair: reason for pair, reason in pairs.items() if reason}

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """All cells, problem by problem."""
        found = []
        for seed in self.seeds:
            seeds = seeds_of(self.algorithms, seed)
            for problem in self.problems:
                for algorithm in self.algorithms:
                    if (problem, algorithm) not in self.left_out:
                        found.append((problem, algorithm, seed, seeds[algorithm]))
        found.sort(key=lambda cell: list(self.problems).index(cell[0]))
        several = len(self.seeds) > 1
        labels = [f"{p}\0{a}" + (f"\0seed-{seed}" if several else "") for p, a, seed, _ in found]
        names = file_names(labels, "")
        return tuple(Cell(names[label], *cell) for label, cell in zip(labels, found, strict=True))

    def pieces(self, cell: Cell) -> tuple[Piece, ...]:
        """The pieces of a cell, by their runs."""
        size = self._piece_runs
        return tuple(Piece(cell, first, min(size, self.runs - first)) for first in range(0, self.runs, size))

    def manifest(self) -> dict[str, Any]:
        """The grid as plain data: what a folder states, and what tells one grid from another."""
        problems = {
            name: {
                "space": problem.space.name,
                "objectives": list(problem.objectives),
                "source": problem.source,
                "budget": dataclasses.asdict(self.budgets[name]),
                "report": None if (report := self.reports[name]) is None else list(report),
                "code": _code_of(problem),
            }
            for name, problem in self.problems.items()
        }
        algorithms = {
            name: {"algorithm": algorithm.name, "settings": algorithm.settings, "code": _code_of(algorithm)}
            for name, algorithm in self.algorithms.items()
        }
        found = {
            "kit_version": kit_version(),
            "runs": self.runs,
            "piece_runs": self.piece_runs,
            "seeds": self.seeds,
            "clock": self.clock,
            "problems": problems,
            "algorithms": algorithms,
            "cells": [dataclasses.asdict(cell) for cell in self.cells],
        }
        plain: dict[str, Any] = json.loads(json.dumps(found, default=_plain))
        return plain


def problem_names(problems: Sequence[Problem] | Mapping[str, Problem]) -> dict[str, Problem]:
    """Problems by unique names: those of a mapping, else the benchmark's or the space's and the objectives."""
    if isinstance(problems, Problem):
        problems = [problems]
    if isinstance(problems, Mapping):
        for name in problems:
            if not isinstance(name, str) or not name.strip():
                raise TypeError(f"a problem's name must be a string, not {name!r}")
        return dict(problems)
    found: dict[str, Problem] = {}
    for problem in problems:
        if not isinstance(problem, Problem):
            raise TypeError(
                f"each problem must come from Benchmark.problem(...) or FunctionProblem(...), not {problem!r}"
            )
        where = problem.space.name
        if isinstance(problem, TabularProblem):
            where = problem.bench.name
            where += f"-{problem.dataset}" if len(problem.bench.datasets) > 1 else ""
            where += f"-{problem.epochs}" if problem.epochs is not None else ""
        name = f"{where} {'+'.join(problem.objectives)}"
        unique, count = name, 1
        while unique in found:
            count += 1
            unique = f"{name} ({count})"
        found[unique] = problem
    return found


def grid_of(
    problems: Sequence[Problem] | Mapping[str, Problem],
    algorithms: Sequence[Algorithm] | Mapping[str, Algorithm],
    budget: Budget | Mapping[str, Budget],
    report: Mapping[str, Report] | None,
    **options: Any,
) -> Grid:
    """A grid from the arguments of `sweep`, with names and what is reported by default."""
    members = problem_names(problems)
    for what, given in (("budget", budget), ("report", report)):
        for name in given if isinstance(given, Mapping) else ():
            if name not in members:
                raise UnknownName(f"problem of {what}", name, members)
    if isinstance(budget, Mapping):
        missing = next((name for name in members if name not in budget), None)
        if missing is not None:
            raise ValueError(f"budget has none for the problem {missing!r}")
    return Grid(
        problems=members,
        algorithms=named(algorithms),
        budgets=dict(budget) if isinstance(budget, Mapping) else dict.fromkeys(members, budget),
        reports={name: (report or {}).get(name) or _default_report(problem) for name, problem in members.items()},
        **options,
    )


def _default_report(problem: Problem) -> Report | None:
    """Test accuracy, unless there is none or the search selects on it: as in `compare`."""
    if not isinstance(problem, TabularProblem) or "test_accuracy" not in problem.bench.metrics(problem.dataset):
        return None
    return None if "test_accuracy" in problem.objectives else (problem.dataset, "test_accuracy", None)


def _check_problem(name: str, problem: Problem) -> None:
    if len(problem.objectives) > 1 and problem.bounds is None:
        raise ValueError(
            f"{name}: several objectives are compared by hypervolume, which needs bounds: pass bounds= to the problem"
        )
    try:
        known: Any = space(problem.space.name)
    except UnknownName:
        known = None
    if type(known) is not type(problem.space):
        raise ValueError(
            f"{name}: the space {problem.space.name!r} cannot be opened by its name, which reading results needs: call "
            "register_space with it first"
        )


def _check_report(name: str, problem: Problem, report: Report | None) -> None:
    """Raise for a report that is wrong now, not after the searches."""
    if report is None:
        return
    if not isinstance(problem, TabularProblem):
        raise ValueError(f"{name}: a report names a metric of a table, but this problem has no table")
    dataset, metric, epochs = report
    problem.bench.query(problem.bench.architectures[:1], metric, dataset=dataset, epochs=epochs)


def _misfit(problem: Problem, algorithm: Algorithm) -> str:
    """Why an algorithm cannot search a problem; empty if it can."""
    if len(problem.objectives) == 1 and not algorithm.single_objective:
        return "needs several objectives"
    if len(problem.objectives) > 1 and not algorithm.many_objectives:
        return "takes one objective"
    if algorithm.needs_budgets and len(problem.budgets) < 2:
        return "needs smaller epoch budgets"
    return ""


def _code_of(thing: Algorithm | Problem) -> str | None:
    """A SHA-256 of a user's own class or functions; None for those of the kit, and where there is no source."""
    parts: list[Any] = [type(thing)]
    if isinstance(thing, FunctionProblem):
        parts = [thing.function, thing.seconds]
    try:
        text = "".join(inspect.getsource(part) for part in parts if part is not None)
    except (OSError, TypeError):
        return None
    if type(thing).__module__.startswith("nasbench_kit.") and not isinstance(thing, FunctionProblem):
        return None
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    return (
        value.item()
        if isinstance(value, np.generic)
        else value.tolist()
        if isinstance(value, np.ndarray)
        else str(value)
    )
