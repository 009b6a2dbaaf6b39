"""The examples of docs/estimation.md run and print the documented output, and its table has the measured values."""

from __future__ import annotations

import contextlib
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.metrics.rank_correlation import rank_agreement

pytest.importorskip("torch", reason="networks need torch")
pytest.importorskip("sklearn", reason="the digits come with scikit-learn")

from nasbench_kit.training.proxies import PROXIES
from nasbench_kit.training.proxies.measuring import measure

DOCS = Path(__file__).parents[3] / "docs"
PAGE, MEASURED = DOCS / "estimation.md", DOCS / "estimation.json"


def test_blocks_print_what_the_page_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parts = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE.read_text(), flags=re.DOTALL)
    assert len(parts) == 2
    namespace: dict[str, object] = {"__name__": "page"}
    for code, expected in parts:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(PAGE), "exec"), namespace)
        assert printed.getvalue() == expected, code


def test_the_table_is_what_was_measured():
    measured = json.loads(MEASURED.read_text())
    bench = nk.open("nb201-digits")
    full = float(np.median(bench.query(bench.architectures, "training_time")))
    assert [row["proxy"] for row in measured["proxies"]] == list(PROXIES)
    for row in measured["proxies"]:
        cells = (
            f"| `{row['proxy']}` | {1000 * row['seconds']:.1f} | {100 * row['seconds'] / full:.1f} % "
            f"| {row['spearman']:.2f} | {row['kendall']:.2f} |"
        )
        assert cells in PAGE.read_text()


def test_what_was_measured_is_what_comes_out():
    """Size needs no training and no rounding; the others are compared on a sample, whose rho has an error of its own."""
    measured = {row["proxy"]: row["spearman"] for row in json.loads(MEASURED.read_text())["proxies"]}
    bench = nk.open("nb201-digits")
    final = bench.query(bench.architectures, "valid_accuracy")
    assert rank_agreement(bench.query(bench.architectures, "params"), final)[0] == pytest.approx(measured["params"])
    sample = measure(bench, ["synflow", "fisher"], sample=60, processes=1)
    for i, name in enumerate(sample.names):
        found = rank_agreement(sample.values[:, i], final[sample.rows])[0]
        assert found == pytest.approx(measured[name], abs=0.15)
