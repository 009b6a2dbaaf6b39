"""The kit's own table: NAS-Bench-201 cells trained on the handwritten digits, as a store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.benchmark import Benchmark
from nasbench_kit.spaces import space
from nasbench_kit.store import Metric, Table, write_store
from nasbench_kit.training.datasets import PARTS, load_digits
from nasbench_kit.training.recipes import recipe
from nasbench_kit.training.table import gather_parts, train_parts

__all__ = ["digits_table", "train_digits_table"]

DATASET = "digits"
SAMPLE_SEED = 0


def train_digits_table(
    output: Path,
    *,
    sample: int | None = None,
    epochs: int = 8,
    seeds: int = 3,
    processes: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Benchmark:
    """Train the networks of the space ``nb201`` on the digits, one training a network of the exact rule.

    Parameters
    ----------
    output : Path
        The store to write. Parts are kept in the folder ``<output>.parts`` beside it, so that a call that was killed
        goes on where it was; it is left there.
    sample : int, optional
        How many networks, drawn at random; all 5,524 unless given.
    epochs, seeds : int
    processes : int, optional
    progress : callable, optional
        Called with (percent done, 100).

    Returns
    -------
    Benchmark
    """
    networks = np.unique(space("nb201").key(space("nb201").all()))
    if sample is not None:
        if sample > len(networks):
            raise ValueError(f"nb201 has {len(networks)} networks, fewer than {sample}")
        networks = np.sort(np.random.default_rng(SAMPLE_SEED).choice(networks, sample, replace=False))
    folder = output.with_name(f"{output.name}.parts")
    how = replace(recipe(DATASET), epochs=epochs)
    train_parts(folder, networks, how, tuple(range(seeds)), processes=processes, progress=progress)
    return Benchmark(write_store(output, digits_table(gather_parts(folder), len(networks))))


def digits_table(parts: dict[str, Any], networks: int) -> Table:
    """Finished parts as a table with its datasheet."""
    nb201, claim = space("nb201"), parts["claim"]
    rows = nb201.from_number(parts["numbers"])
    epochs = tuple(range(1, claim["epochs"] + 1))
    seeds = tuple(claim["seeds"])
    metrics: dict[str, Metric] = {}
    for part in PARTS:
        metrics[f"{part}_accuracy"] = Metric(parts[f"{part}_accuracy"], epochs, seeds)
        metrics[f"{part}_loss"] = Metric(parts[f"{part}_loss"].astype(np.float32), epochs, seeds)
    steps = len(load_digits().part("train")) // claim["batch_size"]
    seconds: NDArray[np.float64] = parts["step_seconds"][:, np.newaxis] * (steps * np.array(epochs))
    metrics["training_time"] = Metric(seconds, epochs)
    for name in nb201.costs(DATASET):
        metrics[name] = Metric(nb201.cost(rows, name, dataset=DATASET))
    total = int(nb201.network_of_number.max()) + 1
    provenance = {
        "source": "trained by nasbench-kit train nb201 --dataset digits",
        "url": "https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
        "licence": "Apache-2.0 (the table); CC BY 4.0 (the digits: Alpaydin and Kaynak 1998, as in scikit-learn)",
        "citation": "nasbench-kit (see CITATION.cff); search space: Dong and Yang 2020, arXiv 2001.00326",
        "notes": "Tiny images, a tiny network and 8 epochs: for learning and testing, no statement about CIFAR. A budget "
        "of fewer epochs is the same training stopped early, before its learning rate has come down. training_time is of "
        "one training alone on one core, without evaluation: a measured step times the steps.",
        "recipe": claim,
        "skeleton": "3x3 stem to 4 channels, BN; one cell at 4, 8, 16 channels on 8x8, 4x4, 2x2 pixels; between them average "
        "pooling by 2, 1x1 convolution, BN; BN, ReLU, average pooling, linear",
        "split": load_digits().split,
        "split_letters": "one an image in scikit-learn's order: r train, v validation, t test",
        "core_hours": float(parts["stacked_seconds"].sum() / 3600),
        "missing_networks": total - networks,
    }
    return Table(nb201, rows, {DATASET: metrics}, provenance)
