"""Read NAS-Bench-101's TFRecord files (``nasbench_full.tfrecord``, ``nasbench_only108.tfrecord``)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders.nb101_record import EVALUATION, Decoded, decode
from nasbench_kit.loaders.source import head, published_provenance
from nasbench_kit.loaders.tfrecord import Records, read_records
from nasbench_kit.spaces.nb101.space import NB101
from nasbench_kit.store.schema import MetricColumn, Table

__all__ = ["BUDGETS", "REPEATS", "load", "recognises", "store_name"]

BUDGETS = (4, 12, 36, 108)
REPEATS = 3
HALFWAY, FINAL = 0, 1

# SHA-256 of the concatenated 32-digit hashes of all cells, ordered by `network_index`; computed in the tests
SHA256_OF_ALL_HASHES = "d3332c0348a4fb1e6fb492887cab04e25624b9787a62346545992ec61746c1a6"

# Among files of this format, only EC-NAS's have the middle evaluation elsewhere; its trainings are not NAS-Bench-101's.
_EC_NAS = {
    "url": "https://github.com/saintslab/EC-NAS-Bench",
    "licence": "MIT",
    "citation": "Bakhtiarifard, Igel and Selvan 2024, EC-NAS: energy consumption aware tabular benchmarks for neural "
    "architecture search, arXiv 2210.06015",
}

_START = re.compile(rb'.{12}\["[0-9a-f]{32}", [0-9]{1,3}, "[01]{4,49}", "input,', re.DOTALL)
_NOTES = (
    "Repeats have no published seeds: 0, 1, 2 follow the order of the file. halfway_* are measured halfway through a "
    "training whose learning rate has not yet decayed: values at 54 of 108 epochs are not results of a 54-epoch "
    "training."
)


def recognises(path: Path) -> bool:
    """Whether the file begins with the record of a cell: its hash, epochs and adjacency."""
    return _START.match(head(path)) is not None


def store_name(path: Path) -> str:
    """``nb101``, or ``nb101-only108`` if all records at the start of the file have 108 epochs."""
    budgets = set(re.findall(rb'\["[0-9a-f]{32}", ([0-9]{1,3}), "', head(path, 2**14)))
    return "nb101-only108" if budgets == {b"108"} else "nb101"


def load(
    path: Path,
    *,
    partial: bool = False,
    progress: Callable[[float], None] = lambda share: None,
    reader: str = "builtin",
) -> Table:
    """Read an official file.

    Every record is checked: both checksums, the cell, the official hash and the params against those computed from the
    cell, and the range of its values.

    Parameters
    ----------
    path : Path
    partial : bool
        Accept a file that lacks cells, budgets or repeats.
    progress : callable
        Called periodically with the fraction read, 0 to 1.
    reader : {"builtin", "tensorflow"}
        Which TFRecord reader to use; the result is the same.

    Returns
    -------
    Table
        Dataset ``cifar10``, rows the canonical genotypes; for each budget and repeat ``train_accuracy``,
        ``valid_accuracy``, ``test_accuracy`` (percent: the file's float32 fraction times 100, in float64),
        ``training_time`` (seconds), and the same as ``halfway_*``; ``params``, ``flops``.

    Raises
    ------
    SourceError
        If a record is invalid; the message gives its byte offset.
    """
    trials = _Trials(path)
    size = path.stat().st_size
    for records in read_records(path, reader):
        trials.add(records, decode(path, records))
        progress(int(records.offsets[-1]) / size)
    missing = trials.check_complete(partial=partial)
    trials.check_hashes()
    networks = np.flatnonzero(trials.counts.any(axis=1))
    architectures = trials.space.representatives(networks)
    metrics = {
        name: MetricColumn(values, trials.budgets, tuple(range(REPEATS))) for name, values in trials.columns(networks)
    }
    for name in ("params", "flops"):
        metrics[name] = MetricColumn(trials.space.cost(architectures, name, dataset="cifar10"))
    notes = _NOTES
    if trials.elsewhere:
        notes += f" In {trials.elsewhere} records the middle evaluation is not halfway; it is not stored."
    provenance = {**published_provenance([path], "nb101"), "notes": notes, **missing}
    if trials.elsewhere:
        provenance |= _EC_NAS
    return Table(trials.space, architectures, {"cifar10": metrics}, provenance)


class _Trials:
    """Collects the values of all trainings by cell, budget and repeat.

    Attributes
    ----------
    counts : ndarray of uint8, shape (networks, budgets)
        The number of repeats so far.
    elsewhere : int
        The number of records whose middle evaluation is not at half of the epochs.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.space = path, NB101()
        self.counts = np.zeros((self.space.networks, len(BUDGETS)), dtype=np.uint8)
        self.elsewhere = 0
        self._hashes = np.zeros(self.space.networks, dtype="S32")
        self._first = np.zeros(self.space.networks, dtype=np.int64)  # offset of each cell's first record
        self._values: dict[int, NDArray[np.float64]] = {}  # by budget: (networks, repeats, halfway or final, metrics)

    def add(self, records: Records, found: Decoded) -> None:
        """Check some records and store their values."""
        network = self.space.network_index(found.cells)[found.cell]
        self._note_hashes(records, network, found.hashes)
        params = self.space.cost(found.cells, "params", dataset="cifar10")[found.cell]
        self._refuse(
            records,
            found.params != params,
            lambda i: f"it has {found.params[i]} params, but its network {params[i]}",
        )
        budget = np.searchsorted(BUDGETS, found.epochs).clip(max=len(BUDGETS) - 1)
        self._refuse(
            records,
            np.array(BUDGETS)[budget] != found.epochs,
            lambda i: f"its epochs are {found.epochs[i]}, not one of {BUDGETS}",
        )
        repeat = self._repeats(records, network, budget)
        self._file(records, found, network, budget, repeat)

    def _note_hashes(self, records: Records, network: NDArray[np.intp], hashes: NDArray[np.bytes_]) -> None:
        """Store the hash of each new cell, and compare later hashes of the same cell with it."""
        cells, first = np.unique(network, return_index=True)
        new = self._hashes[cells] == b""
        self._hashes[cells[new]] = hashes[first[new]]
        self._first[cells[new]] = records.offsets[first[new]]
        earlier = self._hashes[network]
        self._refuse(
            records,
            hashes != earlier,
            lambda i: f"its hash is {hashes[i].decode()}, but {earlier[i].decode()} in an earlier record of the cell",
        )

    def check_hashes(self) -> None:
        """Compare every cell's hash with the one computed from the cell; raises SourceError.

        Computing all hashes would take half as long as reading the whole file, so the digest of the complete column is
        compared first.
        """
        if hashlib.sha256(self._hashes.tobytes()).hexdigest() == SHA256_OF_ALL_HASHES:
            return
        cells = np.flatnonzero(self._hashes != b"")
        right = self.space.module_hash(self.space.representatives(cells)).astype("S32")
        wrong = self._hashes[cells] != right
        if wrong.any():
            i = int(np.where(wrong, self._first[cells], np.iinfo(np.int64).max).argmin())
            found, offset = self._hashes[cells[i]].decode(), self._first[cells[i]]
            raise SourceError(
                f"{self.path}: the record at byte {offset}: its hash is {found}, its cell's {right[i].decode()}"
            )

    def _repeats(self, records: Records, network: NDArray[np.intp], budget: NDArray[np.intp]) -> NDArray[np.intp]:
        """The repeat index of each record, by order of appearance within its cell and budget."""
        trial = network * len(BUDGETS) + budget
        order = np.argsort(trial, kind="stable")
        first = np.searchsorted(trial[order], trial[order])
        repeat = np.empty(len(trial), dtype=np.intp)
        repeat[order] = np.arange(len(trial)) - first
        repeat += self.counts[network, budget]
        self._refuse(
            records,
            repeat >= REPEATS,
            lambda i: f"it is repeat {repeat[i] + 1} of its cell and budget, of which there are only {REPEATS}",
        )
        np.add.at(self.counts, (network, budget), np.uint8(1))
        return repeat

    def _file(
        self,
        records: Records,
        found: Decoded,
        network: NDArray[np.intp],
        budget: NDArray[np.intp],
        repeat: NDArray[np.intp],
    ) -> None:
        at, values = found.evaluations[:, 1:, 0], found.evaluations[:, 1:, 1:].copy()
        self._refuse(
            records,
            at[:, FINAL] != found.epochs,
            lambda i: f"its last evaluation is at epoch {at[i, FINAL]:g} of {found.epochs[i]}",
        )
        limit = np.array([np.inf, 1.0, 1.0, 1.0])
        with np.errstate(invalid="ignore"):
            wrong = ~((values >= 0) & (values <= limit) & (values < np.inf))
        self._refuse(
            records,
            np.asarray(wrong.any(axis=(1, 2))),
            lambda i: f"a time or an accuracy (0 to 1) is out of range: {values[i][wrong[i]][0]}",
        )
        values[:, :, 1:] *= 100
        elsewhere = at[:, HALFWAY] * 2 != found.epochs
        values[elsewhere, HALFWAY] = np.nan
        self.elsewhere += int(elsewhere.sum())
        for b in np.unique(budget).tolist():
            these = budget == b
            if b not in self._values:
                self._values[b] = np.full((self.space.networks, REPEATS, 2, len(EVALUATION) - 1), np.nan)
            self._values[b][network[these], repeat[these]] = values[these]

    def _refuse(self, records: Records, wrong: NDArray[np.bool_], why: Callable[[int], str]) -> None:
        if wrong.any():
            i = int(wrong.argmax())
            raise SourceError(f"{self.path}: the record at byte {records.offsets[i]}: {why(i)}")

    @property
    def budgets(self) -> tuple[int, ...]:
        """The budgets that have records."""
        return tuple(BUDGETS[b] for b in sorted(self._values))

    def columns(self, networks: NDArray[np.intp]) -> list[tuple[str, NDArray[np.float64]]]:
        """Names and values, shape (n, budgets, repeats), of all metrics of the given networks."""
        found = []
        for half, prefix in ((FINAL, ""), (HALFWAY, "halfway_")):
            for m, name in enumerate(EVALUATION[1:]):
                parts = [self._values[b][networks, :, half, m] for b in sorted(self._values)]
                found.append((prefix + name, np.stack(parts, axis=1)))
        return found

    def check_complete(self, *, partial: bool) -> dict[str, int]:
        """Count what is missing, for the provenance; SourceError if anything is, unless ``partial``."""
        # a file with only the largest budget is published too
        wanted = [len(BUDGETS) - 1] if self.budgets == BUDGETS[-1:] else range(len(BUDGETS))
        here = self.counts[:, wanted]
        cells = int((~here.any(axis=1)).sum())
        trials = here.size * REPEATS - int(here.sum())
        if trials and not partial:
            raise SourceError(
                f"{self.path} lacks {cells} of the {len(here)} cells of nb101, and {trials} of {here.size * REPEATS} "
                "trainings in total: the file is truncated or only part of the table; to store it anyway, use "
                "--partial (partial=True)"
            )
        return {"missing_architectures": cells, "missing_trainings": trials}
