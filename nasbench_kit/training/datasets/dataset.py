"""Images with labels and a split: what every dataset is, whatever file it comes from."""

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
        As tables of results call it: ``cifar10-valid`` is trained on half of CIFAR-10's training images.
    images : ndarray of uint8 or float32, shape (n, channels, height, width)
    labels : ndarray of int64, shape (n,)
        From 0 to ``classes - 1``.
    split : str
        One letter an image: ``r`` train, ``v`` validation, ``t`` test, ``-`` left out.
    classes : int
    mean, std : ndarray of float32, shape (channels,)
        A network sees ``(images - mean) / std``. 0 and 1 where the images are standardised already.
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
                "images are an array of uint8 or float32 of the shape (n, channels, height, width), "
                f"not {self.images.dtype} {self.images.shape}"
            )
        if not len(self.images) == len(self.labels) == len(self.split):
            raise ValueError(
                f"{len(self.images)} images have {len(self.labels)} labels and {len(self.split)} letters of the split"
            )
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < self.classes:
            raise ValueError(
                f"labels go from 0 to {self.classes - 1}, these from {self.labels.min()} to {self.labels.max()}"
            )
        if not len(self.part("train")):
            raise ValueError(f"{self.name}: there are no images to train on")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def part(self, name: str) -> NDArray[np.int64]:
        """The indices of the images of ``"train"``, ``"valid"`` or ``"test"``, ascending."""
        return np.flatnonzero(np.frombuffer(self.split.encode(), dtype="S1") == LETTERS[name].encode())

    def sample(self, train: int, valid: int | None = None, test: int | None = None) -> Dataset:
        """A smaller dataset for quick trials: so many images of each part, drawn evenly over the classes.

        It is named after its size, for its results are no results on the whole dataset. Mean and standard deviation stay
        those of the whole.

        Parameters
        ----------
        train, valid, test : int
            All of a part unless given.
        """
        letters = np.full(len(self.labels), "-")
        for name, count in zip(PARTS, (train, valid, test), strict=True):
            part = self.part(name)
            if count is not None and not 0 <= count <= len(part):
                raise ValueError(f"{self.name} has {len(part)} images of {name}, not {count}")
            kept = "y" * len(part)
            if count is not None and count < len(part):
                kept = stratified_split(self.labels[part], {"y": count, "n": len(part) - count}, f"{self.name} {name}")
            letters[part[np.array(list(kept)) == "y"]] = LETTERS[name]
        return replace(self, name=f"{self.name}-sample{train}", split="".join(letters.tolist()))

    @cached_property
    def digest(self) -> str:
        """A SHA-256 of everything that a training can depend on."""
        digest = hashlib.sha256(repr((self.split, self.classes, self.images.dtype.str, self.images.shape)).encode())
        for array in (self.images, self.labels, self.mean, self.std):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def stratified_split(labels: NDArray[np.int64], sizes: Mapping[str, int], salt: str) -> str:
    """A split as a letter an image. It follows from the labels alone, without a random generator.

    Images are ordered within their class by the SHA-256 of the salt and their index, then dealt to the parts so that each
    part's share of every class stays within one image of its share of all images.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
    sizes : mapping of letter to int
        How many images each part has; together ``n``.
    salt : str
        Another one gives another split.
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
    """Mean and standard deviation of each channel's pixels, each (channels,); 1 where a channel has one value only."""
    channels = images.shape[1]
    mean, std = np.empty(channels), np.empty(channels)
    for channel in range(channels):
        if images.dtype == np.uint8:  # exact, and without a copy of all images as floats
            counts = np.bincount(images[:, channel].ravel(), minlength=256).astype(np.float64)
            values = np.arange(256)
            mean[channel] = (counts * values).sum() / counts.sum()
            std[channel] = np.sqrt((counts * (values - mean[channel]) ** 2).sum() / counts.sum())
        else:
            pixels = images[:, channel].astype(np.float64)
            mean[channel], std[channel] = pixels.mean(), pixels.std()
    std[std == 0] = 1
    return mean.astype(np.float32), std.astype(np.float32)
