"""What a search sees of a table, as options of the commands that search one."""

from __future__ import annotations

import argparse
from typing import Any

from nasbench_kit.benchmark.problem import CHARGES, MISSING
from nasbench_kit.metrics.metric import DIRECTIONS

__all__ = ["add_problem_arguments", "problem_options"]


def add_problem_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say how a table answers a search."""
    group = parser.add_argument_group("how the table answers")
    group.add_argument("--dataset", help="may be left out where there is only one")
    group.add_argument("--epochs", type=int, help="the epoch budget that the search sees; the largest unless given")
    group.add_argument(
        "--trial",
        metavar="SEED",
        help="what an evaluation answers with: random, a stored trial for each evaluation (default where trials are stored); "
        "mean, at the price of all the trainings that it averages; or the trial of one training seed",
    )
    group.add_argument(
        "--charge", choices=CHARGES, default="all", help="what a mean costs: all its trainings (default) or one"
    )
    group.add_argument(
        "--missing",
        choices=MISSING,
        default="raise",
        help="what becomes of an architecture that the table lacks: an error (default), a failed training that costs its "
        "time, or a failure that is skipped at no cost",
    )
    group.add_argument(
        "--include-validation-time", action="store_true", help="charge one pass over the validation data, too"
    )
    group.add_argument(
        "--direction",
        action="append",
        default=[],
        metavar="METRIC=max|min",
        help="whether more or less of an objective is better, where the store does not say; repeatable",
    )


def problem_options(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments of ``Benchmark.problem`` that the options describe."""
    trial = options.trial
    directions = {}
    for text in options.direction:
        name, _, direction = text.partition("=")
        if not name or direction not in DIRECTIONS:
            raise ValueError(f"--direction takes METRIC=max or METRIC=min, not {text!r}")
        directions[name] = direction
    return {
        "dataset": options.dataset,
        "epochs": options.epochs,
        "seed": int(trial) if trial is not None and trial.isdecimal() else trial,
        "charge": options.charge,
        "missing": options.missing,
        "include_validation_time": options.include_validation_time,
        "directions": directions,
    }
