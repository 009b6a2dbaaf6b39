"""The command ``search`` with a benchmark: search a table of trained networks."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nasbench_kit.algorithms import Algorithm
from nasbench_kit.benchmark import TabularProblem, open_benchmark
from nasbench_kit.cli.comparison_table import duration
from nasbench_kit.cli.natives import native_text
from nasbench_kit.cli.output import number_text, print_json, print_table, progress_bars, say, warnings_on_stderr
from nasbench_kit.cli.picture import look_of
from nasbench_kit.cli.problem import problem_options
from nasbench_kit.cli.task import budget_of, chosen_algorithm
from nasbench_kit.errors import StoreError
from nasbench_kit.experiments.comparing import default_objective
from nasbench_kit.experiments.comparison import Comparison
from nasbench_kit.experiments.result import Result
from nasbench_kit.experiments.search import search
from nasbench_kit.figures.axes import axis_label
from nasbench_kit.files import check_target

__all__ = ["search_table"]

MOST_ROWS = 20  # of the printed table
ALSO_SHOWN = ("test_accuracy", "params", "flops")  # of what was found, if the table has them


def search_table(options: argparse.Namespace) -> int:
    """Search the benchmark of the options; returns the exit status."""
    if options.output:
        check_target(Path(options.output), StoreError)
    bench = open_benchmark(options.benchmark)
    if options.space is not None and options.space != bench.space.name:
        raise ValueError(f"{bench.name} is a table of the space {bench.space.name}, not {options.space}: leave it out")
    dataset = options.dataset or (bench.datasets[0] if len(bench.datasets) == 1 else None)
    algorithm = chosen_algorithm(options, bench.space.name)
    objectives = options.objectives or _default_objectives(bench.metrics(dataset), algorithm)
    with warnings_on_stderr():
        problem = bench.problem(objectives, **(problem_options(options) | {"dataset": dataset}))
    with progress_bars([algorithm.name]) as update:
        result = search(
            problem,
            algorithm,
            runs=options.runs,
            first_run=options.first_run,
            seed=options.seed,
            record=options.record or options.iohprofiler is not None,
            workers=options.workers,
            progress=lambda share: update(algorithm.name, share),
            **budget_of(options),
        )
    comparison = Comparison(problem, {result.algorithm: result})
    if options.output:
        say(f"wrote {result.save(options.output)}", error=True)
    if options.iohprofiler:
        say(f"wrote {result.to_iohprofiler(options.iohprofiler)}", error=True)
    if options.plot:
        comparison.plot("anytime", options.plot, **look_of(options))
        say(f"wrote {options.plot}", error=True)
    if options.json:
        print_json(_json(problem, result))
    else:
        _show(problem, result, comparison.front_hypervolume() if len(objectives) > 1 else None)
    return 0


def _default_objectives(metrics: Sequence[str], algorithm: Algorithm) -> list[str]:
    """The objective of most searches, and a cost if the algorithm needs two."""
    first = default_objective(metrics)
    if algorithm.single_objective:
        return [first]
    cost = next((name for name in ("flops", "params") if name in metrics), None)
    if cost is None:
        raise ValueError(f"{algorithm.name} needs several objectives: give --objectives, of {', '.join(metrics)}")
    return [first, cost]


def _columns(problem: TabularProblem) -> list[str]:
    known = problem.bench.metrics(problem.dataset)
    return list(dict.fromkeys([*problem.objectives, *(name for name in ALSO_SHOWN if name in known)]))


def _found(problem: TabularProblem, result: Result, run: int) -> list[dict[str, Any]]:
    """What a run found, i.e. its incumbent or its Pareto front: genotypes and metrics.

    Objectives are those that the search saw, except that draws of single trials are replaced by their means. The other
    metrics are at the largest budget.
    """
    X, F = result.archive(run)
    X = X[np.isfinite(F).all(axis=1)]
    values: dict[str, Any] = {}
    for name in _columns(problem):
        epochs, seed = problem.epochs, problem.seed
        if name not in problem.objectives:
            epochs, seed = None, "mean"
        elif seed == "random":
            seed = "mean"
        values[name] = problem.bench.query(X, name, dataset=problem.dataset, epochs=epochs, seed=seed)
    return [
        {
            "run": run,
            "architecture": problem.space.decode(X[i])[0],
            "genotype": X[i].tolist(),
            **{name: float(column[i]) for name, column in values.items()},
        }
        for i in range(len(X))
    ]


def _json(problem: TabularProblem, result: Result) -> dict[str, Any]:
    found = {
        "benchmark": problem.bench.name,
        "space": problem.space.name,
        "dataset": problem.dataset,
        "algorithm": result.algorithm,
        "settings": result.settings,
        "objectives": result.objectives,
        "epochs": problem.epochs,
        "seed": result.seed,
        "evaluations": result.evaluations,
        "unique_networks": result.unique_networks,
        "simulated_seconds": result.simulated_seconds,
        "wall_seconds": result.wall_seconds,
        "found": [entry for run in range(result.runs) for entry in _found(problem, result, run)],
    }
    if len(result.objectives) > 1:
        found["hypervolume"] = result.hypervolume()
    return found


def _show(problem: TabularProblem, result: Result, most: float | None) -> None:
    """Print the front of a single run on several objectives; otherwise one row per run.

    ``most`` is the hypervolume of the exact front, for several objectives.
    """
    metrics = _columns(problem)
    shown = range(min(result.runs, MOST_ROWS))
    if most is not None and result.runs > 1:
        header = ["run", "hypervolume", "front", "evaluations", "networks", "simulated"]
        volume = result.hypervolume()
        rows = [
            [str(run), f"{volume[run]:.4f}", str(len(result.archive(run)[0])), *_spent(result, run)] for run in shown
        ]
        optional: tuple[str, ...] = ()
    else:
        header = ["run", *(axis_label(problem.bench.metric(name, problem.dataset)) for name in metrics), "architecture"]
        rows = [
            [str(run), *(number_text(name, entry[name]) for name in metrics), native_text(entry["architecture"])]
            for run in shown
            for entry in _found(problem, result, run)
        ]
        optional = ("architecture",)
    epochs = f"{problem.epochs} epochs" if problem.epochs is not None else "largest budget"
    print_table(
        f"{result.algorithm} on {problem.bench.name}/{problem.dataset}: search on {', '.join(result.objectives)} ({epochs})",
        header,
        rows,
        "\n".join(_caption(problem, result, most)),
        optional=optional,
    )


def _caption(problem: TabularProblem, result: Result, most: float | None) -> list[str]:
    evaluations, networks, seconds = (
        float(np.mean(values)) for values in (result.evaluations, result.unique_networks, result.simulated_seconds)
    )
    spent = f"{duration(seconds)} of simulated training" if seconds > 0 else "training time unknown"
    each = " per run" if result.runs > 1 else ""
    lines = [
        f"used{each}: {evaluations:,.0f} evaluations of {networks:,.0f} networks, {spent}; {result.wall_seconds:.2f} s"
    ]
    if most is not None:
        value = f"hypervolume {result.hypervolume()[0]:.4f}, " if result.runs == 1 else ""
        lines.append(
            f"{value}the exact front's is {most:.4f}; scaled by its ideal (0) and nadir (1), reference point 1.1"
        )
    if problem.noisy:
        lines.append(
            "an evaluation is one stored trial, drawn at random (--trial); the metrics above are means of the trials"
        )
    failed = np.flatnonzero(~np.isfinite(result.incumbent_values))
    if len(failed):
        lines.append(f"{len(failed)} of {result.runs} runs found nothing")
    if result.runs > MOST_ROWS:
        lines.append(f"the first {MOST_ROWS} of {result.runs} runs; --json shows all")
    return lines


def _spent(result: Result, run: int) -> list[str]:
    networks, seconds = result.unique_networks[run], float(result.simulated_seconds[run])
    return [f"{result.evaluations[run]:,}", f"{networks:,}", duration(seconds)]
