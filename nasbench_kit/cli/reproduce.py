"""Reproduce published results: our figures beside the published ones, with a verdict."""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
from pathlib import Path
from typing import Any

from nasbench_kit.cli.output import plain, print_json, print_table, progress_bars, say
from nasbench_kit.cli.picture import add_plot_arguments, check_plot, look_of
from nasbench_kit.errors import SourceError, StoreError, UnknownName
from nasbench_kit.experiments.recipe import NeededTable, NeededTraining, Recipe, bundled_recipes
from nasbench_kit.experiments.recipe_file import read_recipe
from nasbench_kit.experiments.recipe_table import open_table
from nasbench_kit.experiments.reported import NOT_RUN
from nasbench_kit.experiments.reproduction import Reproduction, reproduce
from nasbench_kit.files import check_target, replace_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument(
        "recipe", nargs="?", help=f"one of {', '.join(bundled_recipes())}, or the path of your own recipe (.toml)"
    )
    parser.add_argument(
        "--list", action="store_true", help="list the recipes that ship with the package, and what each of them needs"
    )
    parser.add_argument("--runs", type=int, help="runs of each search (default: as the recipe says)")
    parser.add_argument("--seed", type=int, help="random seed (default: as the recipe says)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that share the runs (default: all cores)")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the table: .csv or .json")
    add_plot_arguments(parser, more="; the second of several searches gets FILE-2, and so on")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status: 1 if a figure differs from the published one."""
    if options.list:
        return _list(options.json)
    if options.recipe is None:
        raise UnknownName("recipe", None, bundled_recipes(), "The path of a TOML file also works.")
    recipe = read_recipe(options.recipe)
    _check_targets(options, recipe)
    trained = None
    if isinstance(recipe.table, NeededTraining):
        from nasbench_kit.training.search.reproduction import training_problem

        trained = training_problem
    else:
        open_table(recipe)  # before a progress bar is shown
    with progress_bars(recipe.tasks) as update:
        found = reproduce(
            recipe, runs=options.runs, seed=options.seed, workers=options.workers, progress=update, trained=trained
        )
    if options.json:
        print_json(as_json(found))
    else:
        print_reproduction(found)
    if options.output:
        say(f"wrote {_write(found, options.output)}", error=True)
    if options.plot:
        drawn = [comparison for comparison in found.comparisons.values() if comparison.results]
        for i, comparison in enumerate(drawn):
            path = options.plot if not i else options.plot.with_stem(f"{options.plot.stem}-{i + 1}")
            comparison.plot("anytime", path, **look_of(options))
            say(f"wrote {path}", error=True)
    return 0 if found.passed else 1


def _check_targets(options: argparse.Namespace, recipe: Recipe) -> None:
    """What cannot be written is known now, not after the searches."""
    check_plot(options)
    if options.output:
        if options.output.suffix not in (".csv", ".json"):
            raise ValueError(f"--output takes a .csv or a .json file, not {str(options.output)!r}")
        check_target(options.output)
    if options.plot and not recipe.searches:
        raise ValueError(f"the recipe {recipe.name} has no search to draw, only facts: leave out --plot")


def _list(in_json: bool) -> int:
    recipes = [read_recipe(name) for name in bundled_recipes()]
    lacks = {recipe.name: _lack(recipe) for recipe in recipes}
    if in_json:
        print_json(
            [
                {
                    "name": recipe.name,
                    "title": recipe.title,
                    "citation": recipe.citation,
                    "source": recipe.source,
                    "benchmark": recipe.table.name if isinstance(recipe.table, NeededTable) else None,
                    "needs": _need(recipe),
                    "available": not lacks[recipe.name],
                    "get": lacks[recipe.name] or None,
                }
                for recipe in recipes
            ]
        )
        return 0
    rows = [
        [
            recipe.name,
            recipe.title,
            _need(recipe),
            f"no: {lacks[recipe.name]}" if lacks[recipe.name] else "yes",
        ]
        for recipe in recipes
    ]
    print_table("published results", ["recipe", "what", "needs", "runs here"], rows, left=4)
    return 0


def _need(recipe: Recipe) -> str:
    """What a recipe runs on, in a few words."""
    if isinstance(recipe.table, NeededTraining):
        return f"PyTorch; trains on {recipe.table.dataset}"
    return f"table {recipe.table.name}"


def _lack(recipe: Recipe) -> str:
    """What to do before a recipe can run; empty if it can run now."""
    if isinstance(recipe.table, NeededTraining):
        missing = [name for name in ("torch", "sklearn") if importlib.util.find_spec(name) is None]
        return "pip install 'nasbench-kit[train]'" if missing else ""
    try:
        open_table(recipe)
    except (StoreError, SourceError) as error:
        return recipe.table.get or str(error)
    return ""


# ---------------------------------------------------------------- the table


def as_json(found: Reproduction) -> dict[str, Any]:
    """A reproduction as plain JSON."""
    recipe = found.recipe
    return {
        "recipe": recipe.name,
        "title": recipe.title,
        "citation": recipe.citation,
        "source": recipe.source,
        "notes": recipe.notes,
        "benchmark": None if found.bench is None else {"name": found.bench.name, "digest": found.bench.digest},
        "seeds": {
            name: {algorithm: result.seed for algorithm, result in comparison.results.items()}
            for name, comparison in found.comparisons.items()
        },
        "passed": found.passed,
        "rows": found.table().to_dict(orient="records"),
    }


def print_reproduction(found: Reproduction) -> None:
    """Print the table, with where it is from, what its columns mean and what is known about differences."""
    recipe = found.recipe
    header = ["", "n", "ours", "published", "apart", "p", "verdict"]
    rows: list[list[str]] = []
    # a heading and its rows for each algorithm, which suits 80 columns
    for algorithm in dict.fromkeys(row["algorithm"] for row in found.rows):
        rows += [[algorithm, *[""] * (len(header) - 1)]] if algorithm else []
        rows += [_cells(row, "  " * bool(algorithm)) for row in found.rows if row["algorithm"] == algorithm]
    empty = [i for i, name in enumerate(header) if name in ("n", "p") and not any(cells[i] for cells in rows)]
    header, *rows = [[cell for i, cell in enumerate(line) if i not in empty] for line in (header, *rows)]
    print_table(recipe.title, header, rows, "\n".join(_caption(found)), optional=("p", "n"))
    judged = [row["verdict"] for row in found.rows if row["verdict"] != NOT_RUN]
    left_out = len(found.rows) - len(judged)
    say(
        f"{judged.count('agrees')} of {len(judged)} published figures agree"
        + (f"; {left_out} could not be computed" if left_out else "")
    )


def _cells(row: dict[str, Any], indent: str) -> list[str]:
    p = row.get("p", math.nan)
    return [
        indent + row["quantity"],
        f"{row['n']}" if row["n"] else "",
        _spread(row, "ours"),
        _spread(row, "published"),
        _apart(row),
        "" if math.isnan(p) else f"{p:.2g}",
        row["verdict"],
    ]


def _caption(found: Reproduction) -> list[str]:
    recipe = found.recipe
    lines = [f"published: {recipe.citation}; {recipe.source}"]
    reports = [report for part in recipe.searches for report in part.reports]
    if any(report.published for report in reports):
        used = {str(report.within) for report in reports if report.published}
        lines.append(
            f"agrees: the means over the runs are at most {' or '.join(sorted(used))} apart, beyond the rounding of the "
            "published one, or 1.96 standard errors, if these are more; ± standard deviation (sd)"
        )
    if recipe.facts:
        lines.append("facts agree to the digits that are published, unless their recipe says otherwise")
    if any(report.order or report.rises for report in reports):
        lines.append(
            "better than: agrees if most runs are, and the Brunner-Munzel and Mann-Whitney tests reject equality at 5 %"
        )
    if any(row["test"] and not isinstance(row["published"], str) for row in found.rows):
        lines.append("apart: ours minus published, in published standard deviations; p: Welch's t test, not corrected")
    why: dict[str, list[str]] = {}
    for row in found.rows:
        if row["why"]:
            names = why.setdefault(row["why"], [])
            name = row["algorithm"] or row["quantity"]
            names += [name] if name not in names else []
    lines += [f"{', '.join(names)}: {text}" for text, names in why.items()]
    return lines + [f"note: {note}" for note in recipe.notes]


def _spread(row: dict[str, Any], which: str) -> str:
    mean, sd = row.get(which, math.nan), row.get(f"{which}_sd", math.nan)
    if isinstance(mean, str):
        return mean
    if math.isnan(mean):
        return "–"
    # our own mean over runs has decimals, also where the publication prints none
    digits = max(row["decimals"], 1) if which == "ours" and row["n"] else row["decimals"]
    return f"{mean:,.{digits}f}" + ("" if math.isnan(sd) else f" ± {sd:.{digits}f}")


def _apart(row: dict[str, Any]) -> str:
    difference, in_sd = row.get("difference", math.nan), row.get("difference_sd", math.nan)
    if not math.isnan(in_sd):
        return f"{in_sd:+.2f} sd"
    if math.isnan(difference):
        return ""
    if isinstance(row["published"], str):
        return f"{difference:+.2g}"
    if row["n"] and row["published"]:
        return f"{100 * difference / abs(row['published']):+.1f} %"
    return "0" if not difference else f"{difference:+.1g}"


def _write(found: Reproduction, path: Path) -> Path:
    if path.suffix == ".csv":
        return replace_file(path, lambda temporary: found.table().to_csv(temporary, index=False))
    text = json.dumps(plain(as_json(found)), indent=2, allow_nan=False)
    return replace_file(path, lambda temporary: temporary.write_text(f"{text}\n", encoding="utf-8"))
