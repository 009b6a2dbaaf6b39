"""The README examples of the official packages, as docs/compat.md restates them, run with the package or with ours."""

from __future__ import annotations

import contextlib
import io
import random
import re
from pathlib import Path
from typing import Any

from tests.compat.agreement import assert_same

__all__ = ["NAS_201", "NATS", "SIMULATED", "assert_outputs_agree", "example", "run"]

PAGE = Path(__file__).parents[2] / "docs" / "compat.md"
NAS_201, NATS, SIMULATED = "NASBench201API as API", 'create("nb201", "tss"', "simulate_train_eval"
_NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]\d+)?")


def example(mark: str) -> str:
    """The block of the page that has a text."""
    (block,) = [
        block for block in re.findall(r"```py(?:thon)?\n(.*?)```", PAGE.read_text(), re.DOTALL) if mark in block
    ]
    return block


def run(block: str, changes: dict[str, str], **names: Any) -> tuple[str, dict[str, Any]]:
    """What a block prints, and its names afterwards; Python's global stream is seeded with 0 and put back."""
    for old, new in changes.items():
        assert old in block
        block = block.replace(old, new)
    before, printed, namespace = random.getstate(), io.StringIO(), dict(names)
    random.seed(0)
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(block, str(PAGE), "exec", dont_inherit=True), namespace)
    finally:
        random.setstate(before)
    return printed.getvalue(), namespace


def assert_outputs_agree(ours: tuple[str, dict[str, Any]], theirs: tuple[str, dict[str, Any]]) -> None:
    """The same text with the same numbers, and the same values of all names that both have."""
    (printed, mine), (expected, official) = ours, theirs
    assert _NUMBER.sub("#", printed) == _NUMBER.sub("#", expected)
    assert_same([float(text) for text in _NUMBER.findall(printed)], [float(text) for text in _NUMBER.findall(expected)])
    plain = (int, float, str, dict, tuple, type(None))
    names = {name for name, value in official.items() if isinstance(value, plain) and not name.startswith("__")}
    assert names <= set(mine)
    for name in names - {"source"}:  # what was passed in
        if isinstance(official[name], dict):
            assert set(mine[name]) - {"comment"} == set(official[name]) - {"comment"}
        if not isinstance(official[name], dict) or all(isinstance(v, plain) for v in official[name].values()):
            assert_same(mine[name], official[name], name)
