"""List the available benchmarks, search spaces and algorithms."""

from __future__ import annotations

import argparse
from typing import Any

from nasbench_kit.algorithms import ALGORITHMS, CONFIGURATIONS
from nasbench_kit.benchmark import open_benchmark
from nasbench_kit.cli.output import print_json, print_table, say
from nasbench_kit.data import list_benchmarks, store_folder
from nasbench_kit.errors import StoreError
from nasbench_kit.spaces import list_spaces, space


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    found: list[dict[str, Any]] = []
    for name in list_benchmarks():
        try:
            bench = open_benchmark(name)
        except StoreError as error:
            found.append({"name": name, "error": str(error)})
            continue
        found.append(
            {
                "name": name,
                "space": bench.space.name,
                "architectures": len(bench),
                "datasets": list(bench.datasets),
                "source": bench.info.get("source", ""),
                "licence": bench.info.get("licence", ""),
            }
        )
    if options.json:
        print_json(
            {
                "benchmarks": found,
                "spaces": {name: space(name).size for name in list_spaces()},
                "algorithms": list(ALGORITHMS),
                "configurations": list(CONFIGURATIONS),
                "store_folder": str(store_folder()),
            }
        )
        return 0
    rows = [
        [entry["name"], "cannot be opened", "", entry["error"], ""]
        if "error" in entry
        else [
            entry["name"],
            entry["space"],
            f"{entry['architectures']:,}",
            ", ".join(entry["datasets"]),
            entry["licence"],
        ]
        for entry in found
    ]
    print_table("benchmarks", ["name", "space", "architectures", "datasets", "licence"], rows, left=5)
    print_table("search spaces", ["name", "genotypes"], [[name, f"{space(name).size:,}"] for name in list_spaces()])
    say(f"algorithms: {', '.join(ALGORITHMS)}")
    say(f"published settings: {', '.join(CONFIGURATIONS)}")
    say(f"store folder: {store_folder()}")
    return 0
