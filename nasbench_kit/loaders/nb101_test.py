"""Read the mean test accuracies of all NAS-Bench-101 cells: a NumPy file with one count per cell, in order of hashes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders.source import head, published_provenance
from nasbench_kit.spaces.nb101.space import NB101
from nasbench_kit.store.schema import MetricColumn, Table

__all__ = ["STORE_NAME", "load", "recognises"]

STORE_NAME = "nb101-test"
EPOCHS = 108
IMAGES = 3 * 9984  # test images of the three trainings: 39 batches of 256 each
_MAGIC = b"\x93NUMPY"
_SHAPE = b"'shape': (423624,)"

_NOTES = (
    "Mean test accuracy of the three trainings with 108 epochs, stored by its publisher as a whole number of test "
    "images. There is no validation accuracy, no other epoch budget, no single training and no time: a search on this "
    "table selects on test data. The official file, nasbench_full.tfrecord, has all of them."
)


def recognises(path: Path) -> bool:
    """Whether the file is a NumPy array with one value per NAS-Bench-101 cell."""
    start = head(path, 256)
    return start.startswith(_MAGIC) and _SHAPE in start


def load(path: Path, *, partial: bool = False) -> Table:
    """Read the file.

    Parameters
    ----------
    path : Path
    partial : bool
        Accepted for symmetry with other formats; the file is always complete.

    Returns
    -------
    Table
        Dataset ``cifar10``, rows the canonical genotypes: ``test_accuracy`` (percent, mean of three trainings, 108
        epochs) and ``params``.

    Raises
    ------
    SourceError
        The file is damaged, or is not an array of counts of test images.
    """
    counts = _counts(path)
    space = NB101()
    architectures = space.representatives(np.arange(space.networks))
    accuracy = np.empty(space.networks)
    accuracy[space.cells_by_hash()] = 100 * (counts / IMAGES)
    params = space.cost(architectures, "params", dataset="cifar10")
    metrics = {
        "test_accuracy": MetricColumn(accuracy[:, np.newaxis], (EPOCHS,)),
        "params": MetricColumn(params.astype(np.uint32)),
    }
    provenance = {**published_provenance([path], "nb101-test"), "notes": _NOTES, "missing_networks": 0}
    return Table(space, architectures, {"cifar10": metrics}, provenance)


def _counts(path: Path) -> NDArray[np.uint16]:
    """Correctly classified test images of each cell over its three trainings, in ascending order of official hashes."""
    try:
        counts = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise SourceError(f"{path} is not a complete NumPy array: {error}; download it again") from error
    if not isinstance(counts, np.ndarray) or counts.shape != (NB101.networks,) or counts.dtype != np.uint16:
        raise SourceError(
            f"{path}: expected {NB101.networks} values of type uint16, one per cell, not {np.shape(counts)} of "
            f"{getattr(counts, 'dtype', type(counts).__name__)}"
        )
    if counts.max() > IMAGES:
        where = int(counts.argmax())
        raise SourceError(
            f"{path}: value {where} is {counts[where]}, but there are only {IMAGES} test images in three trainings"
        )
    return counts
