"""The examples of docs/networks.md run and print the documented output."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="networks need torch")
pytest.importorskip("sklearn", reason="the digits come with scikit-learn")

from tests.training.spaces import TRAINABLE  # noqa: E402

PAGE = Path(__file__).parents[3] / "docs" / "networks.md"


def test_blocks_print_what_the_page_says():
    threads = torch.get_num_threads()
    parts = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE.read_text(), flags=re.DOTALL)
    assert len(parts) > 8
    namespace: dict[str, object] = {"__name__": "page"}
    for code, expected in parts:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(PAGE), "exec"), namespace)
        assert printed.getvalue() == expected, code
    torch.set_num_threads(threads)
    table = re.findall(
        r"^\| `([a-z0-9-]+)` \| [\d,]+ \| \d+ \| [\d.]+ \| ([\d.]+) \| ([\d.]+) \|$",
        PAGE.read_text(),
        flags=re.MULTILINE,
    )
    assert [row[0] for row in table] == list(namespace["accuracy"]) == list(TRAINABLE)
    for name, *said in table:
        assert namespace["accuracy"][name][1:] == pytest.approx([float(value) for value in said], abs=8)
