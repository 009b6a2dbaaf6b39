"""Read NAS-Bench-NLP's training logs: JSON files in a folder or a zip archive, one per training."""

from __future__ import annotations

import hashlib
import json
import math
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import InvalidArchitecture, SourceError, one_line
from nasbench_kit.loaders.source import head, published_provenance
from nasbench_kit.metrics import Metric
from nasbench_kit.spaces import space
from nasbench_kit.store.schema import MetricColumn, Table

__all__ = ["STORE_NAME", "load", "recognises"]

STORE_NAME = "nas-bench-nlp"
MOST_LOGS = 100_000
MOST_BYTES = 2**20  # of one log; the published ones have 5 kB
MOST_EPOCHS = 1000
HIGHEST = 700.0  # the largest loss whose perplexity is a number
_LOG = re.compile(r"log_stats_model_.*\.json")
# what zipfile raises for archives that are damaged, encrypted, or compressed in other ways
_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)
_SPLITS = {"train": "train_losses", "valid": "val_losses", "test": "test_losses"}
_NOTES = (
    "Losses in nats per word after every epoch; perplexity is exp(loss). A budget of fewer epochs is the same training "
    "stopped early. Trainings have no published seeds: those of one architecture are numbered in order of their "
    "experiment ids. What a training that failed did not reach is not stored. params are those of the whole language "
    "model, as logged. Architectures were sampled from a space that nobody has covered: the table is partial by nature."
)


@dataclass(frozen=True)
class _Log:
    """One training."""

    where: str
    experiment: int
    dataset: str
    recipe: Any
    params: int
    losses: dict[str, NDArray[np.float64]]
    seconds: NDArray[np.float64]


def recognises(path: Path) -> bool:
    """Whether the path is a folder or a zip archive with log files in it."""
    if path.is_dir():
        return any(_LOG.fullmatch(file.name) for file in path.iterdir())
    if not head(path, 4).startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(_LOG.fullmatch(name.rsplit("/", 1)[-1]) for name in archive.namelist()[:1000])
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def load(path: Path, *, partial: bool = False) -> Table:
    """Read all logs.

    Parameters
    ----------
    path : Path
        The zip archive, or the folder that it unpacks to.
    partial : bool
        Accepted for symmetry with other formats; the logs never cover the space.

    Returns
    -------
    Table
        One dataset per corpus, such as ``wikitext-2``: ``train_loss``, ``valid_loss``, ``test_loss`` (nats per word),
        the same as ``*_perplexity``, and ``training_time`` (seconds, up to that epoch), after every epoch of every
        training; ``params``.

    Raises
    ------
    SourceError
        If a log is damaged or its recipe is not an architecture of the space; names the log.
    """
    files = [path] if path.is_file() else sorted(file for file in path.iterdir() if _LOG.fullmatch(file.name))
    contents = _archived(path) if path.is_file() else ((str(file), _read(file)) for file in files)
    logs = sorted((_parsed(where, content) for where, content in contents), key=lambda log: log.experiment)
    if not logs:
        raise SourceError(f"{path} has no files named log_stats_model_*.json")
    target = space("nas-bench-nlp")
    rows = np.concatenate([_encoded(log) for log in logs])
    architectures, position = np.unique(rows, axis=0, return_inverse=True)
    position = position.reshape(-1)
    placed = list(zip(logs, position.tolist(), strict=True))
    metrics = {
        dataset: _columns([(log, row) for log, row in placed if log.dataset == dataset], len(architectures))
        for dataset in dict.fromkeys(log.dataset for log in logs)
    }
    failed = sum(len(log.seconds) < max(len(other.seconds) for other in logs) for log in logs)
    provenance = {
        **published_provenance(files, "nas-bench-nlp"),
        "notes": _NOTES,
        "trainings": len(logs),
        "failed_trainings": failed,
        "networks": len(np.unique(target.key(architectures))),
    }
    if len(files) > 1:
        provenance["source"] = one_line(path.name)
        provenance["sha256"] = hashlib.sha256(provenance["sha256"].encode()).hexdigest()
    return Table(target, architectures, metrics, provenance)


