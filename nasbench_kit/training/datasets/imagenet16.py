"""ImageNet16-120: the first 120 classes of ImageNet at 16x16 pixels (Chrabaszcz et al. 2017, arXiv 1707.08819).

The official batches are read without unpickling them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nasbench_kit.loaders.pickle_arrays import read_arrays
from nasbench_kit.training.datasets.cifar import images_and_labels
from nasbench_kit.training.datasets.dataset import Dataset, channel_statistics, stratified_split
from nasbench_kit.training.datasets.local import Archive, read_files

__all__ = ["IMAGENET16", "load_imagenet16"]

SIDE, ALL_CLASSES, CLASSES = 16, 1000, 120

# MD5s: those checked by NAS-Bench-201's authors (AutoDL-Projects, DownsampledImageNet.py)
IMAGENET16 = Archive(
    "ImageNet16",
    "https://patrykchrabaszcz.github.io/Imagenet32/ (or https://github.com/D-X-Y/NAS-Bench-201)",
    "ImageNet16",
    {
        "train_data_batch_1": "27846dcaa50de8e21a7d1a35f30f0e91",
        "train_data_batch_2": "c7254a054e0e795c69120a5727050e3f",
        "train_data_batch_3": "4333d3df2e5ffb114b05d2ffc19b1e87",
        "train_data_batch_4": "1620cdf193304f4a92677b695d70d10f",
        "train_data_batch_5": "348b3c2fdbb3940c4e9e834affd3b18d",
        "train_data_batch_6": "6e765307c242a1b3d7d5ef9139b48945",
        "train_data_batch_7": "564926d8cbf8fc4818ba23d2faac7564",
        "train_data_batch_8": "f4755871f718ccb653440b9dd0ebac66",
        "train_data_batch_9": "bb6dd660c38c58552125b1a92f86b5d4",
        "train_data_batch_10": "8f03f34ac4b42271a294f91bf480f29b",
        "val_data": "3410e3017fdaefba8d5073aaa65e4bd6",
    },
)


def load_imagenet16(folder: Path | None = None, *, verify: bool = True) -> Dataset:
    """Load ImageNet16-120 with NAS-Bench-201's sizes: 151,700 train, 3,000 validation and 3,000 test images.

    The official validation images are split in half, stratified by class. The split is the kit's own.

    Parameters
    ----------
    folder : Path, optional
        Holds the eleven official batches, or a folder ``ImageNet16`` with them; see `read_files`.
    verify : bool
        Whether to check the checksums.

    Raises
    ------
    SourceError
        If a file is missing, damaged or not the published one.
    """
    parts = []
    for file, where, data in read_files(IMAGENET16, folder, verify=verify):
        images, labels = images_and_labels(read_arrays(data, where), where, "labels", SIDE, 1, ALL_CLASSES)
        kept = labels < CLASSES
        split = "r" * int(kept.sum())
        if not file.startswith("train"):
            half = int(kept.sum()) // 2
            split = stratified_split(labels[kept], {"t": int(kept.sum()) - half, "v": half}, "ImageNet16-120")
        parts.append((images[kept], labels[kept], split))
    images = np.concatenate([part[0] for part in parts])
    split = "".join(part[2] for part in parts)
    mean, std = channel_statistics(images[np.array(list(split)) == "r"])
    return Dataset("ImageNet16-120", images, np.concatenate([part[1] for part in parts]), split, CLASSES, mean, std)
