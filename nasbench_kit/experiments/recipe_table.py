"""The table that a recipe needs, and whether what the recipe asks for fits it."""

from __future__ import annotations

import warnings

import numpy as np

from nasbench_kit.benchmark import Benchmark, TabularProblem, open_benchmark
from nasbench_kit.data import found_stores, store_folder
from nasbench_kit.errors import NasbenchKitError, SourceError, StoreError, UnknownName
from nasbench_kit.experiments.recipe import Member, NeededTable, Recipe, Report, SearchPart
from nasbench_kit.problems import TestSelectionWarning
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["check_report", "initial_of", "open_table", "problem_of", "unfit"]


def open_table(recipe: Recipe) -> Benchmark:
    """Open the table that a recipe needs; StoreError if it is absent, or if the store of this name is another one."""
    needed = recipe.table
    assert isinstance(needed, NeededTable)
    own = recipe.path.parent / needed.name
    how = f": {needed.get}" if needed.get else ""
    words = f"{needed.name!r}" + (f" ({needed.version})" if needed.version else "")
    if needed.name in found_stores():
        bench = open_benchmark(needed.name)
    elif own.suffix == ".h5" and own.is_file():
        bench = open_benchmark(own)
    else:
        raise StoreError(
            f"the recipe {recipe.name} needs the benchmark {words}, which is not here{how}. Stores are searched for in "
            f"{store_folder()}"
        )
    found = None
    if bench.space.name != needed.space:
        found = f"is of the space {bench.space.name}, not {needed.space}"
    elif needed.architectures is not None and len(bench) != needed.architectures:
        found = f"has {len(bench):,} architectures, not {needed.architectures:,}"
    elif needed.digest and bench.digest not in needed.digest:
        found = f"has the digest {bench.digest}, which is not that of the recipe"
    if found:
        raise StoreError(f"{bench.path} is not the table that the recipe {recipe.name} needs, {words}: it {found}{how}")
    return bench


def problem_of(recipe: Recipe, bench: Benchmark, part: SearchPart, member: Member | None = None) -> TabularProblem:
    """The problem of a search, or of one of its algorithms where that has a dataset or budgets of its own."""
    dataset, nominal = (member.dataset, member.nominal_budgets) if member else (None, ())
    try:
        with warnings.catch_warnings():  # the recipe, not the user, decided to search on test data
            warnings.simplefilter("ignore", TestSelectionWarning)
            return bench.problem(
                part.objectives,
                dataset=dataset or part.dataset,
                epochs=part.epochs,
                nominal_budgets=nominal,
                **part.options,
            )
    except (NasbenchKitError, ValueError) as error:
        raise unfit(recipe, part.where, error) from error


def check_report(recipe: Recipe, bench: Benchmark, part: SearchPart, report: Report) -> None:
    """SourceError if the metric of a report is not in the table, or has no direction although the report needs one."""
    if report.metric is None:
        return
    try:
        dataset = report.dataset or part.dataset
        bench.query(bench.architectures[:1], report.metric, dataset=dataset, epochs=report.epochs)
        if report.quantity != "value" or report.order:
            bench.metric(report.metric, dataset).minimised(np.empty(0))
    except (NasbenchKitError, ValueError) as error:
        raise unfit(recipe, report.where, error) from error


def initial_of(recipe: Recipe, part: SearchPart, space: Space) -> Genotypes | None:
    """The first members of the first population; None if the recipe gives none."""
    if not part.initial:
        return None
    try:
        return space.encode(list(part.initial))
    except NasbenchKitError as error:
        raise unfit(recipe, f"{part.where}.initial", error) from error


def unfit(recipe: Recipe, where: str, error: Exception) -> SourceError:
    """The error for a recipe that does not fit its table."""
    get = recipe.table.get if isinstance(recipe.table, NeededTable) else ""
    how = f" (to get the table of the recipe: {get})" if get and isinstance(error, UnknownName) else ""
    return SourceError(f"{recipe.path}: {where}: {error}{how}")
