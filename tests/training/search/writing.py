"""A process that writes to a training cache, for tests that let several write or kill one: forked where PyTorch is imported already."""

from __future__ import annotations

from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np

from nasbench_kit.training.search.cache import COLUMNS, TrainingCache
from nasbench_kit.training.workers import _context


def values_of(number: int, epochs: int = 3) -> np.ndarray:
    values = np.random.default_rng(number).random((epochs, len(COLUMNS)))
    values[0, 3] = np.nan
    return values


def start_writer(path: Path, first: int, last: int) -> BaseProcess:
    """Return a process that has begun to write these numbers."""
    context = _context()
    heard, told = context.Pipe(duplex=False)
    process = context.Process(target=_write, args=(path, first, last, told), daemon=True)
    process.start()
    assert heard.poll(100)
    return process


def _write(path, first, last, told):
    cache = TrainingCache(path)
    digest = cache.claim({"space": "made up"})
    for number in range(first, last):
        cache.put(digest, number.to_bytes(3, "big"), 0, values_of(number))
        if number == first:
            told.send("begun")
