"""TransNAS-Bench-101's result files, with made-up values."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import nasbench_kit as nk

__all__ = ["TASKS", "write_transnas"]

TASKS = ("class_scene", "class_object", "room_layout", "jigsaw", "segmentsemantic", "normal", "autoencoder")


def write_transnas(path: Path, kind: str = "micro", count: int | None = None) -> None:
    """A CSV file of all networks, or of the first ones, of a space."""
    space = nk.space(f"transnas-{kind}")
    X = space.all()
    X = X[space.is_valid(X)][:count]
    rng = np.random.default_rng(0)
    values = rng.random((len(X), len(TASKS))) * [50, 45, -2, 95, 94, 0.6, 0.7]
    lines = [",".join([native, *map(repr, row)]) for native, row in zip(space.decode(X), values.tolist(), strict=True)]
    path.write_text("\n".join([",".join(["arch", *TASKS]), *lines, ""]))
