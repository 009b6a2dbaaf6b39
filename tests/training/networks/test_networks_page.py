"""The examples of docs/networks.md run and print the documented output."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="networks need torch")
pytest.importorskip("sklearn", reason="the digits come with scikit-learn")

from tests.training.spaces import TRAINABLE  # noqa: E402

PAGE = Path(__file__).parents[3] / "docs" / "networks.md"
LOOP = "for space, encoding in on_paper.items():"
QUICK = ("nb201", "genetic-cnn")  # trained in a second each, all of them in a minute


def test_blocks_print_what_the_page_says():
    threads = torch.get_num_threads()
    parts = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE.read_text(), flags=re.DOTALL)
    assert len(parts) > 8
    namespace: dict[str, Any] = {"__name__": "page"}
    for code, expected in parts:
        before, loop, after = code.partition(LOOP)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(before, str(PAGE), "exec"), namespace)
            if loop:
                everything = dict(namespace["on_paper"])
                namespace["on_paper"] = {name: everything[name] for name in QUICK}
                exec(compile(loop + after, str(PAGE), "exec"), namespace)
        assert printed.getvalue() == expected, code
    torch.set_num_threads(threads)
    table = re.findall(
        r"^\| `([a-z0-9-]+)` \| ([\d,]+) \| \d+ \| [\d.]+ \| ([\d.]+) \| ([\d.]+) \|$",
        PAGE.read_text(),
        flags=re.MULTILINE,
    )
    assert [row[0] for row in table] == list(everything) == list(TRAINABLE)
    for name, params, *said in table:
        network = namespace["build"](name, everything[name], dataset="digits")
        assert f"{sum(p.numel() for p in network.parameters()):,}" == params
        if name in QUICK:
            assert namespace["accuracy"][name][1:] == pytest.approx([float(value) for value in said], abs=8)
