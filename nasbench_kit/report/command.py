"""The shell command that repeats a comparison."""

from __future__ import annotations

import json
import shlex

import numpy as np

from nasbench_kit.algorithms import ALGORITHMS, Algorithm
from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.experiments.comparison import Comparison
from nasbench_kit.experiments.names import named, seeds_of
from nasbench_kit.metrics.named_indicators import HYPERVOLUME

__all__ = ["compare_command"]


def compare_command(comparison: Comparison) -> str | None:
    """The ``nasbench-kit compare`` that repeats a comparison, or None if no command does.

    None for functions and real trainings, for a user's own algorithms, for budgets that the command does not have, and for
    results of different seeds.
    """
    problem, budget = comparison.problem, comparison.budget
    if not isinstance(problem, TabularProblem) or budget is None:
        return None
    if budget.generations is not None or budget.target is not None:
        return None
    members: list[Algorithm] = []
    texts = []
    for result in comparison.results.values():
        cls = ALGORITHMS.get(result.algorithm)
        if cls is None:
            return None
        changed = {key: value for key, value in result.settings.items() if cls().settings.get(key, value) != value}
        if not all(isinstance(value, bool | int | float | str) for value in changed.values()):
            return None
        try:
            members.append(cls(**changed))
        except (TypeError, ValueError):
            return None
        settings = ",".join(f"{key}={value}" for key, value in changed.items())
        texts.append(result.algorithm + (f":{settings}" if settings else ""))
    first = next(iter(comparison.results.values()))
    seeds = seeds_of(named(members), first.seed)
    if list(seeds.values()) != [result.seed for result in comparison.results.values()]:
        return None
    if any(not np.array_equal(result.run_numbers, first.run_numbers) for result in comparison.results.values()):
        return None
    if first.run_numbers[-1] - first.run_numbers[0] != first.runs - 1:
        return None
    words: list[object] = ["nasbench-kit", "compare", problem.bench.name]
    words += ["--objectives", *problem.objectives, "--dataset", problem.dataset]
    source = problem.source
    for flag, key, default in (
        ("--epochs", "epochs", None),
        ("--trial", "seed", None),
        ("--charge", "charge", "all"),
        ("--missing", "missing", "raise"),
    ):
        if source.get(key, default) != default:
            words += [flag, source[key]]
    words += ["--include-validation-time"] if source.get("include_validation_time") else []
    for name, metric in zip(problem.objectives, problem.objective_metrics, strict=True):
        if problem.bench.metric(name, problem.dataset).direction != metric.direction:
            words += ["--direction", f"{name}={metric.direction}"]
    words += ["--algorithms", *texts, "--runs", first.runs]
    for flag, value in (
        ("--evaluations", budget.evaluations),
        ("--unique-networks", budget.unique_networks),
        ("--simulated-seconds", budget.simulated_seconds),
    ):
        if value is not None:
            words += [flag, json.dumps(value)]
    words += ["--first-run", first.run_numbers[0]] if first.run_numbers[0] else []
    words += ["--seed", first.seed]
    words += ["--clock", comparison.clock] if comparison.clock not in (None, "evaluations") else []
    words += ["--indicator", comparison.indicator] if comparison.indicator != HYPERVOLUME else []
    if comparison.report is not None and not comparison.many:
        dataset, reported, epochs = comparison.report
        words += ["--report", reported, dataset] + ([epochs] if epochs is not None else [])
    return " ".join(shlex.quote(str(word)) for word in words)
