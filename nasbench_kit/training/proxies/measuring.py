"""Compute proxies of a table's architectures in parallel, in parts so that a killed call can be resumed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nasbench_kit.benchmark import Benchmark
from nasbench_kit.errors import UnknownName
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.skeleton import IMAGES, Skeleton
from nasbench_kit.training.construction import build, skeleton_of
from nasbench_kit.training.datasets import Dataset
from nasbench_kit.training.jobs import JobRunner
from nasbench_kit.training.parts import Part, PartsFolder, divide
from nasbench_kit.training.proxies import PROXIES, timed_proxies
from nasbench_kit.training.stored_setting import stored_setting

__all__ = ["MeasuredProxies", "made_up_images", "measure"]

NETWORKS_A_PART = 20


@dataclass(frozen=True)
class MeasuredProxies:
    """Proxies of some of a table's architectures.

    Attributes
    ----------
    dataset : str
    names : tuple of str
        The proxies.
    rows : ndarray of int, shape (n,)
        Rows of the architectures in the table, ascending.
    values, seconds : ndarray of float64, shape (n, proxies)
        The proxies, and the time to compute each on one core.
    how : dict
        What determined the values: images, batch, seed, version of PyTorch.
    """

    dataset: str
    names: tuple[str, ...]
    rows: NDArray[np.int64]
    values: NDArray[np.float64]
    seconds: NDArray[np.float64]
    how: dict[str, Any]


def measure(
    bench: Benchmark,
    names: Sequence[str] | None = None,
    *,
    dataset: str | None = None,
    sample: int | None = None,
    batch: int = 64,
    noise: bool = False,
    images_from: str | os.PathLike[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    seed: int = 0,
    processes: int | None = None,
    parts: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> MeasuredProxies:
    """Build untrained networks of a table's architectures, and compute their proxies.

    The values do not depend on the number of processes. With more than one, workers import the script, which
    needs the usual ``if __name__ == "__main__":``.

    Parameters
    ----------
    bench : Benchmark
    names : sequence of str, optional
        Names from ``PROXIES`` (default: all).
    dataset : str, optional
        Dataset of the table, which determines the images and the skeleton. The skeleton is the one recorded in the
        table, or else the published one. May be omitted if there is only one dataset.
    sample : int, optional
        Number of randomly drawn architectures (default: all).
    batch : int
        Batch size. Images are drawn at random from the training images.
    noise : bool
        Use random images (`made_up_images`) and labels instead, which needs no dataset.
    images_from, folder
        Arguments of ``load_dataset``, if the images are not found by the dataset's name.
    seed : int
        Seed of the initial weights (the same for all networks) and of all draws.
    processes : int, optional
        Number of worker processes (default: all cores); with 1, the calling process does the work.
    parts : Path, optional
        A folder for finished parts, created if missing, from which a killed call resumes.
    progress : callable, optional
        Called with (architectures done, architectures in total) at the start and after every part.

    Returns
    -------
    MeasuredProxies

    Raises
    ------
    UnknownName
        If a proxy or the dataset does not exist.
    SourceError
        If the images are not found.
    ValueError
        If the sample or the batch size is out of range.
    StoreError
        If ``parts`` holds other measurements.
    """
    chosen = tuple(PROXIES) if names is None else tuple(dict.fromkeys(names))
    for name in chosen:
        if name not in PROXIES:
            raise UnknownName("proxy", name, PROXIES)
    if dataset is None and len(bench.datasets) == 1:
        dataset = bench.datasets[0]
    if dataset not in bench.datasets:
        raise UnknownName(f"dataset of {bench.name}", dataset, bench.datasets)
    if sample is not None and not 1 <= sample <= len(bench):
        raise ValueError(f"a sample of {bench.name} must have 1 to {len(bench)} architectures, not {sample}")
    if noise:
        skeleton = _skeleton_without_images(bench, dataset)
        images, labels = _made_up_batch(skeleton, batch, seed)
    else:
        setting = stored_setting(bench, dataset, None, images=images_from, folder=folder).setting
        skeleton = setting.skeleton
        images, labels = _drawn_batch(setting.data, batch, seed)
    rng = np.random.default_rng([seed, 1])
    rows = np.arange(len(bench)) if sample is None else np.sort(rng.choice(len(bench), sample, replace=False))
    X = bench.architectures[rows]
    figures = {field.name: getattr(skeleton, field.name) for field in fields(skeleton)}
    how = {
        "images": "random" if noise else dataset,
        "batch": batch,
        "seed": seed,
        "torch": torch.__version__,
    }
    kept = None
    if parts is not None:
        digest = hashlib.sha256(X.tobytes() + images.tobytes() + labels.tobytes()).hexdigest()
        told = {"names": list(chosen), "architectures": len(X), "digest": digest, "skeleton": repr(skeleton)}
        kept = PartsFolder(parts, {**how, **told}, {})
    found = _in_parts(X, (bench.space.name, figures, images, labels, chosen, seed), processes, kept, progress)
    return MeasuredProxies(dataset, chosen, rows, found[:, 0], found[:, 1], how)


def _skeleton_without_images(bench: Benchmark, dataset: str) -> Skeleton:
    """Return the skeleton recorded in the table, or else the published one for the dataset."""
    told = bench.info.get("setting")
    if isinstance(told, Mapping) and "skeleton" in told:
        return skeleton_of(bench.space, "cifar10", **told["skeleton"])
    known = [name for name in IMAGES if dataset == name or dataset.startswith(f"{name}-")]
    if not known:
        raise UnknownName("dataset to make up images for", dataset, IMAGES)
    return skeleton_of(bench.space, max(known, key=len))


def _made_up_batch(skeleton: Skeleton, batch: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    if batch < 2:
        raise ValueError(f"batch must be at least 2, not {batch}")
    rng = np.random.default_rng([seed, 0])
    return made_up_images(batch, skeleton.image, rng), rng.integers(skeleton.classes, size=batch)


def made_up_images(count: int, shape: tuple[int, int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return smooth random images (count, channels, height, width), standardised, of varying brightness and contrast.

    Amplitudes fall as 1 / frequency, as in photographs (Field 1987). White noise is unsuitable, because to proxies that
    compare images, all of it looks alike.
    """
    white = np.fft.rfft2(rng.standard_normal((count, *shape)))
    frequency = np.hypot(np.fft.fftfreq(shape[1])[:, np.newaxis], np.fft.rfftfreq(shape[2]))
    frequency[0, 0] = np.inf  # the mean is the brightness, which is drawn below
    smooth = np.fft.irfft2(white / frequency, s=shape[1:])
    smooth /= smooth.std(axis=(1, 2, 3), keepdims=True)
    images = smooth * np.exp(rng.normal(0, 0.4, (count, 1, 1, 1))) + rng.normal(0, 0.5, (count, shape[0], 1, 1))
    return ((images - images.mean()) / images.std()).astype(np.float32)


