"""The page of measured speeds has every algorithm on every space."""

from __future__ import annotations

import csv
from pathlib import Path

from nasbench_kit.algorithms import ALGORITHMS
from nasbench_kit.spaces import registry

DOCS = Path(__file__).parents[1] / "docs"


def test_no_cell_is_empty():
    with (DOCS / "internals" / "matrix.csv").open(newline="", encoding="utf-8") as file:
        cases = list(csv.DictReader(file))
    pairs = {(case["space"], case["algorithm"], int(case["objectives"])) for case in cases}
    several = {name for name, kind in ALGORITHMS.items() if kind.many_objectives}
    one = {name for name, kind in ALGORITHMS.items() if kind.single_objective}
    assert pairs == {
        (space, name, objectives)
        for space in registry._BUILT_IN  # not those that other tests register
        for objectives in (1, 2, 3, 4)
        for name in (one if objectives == 1 else several)
    }
    assert all(float(case[rate]) > 0 for case in cases for rate in ("numpy", "fast", "floor"))
    page = (DOCS / "internals" / "matrix.md").read_text(encoding="utf-8")
    assert "nan" not in page
    assert "|  |" not in page.replace("|  | macronas", "")
