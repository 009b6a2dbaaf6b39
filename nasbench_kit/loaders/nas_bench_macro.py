"""Loader for NAS-Bench-Macro's JSON file ``nas-bench-macro_cifar10.json``."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders.source import check_complete, head, published_provenance
from nasbench_kit.spaces import space
from nasbench_kit.store.schema import MetricColumn, Table

__all__ = ["STORE_NAME", "load", "recognises"]

STORE_NAME = "nas-bench-macro"
MAX_BYTES = 64 * 2**20  # the official file is 1.2 MB
TRIALS = 3
EPOCHS = 50
ROUNDING = 1e-3  # percent; the means in the file are rounded


def recognises(path: Path) -> bool:
    """Whether the file starts like the official one: an object keyed by 8 characters of 0, 1, 2."""
    return re.match(rb'\s*\{\s*"[012]{8}"\s*:\s*\{', head(path)) is not None


def load(path: Path, *, partial: bool = False) -> Table:
    """Read the official file.

    Every record is checked: it must have three test accuracies in percent and their mean, and its params and
    multiply-adds must match the network's definition.

    Parameters
    ----------
    path : Path
    partial : bool
        Accept a file with missing genotypes.

    Returns
    -------
    Table
        Dataset ``cifar10``: ``test_accuracy`` of the three trials at 50 epochs, ``params`` and ``flops``.

    Raises
    ------
    SourceError
        The file is damaged or not in the expected format; the message gives the key or byte offset.
    """
    records = _parse(path)
    macro = space("nas-bench-macro")
    for key in records:
        if not re.fullmatch("[012]{8}", key):
            raise SourceError(f"{path}: key {key!r} is not 8 characters of 0, 1, 2")
    rows = macro.encode(list(records))
    missing = check_complete(path, macro, rows, partial=partial, all_genotypes=True)
    accuracy = np.array([_accuracies(path, key, record) for key, record in records.items()])
    metrics = {"test_accuracy": MetricColumn(accuracy[:, np.newaxis, :], (EPOCHS,), tuple(range(TRIALS)))}
    for name in ("params", "flops"):
        exact = macro.cost(rows, name, dataset="cifar10")
        for key, record, cost in zip(records, records.values(), exact.tolist(), strict=True):
            if isinstance(record.get(name), bool) or record.get(name) != cost:
                raise SourceError(f"{path}: key {key!r}: {name} is {record.get(name)!r}, but the network has {cost}")
        metrics[name] = MetricColumn(exact)
    provenance = {
        **published_provenance([path], "nas-bench-macro"),
        "notes": "The only accuracy is the best test accuracy over 50 epochs: there is no validation accuracy, so a search "
        "on this table selects on test data. The three trials have no published seeds; they are numbered 0, 1, 2.",
        "missing_architectures": missing,
    }
    return Table(macro, rows, {"cifar10": metrics}, provenance)


def _parse(path: Path) -> dict[str, dict[str, Any]]:
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise SourceError(f"{path} has {size} bytes, but the official file is 1.2 MB: this is a different file")
    content = path.read_bytes()
    try:
        records = json.loads(content, object_pairs_hook=_no_duplicates)
    except json.JSONDecodeError as error:
        offset = len(error.doc[: error.pos].encode())
        raise SourceError(
            f"{path} is not valid JSON at byte {offset} of {size} ({error.msg}); the download is incomplete or damaged; "
            "download it again"
        ) from error
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path} is not text at byte {error.start} of {size}; it is damaged, download it again"
        ) from error
    except _DuplicateKeyError as error:
        raise SourceError(f"{path}: the key {error} appears twice") from error
    except RecursionError as error:
        raise SourceError(f"{path} is nested too deeply to be this benchmark's file") from error
    if not isinstance(records, dict) or not records:
        raise SourceError(f"{path}: expected an object of records, not {type(records).__name__}")
    for key, record in records.items():
        if not isinstance(record, dict):
            raise SourceError(f"{path}: key {key!r}: expected an object, not {record!r:.60}")
    return records


class _DuplicateKeyError(Exception):
    pass


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise _DuplicateKeyError(repr(Counter(key for key, _ in pairs).most_common(1)[0][0]))
    return result


def _accuracies(path: Path, key: str, record: dict[str, Any]) -> list[float]:
    values = record.get("test_acc")
    if not isinstance(values, list) or len(values) != TRIALS:
        raise SourceError(f"{path}: key {key!r}: test_acc must have {TRIALS} percentages, not {values!r:.80}")
    for value in [*values, record.get("mean_acc")]:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 100:
            raise SourceError(f"{path}: key {key!r}: an accuracy must be a number from 0 to 100, not {value!r}")
    if not math.isclose(sum(values) / TRIALS, record["mean_acc"], abs_tol=ROUNDING):
        raise SourceError(
            f"{path}: key {key!r}: mean_acc is {record['mean_acc']}, but the mean of test_acc is {sum(values) / TRIALS}"
        )
    return values
