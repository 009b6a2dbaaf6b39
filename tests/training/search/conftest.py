"""A stand-in for what takes most of an export's time."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def _any_program():
    torch = pytest.importorskip("torch")
    return torch.export.export(torch.nn.Identity(), (torch.zeros(2),))


@pytest.fixture
def any_program(monkeypatch, _any_program):
    """Any program in place of the network's, for tests that never load it: tracing one takes longer than training it."""
    from nasbench_kit.training.search import export

    monkeypatch.setattr(export, "_program", lambda *_: _any_program)
