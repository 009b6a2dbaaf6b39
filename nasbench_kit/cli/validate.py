"""Check a store: checksums, encodings, canonical classes, costs, and sampled rows against its source."""

from __future__ import annotations

import argparse
from pathlib import Path

from nasbench_kit.cli.convert import add_source_arguments, mapping_of
from nasbench_kit.cli.output import print_json, print_table
from nasbench_kit.data import find_store
from nasbench_kit.validation import validate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument("benchmark", help="a benchmark's name or the path of a store")
    add_source_arguments(parser, "--source")
    parser.add_argument(
        "--against",
        metavar="FILE",
        help="a file or folder of NAS-Bench-201 or NATS-Bench that the official package is asked about (extra 'official')",
    )
    parser.add_argument("--sample", type=int, default=1000, help="rows compared with a source (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the sample")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    checks = validate(
        find_store(options.benchmark),
        source=Path(options.source) if options.source else None,
        source_format=options.source_format,
        mapping=mapping_of(options),
        partial=options.partial,
        against=Path(options.against) if options.against else None,
        sample=options.sample,
        seed=options.seed,
    )
    failed = [check for check in checks if not check.passed]
    if options.json:
        print_json({"passed": not failed, "checks": [vars(check) for check in checks]})
    else:
        rows = [["ok" if check.passed else "FAILED", check.name, check.found] for check in checks]
        print_table(None, ["result", "check", "found"], rows, left=3)
    return 1 if failed else 0
