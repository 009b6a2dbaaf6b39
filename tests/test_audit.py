"""What the project allows to be installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parents[1] / "tools" / "audit.py"


@pytest.fixture
def audit():
    spec = importlib.util.spec_from_file_location("audit", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_lower_bound_lies_below_a_safe_release(audit):
    assert audit.faults() == []


def test_a_lower_bound_that_does(audit, monkeypatch):
    safe = audit.safe_versions()
    monkeypatch.setattr(audit, "safe_versions", lambda: {**safe, "torch": audit.Version("99")})
    found = audit.faults()
    assert any("pyproject.toml allows torch>=2.6: below 99" in fault for fault in found)
