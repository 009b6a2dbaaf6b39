"""What a search is to do: options for its algorithm, objectives, budget and runs, shared by tables and training."""

from __future__ import annotations

import argparse
from typing import Any

from nasbench_kit.algorithms import ALGORITHMS, CONFIGURATIONS, Algorithm, parse_algorithm
from nasbench_kit.cli.own import OWN, algorithm_of
from nasbench_kit.experiments.budget import EVALUATIONS

__all__ = ["add_task_arguments", "budget_of", "chosen_algorithm"]

TRAININGS = 100  # evaluations per run of a search by training, by default


def add_task_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of what a search is to do."""
    parser.add_argument(
        "--algorithm", metavar="NAME[:SETTING=VALUE,...]",
        help="search algorithm (default: that of the space's paper, or else RegularizedEvolution, or NSGA2 for several "
        f"objectives). Available: {', '.join([*ALGORITHMS, *CONFIGURATIONS])}, {OWN}",
    )  # fmt: skip
    parser.add_argument(
        "--objectives", nargs="+", metavar="METRIC",
        help="objectives (default: valid_accuracy, plus flops if the algorithm needs two)",
    )  # fmt: skip
    parser.add_argument(
        "--evaluations",
        type=int,
        help=f"budget per run in evaluations (default: {EVALUATIONS:,}; by training: {TRAININGS})",
    )
    parser.add_argument("--generations", type=int, help="budget per run in generations of the algorithm")
    parser.add_argument("--unique-networks", type=int, help="budget per run in distinct networks")
    parser.add_argument("--simulated-seconds", type=float, help="budget per run in seconds of training")
    parser.add_argument("--runs", type=int, default=1, help="independent runs (default: %(default)s)")
    parser.add_argument(
        "--first-run", type=int, default=0, metavar="N",
        help="number of the first run, to divide the runs of a search (default: %(default)s); 'merge' joins the parts",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="seed of the search (default: %(default)s)")


def chosen_algorithm(options: argparse.Namespace, space: str) -> Algorithm:
    """The algorithm of the options, by default one that suits the space and the number of objectives."""
    if options.algorithm:
        return algorithm_of(options.algorithm)
    many = len(options.objectives or []) > 1
    if space in CONFIGURATIONS:
        own = CONFIGURATIONS[space]()
        if not options.objectives or many == own.many_objectives:
            return own
    return parse_algorithm("NSGA2" if many else "RegularizedEvolution")


def budget_of(options: argparse.Namespace) -> dict[str, Any]:
    """The budget of the options as keyword arguments of `search`."""
    names = ("evaluations", "generations", "unique_networks", "simulated_seconds")
    ends = {name: getattr(options, name) for name in names}
    if all(end is None for end in ends.values()):
        ends["evaluations"] = TRAININGS if options.benchmark is None else EVALUATIONS
    return ends
