"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) from the official Python archive or its folder, without unpickling it.

NAS-Bench-201's official split file is not part of the kit: `SPLITS` has the same sizes but draws its own images.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders.pickle_arrays import read_arrays
from nasbench_kit.loaders.pickle_values import shown
from nasbench_kit.training.datasets.dataset import Dataset, channel_statistics, stratified_split
from nasbench_kit.training.datasets.local import Archive, read_files

__all__ = ["CIFAR", "SPLITS", "images_and_labels", "load_cifar"]

PAGE = "https://www.cs.toronto.edu/~kriz/cifar.html"
SIDE = 32

# MD5s: those of the archives are from the authors' page, those of the files from torchvision
CIFAR = {
    10: Archive(
        "CIFAR-10 (python version)",
        PAGE,
        "cifar-10-batches-py",
        {
            "data_batch_1": "c99cafc152244af753f735de768cd75f",
            "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "634d18415352ddfa80567beed471001a",
            "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
            "test_batch": "40351d587109b95175f43aff81a1287e",
        },
        "cifar-10-python.tar.gz",
        "c58f30108f718f92721af3b95e74349a",
    ),
    100: Archive(
        "CIFAR-100 (python version)",
        PAGE,
        "cifar-100-python",
        {"train": "16019d7e3df5f24257cddd939b257f8d", "test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
        "cifar-100-python.tar.gz",
        "eb9058c3a382ffc7106e4002c42a8d85",
    ),
}

# name: (classes, fractions of the official training and test images used for validation). All splits are stratified
# and depend only on the labels and their order. cifar10-valid, cifar10 and cifar100 have the sizes of NAS-Bench-201
# (Dong and Yang 2020, section 2.2), -40k those of NAS-Bench-101 (Ying et al. 2019, section 2.4).
SPLITS = {
    "cifar10-valid": (10, 1 / 2, 0.0),
    "cifar10": (10, 0.0, 0.0),
    "cifar10-40k": (10, 1 / 5, 0.0),
    "cifar100": (100, 0.0, 1 / 2),
    "cifar100-40k": (100, 1 / 5, 0.0),
}


def load_cifar(name: str, folder: Path | None = None, *, verify: bool = True) -> Dataset:
    """Load one of `SPLITS`.

    ``cifar10-valid``: the official training images are split in half for training and validation; the official test
    images are used for testing. ``cifar10``: all training images for training, none for validation. ``cifar10-40k``,
    ``cifar100-40k``: 40,000 training images for training, 10,000 for validation. ``cifar100``: all training images for
    training; the official test images are split in half for validation and testing, as in NAS-Bench-201.

    Parameters
    ----------
    name : str
    folder : Path, optional
        Holds the official archive or its unpacked folder; see `read_files`.
    verify : bool
        Whether to check the checksums.

    Returns
    -------
    Dataset
        uint8 images (n, 3, 32, 32): the official training images in their order, then the test images.

    Raises
    ------
    SourceError
        If a file is missing, damaged or not the published one.
    """
    classes, of_train, of_test = SPLITS[name]
    key = "labels" if classes == 10 else "fine_labels"
    images, labels, split = [], [], ""
    of_part: dict[str, list[NDArray[np.int64]]] = {"train": [], "test": []}
    for file, where, data in read_files(CIFAR[classes], folder, verify=verify):  # in the order of the images
        batch, found = images_and_labels(read_arrays(data, where), where, key, SIDE, 0, classes)
        images.append(batch)
        labels.append(found)
        of_part["test" if file.startswith("test") else "train"].append(found)
    for part, letter, share in (("train", "r", of_train), ("test", "t", of_test)):
        known = np.concatenate(of_part[part])
        count = round(len(known) * share)
        split += stratified_split(known, {letter: len(known) - count, "v": count}, f"{name} {part}")
    everything = np.concatenate(images)
    mean, std = channel_statistics(everything[np.array(list(split)) == "r"])
    return Dataset(name, everything, np.concatenate(labels), split, classes, mean, std)


def images_and_labels(
    batch: dict[str, Any], where: str, key: str, side: int, first: int, classes: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Check an official batch; return its images (n, 3, side, side) and its labels (n,), starting at 0.

    Parameters
    ----------
    batch : dict
        Has ``data`` (n, 3 side^2), channel by channel and row by row, and ``key``.
    where : str
        Its name in error messages.
    key : str
        Name of the labels.
    side : int
    first : int
        The lowest label in the file.
    classes : int
    """
    images, labels = batch.get("data"), batch.get(key)
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (3 * side**2,):
        found = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else shown(images)
        raise SourceError(f"{where}: 'data' must be a uint8 array of shape (n, {3 * side**2}), not {found}")
    if type(labels) is list and set(map(type, labels)) <= {int}:
        try:
            labels = np.array(labels, dtype=np.int64)
        except OverflowError:
            labels = None
    if not isinstance(labels, np.ndarray) or labels.dtype.kind != "i" or labels.shape != (len(images),):
        raise SourceError(f"{where}: {key!r} must be a list of {len(images)} integers, one per image")
    if len(labels) == 0 or labels.min() < first or labels.max() >= first + classes:
        raise SourceError(f"{where}: {key!r} has values outside {first} to {first + classes - 1}")
    return images.reshape(-1, 3, side, side), labels.astype(np.int64) - first
