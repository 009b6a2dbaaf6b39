"""The UCI handwritten digits (Alpaydin and Kaynak 1998, CC BY 4.0), as in scikit-learn, with one fixed split."""

from __future__ import annotations

import numpy as np

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
    try:
        from sklearn.datasets import load_digits as load
    except ImportError as error:
        raise MissingExtra("the digits dataset", "train") from error
    bunch = load()
    pixels, labels = bunch.images.astype(np.float32), bunch.target.astype(np.int64)
    split = stratified_split(labels, SIZES, "digits")
    train = pixels[np.array(list(split)) == "r"].astype(np.float64)
    images = ((pixels - train.mean()) / train.std()).astype(np.float32)[:, np.newaxis]
    return Dataset("digits", images, labels, split, 10, np.zeros(1, np.float32), np.ones(1, np.float32))
