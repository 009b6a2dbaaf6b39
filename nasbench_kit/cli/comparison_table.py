"""A comparison as a table in the terminal, and as plain JSON."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.cli.output import print_table
from nasbench_kit.experiments import statistics
from nasbench_kit.experiments.comparison import Comparison
from nasbench_kit.experiments.scale import scale_of

__all__ = ["comparison_json", "duration", "print_comparison"]


def comparison_json(comparison: Comparison, baseline: str | None) -> dict[str, Any]:
    """`Comparison.table` and `Comparison.pairwise` as plain JSON, with the meaning of their numbers."""
    found: dict[str, Any] = {
        "measure": comparison.measure,
        "direction": "max" if comparison.many else "min",
        "budget": str(comparison.budget),
        "clock": comparison.clock,
        "seeds": {name: result.seed for name, result in comparison.results.items()},
        "baseline": baseline,
        "interval": "95 % of the mean, BCa bootstrap",
        "test": statistics.TEST,
    }
    if comparison.many:
        scale = scale_of("front", comparison.problem.bounds, comparison.problem.front_bounds)
        found["scale"] = {"ideal": scale.low, "nadir": scale.high, "reference": scale.reference}
        found["front"] = comparison.front_hypervolume()
    else:
        found["optimum"] = comparison.optimum
    found["algorithms"] = comparison.table(baseline).reset_index().to_dict(orient="records")
    found["pairs"] = comparison.pairwise(baseline).to_dict(orient="records")
    return found


def print_comparison(comparison: Comparison, baseline: str | None) -> None:
    """Print the table, with a title and what its columns mean."""
    table = comparison.table(baseline)
    reported = comparison.report[1] if comparison.report is not None and not comparison.many else None
    versus = "vs first" if baseline is None else "vs baseline"
    header = ["algorithm", "n", *_measure(comparison), "median", "95 % interval", "beats", "rank", versus]
    header += [reported.replace("_", " ")] if reported else []
    header += ["networks", "simulated", "took"]
    digits = 4 if comparison.many else 3
    rows = []
    for name, row in table.iterrows():
        cells = [
            str(name),
            f"{row['n']}/{row['runs']}",
            _spread(row["mean"], row["sd"], digits),
            _number(row["median"], digits),
            "–" if math.isnan(row["low"]) else f"{row['low']:.{digits}f} ... {row['high']:.{digits}f}",
            "–" if math.isnan(row["beats"]) else f"{100 * row['beats']:.0f} %",
            str(row["rank"]),
            row["verdict"] if math.isnan(row["p"]) else f"{row['verdict']}, p {row['p']:.2g}",
        ]
        cells += [_spread(row[reported], row[f"{reported}_sd"], 2)] if reported else []
        cells += [f"{row['unique_networks']:.0f}", duration(row["simulated_seconds"]), f"{row['wall_seconds']:.2f} s"]
        rows.append(cells)
    optional = ("took", "simulated", "networks", "median", "rank", "95 % interval")
    print_table(_title(comparison), header, rows, "\n".join(_caption(comparison, table, baseline)), optional=optional)


def _title(comparison: Comparison) -> str:
    problem = comparison.problem
    first = next(iter(comparison.results.values()))
    runs = "1 run" if first.runs == 1 else f"{first.runs} runs"
    runs += f" of {comparison.budget}" if comparison.budget is not None else ""
    objectives = ", ".join(problem.objectives)
    if not isinstance(problem, TabularProblem):
        return f"{problem.space.name}: search on {objectives}, {runs}"
    epochs = f"{problem.epochs} epochs" if problem.epochs is not None else "largest budget"
    return f"{problem.bench.name}/{problem.dataset}: search on {objectives} ({epochs}), {runs}"


def _measure(comparison: Comparison) -> list[str]:
    if comparison.many:
        return ["hypervolume"]
    return ["regret"] if comparison.optimum is not None else [comparison.problem.objectives[0]]


def _caption(comparison: Comparison, table: pd.DataFrame, baseline: str | None) -> list[str]:
    """The meaning of the columns, one line each."""
    lines = [_about_measure(comparison)]
    if (table["n"] > 1).any():
        lines[0] += "; mean ± standard deviation, and a bootstrap interval of the mean (BCa)"
    lines += _about_trials(comparison) + _about_stored(comparison)
    if (table["n"] < table["runs"]).any():
        lines.append(
            "n: runs that found a value; the others failed: in beats, rank, median and tests they are the worst, in mean and "
            "interval they are not"
        )
    if len(table) > 1:
        lines.append("rank: by beats, the share of runs of the other algorithms that a run beats, ties half")
        if (table["runs"] < 2).all():
            lines.append("one run each: nothing to test, and another run may change the ranks")
        else:
            pairs = "all pairs" if baseline is None else "all comparisons with the baseline"
            lines.append(
                f"{versus_words(baseline)}: Brunner-Munzel and Mann-Whitney tests, p corrected for {pairs} (Holm); "
                "n.s. = not significant at 5 %"
            )
    partly = [name for name in comparison.results if comparison.trains_partly(name)]
    if partly and (comparison.budget is None or comparison.budget.simulated_seconds is None):
        lines.append(
            f"{', '.join(partly)}: most evaluations are partial trainings, and cheaper; a budget of --simulated-seconds is "
            "the fair comparison"
        )
    if comparison.report is not None and not comparison.many:
        dataset, metric, epochs = comparison.report
        budget = f"{epochs} epochs" if epochs else "largest budget"
        lines.append(f"{metric.replace('_', ' ')}: of the incumbents, on {dataset}, {budget}")
    return lines


def _about_stored(comparison: Comparison) -> list[str]:
    """That the search was restricted to the stored architectures, where it was."""
    problem = comparison.problem
    if not isinstance(problem, TabularProblem) or problem.drawn_from is None:
        return []
    return [
        f"the search is restricted to the {len(problem.drawn_from):,} stored architectures (--missing nearest): random ones are "
        "drawn from them, and any other is answered by the nearest"
    ]


def _about_trials(comparison: Comparison) -> list[str]:
    """What an evaluation answered with, where a table has several trials."""
    problem = comparison.problem
    if not isinstance(problem, TabularProblem):
        return []
    if problem.noisy:
        what = "hypervolume" if comparison.many else "regret"
        return [
            f"an evaluation is one stored trial, drawn at random (--trial); the {what} is by the means of the trials"
        ]
    trials = {len(problem.bench.seeds(problem.dataset, name)) for name in problem.objectives}
    if problem.seed == "mean" and max(trials) > 1:
        price = "all of them" if problem.charge == "all" else "one of them"
        return [f"an evaluation is the mean of up to {max(trials)} trials, at the price of {price}"]
    return []


def versus_words(baseline: str | None) -> str:
    """What the tests compare with."""
    return "vs first" if baseline is None else f"vs baseline, {baseline}"


def _about_measure(comparison: Comparison) -> str:
    problem = comparison.problem
    if comparison.many:
        known = isinstance(problem, TabularProblem)
        ends = "the exact front's ideal (0) and nadir (1) point" if known else "the bounds given (0 and 1)"
        own = f"; the exact front's own is {comparison.front_hypervolume():.4f}" if known else ""
        return f"hypervolume of the archive, scaled by {ends}, reference point 1.1; higher is better{own}"
    metric = problem.objective_metrics[0]
    if comparison.optimum is None:
        return f"{metric.name}: of each run's best, as it is minimised; lower is better"
    where = "in the table" if isinstance(problem, TabularProblem) else "by its bounds"
    unit = {"percent": " (percentage points)", "": ""}.get(metric.units, f" ({metric.units})")
    return f"regret = distance from the best {metric.name} {where}{unit}; lower is better"


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "failed"


def _spread(mean: float, sd: float, digits: int) -> str:
    return _number(mean, digits) + (f" ± {sd:.{digits}f}" if math.isfinite(sd) else "")


def duration(seconds: float) -> str:
    """A simulated time in the unit that suits it."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s" if seconds > 0 else "unknown"
