"""What a page shows of a comparison, as plain JSON."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.experiments.caption import comparison_caption, comparison_title
from nasbench_kit.experiments.comparison import Comparison
from nasbench_kit.experiments.comparison_figure import CLOCKS as CLOCK_WORDS
from nasbench_kit.experiments.curves import Curve, anytime, clock_points, mean_curve
from nasbench_kit.experiments.recorder import CLOCKS
from nasbench_kit.experiments.statistics import SIGNIFICANT
from nasbench_kit.figures.axes import axis_label, unit_label, words
from nasbench_kit.metrics import minimised
from nasbench_kit.metrics.named_indicators import INDICATORS
from nasbench_kit.report.architectures import Architectures
from nasbench_kit.report.command import compare_command

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["comparison_content"]

BEST = 12  # architectures listed for one objective


def comparison_content(comparison: Comparison, baseline: str | None = None) -> dict[str, Any]:
    """Everything that the page shows of one comparison.

    Parameters
    ----------
    comparison : Comparison
    baseline : str, optional
        The algorithm that all others are tested against. Default: all pairs.
    """
    problem = comparison.problem
    architectures = Architectures(problem)
    table = comparison.table(baseline)
    content: dict[str, Any] = {
        "title": comparison_title(comparison),
        "caption": comparison_caption(comparison, table, baseline),
        "many": comparison.many,
        "measure": comparison.measure,
        "algorithms": list(comparison.results),
        "table": _rows(table),
        "reported": comparison.report[1] if comparison.report is not None and not comparison.many else None,
        "pairs": _rows(comparison.pairwise(baseline)) if len(comparison.results) > 1 else [],
        "level": SIGNIFICANT,
        "baseline": baseline,
        "curves": _curves(comparison),
        "settings": {
            name: {
                "algorithm": result.algorithm,
                "settings": _plain(result.settings),
                "seed": result.seed,
                "runs": result.runs,
            }
            for name, result in comparison.results.items()
        },
        "source": _source(comparison),
        "command": compare_command(comparison),
    }
    content |= _fronts(comparison, architectures) if comparison.many else _best(comparison, architectures)
    content["architectures"] = architectures.content()
    return content


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame, with None for what is not finite."""
    import pandas as pd

    found = frame.reset_index() if frame.index.name or not isinstance(frame.index, pd.RangeIndex) else frame
    return [{str(key): _plain(value) for key, value in row.items()} for row in found.to_dict(orient="records")]


