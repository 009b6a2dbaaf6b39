"""Compare search algorithms on a benchmark: many runs each, a table, and a picture."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

from nasbench_kit.algorithms import ALGORITHMS, CONFIGURATIONS, parse_algorithm
from nasbench_kit.benchmark import Benchmark, open_benchmark
from nasbench_kit.cli.output import print_json, print_table, progress_bars, warnings_on_stderr
from nasbench_kit.cli.problem import add_problem_arguments, problem_options
from nasbench_kit.experiments.comparison import Comparison, compare, default_objective
from nasbench_kit.experiments.recorder import CLOCKS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument(
        "benchmark", nargs="?", default="nb201-digits", help="a name or the path of a store (default %(default)s)"
    )
    parser.add_argument(
        "--algorithms", nargs="+", metavar="NAME[:SETTING=VALUE,...]",
        help=f"all that fit the objectives unless given; of {', '.join([*ALGORITHMS, *CONFIGURATIONS])}",
    )  # fmt: skip
    parser.add_argument("--objectives", nargs="+", metavar="METRIC", help="validation accuracy unless given")
    add_problem_arguments(parser)
    parser.add_argument(
        "--report",
        nargs="+",
        metavar="METRIC",
        help="METRIC [DATASET [EPOCHS]] of the incumbents (default test_accuracy)",
    )
    parser.add_argument("--runs", type=int, default=100, help="runs of each algorithm (default %(default)s)")
    parser.add_argument(
        "--evaluations", type=int, help="the budget of a run (default 500, for several objectives 2000)"
    )
    parser.add_argument("--unique-networks", type=int, help="the budget of a run in different networks")
    parser.add_argument("--simulated-seconds", type=float, help="the budget of a run in seconds of training")
    parser.add_argument("--seed", type=int, default=0, help="fixes all runs (default %(default)s)")
    parser.add_argument("--plot", metavar="FILE", help="draw to this file: .png, .svg or .pdf")
    parser.add_argument(
        "--clock",
        default="evaluations",
        choices=CLOCKS,
        help="the time axis of picture and trace (default %(default)s)",
    )
    parser.add_argument("--save", metavar="FOLDER", help="keep each algorithm's result as an HDF5 file in this folder")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    if options.plot:
        from nasbench_kit.pictures import check_picture

        Path(options.plot).parent.mkdir(parents=True, exist_ok=True)
        check_picture(Path(options.plot))  # now, not after the searches
    if options.save:
        Path(options.save).mkdir(parents=True, exist_ok=True)
    bench = open_benchmark(options.benchmark)
    dataset = options.dataset or (bench.datasets[0] if len(bench.datasets) == 1 else None)
    objectives = options.objectives or [default_objective(bench.metrics(dataset))]
    with warnings_on_stderr():
        problem = bench.problem(objectives, **(problem_options(options) | {"dataset": dataset}))
    if options.algorithms and options.algorithms != ["all"]:
        algorithms = [parse_algorithm(text) for text in options.algorithms]
    else:
        many = len(objectives) > 1
        fitting = [cls for cls in ALGORITHMS.values() if (cls.many_objectives if many else cls.single_objective)]
        algorithms = [cls() for cls in fitting if not cls.needs_budgets or len(problem.budgets) > 1]
        left_out = [cls.__name__ for cls in fitting if cls.needs_budgets and len(problem.budgets) < 2]
        if left_out:
            print(f"left out, as the table has no smaller epoch budget: {', '.join(left_out)}", file=sys.stderr)
    evaluations = options.evaluations
    if evaluations is None and options.simulated_seconds is None and options.unique_networks is None:
        evaluations = 500 if len(objectives) == 1 else 2000
    names = [algorithm.name for algorithm in algorithms]
    with progress_bars(names) as update:
        comparison = compare(
            problem,
            algorithms,
            runs=options.runs,
            evaluations=evaluations,
            unique_networks=options.unique_networks,
            simulated_seconds=options.simulated_seconds,
            seed=options.seed,
            clock=options.clock,
            report=_report(options.report, bench, problem.dataset),
            progress=lambda name, share: update(name.split("(")[0], share),
        )
    table = comparison.table()
    if options.json:
        print_json({"measure": comparison.measure, "algorithms": table.reset_index().to_dict(orient="records")})
    else:
        _print(comparison, table)
    if options.save:
        for name, result in comparison.results.items():
            print(f"saved {result.save(Path(options.save) / f'{name}.h5')}", file=sys.stderr)
    if options.plot:
        from nasbench_kit.experiments.plot import plot_comparison

        print(f"drawn {plot_comparison(comparison, options.plot, clock=options.clock)}", file=sys.stderr)
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


def _print(comparison: Comparison, table: pd.DataFrame) -> None:
    problem = comparison.problem
    many = len(problem.objectives) > 1
    reported = None if many or comparison.report is None else comparison.report[1]
    header = [
        "algorithm",
        "hypervolume" if many else "regret",
        "median",
        "95 % interval",
        "rank",
        "vs best",
    ]
    header += [reported.replace("_", " ")] if reported else []
    header += ["networks", "simulated", "took"]
    rows = []
    digits = 4 if many else 3
    for name, row in table.iterrows():
        mark = "best" if pd.isna(row["p"]) else f"{'worse' if row['worse'] else 'n.s.'}, p {row['p']:.2g}"
        cells = [
            str(name),
            f"{row['mean']:.{digits}f} ± {row['sd']:.{digits}f}",
            f"{row['median']:.{digits}f}",
            f"{row['low']:.{digits}f} ... {row['high']:.{digits}f}",
            str(int(row["rank"])),
            mark,
        ]
        cells += [f"{row[reported]:.2f} ± {row[f'{reported}_sd']:.2f}"] if reported else []
        cells += [f"{row['unique_networks']:.0f}", _duration(row["simulated_seconds"]), f"{row['wall_seconds']:.2f} s"]
        rows.append(cells)
    first = next(iter(comparison.results.values()))
    budget = f"{problem.epochs} epochs" if problem.epochs is not None else "largest budget"
    title = (
        f"{problem.bench.name}/{problem.dataset}: search on {', '.join(problem.objectives)} ({budget}), {first.runs} runs of "
        f"{table['evaluations'].mean():.0f} evaluations"
    )
    points = " (percentage points)" if problem.objectives[0].endswith("_accuracy") else ""
    caption = (
        "hypervolume of the archive, objectives scaled by the table's best (0) and worst (1), reference 1.01; higher is better"
        if many
        else f"regret = distance from the best {problem.objectives[0]} in the table{points}; lower is better"
    )
    caption += "; mean ± standard deviation, interval of the mean"
    caption += (
        "\nvs best: Mann-Whitney U test, corrected for multiple tests (Benjamini-Hochberg); n.s. = not significant"
    )
    partly = [name for name in comparison.results if comparison.trains_partly(name)]
    if partly:
        caption += (
            f"\n{', '.join(partly)}: most evaluations are partial trainings, and cheaper; a budget of --simulated-seconds is "
            "the fair comparison"
        )
    if reported:
        assert comparison.report is not None
        dataset, metric, epochs = comparison.report
        caption += f"\n{metric.replace('_', ' ')}: of the incumbents, on {dataset}, " + (
            f"{epochs} epochs" if epochs else "largest budget"
        )
    print_table(
        title, header, rows, caption, optional=("took", "simulated", "networks", "median", "rank", "95 % interval")
    )


def _duration(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s" if seconds else "unknown"
