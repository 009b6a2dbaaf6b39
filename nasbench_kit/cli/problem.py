"""Options of the commands that search a table: how it answers."""

from __future__ import annotations

import argparse
from typing import Any

from nasbench_kit.benchmark.answers import CHARGES, MISSING
from nasbench_kit.metrics.metric import DIRECTIONS

__all__ = ["add_answer_arguments", "add_problem_arguments", "problem_options"]


def add_problem_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say which part of a table is searched, and how it answers."""
    parser.add_argument("--dataset", help="default: the only one")
    parser.add_argument("--epochs", type=int, help="the epoch budget of evaluations (default: the largest)")
    add_answer_arguments(parser)


def add_answer_arguments(parser: argparse.ArgumentParser) -> tuple[str, ...]:
    """Declare the options that say how a table answers a search, and return their names."""
    group = parser.add_argument_group("how the table answers")
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
        help="how to treat architectures that the table lacks: an error (default), a failed training that costs its "
        "time, a failure that is skipped at no cost, or a search of the stored architectures alone, each other one answered "
        "by the nearest (default for tables of less than 1%% of their space)",
    )
    group.add_argument(
        "--include-validation-time", action="store_true", help="charge one pass over the validation data, too"
    )
    group.add_argument(
        "--direction",
        action="append",
        default=[],
        metavar="METRIC=max|min",
        help="the direction of an objective, if the store does not state it; repeatable",
    )
    return "trial", "charge", "missing", "include_validation_time", "direction"


def problem_options(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments of ``Benchmark.problem`` from the options."""
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