def _plain(value: Any) -> Any:
    """A value that JSON has."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.7g}") if np.isfinite(value) else None
    return value if isinstance(value, str | int | bool) or value is None else str(value)


# ---------------------------------------------------------------- anytime curves


def _curves(comparison: Comparison) -> list[dict[str, Any]]:
    """The curves on every clock that means something, and of the reported metric beside them.

    Traces are exact on the clock that they were recorded by. On any other, if they are too coarse for it, a point is at the
    mean over runs of that clock when a given time on their own had passed.
    """
    found = []
    results = list(comparison.results.values())
    whole = comparison.front_hypervolume() if comparison.maximise else None
    exact: list[dict[str, Any]] = []  # on the clock of the traces
    for clock in CLOCKS:
        if any(not np.any(result.rows[clock] > 0) for result in results):
            continue  # as the simulated seconds of a function
        own, note = clock, ""
        try:
            panels = _panels(comparison, own, clock_points(results, own), whole)
            exact = panels if clock == comparison.clock else exact
        except ValueError:  # traces by another clock are too coarse
            if comparison.clock is None:
                continue
            own, note = comparison.clock, f", mean at equal {CLOCK_WORDS[comparison.clock]}"
            exact = exact or _panels(comparison, own, clock_points(results, own), whole)
            panels = copy.deepcopy(exact)
            for panel in panels:
                for line, result in zip(panel["lines"], results, strict=True):
                    at = np.array(line["x"], dtype=np.float64)
                    line["x"] = _plain(anytime(result, result.rows[clock], own, at).mean(axis=0).tolist())
        found.append({"clock": clock, "name": CLOCK_WORDS[clock] + note, "panels": panels})
    found.sort(key=lambda curve: curve["clock"] != comparison.clock)
    return found


def _panels(
    comparison: Comparison, clock: str, points: NDArray[np.float64], whole: float | None
) -> list[dict[str, Any]]:
    panels = [_measured(comparison, clock, points, whole)]
    # not of a comparison from a file whose table is gone
    if comparison.report is not None and not comparison.many and isinstance(comparison.problem, TabularProblem):
        panels.append(_reported(comparison, clock, points))
    return panels


def _measured(comparison: Comparison, clock: str, points: NDArray[np.float64], whole: float | None) -> dict[str, Any]:
    curves = []
    for result in comparison.results.values():
        values = comparison.progress(result)
        values = -values if comparison.maximise and whole is None else values
        curves.append(mean_curve(anytime(result, values, clock, points), points))
    if comparison.many:
        name = INDICATORS[comparison.indicator].title + ("" if whole is None else " missing")
        return {"name": name, "log": whole is not None or not comparison.maximise, "lines": _lines(curves)}
    metric = comparison.problem.objective_metrics[0]
    known = comparison.optimum is not None
    name = axis_label(metric, " regret", difference=True) if known else axis_label(metric, ", minimised")
    return {"name": name, "log": known, "lines": _lines(curves)}


def _reported(comparison: Comparison, clock: str, points: NDArray[np.float64]) -> dict[str, Any]:
    assert comparison.report is not None
    dataset, name, epochs = comparison.report
    problem = comparison.problem
    assert isinstance(problem, TabularProblem)  # else nothing is reported
    metric = problem.bench.metric(name, dataset)
    curves = [
        mean_curve(anytime(result, result.trace_of(name, dataset=dataset, epochs=epochs), clock, points), points)
        for result in comparison.results.values()
    ]
    return {"name": axis_label(metric, f" of the incumbent, {dataset}"), "log": False, "lines": _lines(curves)}


def _lines(curves: list[Curve]) -> list[dict[str, Any]]:
    return [
        {
            "x": _plain(c.times.tolist()),
            "mean": _plain(c.mean.tolist()),
            "low": _plain(c.low.tolist()),
            "high": _plain(c.high.tolist()),
        }
        for c in curves
    ]


# ---------------------------------------------------------------- architectures found


def _fronts(comparison: Comparison, architectures: Architectures) -> dict[str, Any]:
    """The exact front, and that of each algorithm's median run, in the objectives' own units."""
    problem = comparison.problem
    metrics = problem.objective_metrics
    fronts: dict[str, Any] = {}
    if isinstance(problem, TabularProblem):
        X, F = problem.front()
        fronts["exact"] = {"id": architectures.add(X), "values": _plain(minimised(F, metrics).tolist())}
    members = []
    for result in comparison.results.values():
        X, F = result.median_archive()
        members.append({"id": architectures.add(X), "values": _plain(minimised(F, metrics).tolist())})
    axes = [
        {
            "name": words(metric.name),
            "unit": unit_label(metric),
            "direction": metric.direction or "min",
        }
        for metric in metrics
    ]
    return {"fronts": {**fronts, "members": members, "axes": axes}}


def _best(comparison: Comparison, architectures: Architectures) -> dict[str, Any]:
    """The best distinct incumbents of all runs, and which algorithms ended with each how often."""
    found: dict[bytes, tuple[float, NDArray[np.uint8], dict[str, int]]] = {}
    for name, result in comparison.results.items():
        for x, value in zip(result.incumbents, comparison.final(result), strict=True):
            if np.isfinite(value):
                _, _, counts = found.setdefault(x.tobytes(), (float(value), x, {}))
                counts[name] = counts.get(name, 0) + 1
    best = sorted(found.values(), key=lambda entry: (entry[0], -sum(entry[2].values())))[:BEST]
    rows = [
        {"id": architectures.add(x[np.newaxis])[0], "value": _plain(value), "found": counts}
        for value, x, counts in best
    ]
    return {"best": rows}


# ---------------------------------------------------------------- provenance


def _source(comparison: Comparison) -> dict[str, Any]:
    """Where the figures are from: the facts of the benchmark, or what was searched instead."""
    problem = comparison.problem
    if comparison.missing_store:
        facts = {"benchmark": f"{comparison.missing_store}, which is not here", "space": problem.space.name}
        facts |= {"dataset searched": str(problem.source.get("dataset", ""))}
        return {**facts, "checksum of the columns": str(problem.source.get("digest", "unknown"))}
    if not isinstance(problem, TabularProblem):
        return {"space": problem.space.name, "searched": "a function or real trainings, not a stored table"}
    info = problem.bench.info
    shown = (
        "name",
        "space",
        "architectures",
        "source",
        "version",
        "url",
        "licence",
        "citation",
        "sha256",
        "notes",
        "kit_version",
    )
    facts = {name: _plain(info[name]) for name in shown if info.get(name) not in (None, "")}
    facts["dataset searched"] = problem.dataset
    facts["checksum of the columns"] = problem.bench.digest
    return facts
