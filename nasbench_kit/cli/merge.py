"""Merge results of a search whose runs were divided with --first-run, e.g. over the jobs of a cluster."""

from __future__ import annotations

import argparse
from pathlib import Path

from nasbench_kit.cli.output import print_json, say
from nasbench_kit.errors import StoreError
from nasbench_kit.experiments.merging import merge
from nasbench_kit.files import check_target


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument("results", nargs="+", metavar="FILE", help="results of the same search, of different runs")
    parser.add_argument(
        "-o", "--output", metavar="FILE", required=True, help="save the result, for nasbench_kit.load_result"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    output = Path(options.output)
    check_target(output, StoreError)
    result = merge(options.results)
    numbers = result.run_numbers.tolist()
    missing = sorted(set(range(numbers[-1])) - set(numbers))
    result.save(output)
    if missing:
        say(f"warning: {len(missing)} runs below {numbers[-1]} are missing, the first is {missing[0]}", error=True)
    if options.json:
        print_json({"output": str(output), "runs": result.runs, "run_numbers": numbers, "digest": result.digest})
    else:
        say(f"{output}: {result.runs} runs of {result.algorithm}, numbered {numbers[0]} to {numbers[-1]}")
    return 0
