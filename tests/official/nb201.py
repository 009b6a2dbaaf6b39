"""NAS-Bench-201's and NATS-Bench's files, with made-up values.

Names, types, epochs, evaluation sets and seeds are the official ones; accuracies have the official resolution, times are
constant, and losses have all their digits, so that the files have about the official sizes.
"""

from __future__ import annotations

import bz2
import io
import itertools
import pickle
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

import nasbench_kit as nk

__all__ = ["Kind", "meta", "states", "write_nats_file", "write_nats_simple", "write_nats_tar", "write_nb201_pth"]

SPACE = nk.space("nb201")
NAMES: list[str] = SPACE.decode(SPACE.from_official_index(np.arange(SPACE.size)))
CLASSES = {"cifar10-valid": 10, "cifar10": 10, "cifar100": 100, "ImageNet16-120": 120}
IMAGES = {"cifar10-valid": 25_000, "cifar10": 50_000, "cifar100": 50_000, "ImageNet16-120": 151_700}
# evaluation sets of each dataset: images, and whether a training of 200 epochs evaluates on it after every one
SETS = {
    "cifar10-valid": {"x-valid": (25_000, True), "ori-test": (10_000, False)},
    "cifar10": {"ori-test": (10_000, True)},
    "cifar100": {"ori-test": (10_000, True), "x-valid": (5_000, False), "x-test": (5_000, False)},
    "ImageNet16-120": {"ori-test": (6_000, True), "x-valid": (3_000, False), "x-test": (3_000, False)},
}
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # torch.save's legacy container


@dataclass(frozen=True)
class Kind:
    """What differs between the files of the two search spaces: names in official order, states of one, the folder."""

    names: list[str]
    states: Callable[[int, int], OrderedDict[str, dict[str, Any]]]
    folder: str


def states(index: int, seed: int = 0) -> OrderedDict[str, dict[str, Any]]:
    """The states of one architecture at 12 and at 200 epochs; made up from ``seed`` and ``index`` alone."""
    rng = np.random.default_rng((seed, index))
    trials = (777, 888, 999)[: int(rng.choice((1, 2, 3), p=(0.142, 0.348, 0.51)))]  # as often as in v1_1
    x = SPACE.from_official_index([index])
    second = float(rng.uniform(5, 20))
    found = OrderedDict()
    for budget in (12, 200):
        seeds = {name: list(trials) if budget == 200 else [111] for name in CLASSES}
        if budget == 12:
            seeds["cifar10-valid"] = [111, 777]
        results = {}
        for dataset, numbers in seeds.items():
            params, flops = (int(SPACE.cost(x, cost, dataset=dataset)[0]) for cost in ("params", "flops"))
            for number in numbers:
                results[dataset, number] = _trial(index, dataset, number, budget, second, params, flops, rng)
        found[str(budget)] = {
            "arch_index": index,
            "arch_str": NAMES[index],
            "all_results": results,
            "dataset_seed": seeds,
            "clear_net_done": True,
        }
    return found


