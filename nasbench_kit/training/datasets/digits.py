"""The UCI handwritten digits (Alpaydin and Kaynak 1998, CC BY 4.0), as in scikit-learn, with one fixed split."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import MissingExtra
from nasbench_kit.training.datasets.dataset import Dataset, stratified_split

__all__ = ["load_digits"]

SIZES = {"r": 1000, "v": 397, "t": 400}


def load_digits() -> Dataset:
    """Load the 1,797 digits (8x8 pixels), split into 1,000 train, 397 validation and 400 test, stratified by digit.

    The images are standardised by the mean and standard deviation of all training pixels.

    Raises
    ------
    MissingExtra
        If scikit-learn is not installed.
    """
    rows = _rows()
    pixels, labels = rows[:, :-1].reshape(-1, 8, 8).astype(np.float32), rows[:, -1].astype(np.int64)
    split = stratified_split(labels, SIZES, "digits")
    train = pixels[np.array(list(split)) == "r"].astype(np.float64)
    images = ((pixels - train.mean()) / train.std()).astype(np.float32)[:, np.newaxis]
    return Dataset("digits", images, labels, split, 10, np.zeros(1, np.float32), np.ones(1, np.float32))


def _rows() -> NDArray[np.float64]:
    """Return scikit-learn's copy of the digits, (1797, 65): the pixels of each image, then its label.

    Its file is read directly where it is found, because importing scikit-learn takes a second in every process.
    """
    found = importlib.util.find_spec("sklearn")
    for folder in (found.submodule_search_locations or []) if found else []:
        path = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if path.exists():
            return np.loadtxt(path, delimiter=",")
    try:
        from sklearn.datasets import load_digits as load
    except ImportError as error:
        raise MissingExtra("the digits dataset", "train") from error
    bunch = load()
    return np.column_stack([bunch.data, bunch.target])
