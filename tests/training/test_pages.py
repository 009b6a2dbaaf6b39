"""Pages whose examples train are run here or by tests of their own, so that none is forgotten."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="networks need torch")
pytest.importorskip("sklearn", reason="the digits come with scikit-learn")

DOCS = Path(__file__).parents[2] / "docs"
ELSEWHERE = {"estimation.md", "networks.md", "search-by-training.md", "training.md", "verification.md"}
TRAINING = {
    str(page.relative_to(DOCS)): page
    for page in sorted(DOCS.rglob("*.md"))
    if "```python" in page.read_text() and "from nasbench_kit.training" in page.read_text()
}


def test_pages_with_tests_of_their_own_still_train():
    assert set(TRAINING) >= ELSEWHERE


@pytest.mark.parametrize("name", sorted(set(TRAINING) - ELSEWHERE))
def test_python_of_a_page_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "\n".join(re.findall(r"```python\n(.*?)```", TRAINING[name].read_text(), flags=re.DOTALL))
    exec(compile(code, name, "exec", dont_inherit=True), {"__name__": "__main__"})
