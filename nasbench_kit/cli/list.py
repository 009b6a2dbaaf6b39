"""List the available benchmarks, search spaces and algorithms, and the benchmarks that can be downloaded."""

from __future__ import annotations

import argparse
import re
from typing import Any

from nasbench_kit.algorithms import ALGORITHMS, CONFIGURATIONS
from nasbench_kit.benchmark import Benchmark
from nasbench_kit.cli.output import print_json, print_table, say
from nasbench_kit.data import FoundStore, found_stores, store_folder
from nasbench_kit.data.catalogue import downloads
from nasbench_kit.errors import InvalidArchitecture, StoreError
from nasbench_kit.spaces import list_spaces, space

MOST_DATASETS = 40  # characters of the datasets of a benchmark in the printed table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    benchmarks = [_benchmark(name, store) for name, store in found_stores().items()]
    downloadable: list[dict[str, Any]] = [
        {
            "name": name,
            "files": [{"name": file.name, "size": file.size} for file in known.files],
            "recommended": known.default,
            "licence": known.licence,
            "page": known.page,
        }
        for name, known in downloads().items()
    ]
    if options.json:
        print_json(
            {
                "benchmarks": benchmarks,
                "downloads": downloadable,
                "spaces": {name: space(name).size for name in list_spaces()},
                "algorithms": list(ALGORITHMS),
                "configurations": list(CONFIGURATIONS),
                "store_folder": str(store_folder()),
            }
        )
        return 0
    print_table(
        "benchmarks",
        ["name", "space", "architectures", "datasets", "size", "where", "licence"],
        [_row(entry) for entry in benchmarks],
        left=7,
        optional=("datasets", "licence", "size"),
    )
    print_table(
        "available with nasbench-kit download NAME",
        ["name", "file", "size", "licence"],
        [
            [entry["name"], file["name"], _size(file["size"]), _short(entry["licence"])]
            for entry in downloadable
            for file in entry["files"][: entry["recommended"]]
        ],
        left=4,
    )
    print_table("search spaces", ["name", "genotypes"], [[name, _count(space(name).size)] for name in list_spaces()])
    say(f"algorithms: {', '.join(ALGORITHMS)}")
    say(f"published settings: {', '.join(CONFIGURATIONS)}")
    say(f"store folder: {store_folder()}")
    return 0


def _benchmark(name: str, store: FoundStore) -> dict[str, Any]:
    """What a store is, as plain data; if it cannot be opened, why not."""
    where = {"where": "bundled" if store.bundled else "store folder", "hides_bundled": store.hides_bundled}
    try:
        bench = Benchmark(store.path)
    except (StoreError, InvalidArchitecture) as error:
        return {"name": name, "error": str(error), **where}
    return {
        "name": name,
        "space": bench.space.name,
        "architectures": len(bench),
        "datasets": list(bench.datasets),
        "size": store.path.stat().st_size,
        "source": bench.info.get("source", ""),
        "licence": bench.info.get("licence", ""),
        **where,
    }


def _row(entry: dict[str, Any]) -> list[str]:
    where = entry["where"] + (", used instead of the bundled one" if entry["hides_bundled"] else "")
    if "error" in entry:
        return [entry["name"], "cannot be opened", "", entry["error"], "", where, ""]
    datasets = ", ".join(entry["datasets"])
    if len(datasets) > MOST_DATASETS:
        datasets = f"{len(entry['datasets'])}: {datasets[:MOST_DATASETS].rsplit(', ', 1)[0]}, ..."
    return [
        entry["name"],
        entry["space"],
        f"{entry['architectures']:,}",
        datasets,
        _size(entry["size"]),
        where,
        _short(entry["licence"]),
    ]


def _short(licence: str) -> str:
    """A licence without the remarks in parentheses, which --json and info show."""
    return re.sub(r" \([^)]*\)", "", licence)


def _count(number: int) -> str:
    return f"{number:,}" if number < 10**15 else f"{float(number):.1e}"


def _size(size: int | None) -> str:
    return "unknown" if size is None else f"{size / 1e6:,.1f} MB"
