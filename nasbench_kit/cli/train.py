"""Make a table of one's own by real training: every network of a space, resumable, over all cores."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from nasbench_kit.cli.output import print_json, progress_bars
from nasbench_kit.errors import MissingExtra, UnknownName


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument("space", help="the search space: nb201")
    parser.add_argument("--dataset", default="digits", help="the dataset: digits (default)")
    parser.add_argument(
        "--output", metavar="FILE", default="nb201-digits.h5", help="the store to write (default %(default)s)"
    )
    parser.add_argument(
        "--sample", default="all", metavar="N|all", help="train N networks drawn at random (default all)"
    )
    parser.add_argument("--epochs", type=int, default=8, help="epochs of every training (default %(default)s)")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of every network (default %(default)s)")
    parser.add_argument("--processes", type=int, help="worker processes, one core each (default: all cores)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    try:
        from nasbench_kit.training.digits_table import train_digits_table
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("nasbench_kit"):
            raise
        raise MissingExtra("training", "train") from error
    if options.space != "nb201":
        raise UnknownName("space to train", options.space, ["nb201"])
    if options.dataset != "digits":
        raise UnknownName("dataset to train on", options.dataset, ["digits"])
    if options.sample != "all" and not (options.sample.isdecimal() and int(options.sample) > 0):
        raise ValueError(f"--sample is a number of networks or 'all', not {options.sample!r}")
    start = time.perf_counter()
    with progress_bars(["training"]) as update:
        bench = train_digits_table(
            Path(options.output),
            sample=None if options.sample == "all" else int(options.sample),
            epochs=options.epochs,
            seeds=options.seeds,
            processes=options.processes,
            progress=lambda done, total: update("training", done / total),
        )
    seconds = time.perf_counter() - start
    if options.json:
        print_json({**bench.info, "seconds": seconds})
    else:
        print(f"{bench.path}: {len(bench):,} networks trained")
        print(f"took {seconds:.0f} s", file=sys.stderr)
    return 0
