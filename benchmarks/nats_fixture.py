"""Files in the official NATS-Bench format with made-up values: they serve to measure the official reader, never as results."""

from __future__ import annotations

import bz2
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np

import nasbench_kit as nk

__all__ = ["write_nats_folder"]

DATASET, SEEDS = "cifar10-valid", (777,)


def write_nats_folder(folder: Path, count: int) -> None:
    """Write the meta file and the first ``count`` architectures of ``NATS-tss-v1_0-3ffb9-simple``."""
    folder.mkdir(parents=True, exist_ok=True)
    space = nk.space("nb201")
    names = space.decode(space.from_official_index(np.arange(space.size)))
    meta = {
        "meta_archs": names,
        "total_archs": len(names),
        "arch2infos": None,
        "evaluated_indexes": set(range(len(names))),
    }
    _write(folder / "meta.pickle.pbz2", meta)
    rng = np.random.default_rng(0)
    for index in range(count):
        states = OrderedDict((budget, _state(index, names[index], int(budget), rng)) for budget in ("12", "200"))
        _write(folder / f"{index:06d}.pickle.pbz2", states)


def _write(path: Path, value: object) -> None:
    with bz2.open(path, "wb") as file:
        pickle.dump(value, file, protocol=4)


def _state(index: int, name: str, epochs: int, rng: np.random.Generator) -> dict[str, object]:
    results = {(DATASET, seed): _trial(seed, epochs, rng) for seed in SEEDS}
    return {
        "arch_index": index,
        "arch_str": name,
        "all_results": OrderedDict(results),
        "dataset_seed": {DATASET: list(SEEDS)},
        "clear_net_done": True,
    }


def _trial(seed: int, epochs: int, rng: np.random.Generator) -> dict[str, object]:
    def curve(low: float, high: float) -> dict[int, float]:
        return {epoch: float(rng.uniform(low, high)) for epoch in range(epochs)}

    def evaluated(low: float, high: float) -> dict[str, float]:
        return {f"{part}@{e}": float(rng.uniform(low, high)) for part in ("x-valid", "ori-test") for e in range(epochs)}

    return {
        "name": "infer.tiny",
        "train_acc1es": curve(50, 90),
        "train_acc5es": None,
        "train_losses": curve(0, 2),
        "train_times": curve(7, 8),
        "arch_config": {"name": "infer.tiny", "C": 16, "N": 5, "num_classes": 10},
        "params": 0.1,
        "flop": 15.0,
        "seed": seed,
        "epochs": epochs,
        "latency": [0.01],
        "eval_names": ["x-valid", "ori-test"],
        "eval_acc1es": evaluated(50, 90),
        "eval_times": evaluated(1, 2),
        "eval_losses": evaluated(0, 2),
        "net_state_dict": None,
    }