def _drawn_batch(data: Dataset, batch: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    train = data.part("train")
    if not 2 <= batch <= len(train):
        raise ValueError(f"a batch of {data.name} must have 2 to {len(train)} images, not {batch}")
    drawn = np.random.default_rng([seed, 0]).choice(train, batch, replace=False)
    images = (data.images[drawn] - data.mean[:, np.newaxis, np.newaxis]) / data.std[:, np.newaxis, np.newaxis]
    return images.astype(np.float32), data.labels[drawn]


def _in_parts(
    X: Genotypes,
    work: tuple[Any, ...],
    processes: int | None,
    kept: PartsFolder | None,
    progress: Callable[[int, int], None] | None,
) -> NDArray[np.float64]:
    """Return values and seconds of all architectures: (n, 2, proxies)."""
    parts = divide(len(X), 1, NETWORKS_A_PART)
    found = {number: kept.read("proxies", number)["found"] for number in kept.done("proxies")} if kept else {}
    todo = [part for part in parts if part.number not in found]

    def done(part: Part, result: NDArray[np.float64]) -> None:
        found[part.number] = result
        if kept is not None:
            kept.write("proxies", part.number, {"found": result})
        report()

    def report() -> None:
        if progress:
            progress(sum(len(result) for result in found.values()), len(X))

    report()
    runner: JobRunner[Genotypes, NDArray[np.float64]] = JobRunner(_part, (work,), processes=processes)
    with runner:
        for i, result in runner.run([X[part.networks] for part in todo]):
            done(todo[i], result)
    return np.concatenate([found[part.number] for part in parts])


def _part(work: tuple[Any, ...], X: Genotypes) -> NDArray[np.float64]:
    space, figures, images, labels, names, seed = work
    result = np.empty((len(X), 2, len(names)))
    for i, x in enumerate(X):
        network = build(space, x, seed=seed, **figures)
        found = list(timed_proxies(network, torch.from_numpy(images), torch.from_numpy(labels), names, seed=seed))
        result[i] = [[value for _, value, _ in found], [seconds for _, _, seconds in found]]
    return result
