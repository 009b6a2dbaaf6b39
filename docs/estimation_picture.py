"""Draw what cheap estimates of accuracy are worth on the bundled table: rank correlation over cost.

Learning curves are read from the table itself; the proxies are those of ``estimation.json``, which is what
``nasbench-kit proxies nb201-digits --sample all --json`` printed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import nasbench_kit as nk
from nasbench_kit.benchmark.learning_curves import curve_agreement
from nasbench_kit.figures.axes import head
from nasbench_kit.figures.files import write_picture
from nasbench_kit.figures.style import open_figure, style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURED = Path(__file__).parent / "estimation.json"
LOOK = style_of("light", 279)
MARKERS = {
    "last value": "o",
    "power law": "^",
    "mean of curve": "s",
    "training speed": "D",
    "training speed, last epoch": "v",
}
# where a proxy's name stands beside its point, in points, where the right is taken
ASIDE = {
    "params": (0, 8, "center"),
    "flops": (-2, 8, "center"),
    "synflow": (2, -16, "center"),
    "zen": (0, 8, "center"),
    "naswot": (-7, -8, "right"),
    "snip": (7, 0, "left"),
    "fisher": (7, -4, "left"),
}


def draw_estimation(path: Path) -> Path:
    """Spearman's rho with the final validation accuracy over the share of a full training: all, and the curves more closely."""
    bench = nk.open("nb201-digits")
    curves = curve_agreement(bench)
    measured = json.loads(MEASURED.read_text())
    full = float(np.median(bench.query(bench.architectures, "training_time")))
    with open_figure(LOOK, 5) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
        _draw_proxies(left, measured["proxies"], full)
        last = curves[curves["estimator"] == "last value"]
        left.plot(100 * last["share"], last["spearman"], "o-", color=LOOK.colours[1], markersize=5, linewidth=1.8)
        left.annotate(
            "partial training", (12.5, last["spearman"].iloc[0]), xytext=(8, -4), textcoords="offset points",
            color=LOOK.colours[1], fontsize=LOOK.small,
        )  # fmt: skip
        left.plot([100], [1], "*", color=LOOK.colours[6], markersize=12, clip_on=False, zorder=3)
        left.annotate(
            "full training", (100, 1), xytext=(-12, 0), textcoords="offset points", ha="right", fontsize=LOOK.small
        )
        left.axhline(0, color=LOOK.muted, linewidth=0.8)
        left.set(
            xscale="log", xlim=(0.07, 130), ylim=(-0.55, 1.05), xlabel="cost: share of a full training [%]",
            ylabel="Spearman's rho with the final validation accuracy",
        )  # fmt: skip
        left.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
        left.set_title("without training, and in part")
        for i, (name, rows) in enumerate(curves[curves["epochs"] > 1].groupby("estimator", sort=False)):
            right.plot(
                rows["epochs"], rows["spearman"], marker=MARKERS[name], markersize=5, linewidth=1.8,
                color=LOOK.colours[i + 1], label=name,
            )  # fmt: skip
        right.set(xlabel="epochs seen, of 8", ylim=(0.65, 1.01))
        right.set_title("from the learning curve")
        right.legend()
        head(figure, LOOK, f"nb201-digits: what an estimate is worth ({measured['architectures']:,} networks)")
        return write_picture(figure, path)


def _draw_proxies(axes: Axes, proxies: list[dict[str, Any]], full: float) -> None:
    """Every proxy as a point with its name."""
    for row in proxies:
        point = 100 * row["seconds"] / full, row["spearman"]
        axes.plot(*point, "o", color=LOOK.colours[0], markersize=7)
        x, y, side = ASIDE.get(row["proxy"], (7, -4, "left"))
        axes.annotate(
            row["proxy"],
            point,
            xytext=(x, y),
            textcoords="offset points",
            ha=side,
            color=LOOK.colours[0],
            fontsize=LOOK.small,
        )
