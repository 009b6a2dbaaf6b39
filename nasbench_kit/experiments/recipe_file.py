"""Reading recipes from TOML files; nothing in such a file is executed. docs/reproduce.md describes the format."""

from __future__ import annotations

import dataclasses
import itertools
import os
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from nasbench_kit.algorithms import ALGORITHMS, CONFIGURATIONS, Algorithm
from nasbench_kit.algorithms.registry import named_algorithm
from nasbench_kit.benchmark.answers import CHARGES, MISSING
from nasbench_kit.errors import NasbenchKitError, SourceError, UnknownName
from nasbench_kit.experiments.budget import Budget
from nasbench_kit.experiments.recipe import (
    Member,
    NeededTable,
    NeededTraining,
    Recipe,
    SearchPart,
    bundled_recipes,
    recipe_path,
)
from nasbench_kit.experiments.recipe_fields import Fields
from nasbench_kit.experiments.recipe_published import FACT_KEYS, REPORT_KEYS, read_fact, read_report
from nasbench_kit.experiments.recorder import CLOCKS
from nasbench_kit.files import decoded
from nasbench_kit.loaders.source import check_file
from nasbench_kit.spaces import list_spaces

__all__ = ["read_recipe"]

MOST_BYTES = 2**20
MOST_RUNS = 10**6
LIMITS = ("evaluations", "unique_networks", "simulated_seconds")

_TOP = ("name", "title", "citation", "source", "notes", "benchmark", "training", "algorithm", "search", "fact")
_BENCHMARK = ("name", "space", "architectures", "digest", "version", "get")
_TRAINING = ("space", "dataset", "recipe", "epochs", "skeleton", "seeds")
_ALGORITHM = ("name", "algorithm", "settings", "dataset", "nominal_budgets", "needs", "why")
_SEARCH = (
    *("name", "objective", "dataset", "epochs", "trial", "charge", "missing", "include_validation_time", "initial"),
    *("algorithms", *LIMITS, "target", "clock", "runs", "seed", "published_runs", "report"),
)
_OF_TABLE = (
    "dataset",
    "epochs",
    "trial",
    "charge",
    "missing",
    "include_validation_time",
    "target",
    "simulated_seconds",
)


