"""What notebooks show of results, comparisons and reproductions: means and spreads, without tests or bootstrapped intervals.

They are quick to compute, and follow from what the results have; what needs a store that is gone is a dash.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.metrics import minimised
from nasbench_kit.metrics.named_indicators import INDICATORS
from nasbench_kit.notebook import card, data_table, number

__all__ = ["comparison_card", "comparisons_card", "reproduction_card", "result_card"]


def result_card(result: Any) -> str:
    """The card of a `Result`."""
    runs = result.runs
    facts = {
        "space": result.space.name,
        "searched": _searched(result),
        "objectives": _objectives(result.objective_metrics),
        "runs": f"{runs:,}, seed {result.seed}",
        "ended by": None if result.budget is None else str(result.budget),
        "evaluations": f"{number(float(result.evaluations.mean()))} per run, "
        f"of {number(float(result.unique_networks.mean()))} networks",
        "settings": ", ".join(f"{name}={value!r}" for name, value in result.settings.items()) or "none",
        "took": f"{number(result.wall_seconds, 3)} s" if result.wall_seconds else None,
    }
    if len(result.objectives) == 1:
        values = minimised(result.incumbent_values[:, np.newaxis], result.objective_metrics)[:, 0]
        facts[f"{result.objectives[0]} found"] = f"{_spread(values)}, as the search saw it"
    else:
        facts["archives"] = f"{number(len(result.archive_run) / runs)} architectures per run"
    return card(result.algorithm, f"result of {runs:,} run{'s' * (runs != 1)}", facts)


def comparison_card(comparison: Any) -> str:
    """The card of a `Comparison`: an algorithm per row, that with the best mean first."""
    note = "mean ± standard deviation over runs; table() adds intervals, ranks and tests"
    rows, missing = [], ""
    for name, result in comparison.results.items():
        values, reported = None, None
        try:
            values = comparison.final(result)
            reported = comparison.reported(result)
        except (ValueError, KeyError, OSError) as error:  # the store is gone
            missing = str(error)
        rows.append(
            (_worth(values, maximise=comparison.maximise), name, result.runs, _spread(values), _spread(reported))
        )
    rows.sort(key=lambda row: row[0])
    reports = comparison.report is not None and not comparison.many
    header = ["algorithm", "runs", _measure(comparison)] + ([_words(comparison.report[1])] if reports else [])
    table = data_table(header, [row[1 : 5 if reports else 4] for row in rows])
    facts = {"searched": "", "ended by": None if comparison.budget is None else str(comparison.budget)}
    if comparison.results:
        facts["searched"] = _searched(next(iter(comparison.results.values())))
    title = f"search on {_objectives(comparison.problem.objective_metrics)}"
    return card(title, "comparison", facts, table, note=missing or note)


def comparisons_card(comparisons: Any) -> str:
    """The card of a `Comparisons`: an algorithm per row, a problem per column."""
    rows = [
        (name, *(_spread(_finals(one, one.results[name])) for one in comparisons.values()))
        for name in comparisons.algorithms
    ]
    header = ["algorithm", *(f"{name}: {_measure(one)}" for name, one in comparisons.items())]
    title = f"{len(comparisons.algorithms)} algorithms on {len(comparisons)} problems"
    note = "mean ± standard deviation over runs; ranks() and friedman() compare over all problems"
    return card(title, "comparisons", {}, data_table(header, rows), note=note)


def reproduction_card(reproduction: Any) -> str:
    """The card of a `Reproduction`: our figures beside the published ones."""
    recipe, rows = reproduction.recipe, reproduction.rows
    verdicts = [str(row["verdict"]) for row in rows]
    found = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts))
    facts = {
        "published": recipe.citation,
        "where": recipe.source,
        "table": None if reproduction.bench is None else reproduction.bench.name,
        "verdicts": found,
    }
    lines = [
        (
            " ".join(filter(None, (row["search"], row["algorithm"]))),
            row["quantity"],
            _with(row["ours"], row["ours_sd"]),
            _with(row["published"], row["published_sd"]),
            row["verdict"],
        )
        for row in rows
    ]
    header = ("search, algorithm", "quantity", "ours", "published", "verdict")
    return card(recipe.title, "reproduction", facts, data_table(header, lines, left=2))


def _searched(result: Any) -> str:
    """What a result was searched on."""
    source = result.source
    if "benchmark" not in source:
        return "real trainings" if "training" in source else "a function"
    budget = f", {source['epochs']} epochs" if source.get("epochs") is not None else ""
    return f"{Path(str(source['benchmark'])).stem}/{source.get('dataset', '')}{budget}"


def _objectives(metrics: Any) -> str:
    words = {"max": "maximised", "min": "minimised", None: "minimised"}
    return ", ".join(f"{metric.name} ({words[metric.direction]})" for metric in metrics)


def _measure(comparison: Any) -> str:
    if comparison.many:
        return INDICATORS[comparison.indicator].title
    return _words(comparison.measure)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _finals(comparison: Any, result: Any) -> NDArray[np.float64] | None:
    try:
        values: NDArray[np.float64] = comparison.final(result)
    except (ValueError, KeyError, OSError):  # the store is gone
        return None
    return values


def _worth(values: NDArray[np.float64] | None, *, maximise: bool) -> float:
    """A number by which algorithms are sorted, the best first; failures count as the worst."""
    if values is None:
        return np.inf
    return float(-values.mean() if maximise else values.mean())


def _spread(values: NDArray[np.float64] | None) -> str:
    known = np.empty(0) if values is None else values[np.isfinite(values)]
    if values is None or not len(known):
        return "–"
    failed = f" ({len(values) - len(known)} failed)" if len(known) < len(values) else ""
    return _with(float(known.mean()), float(known.std(ddof=1)) if len(known) > 1 else None) + failed


def _with(mean: Any, sd: Any) -> str:
    """A figure, which may be text, and its standard deviation."""
    if isinstance(mean, str) or mean is None:
        return str(mean or "–")
    spread = number(sd, 2) if sd is not None else "–"
    return number(mean, 5) + (f" ± {spread}" if spread != "–" else "")
