"""Compare search algorithms on a benchmark: many runs each, a table, and a figure."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from nasbench_kit.algorithms import ALGORITHMS, CONFIGURATIONS
from nasbench_kit.benchmark import Benchmark, open_benchmark
from nasbench_kit.cli.comparison_table import TABLES, comparison_json, print_comparison, write_table
from nasbench_kit.cli.output import print_json, progress_bars, say, warnings_on_stderr
from nasbench_kit.cli.own import OWN, algorithm_of
from nasbench_kit.cli.picture import add_plot_arguments, check_plot, look_of
from nasbench_kit.cli.problem import add_problem_arguments, problem_options
from nasbench_kit.errors import UnknownName, WriteError
from nasbench_kit.experiments.comparing import compare, default_objective
from nasbench_kit.experiments.comparison import FIGURES
from nasbench_kit.experiments.iohprofiler import check_empty
from nasbench_kit.experiments.names import file_names, named
from nasbench_kit.experiments.recorder import CLOCKS
from nasbench_kit.files import check_target
from nasbench_kit.metrics.named_indicators import HYPERVOLUME, INDICATORS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument(
        "benchmark",
        nargs="?",
        default="nb201-digits",
        help="a benchmark's name or the path of a store (default: %(default)s)",
    )
    parser.add_argument(
        "--algorithms", nargs="+", metavar="NAME[:SETTING=VALUE,...]",
        help=f"default: all that fit the objectives; of {', '.join([*ALGORITHMS, *CONFIGURATIONS])}, {OWN}",
    )  # fmt: skip
    parser.add_argument("--objectives", nargs="+", metavar="METRIC", help="default: validation accuracy")
    add_problem_arguments(parser)
    parser.add_argument(
        "--report",
        nargs="+",
        metavar="METRIC",
        help="METRIC [DATASET [EPOCHS]] of the incumbents (default: test_accuracy)",
    )
    parser.add_argument("--runs", type=int, default=100, help="runs per algorithm (default: %(default)s)")
    parser.add_argument(
        "--first-run", type=int, default=0, metavar="N",
        help="number of the first run, to divide the runs (default: %(default)s); 'merge' joins the results of --output",
    )  # fmt: skip
    parser.add_argument(
        "--evaluations", type=int, help="evaluations per run (default: 500; 2000 for several objectives)"
    )
    parser.add_argument("--unique-networks", type=int, help="budget per run in distinct networks")
    parser.add_argument("--simulated-seconds", type=float, help="budget per run in seconds of training")
    parser.add_argument("--seed", type=int, default=0, help="random seed (default: %(default)s)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that share the runs (default: all cores)")
    parser.add_argument(
        "--baseline",
        metavar="ALGORITHM",
        help="test each algorithm against this one, as named in the table (default: all pairs)",
    )
    parser.add_argument(
        *("-o", "--output"),
        action="append",
        default=[],
        metavar="PATH",
        help="write the result of each algorithm to this folder, or the table to this file: .tex (LaTeX, with booktabs, with all "
        "pairs) or .csv; may be repeated",
    )
    add_plot_arguments(parser, FIGURES)
    parser.add_argument(
        "--clock",
        default="evaluations",
        choices=CLOCKS,
        help="the time axis of figure and trace (default: %(default)s)",
    )
    parser.add_argument(
        "--iohprofiler", metavar="FOLDER", help="write all runs in IOHprofiler's format to this new folder"
    )
    parser.add_argument(
        "--indicator", default=HYPERVOLUME, choices=list(INDICATORS),
        help="what compares archives of several objectives (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    if options.plot:
        options.plot.parent.mkdir(parents=True, exist_ok=True)
    check_plot(options)  # now, not after the searches
    folders, tables = _targets(options.output)
    if options.iohprofiler:
        check_empty(Path(options.iohprofiler))
    bench = open_benchmark(options.benchmark)
    dataset = options.dataset or (bench.datasets[0] if len(bench.datasets) == 1 else None)
    objectives = options.objectives or [default_objective(bench.metrics(dataset))]
    check_plot(options, len(objectives))
    with warnings_on_stderr():
        problem = bench.problem(objectives, **(problem_options(options) | {"dataset": dataset}))
    if options.algorithms and options.algorithms != ["all"]:
        algorithms = [algorithm_of(text) for text in options.algorithms]
    else:
        many = len(objectives) > 1
        fitting = [cls for cls in ALGORITHMS.values() if (cls.many_objectives if many else cls.single_objective)]
        algorithms = [cls() for cls in fitting if not cls.needs_budgets or len(problem.budgets) > 1]
        left_out = [cls.__name__ for cls in fitting if cls.needs_budgets and len(problem.budgets) < 2]
        if left_out:
            say(f"skipped, since the table has no smaller epoch budget: {', '.join(left_out)}", error=True)
    evaluations = options.evaluations
    if evaluations is None and options.simulated_seconds is None and options.unique_networks is None:
        evaluations = 500 if len(objectives) == 1 else 2000
    members = named(algorithms)
    if options.baseline is not None and options.baseline not in members:
        raise UnknownName("algorithm", options.baseline, members)
    with progress_bars(list(members)) as update:
        comparison = compare(
            problem,
            members,
            runs=options.runs,
            first_run=options.first_run,
            evaluations=evaluations,
            unique_networks=options.unique_networks,
            simulated_seconds=options.simulated_seconds,
            seed=options.seed,
            clock=options.clock,
            report=_report(options.report, bench, problem.dataset),
            indicators=() if options.indicator == HYPERVOLUME else options.indicator,
            record=options.iohprofiler is not None,
            workers=options.workers,
            progress=update,
        )
    if options.indicator != HYPERVOLUME:
        comparison = comparison.by(options.indicator)
    for folder in folders:
        files = file_names(comparison.results, ".h5")
        for name, result in comparison.results.items():
            say(f"wrote {result.save(folder / files[name])}", error=True)
    if options.iohprofiler:
        say(f"wrote {comparison.to_iohprofiler(options.iohprofiler)}", error=True)
    if options.plot:
        comparison.plot(options.figure or FIGURES[0], options.plot, clock=options.clock, **look_of(options))
        say(f"wrote {options.plot}", error=True)
    for table in tables:
        say(f"wrote {write_table(comparison, table, options.baseline)}", error=True)
    # last, since what reads a pipe may have seen enough before everything is written
    if options.json:
        print_json(comparison_json(comparison, options.baseline))
    else:
        print_comparison(comparison, options.baseline)
    return 0


def _report(words: list[str] | None, bench: Benchmark, dataset: str) -> tuple[str, str, int | None] | None:
    if not words:
        return None
    if len(words) > 3 or (len(words) == 3 and not words[2].isdecimal()):
        raise ValueError(f"--report takes METRIC [DATASET [EPOCHS]], not {' '.join(words)!r}")
    where = words[1] if len(words) > 1 else dataset
    epochs = int(words[2]) if len(words) > 2 else None
    bench.query(bench.architectures[:1], words[0], dataset=where, epochs=epochs)  # a name that is wrong is wrong now
    return where, words[0], epochs


def _targets(outputs: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """What to write: folders of results, which are made, and files of tables."""
    paths = [Path(output) for output in outputs]
    tables = [path for path in paths if path.suffix.lower() in TABLES and not path.is_dir()]
    folders = [path for path in paths if path not in tables]
    for path in folders:
        if path.suffix and not path.is_dir():
            raise ValueError(
                f"--output {path}: give a folder for results, or a file for the table: {', '.join(TABLES)}"
            )
    for path in tables:
        check_target(path)
    for path in folders:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WriteError(f"--output {path}: the folder cannot be made: {error.strerror}") from error
    return folders, tables