def read_recipe(recipe: str | os.PathLike[str]) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    recipe : str or path-like
        The name of a bundled recipe, or the path of a TOML file.

    Raises
    ------
    UnknownName
        Neither a recipe that ships with the package nor a path.
    SourceError
        Not a valid recipe; the message says which key is wrong, and why.
    """
    path = recipe_path(recipe)
    if path is None:
        raise UnknownName("recipe", str(recipe), bundled_recipes(), "The path of a TOML file also works.")
    check_file(path)
    if path.stat().st_size > MOST_BYTES:
        raise SourceError(f"{path} is larger than 1 MiB, which no recipe is")
    try:
        content = tomllib.loads(decoded(path.read_bytes()), parse_float=Decimal)
    except (ValueError, RecursionError) as error:  # also text that is no UTF-8, and integers of thousands of digits
        raise SourceError(f"{path} is not valid TOML: {str(error)[:500]}") from error
    top = Fields(path, "", content, _TOP)
    if top.has("benchmark") == top.has("training"):
        raise SourceError(f"{path}: there must be either a [benchmark] or a [training]")
    training = _training(top.table("training", _TRAINING)) if top.has("training") else None
    algorithms: dict[str, Member] = {}
    for fields in top.tables("algorithm", _ALGORITHM):
        member = _member(fields)
        if member.name in algorithms:
            raise fields.fault("name", f"is the second {member.name!r}")
        algorithms[member.name] = member
    searches: dict[str, SearchPart] = {}
    for fields in top.tables("search", _SEARCH):
        search = _search(fields, algorithms, str(len(searches)), training is not None)
        if search.name in searches:
            raise fields.fault("name", f"is the second {search.name!r}: several searches need names")
        searches[search.name] = search
    facts = tuple(read_fact(fields) for fields in top.tables("fact", FACT_KEYS))
    if facts and training is not None:
        raise top.fault("fact", "is about a table, and this recipe trains")
    if not searches and not facts:
        raise SourceError(f"{path}: there is neither a [[search]] nor a [[fact]], so nothing to reproduce")
    return Recipe(
        path=path,
        name=top.text("name"),
        title=top.text("title"),
        citation=top.text("citation"),
        source=top.text("source"),
        table=training or _table(top.table("benchmark", _BENCHMARK)),
        algorithms=algorithms,
        searches=tuple(searches.values()),
        facts=facts,
        notes=top.texts("notes", ()),
    )


def _table(fields: Fields) -> NeededTable:
    name = fields.text("name")
    if Path(name).name != name:
        raise fields.fault("name", f"must be a benchmark's name, or a store in the recipe's own folder, not {name!r}")
    return NeededTable(
        name=name,
        space=fields.choice("space", list_spaces()),
        architectures=fields.optional_whole("architectures", 1),
        digest=fields.texts("digest", ()),
        version=fields.text("version", "") if fields.has("version") else "",
        get=fields.text("get") if fields.has("get") else "",
    )


def _training(fields: Fields) -> NeededTraining:
    skeleton: dict[str, Any] = {}
    if fields.has("skeleton"):
        given = fields.table("skeleton")
        skeleton = {key: _plain(given, key) for key in given.names()}
    return NeededTraining(
        space=fields.choice("space", list_spaces()),
        dataset=fields.text("dataset"),
        recipe=fields.optional_text("recipe"),
        epochs=fields.optional_whole("epochs", 1),
        skeleton=skeleton,
        seeds=fields.whole("seeds", 1, 1),
    )


def _plain(fields: Fields, key: str) -> Any:
    """A value of a skeleton: text, a number, true or false, or a list of whole numbers."""
    value = fields.value(key)
    if isinstance(value, list):
        return list(fields.wholes(key, 1))
    if not isinstance(value, (str, bool, int, Decimal)):
        raise fields.fault(key, "must be text, a number, true or false, or a list of whole numbers")
    return fields.number(key) if isinstance(value, Decimal) else value


def _member(fields: Fields) -> Member:
    name = fields.text("name")
    nominal = fields.wholes("nominal_budgets", 1) if fields.has("nominal_budgets") else ()
    if any(b <= a for a, b in itertools.pairwise(nominal)):
        raise fields.fault("nominal_budgets", "must ascend")
    return Member(
        name,
        _algorithm(fields),
        dataset=fields.optional_text("dataset"),
        nominal_budgets=nominal,
        needs=fields.optional_text("needs") or "",
        why=fields.optional_text("why") or "",
    )


def _algorithm(fields: Fields) -> Algorithm:
    """An algorithm of the kit by its name, with other settings. Files of code are not accepted here."""
    base = named_algorithm(fields.choice("algorithm", (*ALGORITHMS, *CONFIGURATIONS)))
    if not fields.has("settings"):
        return base
    settings = fields.table("settings", base.settings)
    values: dict[str, Any] = {}
    for key in settings.names():
        value = settings.value(key)
        if not isinstance(value, (str, bool, int, Decimal)):
            raise settings.fault(key, "must be text, a number, true or false")
        if isinstance(value, Decimal):
            value = settings.number(key)
        # settings of text are checked by the algorithm when it starts, so their type is checked here
        if isinstance(base.settings[key], str) != isinstance(value, str):
            raise settings.fault(key, f"must be like its default, {base.settings[key]!r}")
        values[key] = value
    try:
        return dataclasses.replace(base, **values)
    except (ValueError, TypeError, NasbenchKitError) as error:
        raise SourceError(f"{fields.path}: {settings.where}: {error}") from error


def _search(fields: Fields, algorithms: Mapping[str, Member], place: str, trains: bool) -> SearchPart:
    for key in _OF_TABLE if trains else ():
        if fields.has(key):
            raise fields.fault(key, "does not apply to a recipe that trains")
    chosen = fields.texts("algorithms", tuple(algorithms))
    for name in chosen:
        if name not in algorithms:
            error = UnknownName("algorithm", name, algorithms)
            raise SourceError(f"{fields.path}: {fields.place('algorithms')}: {error}")
    if not chosen:
        raise SourceError(f"{fields.path}: {fields.where}: there is no [[algorithm]] to search with")
    budget, to_optimum = _budget(fields)
    published_runs = fields.optional_whole("published_runs", 1)
    objectives = fields.texts("objective")
    reports = tuple(read_report(part, chosen, len(objectives), trains) for part in fields.tables("report", REPORT_KEYS))
    if not reports:
        raise fields.fault("report", "is missing: what of the search is published?")
    runs = fields.whole("runs", 2)
    if runs > MOST_RUNS:
        raise fields.fault("runs", f"must be at most {MOST_RUNS:,}, not {runs:,}")
    options: dict[str, Any] = {
        "charge": fields.choice("charge", CHARGES, "all"),
        "missing": fields.choice("missing", MISSING, "raise"),
        "include_validation_time": fields.boolean("include_validation_time", default=False),
    }
    if fields.has("trial"):
        number = isinstance(fields.value("trial"), int)
        options["seed"] = fields.whole("trial", 0) if number else fields.choice("trial", ("random", "mean"))
    return SearchPart(
        where=fields.where,
        name=fields.text("name", place),
        objectives=objectives,
        dataset="" if trains else fields.text("dataset"),
        epochs=fields.optional_whole("epochs", 1),
        options=options,
        algorithms=chosen,
        budget=budget,
        to_optimum=to_optimum,
        clock=fields.choice("clock", CLOCKS, "simulated_seconds" if budget.simulated_seconds else "evaluations"),
        runs=runs,
        seed=fields.whole("seed", 0, 0),
        published_runs=published_runs,
        reports=reports,
        initial=fields.texts("initial", ()),
    )


def _budget(fields: Fields) -> tuple[Budget, bool]:
    ends: dict[str, Any] = {name: fields.whole(name, 1) for name in LIMITS[:2] if fields.has(name)}
    if fields.has("simulated_seconds"):
        ends["simulated_seconds"] = fields.number("simulated_seconds", 0)
    if not ends:
        raise SourceError(f"{fields.path}: {fields.where}: there is no budget: give one of {', '.join(LIMITS)}")
    to_optimum = fields.has("target") and isinstance(fields.value("target"), str)
    if to_optimum:
        fields.choice("target", ("best",))
    elif fields.has("target"):
        ends["target"] = fields.number("target")
    try:
        return Budget(**ends), to_optimum
    except ValueError as error:
        raise SourceError(f"{fields.path}: {fields.where}: {error}") from error
