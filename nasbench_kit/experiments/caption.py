"""What a comparison is, and what the numbers of its table mean, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.figures.axes import axis_label
from nasbench_kit.metrics import Metric
from nasbench_kit.metrics.named_indicators import INDICATORS
from nasbench_kit.metrics.vocabulary import known_metric

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["comparison_caption", "comparison_title", "reported_metric"]


def comparison_title(comparison: Any) -> str:
    """The benchmark, the objectives, and the runs, on one line."""
    problem = comparison.problem
    first = next(iter(comparison.results.values()))
    runs = "1 run" if first.runs == 1 else f"{first.runs} runs"
    runs += f" of {comparison.budget}" if comparison.budget is not None else ""
    objectives = ", ".join(problem.objectives)
    if comparison.missing_store:
        return f"{comparison.missing_store}/{problem.source.get('dataset', '')}: search on {objectives}, {runs}"
    if not isinstance(problem, TabularProblem):
        return f"{problem.space.name}: search on {objectives}, {runs}"
    epochs = f"{problem.epochs} epochs" if problem.epochs is not None else "largest budget"
    return f"{problem.bench.name}/{problem.dataset}: search on {objectives} ({epochs}), {runs}"


def comparison_caption(comparison: Any, table: pd.DataFrame, baseline: str | None) -> list[str]:
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
                f"{_versus(baseline)}: Brunner-Munzel and Mann-Whitney tests, p corrected for {pairs} (Holm); "
                "n.s. = not significant at 5 %"
            )
    partly = [name for name in comparison.results if comparison.trains_partly(name)]
    if partly and (comparison.budget is None or comparison.budget.simulated_seconds is None):
        lines.append(
            f"{', '.join(partly)}: most evaluations are partial trainings, and cheaper; a budget of --simulated-seconds is "
            "the fair comparison"
        )
    if comparison.report is not None and not comparison.many:
        dataset, _, epochs = comparison.report
        budget = f"{epochs} epochs" if epochs else "largest budget"
        label = axis_label(reported_metric(comparison))
        lines.append(f"{label}: of the incumbents, on {dataset}, {budget}")
    if comparison.missing_store:
        lines.append(
            f"the benchmark {comparison.missing_store} is not here: shown is what the file has, without the exact front and "
            "metrics of other architectures"
        )
    return lines


def reported_metric(comparison: Any) -> Metric:
    """The metric that is reported of the incumbents."""
    dataset, name, _ = comparison.report
    if isinstance(comparison.problem, TabularProblem):
        return comparison.problem.bench.metric(name, dataset)
    return known_metric(name) or Metric(name)  # loaded from a file, and the table is not here


def _about_stored(comparison: Any) -> list[str]:
    """That the search was restricted to the stored architectures, where it was."""
    problem = comparison.problem
    if not isinstance(problem, TabularProblem) or problem.drawn_from is None:
        return []
    return [
        f"the search is restricted to the {len(problem.drawn_from):,} stored architectures (--missing nearest): random ones are "
        "drawn from them, and any other is answered by the nearest"
    ]


def _about_trials(comparison: Any) -> list[str]:
    """What an evaluation answered with, where a table has several trials."""
    problem = comparison.problem
    if not isinstance(problem, TabularProblem):
        return []
    if problem.noisy:
        what = INDICATORS[comparison.indicator].title if comparison.many else "regret"
        return [
            f"an evaluation is one stored trial, drawn at random (--trial); the {what} is by the means of the trials"
        ]
    trials = {len(problem.bench.seeds(problem.dataset, name)) for name in problem.objectives}
    if problem.seed == "mean" and max(trials) > 1:
        price = "all of them" if problem.charge == "all" else "one of them"
        return [f"an evaluation is the mean of up to {max(trials)} trials, at the price of {price}"]
    return []


def _versus(baseline: str | None) -> str:
    """What the tests compare with."""
    return "vs first" if baseline is None else f"vs baseline, {baseline}"


def _about_measure(comparison: Any) -> str:
    problem = comparison.problem
    in_table = isinstance(problem, TabularProblem) or bool(comparison.missing_store)
    if comparison.many:
        known = in_table
        ends = "the exact front's ideal (0) and nadir (1) point" if known else "the bounds given (0 and 1)"
        indicator = INDICATORS[comparison.indicator]
        if not indicator.maximise:
            scaled = f", scaled by {ends}" if indicator.scaled else ", of minimised values as they are"
            return f"{indicator.title}: {indicator.meaning}{scaled}; lower is better"
        own = (
            f"; the exact front's own is {comparison.front_hypervolume():.4f}"
            if isinstance(problem, TabularProblem)
            else ""
        )
        return f"{indicator.meaning}, scaled by {ends}, reference point 1.1; higher is better{own}"
    metric = problem.objective_metrics[0]
    if comparison.optimum is None:
        return f"{axis_label(metric)}: of each run's best, as it is minimised; lower is better"
    where = "in the table" if in_table else "by its bounds"
    unit = {"percent": " (percentage points)", "": ""}.get(metric.units, f" ({metric.units})")
    return f"regret = distance from the best {metric.name} {where}{unit}; lower is better"
