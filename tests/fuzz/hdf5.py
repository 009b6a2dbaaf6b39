"""Stores and saved results that are valid HDF5 but have wrong attributes or content."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nasbench_kit.store.record import SEAL, seal
from nasbench_kit.store.schema import attributes_digest

__all__ = ["alter"]

ODD = (
    *(
        "",
        "x" * 100_000,
        "a\nb\x1b[2J",
        "[" * 50_000,
        "null",
        "{}",
        "NaN",
        "1e999",
        "../../x",
        "nb101",
        "no such space",
    ),
    *(0, -1, 2**63 - 1, 1.5, float("nan"), float("inf"), True),
    *(np.arange(3), np.zeros((2, 2)), np.uint64(2**64 - 1), np.array(["a", "b"], dtype="S1"), h5py.Empty("f")),
)
MOST_BYTES = 2**24  # of an array that is read to be altered
TYPES = ("u1", "i1", "u2", "i8", "u8", "f2", "f4", "f8", ">f8", ">u8", "S3", "?", "c16")


def alter(path: Path, rng: np.random.Generator) -> None:
    """Change one to three things of a store or a result, and make its own checksums right again, mostly."""
    with h5py.File(path, "r+", libver=("v110", "v110"), locking=False) as file:
        for _ in range(int(rng.integers(1, 4))):
            names: list[str] = []
            file.visit(names.append)
            if not names:
                break
            node = file if rng.random() < 0.4 else file[names[int(rng.integers(len(names)))]]
            with contextlib.suppress(OSError, TypeError, ValueError, KeyError, RuntimeError):  # HDF5 may refuse it
                (_alter_attribute if rng.random() < 0.5 else _alter_node)(file, node, names, rng)
        if rng.random() < 0.8:
            _seal_again(file)


def _alter_attribute(file: h5py.File, node: Any, _: list[str], rng: np.random.Generator) -> None:
    keys = list(node.attrs)
    if not keys:
        node.attrs["more"] = _odd(rng)
        return
    key = keys[int(rng.integers(len(keys)))]
    match int(rng.integers(5)):
        case 0:
            del node.attrs[key]
        case 1:
            node.attrs[f"{key}2"] = _odd(rng)
        case 2 if isinstance(node.attrs[key], str):
            text = node.attrs[key]
            at = int(rng.integers(len(text) + 1))
            node.attrs[key] = text[:at] + str(rng.choice(list('0123456789[]{}",:-.eNa'))) + text[at + 1 :]
        case 3 if isinstance(node.attrs[key], str) and node.attrs[key][:1] in ("{", "["):
            node.attrs[key] = json.dumps(_altered_json(json.loads(node.attrs[key]), rng))
        case _:
            del node.attrs[key]
            node.attrs[key] = _odd(rng)


def _odd(rng: np.random.Generator) -> Any:
    value = ODD[int(rng.integers(len(ODD)))]
    return value[:60_000] if isinstance(value, str) else value  # an attribute has 64 kB


def _altered_json(value: Any, rng: np.random.Generator) -> Any:
    """A nested value with another leaf, or less of it."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = list(value)[int(rng.integers(len(value)))]
        if rng.random() < 0.2:
            return {name: inner for name, inner in value.items() if name != key}
        return {**value, key: _altered_json(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = int(rng.integers(len(value)))
        return value[:at] + [_altered_json(value[at], rng)] * int(rng.integers(3)) + value[at + 1 :]
    return [None, -1, 2**70, 1.5, "x", [], {}, True, "\x1b[2J", [[[]]], {"a": 1}][int(rng.integers(11))]


def _alter_node(file: h5py.File, node: Any, names: list[str], rng: np.random.Generator) -> None:
    name = names[int(rng.integers(len(names)))]
    dataset = file.get(name)
    if isinstance(dataset, h5py.Dataset) and dataset.nbytes > MOST_BYTES:  # one that was made huge before
        dataset = None
    match int(rng.integers(8)):
        case 0:
            del file[name]
        case 1:
            file[f"{name}-again"] = file[name]
        case 2:
            del file[name]
            file[name] = h5py.SoftLink("/keys") if rng.random() < 0.5 else h5py.ExternalLink("/etc/passwd", "/")
        case 3 if isinstance(dataset, h5py.Dataset):
            values, attributes = dataset[()], dict(dataset.attrs)
            kind = TYPES[int(rng.integers(len(TYPES)))]
            shape = [np.shape(values), (0,), (1, *np.shape(values)), (np.size(values),), ()][int(rng.integers(5))]
            with np.errstate(all="ignore"):
                new = np.resize(np.asarray(values, dtype="f8"), shape).astype(kind)
            _replace(file, name, attributes, data=new)
        case 4 if isinstance(dataset, h5py.Dataset) and dataset.shape:
            options = (
                {"chunks": True, "compression": "gzip"} if rng.random() < 0.5 else {"maxshape": (None,) * dataset.ndim}
            )
            _replace(file, name, dict(dataset.attrs), data=dataset[()], **options)
        case 5 if isinstance(dataset, h5py.Dataset):
            huge = (2**40,) if rng.random() < 0.5 else (2**33, 2, 2)
            _replace(file, name, dict(dataset.attrs), shape=huge, dtype="f8", chunks=True)
        case 6 if isinstance(dataset, h5py.Dataset) and dataset.size:
            values = dataset[()]
            flat = np.atleast_1d(values).reshape(-1).copy()
            odd = (0, 1, 255, -1, np.nan, np.inf, 2**40)[int(rng.integers(7))]
            with np.errstate(all="ignore"):
                flat[int(rng.integers(flat.size))] = np.asarray(odd, dtype="f8").astype(flat.dtype)
            dataset[...] = flat.reshape(np.shape(values))
        case _:
            file.create_group(f"{name}-more/and/more") if rng.random() < 0.5 else file.create_dataset(
                f"metrics/more{int(rng.integers(99))}", data=np.zeros(3)
            )


def _replace(file: h5py.File, name: str, attributes: dict[str, Any], **options: Any) -> None:
    del file[name]
    dataset = file.create_dataset(name, **options)
    for key, value in attributes.items():
        if key not in ("DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME"):
            dataset.attrs[key] = value


def _seal_again(file: h5py.File) -> None:
    """Recompute the checksums of the file."""
    sizes: list[int] = []
    file.visititems(lambda _, node: sizes.append(node.nbytes) if isinstance(node, h5py.Dataset) else None)
    if sum(sizes) > MOST_BYTES:
        return
    try:
        if SEAL in file.attrs:
            arrays: dict[str, Any] = {}
            file.visititems(
                lambda name, node: arrays.update({name: node[()]}) if isinstance(node, h5py.Dataset) else None
            )
            attributes = {name: _plain(value) for name, value in file.attrs.items() if name != SEAL}
            file.attrs[SEAL] = seal(attributes, arrays)
        elif "attributes_sha256" in file.attrs:
            file.attrs["attributes_sha256"] = attributes_digest(
                {name: value for name, value in file.attrs.items() if name != "attributes_sha256"}
            )
    except (TypeError, ValueError, KeyError, OSError, MemoryError):
        return  # the damaged content cannot be given a checksum


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
