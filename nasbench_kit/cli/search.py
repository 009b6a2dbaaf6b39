"""Search a table of trained networks (--benchmark), or a space by training networks.

Trainings are cached for later searches: repeating the command, after it was killed or with a larger budget, continues from
them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nasbench_kit.cli.own import OWN
from nasbench_kit.cli.picture import add_plot_arguments, check_plot
from nasbench_kit.cli.problem import add_answer_arguments
from nasbench_kit.cli.table_search import search_table
from nasbench_kit.cli.task import add_task_arguments
from nasbench_kit.cli.training_search import add_training_arguments, search_by_training
from nasbench_kit.experiments.iohprofiler import check_empty


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument("space", nargs="?", help=f"the search space to train networks of, {OWN}")
    parser.add_argument(
        "--benchmark", metavar="NAME", help="search this table instead: a benchmark's name or the path of a store"
    )
    add_task_arguments(parser)
    parser.add_argument(
        "--dataset",
        help="of the table (default: the only one); or to train on: digits (default), cifar10-valid, cifar10, "
        "cifar10-40k, cifar100, cifar100-40k, ImageNet16-120, or an .npz file with the arrays 'images' and 'labels'",
    )
    parser.add_argument(
        "--epochs", type=int, help="epochs of an evaluation (default: the table's largest budget; those of the recipe)"
    )
    output = parser.add_argument_group("output")
    output.add_argument("-o", "--output", metavar="FILE", help="save the result, for nasbench_kit.load_result")
    output.add_argument(
        "--record", action="store_true", help="with --output: save the population and front of every generation, too"
    )
    output.add_argument(
        "--iohprofiler", metavar="FOLDER", help="write the runs in IOHprofiler's format to this new folder"
    )
    add_plot_arguments(output)
    output.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--workers", type=int, metavar="N", help="with --benchmark: processes that share the runs (default: all cores)"
    )
    table, training = (*add_answer_arguments(parser), "workers"), add_training_arguments(parser)
    # None marks an option that is not given, as only one of the two kinds may be
    parser.set_defaults(
        of_table={name: parser.get_default(name) for name in table},
        of_training={name: parser.get_default(name) for name in training},
        **dict.fromkeys([*table, *training]),
    )


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    if options.record and not options.output:
        raise ValueError("--record says what --output saves: give --output FILE, too")
    check_plot(options)
    if options.iohprofiler:
        check_empty(Path(options.iohprofiler))  # now, not after the search
    if options.benchmark is None:
        if options.space is None:
            raise ValueError("give --benchmark NAME to search a table, or a search space to train networks of")
        _refuse(
            options, options.of_table, "is for searching a table: leave it out, or search one with --benchmark NAME"
        )
        _complete(options, {**options.of_training, "dataset": "digits"})
        return search_by_training(options)
    _refuse(options, options.of_training, "is for training networks: leave it out, as --benchmark searches a table")
    _complete(options, options.of_table)
    return search_table(options)


def _refuse(options: argparse.Namespace, names: Iterable[str], reason: str) -> None:
    for name in names:
        if getattr(options, name) is not None:
            raise ValueError(f"--{name.replace('_', '-')} {reason}")


def _complete(options: argparse.Namespace, defaults: dict[str, Any]) -> None:
    for name, value in defaults.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