def _trial(
    index: int,
    dataset: str,
    seed: int,
    budget: int,
    second: float,
    params: int,
    flops: int,
    rng: np.random.Generator,
) -> dict[str, Any]:
    epochs = range(budget)

    def accuracies(images: int, count: int) -> list[float]:
        return (rng.integers(images // 10, images, count) / images * 100).tolist()

    accuracy, loss, seconds = {}, {}, {}
    for name, (images, always) in SETS[dataset].items():
        evaluated = [f"{name}@{epoch}" for epoch in epochs if always or budget == 12 or epoch == budget - 1]
        accuracy |= zip(evaluated, accuracies(images, len(evaluated)), strict=True)
        # at 12 epochs the strings are shared between the dicts, as one call of the official trainer leaves them
        again = evaluated if budget == 12 else [f"{key}" for key in map("".join, evaluated)]
        loss |= zip(again, rng.uniform(0, 3, len(evaluated)).tolist(), strict=True)
        seconds |= {f"{name}@{epoch}": second * images / 50_000 for epoch in epochs}
    return {
        "name": dataset,
        "train_acc1es": dict(zip(epochs, accuracies(IMAGES[dataset], budget), strict=True)),
        "train_acc5es": dict(zip(epochs, accuracies(IMAGES[dataset], budget), strict=True)) if budget == 12 else None,
        "train_losses": dict(zip(epochs, rng.uniform(0, 3, budget).tolist(), strict=True)),
        "train_times": OrderedDict((epoch, second * IMAGES[dataset] / 50_000) for epoch in epochs),
        "arch_config": {"channel": 16, "num_cells": 5, "arch_str": NAMES[index], "class_num": CLASSES[dataset]},
        "params": np.float64(params / 1e6),
        "flop": flops / 1e6,
        "seed": f"{seed:04d}",
        "epochs": budget,
        "latency": [np.float64(second / 1000)],
        "eval_names": list(SETS[dataset]),
        "eval_acc1es": accuracy,
        "eval_times": seconds,
        "eval_losses": loss,
        "net_state_dict": None,
    }


TOPOLOGY = Kind(NAMES, states, "NATS-tss-v1_0-3ffb9-simple")


def meta(kind: Kind = TOPOLOGY) -> dict[str, Any]:
    """What the meta file of a folder holds, in the order of the official one."""
    names = list(kind.names)
    return {"meta_archs": names, "total_archs": len(names), "arch2infos": None, "evaluated_indexes": set()}


# -------------------------------------------------------------------- NATS-Bench


def write_nats_simple(folder: Path, architectures: Iterable[int], seed: int = 0, kind: Kind = TOPOLOGY) -> None:
    """Write ``NATS-tss-v1_0-3ffb9-simple``, of the given architectures."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in _members(architectures, seed, kind):
        (folder / name).write_bytes(content)


def write_nats_tar(path: Path, architectures: Iterable[int], seed: int = 0, kind: Kind = TOPOLOGY) -> None:
    """Write the folder's ``.tar``."""
    with tarfile.open(path, "w") as archive:
        for name, content in _members(architectures, seed, kind):
            member = tarfile.TarInfo(f"{kind.folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def write_nats_file(path: Path, architectures: Iterable[int], seed: int = 0, kind: Kind = TOPOLOGY) -> None:
    """Write ``NATS-tss-v1_0-3ffb9.pickle.pbz2``."""
    with bz2.open(path, "wb") as file:
        _pickle_whole(file, _Items((index, kind.states(index, seed)) for index in architectures), 4, kind)


def _members(architectures: Iterable[int], seed: int, kind: Kind) -> Iterator[tuple[str, bytes]]:
    yield "meta.pickle.pbz2", bz2.compress(pickle.dumps(meta(kind), 4))
    for index in architectures:
        yield f"{index:06d}.pickle.pbz2", bz2.compress(pickle.dumps(kind.states(index, seed), 4))


def _pickle_whole(file: BinaryIO, infos: object, protocol: int, kind: Kind = TOPOLOGY) -> None:
    names = list(kind.names)
    content = {"meta_archs": names, "total_archs": len(names), "arch2infos": infos, "evaluated_indexes": set()}
    _Streaming(file, protocol).dump(content)


# -------------------------------------------------------------------- NAS-Bench-201


def write_nb201_pth(path: Path, architectures: Iterable[int], seed: int = 0, *, zipped: bool = False) -> None:
    """Write a file such as ``NAS-Bench-201-v1_1-096897.pth``, one architecture in memory at a time.

    Parameters
    ----------
    path : Path
    architectures : iterable of int
    seed : int
    zipped : bool
        The container of PyTorch 1.6 and later instead of the legacy one.
    """

    def infos() -> Iterator[tuple[int, dict[str, Any]]]:
        for index in architectures:
            found = states(index, seed)
            yield index, {"full": found["200"], "less": found["12"]}

    if zipped:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            with archive.open("archive/data.pkl", "w", force_zip64=True) as member:
                _pickle_whole(member, _Items(infos()), 2)
            archive.writestr("archive/version", "3\n")
        return
    system = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    with path.open("wb") as file:
        for part in (MAGIC, PROTOCOL, system):
            pickle.dump(part, file, 2)
        _pickle_whole(file, _Items(infos()), 2)
        pickle.dump([], file, 2)  # the keys of tensors, of which there are none


class _Items:
    """Pairs that are pickled as a dict of them would be."""

    def __init__(self, pairs: Iterator[tuple[int, Any]]) -> None:
        self.pairs = pairs


class _Streaming(pickle._Pickler):  # the one in Python, since only its memo can be emptied in between
    """A pickler that forgets written architectures, with the same output as one that keeps all of them."""

    def __init__(self, file: BinaryIO, protocol: int) -> None:
        super().__init__(file, protocol)
        self._count = 0
        self._recent: list[int] = []

    def memoize(self, obj: object) -> None:
        self.write(self.put(self._count))
        self.memo[id(obj)] = self._count, obj
        self._recent.append(id(obj))
        self._count += 1

    def save(self, obj: object, save_persistent_id: bool = True) -> None:
        if not isinstance(obj, _Items):
            super().save(obj, save_persistent_id)
            return
        self.write(pickle.EMPTY_DICT)
        self.memoize(obj)
        self._recent.clear()
        while batch := list(itertools.islice(obj.pairs, 1)):
            self.write(pickle.MARK)
            for key, value in itertools.chain(batch, itertools.islice(obj.pairs, self._BATCHSIZE - 1)):
                self.save(key)
                self.save(value)
                self._forget()
            self.write(pickle.SETITEMS)

    def _forget(self) -> None:
        """Forget all but the names that later architectures share."""
        for key in self._recent:
            value = self.memo[key][1]
            if isinstance(value, (dict, list, tuple, float)) or (isinstance(value, str) and "@" in value):
                del self.memo[key]
        self._recent.clear()
