"""Draw the entries to verify, and turn a table's values and new trainings into verdicts. Does not need torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.training.verification.agreement import (
    Floats,
    SampleComparison,
    Spread,
    compare_entries,
    compare_sample,
    holm,
    measure_spread,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DRAWS", "Draw", "MetricVerdict", "compare_with_table", "draw_entries"]

DRAWS = ("stratified", "uniform", "top")
SAMPLE_CHECKS = ("shift", "order", "scatter", "spread")
AGREES, UNDECIDED, NOT_CONTRADICTED, CONTRADICTED = "agrees", "undecided", "not contradicted", "contradicted"


@dataclass(frozen=True)
class MetricVerdict:
    """The result of one check.

    Attributes
    ----------
    name : str
        ``entries``, ``shift``, ``order``, ``scatter``, ``spread``; or ``exact`` for deterministic metrics.
    metric : str
    verdict : str
        ``contradicted``, ``not contradicted``, ``agrees`` (shown to be equal, exactly or within the margin), or
        ``undecided``.
    p : float
        p value corrected for the number of checks. Below alpha, the table is contradicted. ``nan`` if there is no test.
    found : str
        The finding in words.
    """

    name: str
    metric: str
    verdict: str
    p: float
    found: str


@dataclass(frozen=True)
class Draw:
    """The entries to train.

    Attributes
    ----------
    rows : ndarray of int, shape (n,)
        Rows of the table.
    table : dict of str to ndarray, each (n, seeds)
        The values that new trainings are compared with, by metric; ``nan`` where there are none.
    chosen_by_values : bool
        Whether the entries were selected by the same values that are compared.
    """

    rows: NDArray[np.intp]
    table: dict[str, Floats]
    chosen_by_values: bool


def draw_entries(table: Mapping[str, Floats], draw: str, count: int, rng: np.random.Generator) -> Draw:
    """Draw entries of a table.

    The best entries of a table owe their rank partly to luck, which new trainings do not repeat. With ``"top"``,
    entries are therefore ranked by all trainings but one, and compared with the one held out. This is not possible with
    single values.

    Parameters
    ----------
    table : mapping of str to ndarray, each (rows, seeds)
        Entries are ordered by the mean of the first metric.
    draw : {"stratified", "uniform", "top"}
    count : int
        Number of entries; if there are fewer with a value of the first metric, all of them.
    rng : numpy.random.Generator

    Returns
    -------
    Draw
        Rows are sorted by descending value of the first metric.
    """
    first = next(iter(table.values()))
    known = ~np.isnan(first)
    by_values = draw == "top"
    ordering = np.array(first)
    if draw == "top" and (known.sum(axis=1) > 1).sum() >= count:
        by_values = False
        candidates = np.flatnonzero(known.sum(axis=1) > 1)
        kept_back = first.shape[1] - 1 - known[:, ::-1].argmax(axis=1)  # hold out the last training of each
        ordering[np.arange(len(first)), kept_back] = np.nan
    else:
        candidates = np.flatnonzero(known.any(axis=1))
    if not len(candidates):
        raise ValueError("the table has no values of the metric that entries are drawn by")
    sums = np.where(np.isnan(ordering), 0.0, ordering).sum(axis=1)
    values = sums / np.maximum((~np.isnan(ordering)).sum(axis=1), 1)
    candidates = candidates[np.argsort(-values[candidates], kind="stable")]
    count = min(count, len(candidates))
    if draw == "top":
        rows = candidates[:count]
    elif draw == "uniform":
        rows = candidates[np.sort(rng.choice(len(candidates), count, replace=False))]
    else:
        rows = np.array([rng.choice(part) for part in np.array_split(candidates, count)])
    compared = {name: np.array(trials[rows]) for name, trials in table.items()}
    if draw == "top" and not by_values:
        for trials in compared.values():
            others = np.arange(trials.shape[1]) != kept_back[rows][:, np.newaxis]
            if trials.shape[1] != first.shape[1]:  # a mean that includes the trainings used for selection
                others[:] = True
            trials[others] = np.nan
    return Draw(rows, compared, by_values)


def compare_with_table(
    table: Mapping[str, Floats],
    draw: Draw,
    measured: Mapping[str, Floats],
    natives: Sequence[str],
    steps: Mapping[str, float],
    rng: np.random.Generator,
    *,
    alpha: float = 0.01,
    margin: float = 2.0,
) -> tuple[pd.DataFrame, list[MetricVerdict]]:
    """Compare every entry, and the sample as a whole, with new trainings.

    All checks get the same share of ``alpha``. Within ``entries``, p values are corrected for the number of entries by
    Holm's method. If the entries were selected by the values that are compared, p values are corrected for the number
    of rows of the table instead, and there are no checks of the whole sample.

    Parameters
    ----------
    table : mapping of str to ndarray, each (rows, seeds)
        The whole table, by metric; used to measure the spread.
    draw : Draw
    measured : mapping of str to ndarray, each (n, new seeds)
    natives : sequence of str
        Names of the entries.
    steps : mapping of str to float
        Accuracy difference of a single image, by metric.
    rng : numpy.random.Generator
    alpha, margin : float
        As in `verify`.

    Returns
    -------
    frame : pandas.DataFrame
        One row per metric and entry: ``architecture``, ``metric``, ``table_mean``, ``table_sd``, ``table_seeds``,
        ``measured_mean``, ``measured_sd``, ``difference``, ``low`` and ``high`` (its 90 % interval), ``tolerance`` (the
        smallest difference that would contradict the table if all others were 0), ``p`` (corrected as above) and
        ``verdict``.
    checks : list of MetricVerdict
    """
    import pandas as pd

    spreads = {name: _spread(table[name], measured[name], steps[name]) for name in measured}
    entries = {name: compare_entries(draw.table[name], new, spreads[name]) for name, new in measured.items()}
    samples: dict[str, SampleComparison] = {}
    for name, new in measured.items():
        if not draw.chosen_by_values:
            samples[name] = compare_sample(draw.table[name], new, spreads[name], rng)
    tests = sum(bool((~np.isnan(found.p)).any()) for found in entries.values())
    tests += sum(not math.isnan(p) for sample in samples.values() for p in sample.p.values())

    frames, checks = [], []
    for name, found in entries.items():
        old, new = draw.table[name], measured[name]
        tested = int((~np.isnan(found.p)).sum())
        family = len(table[name]) if draw.chosen_by_values else tested
        p = np.minimum(holm(found.p) * (family / max(tested, 1)) * tests, 1.0)
        verdicts = np.where(np.maximum(-found.low, found.high) < margin, AGREES, UNDECIDED)
        verdicts = np.where(p < alpha, CONTRADICTED, verdicts)
        seeds = (~np.isnan(old)).sum(axis=1)
        frames.append(
            pd.DataFrame(
                {
                    "architecture": list(natives),
                    "metric": name,
                    "table_mean": [
                        row[~np.isnan(row)].mean() if k else np.nan for row, k in zip(old, seeds, strict=True)
                    ],
                    "table_sd": [_sd(row) for row in old],
                    "table_seeds": seeds,
                    "measured_mean": new.mean(axis=1),
                    "measured_sd": [_sd(row) for row in new],
                    "difference": found.difference,
                    "low": found.low,
                    "high": found.high,
                    "tolerance": found.tolerance(alpha / max(tests * family, 1)),
                    "p": p,
                    "verdict": verdicts,
                }
            )
        )
        checks.append(_check_entries(name, frames[-1], margin))
        if name in samples:
            checks += _check_sample(name, samples[name], tests, alpha, margin)
    return pd.concat(frames, ignore_index=True), checks


def _spread(trials: Floats, new: Floats, step: float) -> Spread:
    """Return the table's spread if it has several seeds, otherwise that of the new trainings."""
    several = (~np.isnan(trials)).sum(axis=1) > 1
    return measure_spread(trials if several.any() else new, step)


