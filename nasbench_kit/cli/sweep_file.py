"""Reading the grid of a sweep from a TOML file. docs/sweeps.md describes the format.

Unlike recipes, sweep files may name a user's own code as ``FILE.py:NAME``, which is executed.
"""

from __future__ import annotations

import dataclasses
import itertools
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from nasbench_kit.algorithms import Algorithm
from nasbench_kit.benchmark import open_benchmark
from nasbench_kit.benchmark.answers import CHARGES, MISSING
from nasbench_kit.cli.own import algorithm_of, problem_of, space_of
from nasbench_kit.errors import NasbenchKitError, SourceError
from nasbench_kit.experiments.budget import Budget
from nasbench_kit.experiments.comparing import default_objective
from nasbench_kit.experiments.names import named
from nasbench_kit.experiments.recipe_fields import Fields
from nasbench_kit.experiments.recorder import CLOCKS
from nasbench_kit.experiments.sweep_grid import Grid, Report, grid_of, problem_names
from nasbench_kit.files import decoded
from nasbench_kit.loaders.source import check_file
from nasbench_kit.metrics.metric import DIRECTIONS
from nasbench_kit.problems import Problem

__all__ = ["read_grid"]

MOST_BYTES = 2**20
ENDS = ("evaluations", "unique_networks", "simulated_seconds", "generations", "target")
ANSWERS = ("trial", "charge", "missing", "include_validation_time", "directions")
_TOP = ("problem", "algorithm", "runs", "seeds", "piece_runs", "clock", *ENDS)
_PROBLEM = ("name", "benchmark", "space", "own", "objectives", "dataset", "epochs", "report", *ANSWERS, *ENDS)
_ALGORITHM = ("name", "algorithm", "settings")


def read_grid(path: Path) -> Grid:
    """Read a grid.

    Parameters
    ----------
    path : Path
        Other files that it names are looked for from its folder.

    Raises
    ------
    SourceError
        Not a valid sweep file; the message says which key is wrong, and why.
    NasbenchKitError, ValueError
        A benchmark that cannot be opened, or a grid that cannot be searched.
    """
    check_file(path)
    if path.stat().st_size > MOST_BYTES:
        raise SourceError(f"{path} is larger than 1 MiB, which no sweep file is")
    try:
        content = tomllib.loads(decoded(path.read_bytes()), parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path} is not valid TOML: {str(error)[:500]}") from error
    top = Fields(path, "", content, _TOP)
    problems: list[tuple[str | None, Problem, Budget, Report | None]] = []
    for fields in top.tables("problem", _PROBLEM):
        problem, report = _problem(fields)
        problems.append((fields.optional_text("name"), problem, _budget(fields, top), report))
    algorithms: list[tuple[str | None, Algorithm]] = []
    for fields in top.tables("algorithm", _ALGORITHM):
        algorithms += _algorithms(fields)
    for key, found in (("problem", problems), ("algorithm", algorithms)):
        if not found:
            raise SourceError(f"{path}: there is no [[{key}]]")
    default_names = list(problem_names([problem for _, problem, _, _ in problems]))
    names = [name or default for (name, *_), default in zip(problems, default_names, strict=True)]
    members = dict(zip(names, (problem for _, problem, _, _ in problems), strict=True))
    if len(members) < len(names):
        raise SourceError(f"{path}: two problems have the name {_twice(names)!r}: give them names of their own")
    return grid_of(
        members,
        _named(path, algorithms),
        {name: budget for name, (_, _, budget, _) in zip(names, problems, strict=True)},
        {name: report for name, (*_, report) in zip(names, problems, strict=True) if report is not None},
        runs=top.whole("runs", 1, 100),
        seeds=_seeds(top),
        piece_runs=top.optional_whole("piece_runs", 1),
        clock=top.choice("clock", CLOCKS, "evaluations"),
    )


# -------------------------------------------------------------------- problems


def _problem(fields: Fields) -> tuple[Problem, Report | None]:
    if fields.has("own"):
        for key in _PROBLEM:
            if fields.has(key) and key not in ("name", "own", *ENDS):
                raise fields.fault(key, "is for a benchmark, but `own` names a problem")
        return problem_of(_from(fields, fields.text("own"))), None
    if fields.has("space"):
        space_of(_from(fields, fields.text("space")))
    bench = open_benchmark(_store(fields))
    dataset = fields.optional_text("dataset")
    if dataset is None and len(bench.datasets) == 1:
        dataset = bench.datasets[0]
    options: dict[str, Any] = {
        "dataset": dataset,
        "epochs": fields.optional_whole("epochs", 1),
        "charge": fields.choice("charge", CHARGES, "all"),
        "include_validation_time": fields.boolean("include_validation_time", default=False),
    }
    if fields.has("missing"):
        options["missing"] = fields.choice("missing", MISSING)
    if fields.has("trial"):
        number = isinstance(fields.value("trial"), int)
        options["seed"] = fields.whole("trial", 0) if number else fields.choice("trial", ("random", "mean"))
    if fields.has("directions"):
        directions = fields.table("directions")
        options["directions"] = {name: directions.choice(name, DIRECTIONS) for name in directions.names()}
    objectives = fields.texts("objectives", (default_objective(bench.metrics(dataset)),))
    try:
        problem = bench.problem(objectives, **options)
    except (NasbenchKitError, ValueError) as error:
        raise SourceError(f"{fields.path}: {fields.where}: {error}") from error
    return problem, _report(fields, problem.dataset)


