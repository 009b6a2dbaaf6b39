"""Files in the formats of CIFAR and ImageNet16, with made-up images: pickles exactly as Python 2 writes them."""

from __future__ import annotations

import io
import itertools
import pickle
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["cifar_files", "python2_pickle", "write_cifar", "write_cifar_tar", "write_imagenet16"]

FOLDERS = {10: "cifar-10-batches-py", 100: "cifar-100-python"}


def python2_pickle(value: Any) -> bytes:
    """A pickle of protocol 2 as Python 2's cPickle writes it: strings of bytes, and numpy's arrays around such."""
    return b"\x80\x02" + _written(value, itertools.count(1)) + b"."


def _written(value: Any, memo: Iterator[int]) -> bytes:
    match value:
        case dict():
            return b"}" + _put(memo) + b"(" + b"".join(_written(x, memo) for pair in value.items() for x in pair) + b"u"
        case list():
            return b"]" + _put(memo) + b"(" + b"".join(_written(x, memo) for x in value) + b"e"
        case tuple():
            end = {1: b"\x85", 2: b"\x86", 3: b"\x87"}.get(len(value))
            inner = b"".join(_written(x, memo) for x in value)
            return (inner + end if end else b"(" + inner + b"t") + _put(memo)
        case bool():
            return b"\x88" if value else b"\x89"
        case None:
            return b"N"
        case int() if 0 <= value < 2**8:
            return b"K" + bytes([value])
        case int() if 0 <= value < 2**16:
            return b"M" + value.to_bytes(2, "little")
        case int():
            return b"J" + value.to_bytes(4, "little", signed=True)
        case str():
            return _written(value.encode("latin-1"), memo)
        case bytes() if len(value) < 256:
            return b"U" + bytes([len(value)]) + value + _put(memo)
        case bytes():
            return b"T" + len(value).to_bytes(4, "little") + value + _put(memo)
        case np.ndarray():
            made = (
                b"cnumpy.core.multiarray\n_reconstruct\n"
                + _put(memo)
                + b"cnumpy\nndarray\n"
                + _put(memo)
                + b"".join(_written(x, memo) for x in ((0,), "b"))
                + b"\x87"
                + _put(memo)
                + b"R"
                + _put(memo)
            )
            kind = (
                b"cnumpy\ndtype\n"
                + _put(memo)
                + b"".join(_written(x, memo) for x in (value.dtype.str[1:], 0, 1))
                + b"\x87"
                + _put(memo)
                + b"R"
                + _put(memo)
                + _written((3, value.dtype.str[0], None, None, None, -1, -1, 0), memo)
                + b"b"
            )
            state = b"(" + _written(1, memo) + _written(value.shape, memo) + kind + b"\x89"
            return made + state + _written(value.tobytes(), memo) + b"t" + _put(memo) + b"b"
    raise TypeError(f"{type(value).__name__} is in no such file")


def _put(memo: Iterator[int]) -> bytes:
    number = next(memo)
    return b"q" + bytes([number]) if number < 256 else b"r" + number.to_bytes(4, "little")


def cifar_files(classes: int, train: int, test: int, seed: int = 0) -> dict[str, bytes]:
    """The files of CIFAR-10 or CIFAR-100 with so many images; labels go round."""
    rng = np.random.default_rng(seed)

    def batch(label: str, count: int) -> bytes:
        labels: list[int] = (np.arange(count) % classes).tolist()
        named: dict[str, Any] = {"labels": labels}
        if classes == 100:
            named = {"fine_labels": labels, "coarse_labels": [i // 5 for i in labels]}
        data: NDArray[np.uint8] = rng.integers(0, 256, (count, 3072), dtype=np.uint8)
        names = [f"image_{i}.png" for i in range(count)]
        return python2_pickle({"batch_label": label, **named, "data": data, "filenames": names})

    if classes == 100:
        return {"train": batch("training batch 1 of 1", train), "test": batch("testing batch 1 of 1", test)}
    files = {f"data_batch_{i}": batch(f"training batch {i} of 5", train // 5) for i in range(1, 6)}
    return {**files, "test_batch": batch("testing batch 1 of 1", test)}


def write_cifar(folder: Path, files: dict[str, bytes]) -> Path:
    """The files as the unpacked archive has them, without the two texts beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def write_cifar_tar(path: Path, classes: int, files: dict[str, bytes]) -> Path:
    """The files as an archive."""
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in {"readme.html": b"<html></html>", **files}.items():
            member = tarfile.TarInfo(f"{FOLDERS[classes]}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def write_imagenet16(folder: Path, train: int, valid: int, seed: int = 0) -> Path:
    """ImageNet16's eleven batches, by Python 3; labels are 1, 2, ..., 140 and round again."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in {**{f"train_data_batch_{i}": train // 10 for i in range(1, 11)}, "val_data": valid}.items():
        images = rng.integers(0, 256, (count, 768), dtype=np.uint8)
        batch: dict[str, Any] = {"data": images, "labels": (1 + np.arange(count) % 140).tolist()}
        if name != "val_data":
            batch["mean"] = images.mean(axis=0)
        (folder / name).write_bytes(pickle.dumps(batch, 3))
    return folder
