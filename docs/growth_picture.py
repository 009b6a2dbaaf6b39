"""Draw how the costs of searches and queries grow, from ``growth.json``, which ``python -m benchmarks growth`` wrote."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from nasbench_kit.figures.axes import head, label, remark
from nasbench_kit.figures.files import write_picture
from nasbench_kit.figures.style import open_figure, style_of

MEASURED = Path(__file__).parent / "growth.json"
LOOK = style_of("light", 279)


def draw_growth(path: Path) -> Path:
    """Seconds of searches over all their evaluations, and nanoseconds of a row of a query over the rows of the table."""
    series = {(one["of"], one["by"]): one for one in json.loads(MEASURED.read_text())["series"]}
    with open_figure(LOOK, 4.6) as figure:
        left, right = figure.subplots(1, 2)
        for colour, marker, (by, each) in zip(
            LOOK.colours, "os", [("runs", 2000), ("evaluations", 1000)], strict=False
        ):
            [one] = [found for found in series.values() if found["by"] == by and found["unit"] == "s"]
            total = each * np.array(one["sizes"], dtype=float)
            left.plot(total, one["values"], marker=marker, color=colour, label=f"more {by}: {one['of']}")
        ends = np.array([2e3, 1e9])
        left.plot(ends, ends / total[-1] * one["values"][-1], "--", color=LOOK.muted, label="proportional")
        left.set(xscale="log", yscale="log")
        left.legend()
        label(left, LOOK, title="a search", x="evaluations of all runs", y="time on one core [s]")
        query = series["a row of a query of a million", "rows"]
        right.plot(query["sizes"], query["values"], "o-", color=LOOK.colours[0])
        right.set(xscale="log", ylim=(0, None))
        label(right, LOOK, title="a query", x="rows of the table", y="time per row that is asked for [ns]")
        remark(right, LOOK, "one million rows are asked for at a time")
        head(figure, LOOK, "how costs grow")
        return write_picture(figure, path)
