"""What was trained, kept: one SQLite file with a row for every epoch of every training. It holds numbers and names alone.

A row is written when its training is done, in one transaction, so that a process that is killed leaves whole trainings; any
number of processes may use a file at once. Nothing that the file says is run.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nasbench_kit.errors import StoreError
from nasbench_kit.files import check_target
from nasbench_kit.spaces import space as space_of
from nasbench_kit.store import MetricColumn, Table
from nasbench_kit.training.setting import Setting
from nasbench_kit.training.trainer import METRICS, find_device

__all__ = ["COLUMNS", "TrainingCache", "cache_identity", "cached_table"]

COLUMNS = (*METRICS, "seconds")
PATIENCE = 60  # seconds to wait for another process that is writing

_SCHEMA = (
    "CREATE TABLE settings (digest TEXT PRIMARY KEY, identity TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE epochs (setting TEXT NOT NULL, genotype BLOB NOT NULL, seed INTEGER NOT NULL, epoch INTEGER NOT NULL, "
    + ", ".join(f"{name} REAL" for name in COLUMNS)
    + ", torch TEXT NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (setting, genotype, seed, epoch)) WITHOUT ROWID",
)
_REASONS = {
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR": "the disk cannot be read or written, or is full",
    "SQLITE_READONLY": "it, or its folder, may not be written",
    "SQLITE_CANTOPEN": "it, or its folder, may not be opened for writing",
    "SQLITE_PERM": "it, or its folder, may not be opened for writing",
    "SQLITE_BUSY": f"another process has kept it for {PATIENCE} s",
    "SQLITE_CORRUPT": "it is damaged; delete it to start anew",
    "SQLITE_NOTADB": "it is a file of another kind, or damaged; give another path",
}


def cache_identity(setting: Setting, device: str | None = None) -> dict[str, Any]:
    """What two trainings of one genotype and seed have to share to be the same: plain values, as JSON has them.

    The kind of the device belongs to it: on a GPU trainings run in mixed precision.
    """
    space = space_of(setting.space)
    return {**setting.identity, "space_version": space.version, "device": find_device(device).type}


class TrainingCache:
    """A file of trainings, opened or made.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    StoreError
        Where it cannot be opened, is another kind of file, or damaged; so do all methods.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        check_target(self.path)
        with self._errors():
            # autocommit: transactions are begun and ended below, by name
            self._connection = sqlite3.connect(self.path.absolute(), timeout=PATIENCE, isolation_level=None)
        try:
            with self._errors():
                self._connection.execute("PRAGMA trusted_schema = OFF")
                if self._schema() != _expected():
                    self._make()
                if self._connection.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
                    raise self._damaged()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file. Everything is on the disk already."""
        self._connection.close()

    def claim(self, identity: Mapping[str, Any]) -> str:
        """The digest by which the trainings of a setting are found; its identity is noted down beside them."""
        text = json.dumps(identity, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:32]
        with self._errors(), self._transaction():
            self._connection.execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", (digest, text))
        return digest

    def get(self, setting: str, genotype: bytes, seed: int, epochs: int) -> NDArray[np.float64] | None:
        """The first epochs of a training: (epochs, `COLUMNS`); None unless all of them are there."""
        with self._errors():
            rows = self._connection.execute(
                f"SELECT epoch, {', '.join(COLUMNS)}, torch, crc FROM epochs "
                "WHERE setting = ? AND genotype = ? AND seed = ? AND epoch <= ? ORDER BY epoch",
                (setting, genotype, seed, epochs),
            ).fetchall()
        if [row[0] for row in rows] != list(range(1, epochs + 1)):
            return None
        return np.array([self._values(setting, genotype, seed, row) for row in rows])

    def put(self, setting: str, genotype: bytes, seed: int, values: NDArray[np.float64]) -> None:
        """Keep the epochs of a training from its first one on: (epochs, `COLUMNS`). What is there already stays."""
        rows = []
        for epoch, row in enumerate(values.tolist(), start=1):
            crc = _crc(setting, genotype, seed, epoch, row, torch.__version__)
            rows.append((setting, genotype, seed, epoch, *row, torch.__version__, crc))
        marks = ", ".join("?" * len(rows[0]))
        with self._errors(), self._transaction():
            self._connection.executemany(f"INSERT OR IGNORE INTO epochs VALUES ({marks})", rows)

    def trainings(self, setting: str) -> list[tuple[bytes, int, NDArray[np.float64]]]:
        """All trainings of a setting: genotype, seed, and (epochs, `COLUMNS`), in the order of genotype and seed."""
        with self._errors():
            found = self._connection.execute(
                "SELECT genotype, seed, max(epoch) FROM epochs WHERE setting = ? GROUP BY genotype, seed "
                "ORDER BY genotype, seed",
                (setting,),
            ).fetchall()
        if any(not isinstance(epochs, int) for _, _, epochs in found):
            raise self._damaged()
        rows = [(genotype, seed, self.get(setting, genotype, seed, epochs)) for genotype, seed, epochs in found]
        return [(genotype, seed, values) for genotype, seed, values in rows if values is not None]

    # ---------------------------------------------------------------- the file

    def _schema(self) -> list[tuple[str, str]]:
        return self._connection.execute("SELECT type, sql FROM sqlite_schema ORDER BY sql").fetchall()

    def _make(self) -> None:
        """Make the tables of a new file; any other is refused before it is written."""
        with self._transaction():
            if not self._schema():
                for statement in _SCHEMA:
                    self._connection.execute(statement)
            elif self._schema() != _expected():  # not made by another process in between either
                raise StoreError(f"{self.path} is no cache of trainings of this version of the kit; give another path")

    def _values(self, setting: str, genotype: bytes, seed: int, row: tuple[Any, ...]) -> list[float]:
        epoch, *numbers, version, crc = row
        try:
            values = [np.nan if value is None else float(value) for value in numbers]
            right = _crc(setting, genotype, seed, epoch, values, version) == crc
        except (TypeError, ValueError, AttributeError):
            right = False
        if not right:
            raise self._damaged()
        return values

    def _damaged(self) -> StoreError:
        return StoreError(f"{self.path} cannot be used as a cache of trainings: {_REASONS['SQLITE_CORRUPT']}")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # some errors have ended it already
                self._connection.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:
            raise self._damaged() from error
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "")
            reason = next((text for known, text in _REASONS.items() if name.startswith(known)), str(error))
            raise StoreError(f"{self.path} cannot be used as a cache of trainings: {reason}") from error


def cached_table(cache: TrainingCache, setting: Setting, device: str | None = None) -> Table:
    """Everything that a cache has of a setting as a table, ready for ``write_store``.

    A row a network, in its canonical form; every epoch is a budget; what was not trained so long, or with a seed, is ``nan``.

    Raises
    ------
    ValueError
        Where nothing was trained yet.
    """
    identity = cache_identity(setting, device)
    trainings = cache.trainings(cache.claim(identity))
    if not trainings:
        raise ValueError(f"{cache.path} has no training of this setting: there is nothing to make a table of")
    space = space_of(setting.space)
    genotypes = sorted({genotype for genotype, _, _ in trainings})
    seeds = sorted({seed for _, seed, _ in trainings})
    epochs = max(len(values) for _, _, values in trainings)
    found = np.full((len(COLUMNS), len(genotypes), epochs, len(seeds)), np.nan)
    position = {genotype: i for i, genotype in enumerate(genotypes)}
    for genotype, seed, values in trainings:
        found[:, position[genotype], : len(values), seeds.index(seed)] = values.T
    rows = np.array([list(genotype) for genotype in genotypes], dtype=np.uint8)
    budgets = tuple(range(1, epochs + 1))
    metrics = {
        name: MetricColumn(found[i], budgets, tuple(seeds))
        for i, name in enumerate(METRICS)
        if np.isfinite(found[i]).any()
    }
    seconds = found[-1].cumsum(axis=1)
    trained = np.isfinite(seconds).sum(axis=2)
    mean = np.nansum(seconds, axis=2) / np.where(trained, trained, np.nan)
    metrics["training_time"] = MetricColumn(mean, budgets)
    for name in space.cost_names:
        metrics[name] = MetricColumn(space.cost(rows, name, skeleton=setting.skeleton))
    notes = "The networks that searches asked for, not a sample. A smaller budget is the same training stopped early."
    return Table(
        space,
        rows,
        {setting.data.name: metrics},
        {
            "source": "trained by nasbench-kit search",
            "notes": notes,
            "setting": setting.identity,
            "device": identity["device"],
        },
    )


def _crc(setting: str, genotype: bytes, seed: int, epoch: int, values: list[float], version: str) -> int:
    """A checksum of a row: SQLite itself has none."""
    plain = np.array(values, dtype="<f8")
    plain[np.isnan(plain)] = np.nan
    return zlib.crc32(f"{setting} {genotype.hex()} {seed} {epoch} {version} ".encode() + plain.tobytes())


def _expected() -> list[tuple[str, str]]:
    return sorted((("table", statement) for statement in _SCHEMA), key=lambda entry: entry[1])
