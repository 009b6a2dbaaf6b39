"""Compute training-free proxies of a table's architectures, and their rank correlation with its accuracies."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from nasbench_kit.benchmark import open_benchmark
from nasbench_kit.cli.extras import needs_training
from nasbench_kit.cli.output import print_json, print_table, progress_bars, say
from nasbench_kit.metrics.rank_correlation import rank_agreement

SAMPLE = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument("benchmark", help="benchmark name, or path of a store")
    parser.add_argument("--names", nargs="+", metavar="PROXY", help="proxies such as synflow or naswot (default: all)")
    parser.add_argument(
        "--sample",
        metavar="N|all",
        help=f"number of randomly drawn architectures (default: {SAMPLE}, or all with --output)",
    )
    parser.add_argument("--dataset", help="dataset of the table; may be omitted if there is only one")
    parser.add_argument("--metric", default="valid_accuracy", help="metric to compare them with (default %(default)s)")
    parser.add_argument("-o", "--output", metavar="FILE", help="write a copy of the store with the proxies as metrics")
    parser.add_argument("--batch", type=int, default=64, help="images per batch (default %(default)s)")
    parser.add_argument("--images", metavar="NAME|FILE", help="images to use, if not found by the dataset's name")
    parser.add_argument("--data", metavar="FOLDER", help="folder of the published images")
    parser.add_argument("--noise", action="store_true", help="use random images and labels, which needs no dataset")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, images and draws (default %(default)s)")
    parser.add_argument("--processes", type=int, help="worker processes, one core each (default: all cores)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    with needs_training("computing proxies"):
        from nasbench_kit.training.proxies.measuring import measure
        from nasbench_kit.training.proxies.table import proxy_table
    bench = open_benchmark(options.benchmark)
    sample = options.sample or ("all" if options.output else str(min(SAMPLE, len(bench))))
    if sample != "all" and not (sample.isdecimal() and int(sample) > 0):
        raise ValueError(f"--sample must be a number of architectures or 'all', not {sample!r}")
    if options.processes is not None and options.processes < 1:
        raise ValueError(f"--processes must be at least 1, not {options.processes}")
    bench.query(bench.architectures[:1], options.metric, dataset=options.dataset)  # fail early on unknown names
    with progress_bars(["proxies"]) as update:
        settings: dict[str, Any] = {
            "dataset": options.dataset,
            "sample": None if sample == "all" else int(sample),
            "batch": options.batch,
            "noise": options.noise,
            "images_from": options.images,
            "folder": options.data,
            "seed": options.seed,
            "processes": options.processes,
            "progress": lambda done, total: update("proxies", done / total),
        }
        if options.output:
            joined, measured = proxy_table(bench, Path(options.output), options.names, **settings)
            say(f"wrote {joined.path}", error=True)
        else:
            measured = measure(bench, options.names, **settings)
    values = bench.query(bench.architectures[measured.rows], options.metric, dataset=measured.dataset)
    rows: list[dict[str, Any]] = []
    for i, name in enumerate(measured.names):
        rho, tau = rank_agreement(measured.values[:, i], values)
        rows.append(
            {
                "proxy": name,
                "seconds": float(np.median(measured.seconds[:, i])),
                "spearman": rho,
                "kendall": tau,
                "undefined": int(np.isnan(measured.values[:, i]).sum()),
            }
        )
    if options.json:
        print_json(
            {
                "benchmark": bench.name,
                "dataset": measured.dataset,
                "metric": options.metric,
                "architectures": len(measured.rows),
                **measured.how,
                "proxies": rows,
            }
        )
        return 0
    print_table(
        f"{bench.name}: {len(measured.rows):,} architectures, rank correlation with {options.metric}",
        ["proxy", "ms per network", "Spearman", "Kendall", "undefined"],
        [
            [
                str(row["proxy"]),
                f"{1000 * row['seconds']:.2f}",
                f"{row['spearman']:.3f}",
                f"{row['kendall']:.3f}",
                str(row["undefined"]),
            ]
            for row in rows
        ],
        caption=f"{options.batch} {'random images' if options.noise else f'images of {measured.dataset}'}, seed {options.seed}; "
        "ms: median on one core",
        optional=["undefined"],
    )
    return 0
