"""A cache of trainings: an SQLite file with one row per epoch of every training.

The rows of a training are written in one transaction when it ends, so that a killed process leaves no incomplete
training. Any number of processes may use a file at once. It holds only numbers and names; nothing in it is executed.
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
LOCK_TIMEOUT = 60  # seconds to wait for another process to finish writing

_SCHEMA = (
    "CREATE TABLE settings (digest TEXT PRIMARY KEY, identity TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE epochs (setting TEXT NOT NULL, genotype BLOB NOT NULL, seed INTEGER NOT NULL, epoch INTEGER NOT NULL, "
    + ", ".join(f"{name} REAL" for name in COLUMNS)
    + ", torch TEXT NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (setting, genotype, seed, epoch)) WITHOUT ROWID",
)
_REASONS = {
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR": "the disk cannot be read or written, or is full",
    "SQLITE_READONLY": "it or its folder is not writable",
    "SQLITE_CANTOPEN": "it or its folder cannot be opened for writing",
    "SQLITE_PERM": "it or its folder cannot be opened for writing",
    "SQLITE_BUSY": f"another process has locked it for {LOCK_TIMEOUT} s",
    "SQLITE_CORRUPT": "it is damaged; delete it to start again",
    "SQLITE_NOTADB": "it is damaged or a different kind of file; give another path",
}


def cache_identity(setting: Setting, device: str | None = None) -> dict[str, Any]:
    """Return everything that determines a training besides genotype and seed, as JSON-compatible values.

    This includes the device type, because trainings on a GPU use mixed precision.
    """
    space = space_of(setting.space)
    return {**setting.identity, "space_version": space.version, "device": find_device(device).type}


class TrainingCache:
    """A file of trainings, created if missing.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    StoreError
        If it cannot be opened, is a different kind of file, or is damaged. All methods may raise it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        check_target(self.path, StoreError)
        with self._errors():
            # autocommit, as transactions are managed explicitly below
            self._connection = sqlite3.connect(self.path.absolute(), timeout=LOCK_TIMEOUT, isolation_level=None)
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
        """Close the file. All data is already on disk."""
        self._connection.close()

    def claim(self, identity: Mapping[str, Any]) -> str:
        """Store the identity of a setting, and return the digest that identifies its trainings."""
        text = json.dumps(identity, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:32]
        with self._errors(), self._transaction():
            self._connection.execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", (digest, text))
        return digest

    def get(self, setting: str, genotype: bytes, seed: int, epochs: int) -> NDArray[np.float64] | None:
        """Return the first epochs of a training, (epochs, `COLUMNS`), or None unless all of them are present."""
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
        """Store the epochs of a training from the first one on, (epochs, `COLUMNS`). Existing rows are kept."""
        rows = []
        for epoch, row in enumerate(values.tolist(), start=1):
            crc = _crc(setting, genotype, seed, epoch, row, torch.__version__)
            rows.append((setting, genotype, seed, epoch, *row, torch.__version__, crc))
        marks = ", ".join("?" * len(rows[0]))
        with self._errors(), self._transaction():
            self._connection.executemany(f"INSERT OR IGNORE INTO epochs VALUES ({marks})", rows)

    def trainings(self, setting: str) -> list[tuple[bytes, int, NDArray[np.float64]]]:
        """Return all trainings of a setting, sorted by genotype and seed: genotype, seed, and (epochs, `COLUMNS`)."""
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
        """Create the tables of a new file; refuse any other file without writing to it."""
        with self._transaction():
            if not self._schema():
                for statement in _SCHEMA:
                    self._connection.execute(statement)
            elif self._schema() != _expected():  # unless another process has just created them
                raise StoreError(f"{self.path} is not a training cache of this version of the kit; give another path")

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
        return StoreError(f"{self.path} cannot be used as a training cache: {_REASONS['SQLITE_CORRUPT']}")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # some errors end the transaction themselves
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
            raise StoreError(f"{self.path} cannot be used as a training cache: {reason}") from error


def cached_table(cache: TrainingCache, setting: Setting, device: str | None = None) -> Table:
    """Return everything that a cache has for a setting as a table, ready for ``write_store``.

    There is one row per network, in its canonical form. Every epoch is a budget. Epochs and seeds that were not trained
    are ``nan``.

    Raises
    ------
    ValueError
        If nothing has been trained yet.
    """
    identity = cache_identity(setting, device)
    trainings = cache.trainings(cache.claim(identity))
    if not trainings:
        raise ValueError(f"{cache.path} has no trainings of this setting to make a table from")
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
    notes = "Networks evaluated by searches, not a random sample. A smaller budget is the same training stopped early."
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
    """Return a checksum of a row, as SQLite has none."""
    plain = np.array(values, dtype="<f8")
    plain[np.isnan(plain)] = np.nan
    return zlib.crc32(f"{setting} {genotype.hex()} {seed} {epoch} {version} ".encode() + plain.tobytes())


def _expected() -> list[tuple[str, str]]:
    return sorted((("table", statement) for statement in _SCHEMA), key=lambda entry: entry[1])
