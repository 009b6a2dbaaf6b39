"""Print the BibTeX entries to cite for benchmarks, search spaces and algorithms, and for the kit."""

from __future__ import annotations

import argparse

from nasbench_kit.benchmark import open_benchmark
from nasbench_kit.data import list_benchmarks
from nasbench_kit.data.references import KIT, algorithm_references, bibtex, cited_references
from nasbench_kit.errors import UnknownName
from nasbench_kit.spaces import list_spaces
from nasbench_kit.spaces.registry import spec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="benchmarks, search spaces and algorithms (default: the kit alone)"
    )


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    keys = [KIT]
    for name in options.names:
        keys += _keys(name)
    print(bibtex(keys))
    return 0


def _keys(name: str) -> tuple[str, ...]:
    if name in list_benchmarks():
        return cited_references(str(open_benchmark(name).info.get("citation", "")))
    if name in list_spaces():
        return cited_references(spec(name).citation)
    from nasbench_kit.algorithms import ALGORITHMS, parse_algorithm

    try:
        return algorithm_references(parse_algorithm(name).name)
    except UnknownName:
        known = dict.fromkeys([*list_benchmarks(), *list_spaces(), *ALGORITHMS])
        raise UnknownName("benchmark, space or algorithm", name, known) from None