def _store(fields: Fields) -> str:
    name = fields.text("benchmark")
    there = fields.path.parent / name
    return str(there) if there.is_file() else name


def _report(fields: Fields, dataset: str) -> Report | None:
    """``"test_accuracy"``, or a table with ``metric``, ``dataset`` and ``epochs``."""
    if not fields.has("report"):
        return None
    if not isinstance(fields.value("report"), dict):
        return dataset, fields.text("report"), None
    part = fields.table("report", ("metric", "dataset", "epochs"))
    return part.text("dataset", dataset), part.text("metric"), part.optional_whole("epochs", 1)


def _budget(fields: Fields, top: Fields) -> Budget:
    """The budget of a problem: its own, or that of the whole file."""
    place = fields if any(fields.has(name) for name in ENDS) else top
    ends: dict[str, Any] = {
        name: place.whole(name, 1) for name in ("evaluations", "unique_networks", "generations") if place.has(name)
    }
    if place.has("simulated_seconds"):
        ends["simulated_seconds"] = place.number("simulated_seconds", 0)
    if place.has("target"):
        ends["target"] = place.number("target")
    try:
        return Budget(**ends)
    except ValueError as error:
        raise SourceError(f"{place.path}: {f'{place.where}: ' if place.where else ''}{error}") from error


def _seeds(top: Fields) -> list[int]:
    if not top.has("seeds"):
        return [0]
    given = top.value("seeds")
    listed = {f"seeds[{i}]": seed for i, seed in enumerate(given if isinstance(given, list) else [given])}
    return [Fields(top.path, "", listed).whole(name, 0) for name in listed]


# -------------------------------------------------------------------- algorithms


def _algorithms(fields: Fields) -> list[tuple[str | None, Algorithm]]:
    """An algorithm with every combination of its settings; a list of values stands for each of them."""
    base = algorithm_of(_from(fields, fields.text("algorithm")))
    name = fields.optional_text("name")
    if not fields.has("settings"):
        return [(name, base)]
    settings = fields.table("settings", base.settings)
    choices = {key: _values(settings, key, base.settings[key]) for key in settings.names()}
    found: list[tuple[str | None, Algorithm]] = []
    for values in itertools.product(*choices.values()):
        own = dict(zip(choices, values, strict=True))
        try:
            algorithm = dataclasses.replace(base, **own)
        except (ValueError, TypeError, NasbenchKitError) as error:
            raise SourceError(f"{fields.path}: {settings.where}: {error}") from error
        varied = ", ".join(f"{key}={value!r}" for key, value in own.items() if len(choices[key]) > 1)
        found.append((f"{name}({varied})" if name and varied else name, algorithm))
    return found


def _values(settings: Fields, key: str, default: Any) -> list[Any]:
    given = settings.value(key)
    listed = {f"{key}[{i}]": value for i, value in enumerate(given)} if isinstance(given, list) else {key: given}
    fields = Fields(settings.path, settings.where, listed)
    if not listed:
        raise settings.fault(key, "must have at least one value")
    values = []
    for name, value in listed.items():
        if not isinstance(value, (str, bool, int, Decimal)):
            raise fields.fault(name, "must be text, a number, true or false")
        if isinstance(default, str) != isinstance(value, str) and default is not None:
            raise fields.fault(name, f"must be like its default, {default!r}")
        values.append(fields.number(name) if isinstance(value, Decimal) else value)
    return values


def _named(path: Path, algorithms: list[tuple[str | None, Algorithm]]) -> Mapping[str, Algorithm]:
    """Algorithms by their names in the file, or by their settings."""
    defaults = list(named([algorithm for _, algorithm in algorithms]))
    names = [name or default for (name, _), default in zip(algorithms, defaults, strict=True)]
    found = dict(zip(names, (algorithm for _, algorithm in algorithms), strict=True))
    if len(found) < len(names):
        raise SourceError(f"{path}: two algorithms have the name {_twice(names)!r}: give them names of their own")
    return found


def _twice(names: list[str]) -> str:
    return next(name for name in names if names.count(name) > 1)


def _from(fields: Fields, text: str) -> str:
    """``FILE.py:NAME`` from the folder of the sweep file; any other text as it is."""
    file, mark, rest = text.partition(".py:")
    return f"{fields.path.parent / file}{mark}{rest}" if mark else text
