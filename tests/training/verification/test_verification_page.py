"""What docs/verification.md shows runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="networks need torch")
pytest.importorskip("sklearn", reason="the digits come with scikit-learn")

PAGE = Path(__file__).parents[3] / "docs" / "verification.md"


def test_python_of_the_page_runs(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    namespace: dict[str, object] = {"__name__": "__main__"}
    exec(compile(code, str(PAGE), "exec"), namespace)
    assert namespace["found"].verdict == "not contradicted"
    assert capsys.readouterr().out == f"{namespace['found'].summary()}\n"
