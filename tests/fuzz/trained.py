"""What training leaves on a disk: checkpoints, exported networks, finished parts, caches."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

import nasbench_kit as nk
from nasbench_kit.training.checkpoint import load_checkpoint, save_checkpoint
from nasbench_kit.training.parts import PartsFolder
from nasbench_kit.training.recipes import Recipe
from nasbench_kit.training.search.cache import COLUMNS, TrainingCache, cache_identity, cached_table
from nasbench_kit.training.search.export import export_network, load_network
from nasbench_kit.training.setting import make_setting
from tests.fuzz.damage import damaged, damaged_npz, damaged_text

IDENTITY = {"recipe": "none", "seed": 0}


def _setting():
    return make_setting("genetic-cnn", "digits", recipe=Recipe(epochs=1, batch_size=100), skeleton={"hidden": 8})


def write_checkpoint(path: Path) -> None:
    content = {"done": 2, "state": {"weight": torch.arange(6.0)}, "metrics": [1.0, 2.0]}
    save_checkpoint(path, IDENTITY, torch.zeros(2, 3), content)


def read_checkpoint(path: Path, _: np.random.Generator) -> object:
    return load_checkpoint(path, IDENTITY, torch.zeros(2, 3))


def write_export(path: Path) -> None:
    export_network(_setting(), nk.space("genetic-cnn").sample(1, 0), path, device="cpu")
    for name in ("network.pt2", "network.svg"):
        (path / name).unlink(missing_ok=True)


def read_export(path: Path, _: np.random.Generator) -> object:
    return load_network(path)


def damaged_export(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """A description without checksums, as in old exports, with some values changed."""
    if not content.startswith(b"{"):
        return damaged(content, other, rng)
    description = json.loads(content)
    if rng.random() < 0.8:
        description.pop("sha256", None)
    return damaged_text(json.dumps(description, indent=1).encode(), other, rng)


def write_parts(path: Path) -> None:
    folder = PartsFolder(path, {"work": 1, "nested": {"a": [1, 2]}}, {"torch": "2"})
    folder.write("part", 0, {"values": np.arange(6.0).reshape(2, 3), "flags": np.array([True, False])})


def read_parts(path: Path, _: np.random.Generator) -> object:
    folder = PartsFolder(path, {"work": 1, "nested": {"a": [1, 2]}}, {"torch": "2"})
    return [folder.read("part", number) for number in folder.done("part")]


def damaged_part(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    return (damaged_npz if content.startswith(b"PK") else damaged_text)(content, other, rng)


def write_cache(path: Path) -> None:
    cache = TrainingCache(path)
    setting = cache.claim(cache_identity(_setting(), "cpu"))
    for seed in range(2):
        cache.put(setting, bytes(nk.space("genetic-cnn").sample(1, 0)[0]), seed, np.full((3, len(COLUMNS)), 50.0))
    cache.close()


def read_cache(path: Path, _: np.random.Generator) -> object:
    cache = TrainingCache(path)
    try:
        return cached_table(cache, _setting(), "cpu")
    except ValueError as error:
        if isinstance(error, nk.NasbenchKitError) or "of this setting" not in str(error):
            raise
        return None  # the trainings were removed
    finally:
        cache.close()
