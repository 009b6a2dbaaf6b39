"""Image datasets, by name or from your own files and arrays. Nothing here downloads anything or needs torch."""

from __future__ import annotations

import os
from pathlib import Path

from nasbench_kit.errors import UnknownName
from nasbench_kit.training.datasets.arrays import from_arrays, from_npz
from nasbench_kit.training.datasets.cifar import SPLITS, load_cifar
from nasbench_kit.training.datasets.dataset import PARTS, Dataset
from nasbench_kit.training.datasets.digits import load_digits
from nasbench_kit.training.datasets.imagenet16 import load_imagenet16
from nasbench_kit.training.datasets.local import default_folder

__all__ = ["PARTS", "Dataset", "datasets", "from_arrays", "from_npz", "load_dataset", "load_digits"]


def datasets() -> tuple[str, ...]:
    """Return the names that `load_dataset` accepts; all but ``digits`` need files that you have downloaded."""
    return ("digits", *SPLITS, "ImageNet16-120")


def load_dataset(
    name: str | os.PathLike[str], folder: str | os.PathLike[str] | None = None, *, verify: bool = True
) -> Dataset:
    """Load a dataset by name, or an .npz file by path.

    Parameters
    ----------
    name : str or path-like
        One of `datasets`, or a path that ends in ``.npz``.
    folder : path-like, optional
        Folder of the published files (default: ``datasets`` in the store folder).
    verify : bool
        Whether to require the published checksums.

    Returns
    -------
    Dataset

    Raises
    ------
    UnknownName
        If the dataset does not exist; the message lists the available names.
    SourceError
        If files are missing, damaged or not the published ones; the message says what to get and where to put it.
    """
    where = None if folder is None else Path(folder)
    if name == "digits":
        return load_digits()
    if name == "ImageNet16-120":
        return load_imagenet16(where, verify=verify)
    if isinstance(name, str) and name in SPLITS:
        return load_cifar(name, where, verify=verify)
    if Path(name).suffix == ".npz":
        return from_npz(name)
    raise UnknownName(
        "dataset",
        str(name),
        datasets(),
        f"Published files are expected in {default_folder()}; a path to an .npz file works too.",
    )
