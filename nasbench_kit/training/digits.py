"""The UCI handwritten digits (Alpaydin and Kaynak 1998, CC BY 4.0), as scikit-learn ships them, with one fixed split."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import MissingExtra

__all__ = ["Digits", "load_digits"]

SIZES = {"train": 1000, "valid": 397, "test": 400}


@dataclass(frozen=True)
class Digits:
    """The images, ready for a network.

    Attributes
    ----------
    images : ndarray of float32, shape (1797, 1, 8, 8)
        Standardised by the mean and standard deviation of all training pixels.
    labels : ndarray of int64, shape (1797,)
    split : str
        One letter an image in scikit-learn's order: ``r`` train, ``v`` validation, ``t`` test.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    split: str

    def part(self, name: str) -> NDArray[np.int64]:
        """The indices of the images of ``"train"``, ``"valid"`` or ``"test"``."""
        letter = {"train": "r", "valid": "v", "test": "t"}[name]
        return np.flatnonzero(np.array(list(self.split)) == letter)


def load_digits() -> Digits:
    """The digits with their split: 1,000 train, 397 validation, 400 test, stratified by digit.

    Raises
    ------
    MissingExtra
        Where scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits as load
    except ImportError as error:
        raise MissingExtra("the digits dataset", "train") from error
    bunch = load()
    pixels, labels = bunch.images.astype(np.float32), bunch.target.astype(np.int64)
    split = stratified_split(labels)
    train = pixels[np.array(list(split)) == "r"].astype(np.float64)
    images = ((pixels - train.mean()) / train.std()).astype(np.float32)[:, np.newaxis]
    return Digits(images, labels, split)


def stratified_split(labels: NDArray[np.int64]) -> str:
    """The split as a letter an image. It follows from the labels alone, without a random generator.

    Images are ordered within their class by the SHA-256 of their index, then dealt to the three parts so that each
    part's share of every class stays within one image of its share of all images.
    """
    order = sorted(range(len(labels)), key=lambda i: (labels[i], hashlib.sha256(f"digits {i}".encode()).digest()))
    letters = np.empty(len(labels), dtype="<U1")
    share = np.array(list(SIZES.values())) / len(labels)
    given = np.zeros(3)
    for position, image in enumerate(order, start=1):
        part = int(np.argmax(share * position - given))
        given[part] += 1
        letters[image] = "rvt"[part]
    return "".join(letters.tolist())
