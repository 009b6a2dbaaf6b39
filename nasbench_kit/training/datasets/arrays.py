"""Datasets from your own images, as arrays or an .npz file, with a stratified split."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders.source import check_file
from nasbench_kit.training.datasets.dataset import Dataset, channel_statistics, stratified_split

__all__ = ["from_arrays", "from_npz"]

MOST_RATIO = 100  # largest ratio of unpacked to packed bytes, above `MOST_UNPACKED`
MOST_UNPACKED = 2**28


def from_arrays(
    images: ArrayLike,
    labels: ArrayLike,
    *,
    name: str = "arrays",
    valid: float = 0.2,
    test: float = 0.2,
    seed: int = 0,
) -> Dataset:
    """Make a dataset from any images, with a random split stratified by class.

    Parameters
    ----------
    images : array-like, shape (n, channels, height, width) or (n, height, width)
        Integers from 0 to 255 are kept as uint8; everything else is converted to float32.
    labels : array-like of int, shape (n,)
        Class labels starting at 0; the highest one determines the number of classes.
    name : str
    valid, test : float
        Fractions of the images used for validation and testing, 0 to 1.
    seed : int
        Seed of the split.

    Returns
    -------
    Dataset
        Mean and standard deviation are those of the training pixels.

    Raises
    ------
    ValueError
        If the arrays do not match, values are not finite, or no images are left to train on.
    """
    pixels, classes = np.asarray(images), np.asarray(labels)
    if pixels.ndim == 3:
        pixels = pixels[:, np.newaxis]
    if pixels.ndim != 4 or 0 in pixels.shape or pixels.dtype.kind not in "uifb":
        raise ValueError(
            "images must be a numeric array of shape (n, channels, height, width) or (n, height, width), "
            f"not {pixels.dtype} {pixels.shape}"
        )
    if classes.shape != (len(pixels),) or classes.dtype.kind not in "ui":
        raise ValueError(f"labels must be {len(pixels)} integers, one per image, not {classes.dtype} {classes.shape}")
    if classes.min() < 0:
        raise ValueError(f"labels must be at least 0, not {classes.min()}")
    if pixels.dtype.kind in "ui" and pixels.min() >= 0 and pixels.max() <= 255:
        kept = pixels.astype(np.uint8)
    else:
        with np.errstate(over="ignore"):
            kept = pixels.astype(np.float32)
        if not np.isfinite(kept).all():
            raise ValueError("the images have values that are not finite in float32")
    if min(valid, test) < 0 or not valid + test < 1:
        raise ValueError(f"valid and test must be fractions that add up to less than 1, not {valid} and {test}")
    sizes = {"v": round(len(kept) * valid), "t": round(len(kept) * test)}
    if sum(sizes.values()) >= len(kept):
        raise ValueError(f"of {len(kept)} images, valid={valid} and test={test} leave none to train on")
    labels64 = classes.astype(np.int64)
    split = stratified_split(labels64, {"r": len(kept) - sum(sizes.values()), **sizes}, f"{name} {seed}")
    mean, std = channel_statistics(kept[np.array(list(split)) == "r"])
    return Dataset(name, kept, labels64, split, int(labels64.max()) + 1, mean, std)


def _check_size(path: Path) -> None:
    """Raise SourceError if an archive unpacks to far more than its size (a decompression bomb)."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    most = MOST_UNPACKED + MOST_RATIO * path.stat().st_size
    if unpacked > most:
        raise SourceError(
            f"{path} unpacks to {unpacked:,} bytes, over {MOST_RATIO} times its size: refused as a decompression bomb"
        )


def from_npz(path: str | os.PathLike[str], *, valid: float = 0.2, test: float = 0.2, seed: int = 0) -> Dataset:
    """Load an .npz file with the arrays ``images`` and ``labels`` as a dataset named after the file; see `from_arrays`.

    Raises
    ------
    SourceError
        If the file is missing, damaged, or lacks one of these arrays.
    """
    path = Path(path)
    check_file(path)
    try:
        with path.open("rb") as file:
            _check_size(path)
            loaded = np.load(file, allow_pickle=False)
            missing = {"images", "labels"} - set(getattr(loaded, "files", ()))
            if missing:
                raise SourceError(f"{path} is not an .npz file with 'images' and 'labels': {min(missing)!r} is missing")
            images, labels = loaded["images"], loaded["labels"]
    except SourceError:
        raise
    except Exception as error:  # zipfile and NumPy can raise almost anything on damaged files
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise SourceError(f"{path} cannot be read as a numeric .npz file: {reason}") from error
    try:
        return from_arrays(images, labels, name=path.stem, valid=valid, test=test, seed=seed)
    except ValueError as error:
        raise SourceError(f"{path}: {error}") from error
