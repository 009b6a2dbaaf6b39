"""A comparison as a table in the terminal or in a file, and as plain JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nasbench_kit.cli.output import print_table
from nasbench_kit.experiments import statistics
from nasbench_kit.experiments.caption import comparison_caption, comparison_title, reported_metric
from nasbench_kit.experiments.comparison import Comparison
from nasbench_kit.experiments.comparisons import Comparisons
from nasbench_kit.experiments.latex import all_latex
from nasbench_kit.experiments.scale import scale_of
from nasbench_kit.figures.axes import axis_label
from nasbench_kit.files import replace_file
from nasbench_kit.metrics.named_indicators import INDICATORS

__all__ = ["TABLES", "comparison_json", "duration", "print_comparison", "print_ranks", "write_table"]

TABLES = (".tex", ".csv")  # how a table is written


def comparison_json(comparison: Comparison, baseline: str | None) -> dict[str, Any]:
    """`Comparison.table` and `Comparison.pairwise` as plain JSON, with the meaning of their numbers."""
    found: dict[str, Any] = {
        "measure": comparison.measure,
        "direction": "max" if comparison.maximise else "min",
        "budget": str(comparison.budget),
        "clock": comparison.clock,
        "seeds": {name: result.seed for name, result in comparison.results.items()},
        "baseline": baseline,
        "interval": "95 % of the mean, BCa bootstrap",
        "test": statistics.TEST,
    }
    if comparison.many:
        scale = scale_of("front", comparison.problem.bounds, comparison.problem.front_bounds)
        found["scale"] = {"ideal": scale.low, "nadir": scale.high}
        if comparison.maximise:
            found["scale"]["reference"] = scale.reference
            found["front"] = comparison.front_hypervolume()
    else:
        found["optimum"] = comparison.optimum
    found["algorithms"] = comparison.table(baseline).reset_index().to_dict(orient="records")
    found["pairs"] = comparison.pairwise(baseline).to_dict(orient="records")
    return found


def write_table(comparison: Comparison, path: Path, baseline: str | None) -> Path:
    """Write the table of a comparison: as LaTeX, with that of the pairs, or as CSV."""
    if path.suffix.lower() == ".tex":
        text = all_latex({"": comparison}, baseline)
    else:
        text = comparison.table(baseline).to_csv(lineterminator="\n")
    return replace_file(path, lambda file: file.write_text(text, encoding="utf-8", newline="\n"))


def print_comparison(comparison: Comparison, baseline: str | None) -> None:
    """Print the table, with a title and what its columns mean."""
    table = comparison.table(baseline)
    reported = comparison.report[1] if comparison.report is not None and not comparison.many else None
    versus = "vs first" if baseline is None else "vs baseline"
    header = ["algorithm", "n", *_measure(comparison), "median", "95 % interval", "beats", "rank", versus]
    header += [axis_label(reported_metric(comparison))] if reported else []
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
        if reported:
            cells.append("–" if math.isnan(row[reported]) else _spread(row[reported], row[f"{reported}_sd"], 2))
        cells += [f"{row['unique_networks']:.0f}", duration(row["simulated_seconds"]), f"{row['wall_seconds']:.2f} s"]
        rows.append(cells)
    optional = ("took", "simulated", "networks", "median", "rank", "95 % interval")
    print_table(
        comparison_title(comparison),
        header,
        rows,
        "\n".join(comparison_caption(comparison, table, baseline)),
        optional=optional,
    )


def print_ranks(comparisons: Mapping[str, Comparison]) -> None:
    """Print the ranks over several problems; nothing if there is one problem, or the algorithms differ between problems."""
    if len(comparisons) < 2 or len({frozenset(one.results) for one in comparisons.values()}) > 1:
        return
    several = Comparisons(comparisons)
    ranks, test = several.ranks(), several.friedman()
    rows = [
        [str(name), *(f"{rank:.4g}" for rank in row)] for name, row in zip(ranks.index, ranks.to_numpy(), strict=True)
    ]
    caption = (
        f"rank: by the share of runs of the others that a run beats; Friedman's test p {test.p:.2g}, "
        f"critical difference of mean ranks {test.critical_difference:.3g} (Nemenyi, 5 %)"
    )
    print_table(f"ranks over {len(comparisons)} problems", ["algorithm", *map(str, ranks.columns)], rows, caption)


def _measure(comparison: Comparison) -> list[str]:
    if comparison.many:
        return [INDICATORS[comparison.indicator].title]
    return ["regret"] if comparison.optimum is not None else [axis_label(comparison.problem.objective_metrics[0])]


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
