"""Write a benchmark as a CSV or Parquet table, with the mapping that converts it to a store again."""

from __future__ import annotations

import argparse
from pathlib import Path

from nasbench_kit.cli.output import say
from nasbench_kit.loaders.export import SUFFIXES, export


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument("benchmark", help="a benchmark's name or the path of a store")
    parser.add_argument(
        "-o", "--output", required=True, metavar="FILE", help=f"the table to write: {', '.join(SUFFIXES)}"
    )
    parser.add_argument("--dataset", nargs="+", metavar="DATASET", help="default: all")
    parser.add_argument("--metrics", nargs="+", metavar="METRIC", help="default: all of the datasets")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    mapping = export(options.benchmark, options.output, datasets=options.dataset, metrics=options.metrics)
    say(f"{Path(options.output)}: read it again with: nasbench-kit convert {options.output} --mapping {mapping}")
    return 0
