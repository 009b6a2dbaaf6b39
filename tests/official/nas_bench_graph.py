"""NAS-Bench-Graph's files: the true keys in the official pickle format, and made-up values."""

from __future__ import annotations

import pickle
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import nasbench_kit as nk

DATASETS = ("cora", "citeseer", "pubmed", "cs", "physics", "photo", "computers", "arxiv", "proteins")
SPACE = nk.space("nas-bench-graph")


@cache
def keys(dataset: str) -> tuple[int, ...]:
    """The keys of a dataset's file in its order: the four operations, then the link list."""
    X = SPACE.all()
    found = np.unique(SPACE.official_key(X[SPACE.is_valid(X)]))
    found = found[np.lexsort((found // 10_000, found % 10_000))]
    if dataset == "proteins":
        found = found[np.isin(SPACE.from_official_key(found)[:, 1:], (1, 4, 5, 7, 8)).all(axis=1)]
    return tuple(found.tolist())


def records(dataset: str, count: int | None = None) -> dict[int, dict[str, Any]]:
    """The records of the first networks of a file, or of all."""
    found = keys(dataset)[:count]
    rng = np.random.default_rng(DATASETS.index(dataset))
    correct = rng.integers(0, 1501, (len(found), 2)) / 1500
    latency, params = rng.uniform(4e-4, 1e-2, len(found)), rng.integers(40_000, 3_000_000, len(found))
    number = np.float64 if dataset == "proteins" else float  # as the authors' script left them
    return {
        key: {"valid_perf": number(a), "perf": number(b), "latency": float(c), "para": np.float64(p / 1e6)}
        for key, (a, b), c, p in zip(found, correct.tolist(), latency, params, strict=True)
    }


def pickled(content: object) -> bytes:
    """The bytes that the authors' version of NumPy would write."""
    return pickle.dumps(content, protocol=3).replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def write_graph(folder: Path, count: int | None = None, datasets: tuple[str, ...] = DATASETS) -> None:
    """Write a folder of files, each of the first networks alone or of all."""
    folder.mkdir()
    for dataset in datasets:
        write_graph_file(folder / f"{dataset}.bench", count)


def write_graph_file(path: Path, count: int | None = None) -> None:
    """Write the file of one dataset, which the path names."""
    path.write_bytes(pickled(records(path.stem, count)))
