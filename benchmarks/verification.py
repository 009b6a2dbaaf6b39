"""How often `verify` contradicts a table that is right, and one that is wrong: ``python -m benchmarks.verification``.

Networks of the bundled table are trained with three new seeds, once; the rest is drawing samples from them and changing what the
table says. The trainings are kept in ``results/verification.npz``.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import nasbench_kit as nk
from nasbench_kit.training.verification.verdicts import CONTRADICTED, Draw, compare_with_table, draw_entries

METRICS = {"valid_accuracy": 100 / 397, "test_accuracy": 100 / 400, "train_accuracy": 100 / 1000}
NETWORKS, NEW_SEEDS, SAMPLE = 800, (3, 4, 5), 20
Trials = dict[str, NDArray[np.float64]]


def replicates(bench: nk.Benchmark, path: Path) -> tuple[NDArray[np.intp], Trials]:
    """Rows of the table, and their new trainings."""
    if not path.exists():
        from nasbench_kit.training.setting import make_setting, train_genotypes

        rows = np.sort(np.random.default_rng(12345).permutation(len(bench))[:NETWORKS])
        trained = train_genotypes(make_setting("nb201", "digits"), bench.architectures[rows], NEW_SEEDS, device="cpu")
        path.parent.mkdir(exist_ok=True)
        np.savez(path, rows=rows, **{name: trained[name][:, -1] for name in METRICS})
    with np.load(path) as file:
        return file["rows"], {name: file[name] for name in METRICS}


def shifted(table: Trials, drawn: Draw, rng: np.random.Generator, points: float, count: int) -> None:
    """So many entries are given other values in all metrics and seeds: better ones, or worse where that is above 100."""
    for i in rng.choice(len(drawn.rows), count, replace=False):
        up = max(np.nanmax(trials[i]) for trials in drawn.table.values()) + points <= 100
        for name, trials in drawn.table.items():
            trials[i] += points if up else -points
            table[name][drawn.rows[i]] = trials[i]


def permuted(table: Trials, drawn: Draw, order: NDArray[np.intp]) -> None:
    """The entries have each other's values."""
    for name, trials in drawn.table.items():
        drawn.table[name] = trials[order]
        table[name][drawn.rows] = trials[order]


def everywhere(table: Trials, drawn: Draw, points: float) -> None:
    """The whole table is better than it should be."""
    for name in table:
        table[name] = np.minimum(table[name] + points, 100)
        drawn.table[name] = np.minimum(drawn.table[name] + points, 100)


def changed(what: str, table: Trials, drawn: Draw, rng: np.random.Generator) -> None:
    """Apply one of `CHANGES` to the table and to the entries drawn from it."""
    word, _, number = what.partition(" ")
    n = len(drawn.rows)
    if word == "one":
        shifted(table, drawn, rng, float(number), 1)
    elif word == "five":
        shifted(table, drawn, rng, float(number), 5)
    elif word == "everywhere":
        everywhere(table, drawn, float(number))
    elif word == "pair":
        order = np.arange(n)
        i, j = rng.choice(n, 2, replace=False)
        order[[i, j]] = j, i
        permuted(table, drawn, order)
    elif word == "neighbours":  # the first and the second by accuracy, the third and the fourth, ...
        permuted(table, drawn, np.arange(n) ^ 1)
    elif word == "all":
        permuted(table, drawn, rng.permutation(n))


CHANGES = {
    "one 2": "one entry by 2 points",
    "one 5": "one entry by 5 points",
    "one 10": "one entry by 10 points",
    "five 2": "five entries by 2 points",
    "five 5": "five entries by 5 points",
    "pair": "two entries of the sample exchanged",
    "neighbours": "every entry exchanged with the next by accuracy",
    "all": "all entries in random order",
    "everywhere 0.5": "the whole table half a point too high",
    "everywhere 1": "the whole table 1 point too high",
    "everywhere 2": "the whole table 2 points too high",
}


def rates(
    trials: Trials, seeds: tuple[int, int], samples: int, what: str, draw: str = "stratified"
) -> tuple[float, float, dict[str, float]]:
    """The shares of samples that contradict the table at alpha 0.01 and 0.1, and at 0.01 by which check."""
    lowest: list[float] = []
    by: dict[str, int] = {}
    count = len(next(iter(trials.values())))
    for number in range(samples):
        rng = np.random.default_rng((number, 7))
        # a part of the networks, and of the six trainings of all of them, so that no draw is like another
        part = np.sort(rng.choice(count, count * 3 // 4, replace=False))
        order = rng.permutation(6)
        old, new = order[: seeds[0]], order[seeds[0] : sum(seeds)]
        table = {name: values[part][:, old] for name, values in trials.items()}
        drawn = draw_entries(table, draw, SAMPLE, rng)
        changed(what, table, drawn, rng)
        measured = {name: trials[name][part][drawn.rows][:, new] for name in table}
        _, checks = compare_with_table(table, drawn, measured, list(map(str, drawn.rows)), METRICS, rng)
        lowest.append(float(np.nanmin([check.p for check in checks])))
        for name in {check.name for check in checks if check.verdict == CONTRADICTED}:
            by[name] = by.get(name, 0) + 1
    p = np.array(lowest)
    return (
        float((p < 0.01).mean()),
        float((p < 0.1).mean()),
        {name: hits / samples for name, hits in sorted(by.items())},
    )


def main() -> None:
    bench = nk.open("nb201-digits")
    rows, new = replicates(bench, Path("results") / "verification.npz")
    X = bench.architectures[rows]
    trials = {
        name: np.concatenate([*(bench.query(X, name, seed=seed)[:, None] for seed in bench.seeds()), new[name]], axis=1)
        for name in METRICS
    }
    right, wrong = (int(word) for word in (sys.argv[1:3] if len(sys.argv) > 2 else (400, 100)))
    print(f"{len(rows)} networks; {right} samples of {SAMPLE} of a table that is right, {wrong} of each that is wrong")

    def show(text: str, seeds: tuple[int, int], samples: int, what: str = "nothing", draw: str = "stratified") -> None:
        start = time.perf_counter()
        one, ten, by = rates(trials, seeds, samples, what, draw)
        seconds = time.perf_counter() - start
        print(f"{text}: {100 * one:.1f} % at 0.01, {100 * ten:.1f} % at 0.1; {by} ({seconds:.0f} s)", flush=True)

    show("right, stratified", (3, 3), right)
    for what, text in CHANGES.items():
        show(text, (3, 3), wrong, what)
    show("right, top", (3, 3), right, draw="top")
    show("right, 1 stored seed", (1, 3), right)
    show("right, 1 new seed", (3, 1), right)
    show("right, uniform", (3, 3), right, draw="uniform")


if __name__ == "__main__":
    main()
