"""Read Accel-NASBench's measurements: ``anb_dataset_jsons.tar.gz``, or the folder of ``result_N.json`` that it holds."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import InvalidArchitecture, SourceError
from nasbench_kit.loaders.pickle_values import shown
from nasbench_kit.loaders.source import head, published_provenance
from nasbench_kit.loaders.tar import tar_members
from nasbench_kit.metrics import Metric
from nasbench_kit.spaces.accel_nasbench.space import AccelNASBench
from nasbench_kit.store.schema import MetricColumn, Table

__all__ = ["STORE_NAME", "load", "recognises"]

STORE_NAME = "accel-nasbench"
DATASET = "imagenet"
EPOCHS = 16  # of every training (the authors' configs/conf_local.cfg)
MEASUREMENTS = 5138  # files in the published archive
MAX_FILE = 2**16  # bytes of one measurement; the published ones have 1.4 kB
MAX_FILES = 2**15
MAX_UNPACKED = 2**27  # bytes of the whole archive, which has 11 MB

_NAME = re.compile(r"result_(\d{1,6})\.json")
_GZIP = b"\x1f\x8b"
_DEVICES = ("a100", "3090", "tpuv2", "tpuv3", "zcu102", "vck190")
# metric: where it stands in a file
_TRAINED = {
    "valid_accuracy": ("metrics", "val_top1"),
    "valid_top5_accuracy": ("metrics", "val_top5"),
    "training_time": ("metrics", "train_time"),
}
_MEASURED = {
    **{f"throughput_{device}": (f"throughput_{device}", "throughput_mean") for device in _DEVICES},
    **{f"throughput_{device}_std": (f"throughput_{device}", "throughput_std") for device in _DEVICES},
    **{f"latency_{device}": (f"latency_{device}", "latency_mean") for device in _DEVICES[-2:]},
    **{f"latency_{device}_std": (f"latency_{device}", "latency_std") for device in _DEVICES[-2:]},
}

_ABOUT = {
    "notes": "Proxy accuracies: every network was trained with the authors' short recipe (16 epochs, images of 160 to 192 "
    "pixels), which by their account costs about 10 percentage points against a full training.",
    "splits": "valid_* is measured on ImageNet's validation images, which are not used for training; there are no test "
    "values, and no images are left to report on after a search on valid_*.",
    "trials": "Networks that were measured twice have the trials 0 and 1, in the order of the files; the training seeds are "
    "not published. Throughputs and latencies were measured with their trial, but do not depend on the training.",
    "costs": "recorded_flops is the files' own figure at 224 pixels, which counts batch norms and pooling, too; flops is "
    "computed from the definition.",
}


def recognises(path: Path) -> bool:
    """Whether this is a folder or a compressed tar archive of measurements."""
    if path.is_dir():
        names = sorted(entry.name for entry in path.iterdir())
        first = next((name for name in names if _NAME.fullmatch(name)), None)
        return first is not None and b'"block0_e"' in head(path / first)
    start = head(path, 2**16)
    if not start.startswith(_GZIP):
        return False
    try:
        content = zlib.decompressobj(wbits=31).decompress(start, 2**16)
    except zlib.error:
        return False
    return content[257:262] == b"ustar" and b'"block0_e"' in content


def load(path: Path, *, partial: bool = False) -> Table:
    """Read an archive or folder.

    Parameters
    ----------
    path : Path
    partial : bool
        Accept fewer measurements than the published 5,138.

    Returns
    -------
    Table
        Dataset ``imagenet``, one row per network that was measured, with up to two trials: ``valid_accuracy`` and
        ``valid_top5_accuracy`` (percent), ``training_time`` (s), ``throughput_*`` (images per second; the standard deviation
        as ``throughput_*_std``), ``latency_*`` (ms), ``recorded_flops``, ``params`` and ``flops``.

    Raises
    ------
    SourceError
        If the source is damaged or has measurements of another kind; the message names the member and the key.
    """
    contents = sorted(_of_folder(path) if path.is_dir() else _of_archive(path), key=lambda found: found[0])
    numbers = [number for number, _, _ in contents]
    twice = next((a for a, b in itertools.pairwise(numbers) if a == b), None)
    if twice is not None:
        raise SourceError(f"{path}: the measurement {twice} appears twice")
    missing = MEASUREMENTS - len(set(numbers) & set(range(MEASUREMENTS)))
    if not contents or (missing and not partial):
        raise SourceError(
            f"{path} lacks {missing:,} of the {MEASUREMENTS:,} published measurements: it is truncated or only part of them; "
            "to store it anyway, use --partial (partial=True)"
        )
    space = AccelNASBench()
    records = [_parse(where, content) for _, where, content in contents]
    places = [where for _, where, _ in contents]
    genotypes = np.array(
        [_genotype(space, where, record) for where, record in zip(places, records, strict=True)], dtype=np.uint8
    )
    rows, first, network = np.unique(space.number(genotypes), return_index=True, return_inverse=True)
    trial = _occurrence(network)
    shape = (len(rows), 1, int(trial.max()) + 1)
    params = _model_info(places, records, "params")
    _check_params(space, places, genotypes, params)
    metrics: dict[str, MetricColumn] = {}
    for name, (group, key) in {**_TRAINED, **_MEASURED}.items():
        inside = (group, key) if name in _TRAINED else ("platform_perf", group, key)
        values = np.full(shape, np.nan)
        values[network, 0, trial] = [
            _number(where, record, inside, name, missing=name in _MEASURED)
            for where, record in zip(places, records, strict=True)
        ]
        if not np.isnan(values).all():  # FPGAs have no standard deviations
            about = Metric(name, *_UNITS[name.split("_")[0]]) if name.endswith("_std") else None
            metrics[name] = MetricColumn(values, (EPOCHS,), tuple(range(shape[2])), about)
    architectures = genotypes[first]
    metrics["recorded_flops"] = MetricColumn(_model_info(places, records, "macs")[first])
    for cost in ("params", "flops"):
        metrics[cost] = MetricColumn(space.cost(architectures, cost, dataset=DATASET))
    provenance = {
        **_provenance(path, contents),
        **_ABOUT,
        "coverage": f"{len(rows):,} of the {space.size:,} networks of the space, in {len(records):,} measurements",
        "missing_measurements": missing,
    }
    return Table(space, architectures, {DATASET: metrics}, provenance)


_UNITS: dict[str, tuple[str, None, tuple[float, float]]] = {
    "throughput": ("images/s", None, (0.0, float("inf"))),
    "latency": ("ms", None, (0.0, float("inf"))),
}

Content = tuple[int, str, bytes]  # number, place for messages, JSON text


def _of_folder(folder: Path) -> Iterator[Content]:
    names = [entry.name for entry in folder.iterdir()]
    numbered = [(int(match[1]), name) for name in names if (match := _NAME.fullmatch(name))]
    _check_count(folder, len(numbered))
    for number, name in numbered:
        content = head(folder / name, MAX_FILE + 1)
        _check_length(str(folder / name), len(content))
        yield number, str(folder / name), content


def _of_archive(path: Path) -> Iterator[Content]:
    content = _unpacked(path)
    found = 0
    for name, start, length in tar_members(path, io.BytesIO(content), len(content)):
        match = _NAME.fullmatch(name)
        if match:
            found += 1
            _check_count(path, found)
            _check_length(f"{path}: {name}", length)
            yield int(match[1]), f"{path}: {name}", content[start : start + length]


def _check_count(path: Path, found: int) -> None:
    if found > MAX_FILES:
        raise SourceError(f"{path}: more than {MAX_FILES} measurements, but {MEASUREMENTS} are published")


def _check_length(where: str, length: int) -> None:
    if length > MAX_FILE:
        raise SourceError(f"{where}: more than {MAX_FILE} bytes, which is too large for one measurement")


def _unpacked(path: Path) -> bytes:
    """The tar archive in a gzip file, of bounded size."""
    decompressor = zlib.decompressobj(wbits=31)
    packed = head(path, MAX_UNPACKED)
    try:
        content = decompressor.decompress(packed, MAX_UNPACKED)
    except zlib.error as error:
        raise SourceError(f"{path}: invalid gzip data ({error}); the file is damaged, download it again") from error
    if len(content) == MAX_UNPACKED:
        raise SourceError(f"{path}: more than {MAX_UNPACKED} bytes decompressed, which is too large for this benchmark")
    if not decompressor.eof:
        raise SourceError(f"{path} ends at byte {len(packed)}, in the middle of its compressed data; download it again")
    if decompressor.unused_data.strip(b"\0"):
        raise SourceError(
            f"{path}: byte {len(packed) - len(decompressor.unused_data)}: data after the end of the archive"
        )
    return content


def _parse(where: str, content: bytes) -> dict[str, Any]:
    try:
        record = json.loads(content)
    except ValueError as error:  # not text, or not JSON
        raise SourceError(f"{where} is not valid JSON ({error}); it is damaged, download it again") from error
    except RecursionError as error:
        raise SourceError(f"{where} is nested too deeply to be a measurement") from error
    if not isinstance(record, dict):
        raise SourceError(f"{where}: expected an object, not {shown(record)}")
    return record


def _genotype(space: AccelNASBench, where: str, record: dict[str, Any]) -> Any:
    try:
        return space.encode_one(record.get("architecture"))
    except InvalidArchitecture as error:
        raise SourceError(f"{where}: key 'architecture': {error}") from error


def _number(where: str, record: dict[str, Any], keys: tuple[str, ...], name: str, *, missing: bool) -> float:
    """A number in nested objects; ``nan`` for null where a value may be missing."""
    value: Any = record
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            raise SourceError(f"{where}: key {'/'.join(keys)!r} is missing")
        value = value[key]
    if value is None and missing:
        return float("nan")
    most = 100.0 if name.endswith("_accuracy") else 1e12
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        raise SourceError(f"{where}: key {'/'.join(keys)!r}: expected a number from 0 to {most:g}, not {shown(value)}")
    return float(value)


def _model_info(places: list[str], records: list[dict[str, Any]], key: str) -> NDArray[np.int64]:
    """A count that the files give in millions."""
    millions = [
        _number(where, record, ("model_info", key), key, missing=False)
        for where, record in zip(places, records, strict=True)
    ]
    return np.round(np.array(millions) * 1e6).astype(np.int64)


def _check_params(space: AccelNASBench, places: list[str], X: NDArray[np.uint8], params: NDArray[np.int64]) -> None:
    exact = space.cost(X, "params", dataset=DATASET)
    wrong = np.flatnonzero(params != exact)
    if len(wrong):
        i = wrong[0]
        raise SourceError(f"{places[i]}: key 'model_info/params' is {params[i]:,}, but the network has {exact[i]:,}")


def _occurrence(labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """How often each label came before: (n,)."""
    order = np.argsort(labels, kind="stable")
    ranked = labels[order]
    before = np.empty_like(labels)
    before[order] = np.arange(len(labels)) - np.searchsorted(ranked, ranked)
    return before


def _provenance(path: Path, contents: Iterable[Content]) -> dict[str, Any]:
    if path.is_file():
        return published_provenance([path], "accel-nasbench")
    # the checksum of a folder is that of the output of `sha256sum` over its files, in the order of their numbers
    lines, size = [], 0
    for number, _, content in contents:
        lines.append(f"{hashlib.sha256(content).hexdigest()}  result_{number}.json\n")
        size += len(content)
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    return {**published_provenance([], "accel-nasbench"), "source": path.resolve().name, "sha256": digest, "size": size}
