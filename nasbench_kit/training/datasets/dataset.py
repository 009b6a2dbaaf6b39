"""The `Dataset` class, images with labels and a split, shared by all sources."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["PARTS", "Dataset", "channel_statistics", "stratified_split"]

PARTS = ("train", "valid", "test")
LETTERS = {"train": "r", "valid": "v", "test": "t"}


@dataclass(frozen=True)
class Dataset:
    """Images for a classifier.

    Attributes
    ----------
    name : str
        The name used in tables; ``cifar10-valid``, for example, trains on half of CIFAR-10's training images.
    images : ndarray of uint8 or float32, shape (n, channels, height, width)
    labels : ndarray of int64, shape (n,)
        From 0 to ``classes - 1``.
    split : str
        One letter per image: ``r`` train, ``v`` validation, ``t`` test, ``-`` unused.
    classes : int
    mean, std : ndarray of float32, shape (channels,)
        Networks are given ``(images - mean) / std``. 0 and 1 if the images are already standardised.
    """

    name: str
    images: NDArray[np.uint8] | NDArray[np.float32]
    labels: NDArray[np.int64]
    split: str
    classes: int
    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype not in (np.uint8, np.float32):
            raise ValueError(
                "images must be a uint8 or float32 array of shape (n, channels, height, width), "
                f"not {self.images.dtype} {self.images.shape}"
            )
        if not len(self.images) == len(self.labels) == len(self.split):
            raise ValueError(
                f"{len(self.images)} images need as many labels and split letters, not {len(self.labels)} and "
                f"{len(self.split)}"
            )
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < self.classes:
            raise ValueError(
                f"labels must be between 0 and {self.classes - 1}, not {self.labels.min()} to {self.labels.max()}"
            )
        if not len(self.part("train")):
            raise ValueError(f"{self.name}: there are no images to train on")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def part(self, name: str) -> NDArray[np.int64]:
        """Return the ascending indices of the images of ``"train"``, ``"valid"`` or ``"test"``."""
        return np.flatnonzero(np.frombuffer(self.split.encode(), dtype="S1") == LETTERS[name].encode())

    def sample(self, train: int, valid: int | None = None, test: int | None = None) -> Dataset:
        """Return a smaller dataset for quick trials, with the given number of images per part, stratified by class.

        Its name includes its size, as its results are not comparable with those on the full dataset. The mean and the
        standard deviation remain those of the full dataset.

        Parameters
        ----------
        train, valid, test : int
            Number of images of each part (default for `valid` and `test`: all).
        """
        letters = np.full(len(self.labels), "-")
        for name, count in zip(PARTS, (train, valid, test), strict=True):
            part = self.part(name)
            if count is not None and not 0 <= count <= len(part):
                raise ValueError(f"{self.name} has {len(part)} {name} images; cannot take {count}")
            kept = "y" * len(part)
            if count is not None and count < len(part):
                kept = stratified_split(self.labels[part], {"y": count, "n": len(part) - count}, f"{self.name} {name}")
            letters[part[np.array(list(kept)) == "y"]] = LETTERS[name]
        return replace(self, name=f"{self.name}-sample{train}", split="".join(letters.tolist()))

    @cached_property
    def digest(self) -> str:
        """A SHA-256 digest of everything that a training can depend on."""
        digest = hashlib.sha256(repr((self.split, self.classes, self.images.dtype.str, self.images.shape)).encode())
        for array in (self.images, self.labels, self.mean, self.std):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def stratified_split(labels: NDArray[np.int64], sizes: Mapping[str, int], salt: str) -> str:
    """Return a split with one letter per image. It depends only on the labels and the salt, not on a random generator.

    Within each class, images are ordered by the SHA-256 of the salt and their index. They are then dealt to the parts
    so that each part's share of every class stays within one image of its share of all images.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
    sizes : mapping of letter to int
        Number of images of each part; they must add up to ``n``.
    salt : str
        Different salts give different splits.
    """
    if sum(sizes.values()) != len(labels) or min(sizes.values()) < 0:
        raise ValueError(f"{len(labels)} images cannot be split into {', '.join(map(str, sizes.values()))}")
    keys = [hashlib.sha256(f"{salt} {i}".encode()).digest() for i in range(len(labels))]
    classes = labels.tolist()
    order = sorted(range(len(labels)), key=lambda i: (classes[i], keys[i]))
    names, parts = list(sizes), range(len(sizes))
    shares = [size / max(len(labels), 1) for size in sizes.values()]
    given = [0] * len(sizes)
    letters = [""] * len(labels)
    for position, image in enumerate(order, start=1):
        part = max(parts, key=lambda p: shares[p] * position - given[p])
        given[part] += 1
        letters[image] = names[part]
    return "".join(letters)


def channel_statistics(
    images: NDArray[np.uint8] | NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return each channel's mean and standard deviation, each (channels,); the latter is 1 for constant channels."""
    channels = images.shape[1]
    mean, std = np.empty(channels), np.empty(channels)
    for channel in range(channels):
        if images.dtype == np.uint8:  # exact, and avoids a floating-point copy of all images
            counts = np.bincount(images[:, channel].ravel(), minlength=256).astype(np.float64)
            values = np.arange(256)
            mean[channel] = (counts * values).sum() / counts.sum()
            std[channel] = np.sqrt((counts * (values - mean[channel]) ** 2).sum() / counts.sum())
        else:
            pixels = images[:, channel].astype(np.float64)
            mean[channel], std[channel] = pixels.mean(), pixels.std()
    std[std == 0] = 1
    return mean.astype(np.float32), std.astype(np.float32)
