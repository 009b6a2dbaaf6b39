"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) from the official Python archive or its folder, read without running its pickles.

The official file of NAS-Bench-201's halves is not part of the kit: `SPLITS` are its sizes, and our own draw.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders.pickle_arrays import read_arrays
from nasbench_kit.loaders.pickles import shown
from nasbench_kit.training.datasets.dataset import Dataset, channel_statistics, stratified_split
from nasbench_kit.training.datasets.local import Archive, read_files

__all__ = ["CIFAR", "SPLITS", "images_and_labels", "load_cifar"]

PAGE = "https://www.cs.toronto.edu/~kriz/cifar.html"
SIDE = 32

# MD5s: that of the archives is on the authors' page, those of the files are what torchvision checks
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

# name: classes, and the shares of validation in the official training and test images. All splits are stratified, and
# drawn from the images' order alone. cifar10-valid, cifar10 and cifar100 have the sizes of NAS-Bench-201 (Dong and Yang
# 2020, section 2.2), -40k those of NAS-Bench-101 (Ying et al. 2019, section 2.4).
SPLITS = {
    "cifar10-valid": (10, 1 / 2, 0.0),
    "cifar10": (10, 0.0, 0.0),
    "cifar10-40k": (10, 1 / 5, 0.0),
    "cifar100": (100, 0.0, 1 / 2),
    "cifar100-40k": (100, 1 / 5, 0.0),
}


def load_cifar(name: str, folder: Path | None = None, *, verify: bool = True) -> Dataset:
    """One of `SPLITS`.

    ``cifar10-valid``: half of the official training images to train, half to validate, the official test images to test.
    ``cifar10``: all training images to train, none to validate. ``cifar10-40k``, ``cifar100-40k``: 40,000 training images
    to train, 10,000 to validate. ``cifar100``: all training images to train; half of the official test images to
    validate, the other half to test, as in NAS-Bench-201.

    Parameters
    ----------
    name : str
    folder : Path, optional
        With the official archive or its folder; see `read_files`.
    verify : bool
        Whether the checksums have to be right.

    Returns
    -------
    Dataset
        Images (n, 3, 32, 32) of uint8: the official training images in their order, then the test images.

    Raises
    ------
    SourceError
        A missing, damaged or foreign file.
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
    """The images (n, 3, side, side) and labels (n,), from 0 on, of an official batch, checked.

    Parameters
    ----------
    batch : dict
        With ``data`` (n, 3 side^2), channel by channel and row by row, and ``key``.
    where : str
        What errors call it.
    key : str
    side : int
    first : int
        The lowest label.
    classes : int
    """
    images, labels = batch.get("data"), batch.get(key)
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (3 * side**2,):
        found = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else shown(images)
        raise SourceError(f"{where}: 'data' is no array of uint8 of the shape (n, {3 * side**2}), but {found}")
    if type(labels) is list and set(map(type, labels)) <= {int}:
        try:
            labels = np.array(labels, dtype=np.int64)
        except OverflowError:
            labels = None
    if not isinstance(labels, np.ndarray) or labels.dtype.kind != "i" or labels.shape != (len(images),):
        raise SourceError(f"{where}: {key!r} is no list of {len(images)} whole numbers, one an image")
    if len(labels) == 0 or labels.min() < first or labels.max() >= first + classes:
        raise SourceError(f"{where}: {key!r} has others than {first} to {first + classes - 1}")
    return images.reshape(-1, 3, side, side), labels.astype(np.int64) - first
