"""Training logs as NAS-Bench-NLP publishes them, with made-up values."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["RNN", "logs", "write_logs", "write_logs_zip"]

RNN = {
    "f": {"op": "linear", "input": ["x", "h_prev_0"]},
    "h_new_0": {"op": "activation_tanh", "input": ["f"]},
}
GATED = {
    "r": {"op": "linear", "input": ["x", "h_prev_0"]},
    "gate": {"op": "activation_sigm", "input": ["r"]},
    "new": {"op": "linear", "input": ["x", "h_prev_1"]},
    "h_new_1": {"op": "activation_leaky_relu", "input": ["new"]},
    "h_new_0": {"op": "blend", "input": ["gate", "h_prev_0", "h_new_1"]},
}


def logs(epochs: int = 5) -> dict[str, dict[str, Any]]:
    """Three trainings of two recipes by file name; the last one fails after two epochs."""
    rng = np.random.default_rng(0)
    found = {}
    for i, recipe in enumerate((RNN, GATED, RNN)):
        done = 2 if i == 2 else epochs
        losses = {f"{split}_losses": rng.uniform(4, 6, done).tolist() for split in ("train", "val", "test")}
        if i == 2:
            losses["val_losses"][-1] = float("nan")
        found[f"log_stats_model_{i}_2020-04-28_17-16-54_{900 + i}.json"] = {
            "data": "data/wikitext-2",
            "recepie_id": i,
            "nlayers": 3,
            "epochs": epochs,
            "recepie": json.dumps(recipe),
            "experiment_id": 900 + i,
            "num_params": 1_000_000 + (recipe is GATED),
            "wall_times": rng.uniform(100, 200, done).tolist(),
            **losses,
            "status": "loss is nan!" if i == 2 else "OK",
        }
    return found


def write_logs(folder: Path, contents: dict[str, dict[str, Any]] | None = None) -> None:
    folder.mkdir()
    for name, log in (logs() if contents is None else contents).items():
        (folder / name).write_text(json.dumps(log))


def write_logs_zip(path: Path, contents: dict[str, dict[str, Any]] | None = None) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, log in (logs() if contents is None else contents).items():
            archive.writestr(f"train_logs/{name}", json.dumps(log))