def _sd(values: Floats) -> float:
    kept = values[~np.isnan(values)]
    return float(kept.std(ddof=1)) if len(kept) > 1 else float("nan")


def _check_entries(name: str, frame: pd.DataFrame, margin: float) -> MetricVerdict:
    verdicts = frame["verdict"].tolist()
    bad = frame[frame["verdict"] == CONTRADICTED].sort_values("p")
    p = float(frame["p"].min())
    if len(bad):
        worst = bad.iloc[0]
        text = (
            f"{len(bad)} of {len(frame)} entries contradict the table, the first being {worst['architecture']}: "
            f"{worst['table_mean']:.2f} in the table, {worst['measured_mean']:.2f} measured"
        )
        return MetricVerdict("entries", name, CONTRADICTED, p, text)
    text = f"{verdicts.count(AGREES)} of {len(frame)} entries agree within {margin:g} points, none contradicted"
    if math.isnan(p):
        return MetricVerdict("entries", name, UNDECIDED, p, "no entry has enough trainings to estimate the spread")
    return MetricVerdict("entries", name, AGREES if verdicts.count(AGREES) == len(frame) else NOT_CONTRADICTED, p, text)


def _check_sample(name: str, sample: SampleComparison, tests: int, alpha: float, margin: float) -> list[MetricVerdict]:
    texts = {
        "shift": f"measured minus table {sample.shift:+.2f} ± {sample.reach:.2f} points on average",
        "order": f"rank correlation {sample.correlation:.2f}, expected from the spread {sample.expected_correlation:.2f}",
        "scatter": f"differences are {sample.scatter:.2f} times as large as the spread implies",
        "spread": f"new trainings of an entry differ {sample.spread:.2f} times as much as the table's",
    }
    checks = []
    for which in SAMPLE_CHECKS:
        p = min(sample.p[which] * tests, 1.0) if not math.isnan(sample.p[which]) else math.nan
        if math.isnan(p):
            checks.append(MetricVerdict(which, name, UNDECIDED, p, "too few values"))
            continue
        verdict = CONTRADICTED if p < alpha else NOT_CONTRADICTED
        if which == "shift" and verdict != CONTRADICTED:
            verdict = AGREES if abs(sample.shift) + sample.reach < margin / 2 else UNDECIDED
        checks.append(MetricVerdict(which, name, verdict, p, texts[which]))
    return checks
