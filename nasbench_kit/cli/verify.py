"""Train sampled entries of a store again, and test its values. Exit status 1 if they are contradicted."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nasbench_kit.benchmark import open_benchmark
from nasbench_kit.cli.extras import needs_training
from nasbench_kit.cli.output import print_json, print_table, progress_bars, say
from nasbench_kit.training.verification.verdicts import CONTRADICTED, DRAWS

if TYPE_CHECKING:
    from nasbench_kit.training.verification.verifying import Verification


FIGURES = ("training_seeds", "alpha", "margin", "trained_seconds", "seconds")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument("benchmark", help="benchmark name, or path of a store")
    parser.add_argument("--dataset", help="dataset of the store; may be omitted if there is only one")
    parser.add_argument(
        "--metrics",
        nargs="+",
        metavar="METRIC",
        help="accuracies to compare; the first determines the draw (default: all)",
    )
    parser.add_argument("--epochs", type=int, help="epoch budget to compare (default: the largest)")
    parser.add_argument("--sample", type=int, default=20, help="entries to train (default %(default)s)")
    parser.add_argument("--draw", default="stratified", help=f"{', '.join(DRAWS)} (default %(default)s)")
    parser.add_argument(
        "--seeds",
        type=int,
        default=3,
        help="trainings per entry, with seeds that are not in the table (default %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw (default %(default)s)")
    parser.add_argument(
        "--alpha",
        type=float,
        default=0.01,
        help="maximum probability of contradicting a correct table (default %(default)s)",
    )
    parser.add_argument(
        "--margin", type=float, default=2.0, help="equivalence margin in percentage points (default %(default)s)"
    )
    parser.add_argument(
        "--images", metavar="NAME|FILE", help="images to train on, if the store does not determine them"
    )
    parser.add_argument("--data", metavar="FOLDER", help="folder of the published images")
    parser.add_argument("--recipe", metavar="NAME", help="a published recipe, for stores that do not specify one")
    parser.add_argument("--processes", type=int, help="worker processes, one core each (default: all cores)")
    parser.add_argument("--device", help="cpu, cuda, ... (default: cuda if available, but cpu for the small table)")
    parser.add_argument("--checkpoints", metavar="FOLDER", help="keep checkpoints here, to resume after being killed")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    bench = open_benchmark(options.benchmark)  # report an unknown name before importing torch
    with needs_training("training networks"):
        from nasbench_kit.training.verification.verifying import verify
    with progress_bars(["training"]) as update:
        found = verify(
            bench,
            dataset=options.dataset,
            metrics=options.metrics,
            epochs=options.epochs,
            sample=options.sample,
            draw=options.draw,
            seeds=options.seeds,
            seed=options.seed,
            alpha=options.alpha,
            margin=options.margin,
            images=options.images,
            folder=options.data,
            recipe=options.recipe,
            processes=options.processes,
            device=options.device,
            checkpoints=options.checkpoints,
            progress=lambda done, total: update("training", done / total),
        )
    if options.json:
        names = (
            "benchmark",
            "dataset",
            "epochs",
            "verdict",
            "reasons",
            "undecided",
            "assumed",
            "setting",
            "draw",
            "seed",
        )
        content = {name: getattr(found, name) for name in (*names, *FIGURES)}
        content["checks"] = [vars(check) for check in found.checks]
        content["entries"] = found.frame.to_dict(orient="records")
        print_json(content)
    else:
        _print(found)
        say(f"took {found.seconds:.1f} s, of which {found.trained_seconds:.1f} s for training", error=True)
    return 1 if found.verdict == CONTRADICTED else 0


def _print(found: Verification) -> None:
    import pandas as pd

    first = found.frame["metric"].iloc[0]
    shown = found.frame[(found.frame["metric"] == first) | (found.frame["verdict"] == CONTRADICTED)]
    several = shown["metric"].nunique() > 1
    header = ["architecture", "metric", "table", "measured", "difference", "tolerance", "p", "verdict"]
    rows = [
        [
            str(row["architecture"]),
            str(row["metric"]),
            _mean(row["table_mean"], row["table_sd"]),
            _mean(row["measured_mean"], row["measured_sd"]),
            f"{row['difference']:+.2f}",
            "unknown" if pd.isna(row["tolerance"]) else f"{row['tolerance']:.2f}",
            "" if pd.isna(row["p"]) else f"{row['p']:.2g}",
            str(row["verdict"]),
        ]
        for _, row in shown.iterrows()
    ]
    if not several:
        header = [name for name in header if name != "metric"]
        rows = [[row[0], *row[2:]] for row in rows]
    budget = "" if found.epochs is None else f", {found.epochs} epochs"
    title = (
        f"{found.benchmark}/{found.dataset}{budget}: {len(found.entries)} entries ({found.draw}), trained with seeds "
        f"{', '.join(map(str, found.training_seeds))}; {first}"
    )
    caption = (
        "mean ± standard deviation over seeds, percent; tolerance: smallest difference that would contradict the table; "
        "p: corrected for all tests;\n"
        f"agrees: the 90 % interval of the difference is within ±{found.margin:g} points"
    )
    others = len(found.frame["metric"].unique()) - 1
    if others:
        caption += f"; the {others} other metrics of an entry are shown only if contradicted (--json has all)"
    print_table(title, header, rows, caption, optional=("p", "tolerance"))
    checks = [
        [check.name, check.metric, check.found, "" if pd.isna(check.p) else f"{check.p:.2g}", check.verdict]
        for check in found.checks
    ]
    print_table(None, ["check", "metric", "found", "p", "verdict"], checks, left=3, optional=("p",))
    for text in found.assumed:
        say(f"assumed, as the store does not specify it: {text}")
    for text in found.undecided:
        say(f"undecided: {text}")
    say(found.summary())
    for text in found.reasons:
        say(f"because {text}")


def _mean(mean: float, sd: float) -> str:
    import pandas as pd

    if pd.isna(mean):
        return "unknown"
    return f"{mean:.2f}" if pd.isna(sd) else f"{mean:.2f} ± {sd:.2f}"