def _columns(logs: list[tuple[_Log, int]], rows: int) -> dict[str, MetricColumn]:
    """The metrics of one dataset, from its logs and their rows."""
    epochs = max(len(log.seconds) for log, _ in logs)
    trial, counts = [], np.zeros(rows, dtype=np.int64)
    for _, row in logs:
        trial.append(int(counts[row]))
        counts[row] += 1
    shape = (rows, epochs, int(counts.max()))
    budgets, seeds = tuple(range(1, epochs + 1)), tuple(range(shape[2]))
    values = {name: np.full(shape, np.nan) for name in (*_SPLITS, "seconds")}
    params = np.full(rows, np.nan)
    for (log, row), number in zip(logs, trial, strict=True):
        for name in _SPLITS:
            values[name][row, : len(log.seconds), number] = log.losses[name]
        values["seconds"][row, : len(log.seconds), number] = log.seconds.cumsum()
        if np.isfinite(params[row]) and params[row] != log.params:
            raise SourceError(
                f"{log.where}: num_params is {log.params}, but another log of the same recipe has {params[row]:.0f}"
            )
        params[row] = log.params
    columns = {f"{name}_loss": MetricColumn(values[name], budgets, seeds) for name in _SPLITS}
    for name in _SPLITS:
        split: Any = name
        about = Metric(f"{name}_perplexity", "", "min", (1.0, math.inf), split, depends_on_seed=True)
        columns[about.name] = MetricColumn(np.exp(values[name]), budgets, seeds, about)
    columns["training_time"] = MetricColumn(values["seconds"], budgets, seeds)
    columns["params"] = MetricColumn(params)
    return columns


def _archived(path: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the logs of a zip archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if _LOG.fullmatch(info.filename.rsplit("/", 1)[-1])]
            if len(members) > MOST_LOGS:
                raise SourceError(f"{path} has {len(members)} logs, more than {MOST_LOGS}")
            for info in members:
                where = f"{path}: {one_line(info.filename)}"
                if info.file_size > MOST_BYTES:
                    raise SourceError(f"{where} has {info.file_size} bytes, too many for a log")
                with archive.open(info) as member:
                    content = member.read(MOST_BYTES + 1)
                if len(content) > MOST_BYTES:
                    raise SourceError(f"{where} has more than {MOST_BYTES} bytes, too many for a log")
                yield where, content
    except _DAMAGES as error:
        raise SourceError(f"{path} is not a complete zip archive: {one_line(str(error))}; download it again") from error


def _read(file: Path) -> bytes:
    if file.stat().st_size > MOST_BYTES:
        raise SourceError(f"{file} has {file.stat().st_size} bytes, too many for a log")
    return head(file, MOST_BYTES)


def _parsed(where: str, content: bytes) -> _Log:
    try:
        log = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{where} is not valid JSON: {one_line(str(error))}") from error
    if not isinstance(log, dict):
        raise SourceError(f"{where}: expected an object, not {type(log).__name__}")
    experiment, params = (_whole(where, log, key) for key in ("experiment_id", "num_params"))
    data, recipe = (_text(where, log, key) for key in ("data", "recepie"))
    seconds = _numbers(
        where, log, "wall_times", len(log["wall_times"]) if isinstance(log.get("wall_times"), list) else 0
    )
    if np.isnan(seconds).any():
        raise SourceError(f"{where}: key 'wall_times' has a value that is not a number")
    losses = {name: _numbers(where, log, key, len(seconds)) for name, key in _SPLITS.items()}
    for name, values in losses.items():
        if (values > HIGHEST).any():
            raise SourceError(f"{where}: key {_SPLITS[name]!r}: a loss of {values.max():g} is impossible")
    return _Log(where, experiment, data.rstrip("/").rsplit("/", 1)[-1] or "unknown", recipe, params, losses, seconds)


def _whole(where: str, log: dict[str, Any], key: str) -> int:
    value = log.get(key)
    if type(value) is not int or not 0 <= value < 2**53:
        raise SourceError(f"{where}: key {key!r}: expected a whole number, not {value!r:.100}")
    return value


def _text(where: str, log: dict[str, Any], key: str) -> str:
    value = log.get(key)
    if not isinstance(value, str) or not value:
        raise SourceError(f"{where}: key {key!r}: expected text, not {value!r:.100}")
    return value


def _numbers(where: str, log: dict[str, Any], key: str, count: int) -> NDArray[np.float64]:
    """A list of non-negative numbers or nan, one per epoch."""
    values = log.get(key)
    if not isinstance(values, list) or len(values) != count or not 1 <= count <= MOST_EPOCHS:
        raise SourceError(
            f"{where}: key {key!r}: expected a list with one number per epoch, {count}, not {values!r:.100}"
        )
    if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in values):
        raise SourceError(f"{where}: key {key!r} has a value that is not a number")
    try:
        found = np.array(values, dtype=np.float64)
    except OverflowError:
        raise SourceError(f"{where}: key {key!r} has a number that is too large") from None
    if (found < 0).any() or np.isinf(found).any():
        raise SourceError(f"{where}: key {key!r} has a negative or infinite number")
    return found


def _encoded(log: _Log) -> NDArray[np.uint8]:
    try:
        return space("nas-bench-nlp").encode([log.recipe])
    except InvalidArchitecture as error:
        raise SourceError(f"{log.where}: key 'recepie': {error}") from error
