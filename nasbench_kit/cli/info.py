"""Show the provenance and content of a benchmark; with --deep, also analyse it."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

from nasbench_kit.analysis import Analysis, analyse
from nasbench_kit.analysis.analysis import STEPS, texts
from nasbench_kit.benchmark import Benchmark, open_benchmark
from nasbench_kit.cli.output import print_json, print_table, progress_bars, say

if TYPE_CHECKING:
    import pandas as pd

_SOURCE = ("source", "licence", "columns")  # of what info shows; --json has all
_WIDE = (
    "sd",
    "mean",
    "split",
    "q1",
    "q3",
    "units",
    "kendall",
    "looked_up",
)  # columns that a narrow terminal can do without
LONG = 400  # characters; longer values, such as a recorded split, are for --json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument("benchmark", help="a benchmark's name or the path of a store")
    parser.add_argument(
        "--deep",
        action="store_true",
        help="analyse the table: distributions, rank correlations, noise, landscapes, equal networks",
    )
    parser.add_argument("--dataset", help="with --deep: the dataset to analyse (default: all)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    if options.dataset is not None and not options.deep:
        raise ValueError("--dataset chooses what --deep analyses: give both, or neither")
    bench = open_benchmark(options.benchmark)
    analysis = _analysed(bench, options.dataset) if options.deep else None
    content: list[dict[str, Any]] = [
        {
            "dataset": dataset,
            "metric": metric,
            "unit": about.units,
            "better": {"max": "more", "min": "less"}.get(about.direction or "", "unknown"),
            "split": about.split,
            "range": [bound if math.isfinite(bound) else None for bound in about.range],
            "depends_on_seed": about.depends_on_seed,
            "epochs": list(bench.epochs(dataset, metric)),
            "seeds": list(bench.seeds(dataset, metric)),
        }
        for dataset in bench.datasets
        for metric in bench.metrics(dataset)
        for about in [bench.metric(metric, dataset)]
    ]
    if options.json:
        deep = {} if analysis is None else {"analysis": analysis.as_dict()}
        print_json({**bench.info, "content": content, **deep})
        return 0
    info = bench.info
    sources = _sources(info.pop("sources", None))
    rows = [[name, text if len(text := str(value)) <= LONG else f"({len(text)} characters, see --json)"]
            for name, value in info.items()]  # fmt: skip
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        say(f"{name:<{width}}  {value}")
    if sources:
        print_table(None, _SOURCE, sources, left=len(_SOURCE))
    print_table(
        None,
        ["dataset", "metric", "unit", "better", "epochs", "seeds"],
        [[e["dataset"], e["metric"], e["unit"], e["better"], _short(e["epochs"]), _short(e["seeds"])] for e in content],
        left=6,
    )
    for title, frame, note in analysis.sections() if analysis else ():
        names = [str(name) for name in frame.columns]
        print_table(title, names, texts(frame), note or None, left=_texts_first(frame), optional=_WIDE)
    return 0


def _analysed(bench: Benchmark, dataset: str | None) -> Analysis:
    with progress_bars(list(STEPS)) as update:
        return analyse(bench, dataset=dataset, progress=lambda name: update(name, 1.0))


def _texts_first(frame: pd.DataFrame) -> int:
    """How many columns of a frame come before the first numbers."""
    import pandas as pd

    texts = [pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes]
    return texts.index(True) if True in texts else len(texts)


def _sources(listed: Any) -> list[list[str]]:
    """The sources of a store to which side tables were joined, and the columns that come from each."""
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    rows = []
    for entry in entries:
        columns = entry.get("columns")
        fields = {**entry, "columns": ", ".join(map(str, columns)) if isinstance(columns, list) else ""}
        rows.append([str(fields.get(field, "")) for field in _SOURCE])
    return rows


def _short(values: list[int]) -> str:
    if len(values) > 6 and values == list(range(values[0], values[-1] + 1)):
        return f"{values[0]} ... {values[-1]}"
    return ", ".join(map(str, values))
