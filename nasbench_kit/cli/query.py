"""Look up metrics of architectures, given as arguments, in a file, or on stdin, one native form per line."""

from __future__ import annotations

import argparse
import math

import numpy as np

from nasbench_kit.benchmark import open_benchmark
from nasbench_kit.cli.natives import genotypes_of, native_text, read_natives
from nasbench_kit.cli.output import print_json, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument("benchmark", help="a benchmark's name or the path of a store")
    parser.add_argument("architectures", nargs="*", help="native forms; nested forms as JSON")
    parser.add_argument("--file", metavar="FILE", help="a file of native forms, one per line; - is stdin")
    parser.add_argument(
        "--form",
        default="native",
        help="the form of architectures: native (default), number, or another one of the space, such as official_index",
    )
    parser.add_argument(
        "--hash", dest="form", action="store_const", const="hash", help="short for --form hash (NAS-Bench-101)"
    )
    parser.add_argument("--metrics", nargs="+", metavar="METRIC", help="default: all of the dataset")
    parser.add_argument("--dataset", help="default: the only one")
    parser.add_argument("--epochs", type=int, help="the epoch budget (default: the largest)")
    parser.add_argument(
        "--trial", "--seed", dest="seed", default="mean", help="mean (default), random, or a training seed"
    )
    parser.add_argument("--rng", type=int, help="the seed of the draw for --trial random")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tab-separated columns")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    bench = open_benchmark(options.benchmark)
    natives = read_natives(options.architectures, options.file)
    metrics = options.metrics or bench.metrics(options.dataset)
    seed = int(options.seed) if options.seed.isdecimal() else options.seed
    values = bench.query(
        genotypes_of(natives, options.form, bench.space),
        list(metrics),
        dataset=options.dataset,
        epochs=options.epochs,
        seed=seed,
        rng=options.rng,
    )
    texts = [native_text(native) for native in natives]
    if options.json:
        print_json(
            [
                {"architecture": text, **dict(zip(metrics, row, strict=True))}
                for text, row in zip(texts, values, strict=True)
            ]
        )
        return 0
    say("architecture", *metrics)
    for text, row in zip(texts, values.tolist(), strict=True):
        say(text, *map(_number, row))
    return 0


def _number(value: float) -> str:
    if math.isfinite(value) and value == np.floor(value) and abs(value) < 2**53:
        return str(int(value))
    return repr(value)
