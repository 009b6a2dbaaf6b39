"""Make a table by training every network of a space: in parts, over processes, resumable after a kill."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from nasbench_kit.errors import StoreError
from nasbench_kit.spaces.nb201 import NB201, SKELETONS
from nasbench_kit.spaces.space import Genotypes
from nasbench_kit.training.datasets import Dataset, load_digits
from nasbench_kit.training.recipes import Recipe
from nasbench_kit.training.stacked import initial_network, train_stacked

__all__ = ["gather_parts", "train_parts"]

NETWORKS_A_PART = 40  # measured: larger stacks gain nothing, smaller ones lose to call overhead
TIMED_STEPS = 8
STAGE_SHARE = (90, 10)  # percent of the work: training, then timing


def train_parts(
    folder: Path,
    numbers: NDArray[np.uint64],
    recipe: Recipe,
    seeds: tuple[int, ...],
    *,
    processes: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Train networks of the space ``nb201`` on the digits, leaving one file a part in ``folder``.

    Parts that are there already are kept, so that a killed call goes on where it was.

    Parameters
    ----------
    folder : Path
        Made where it is missing. A folder of another recipe, or of other networks, is refused.
    numbers : ndarray of uint64, shape (n,)
        The genotypes to train, by their number in the space.
    recipe : Recipe
    seeds : tuple of int
        The training seeds.
    processes : int, optional
        Worker processes, each on one core; as many as there are cores unless given.
    progress : callable, optional
        Called with (percent done, 100) after every part.

    Raises
    ------
    StoreError
        Where the folder holds parts of another recipe.
    MissingExtra
        Where scikit-learn is not installed.
    """
    load_digits()  # fail here, not in a worker
    _claim(folder, numbers, recipe, seeds)
    parts = [numbers[i : i + NETWORKS_A_PART] for i in range(0, len(numbers), NETWORKS_A_PART)]
    for stage, (prefix, work) in enumerate((("part", _train_part), ("steps", _time_part))):
        # times are taken when all is trained, one at a time: beside other work they would be wrong
        workers = (processes or os.cpu_count()) if work is _train_part else 1
        calls = [(_path(folder, prefix, i), part, recipe, seeds) for i, part in enumerate(parts)]

        def report(done: int, stage: int = stage) -> None:
            if progress:
                progress(STAGE_SHARE[stage] * done // len(numbers) + sum(STAGE_SHARE[:stage]), sum(STAGE_SHARE))

        _run_all(work, [call for call in calls if not call[0].exists()], workers, len(numbers), report)


def _run_all(
    work: Callable[..., None], calls: list[Any], workers: int | None, total: int, report: Callable[[int], None]
) -> None:
    """Run calls (path, numbers, recipe, seeds) in processes of one core each, reporting how many networks are done."""
    done = total - sum(len(call[1]) for call in calls)
    report(done)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_core) as pool:
        futures = {pool.submit(work, *call): len(call[1]) for call in calls}
        try:
            for future in as_completed(futures):
                future.result()
                done += futures[future]
                report(done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def gather_parts(folder: Path) -> dict[str, Any]:
    """The finished parts as arrays over all networks, in the order of the numbers given to `train_parts`.

    Returns
    -------
    dict
        ``numbers`` (n,); the metrics of `train_stacked`, each (n, epochs, seeds); ``step_seconds`` (n,); ``claim``: the
        recipe, versions and hardware as a dict.

    Raises
    ------
    StoreError
        Where a part is missing.
    """
    claim = json.loads((folder / "recipe.json").read_text())
    count = -(-claim["networks"] // NETWORKS_A_PART)
    paths = [_path(folder, "part", i) for i in range(count)]
    steps = [_path(folder, "steps", i) for i in range(count)]
    missing = [path.name for path in paths + steps if not path.exists()]
    if missing:
        raise StoreError(f"{folder}: {len(missing)} of {2 * count} files are missing, the first is {missing[0]}")
    parts = []
    for path in paths:
        with np.load(path, allow_pickle=False) as part:
            parts.append({name: part[name] for name in part.files})
    arrays: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    step_seconds = np.concatenate([np.load(path, allow_pickle=False) for path in steps])
    return {**arrays, "step_seconds": step_seconds, "claim": claim}


def _claim(folder: Path, numbers: NDArray[np.uint64], recipe: Recipe, seeds: tuple[int, ...]) -> None:
    """Write down what the folder is for, or check that it is for the same."""
    identity = {
        **json.loads(json.dumps(dataclasses.asdict(recipe))),
        "seeds": list(seeds),
        "networks": len(numbers),
        "networks_crc": int(np.bitwise_xor.reduce(numbers * np.arange(1, len(numbers) + 1, dtype=np.uint64))),
        "torch": torch.__version__,
    }
    path = folder / "recipe.json"
    if path.exists():
        found = json.loads(path.read_text())
        different = [name for name in identity if found.get(name) != identity[name]]
        if different:
            raise StoreError(
                f"{folder} holds parts of another training: {different[0]} is {found.get(different[0])!r} there and "
                f"{identity[different[0]]!r} now; give another --output or delete the folder"
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    hardware = {"machine": platform.machine(), "processor": _processor(), "cores": os.cpu_count()}
    content = json.dumps({**identity, **hardware, "numpy": np.__version__}, indent=1).encode()
    _replace(path, lambda file: file.write(content))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def _path(folder: Path, prefix: str, index: int) -> Path:
    return folder / f"{prefix}-{index:04d}.{'npz' if prefix == 'part' else 'npy'}"


def _replace(path: Path, write: Callable[[BinaryIO], object]) -> None:
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        write(file)
    temporary.replace(path)


def _one_core() -> None:
    torch.set_num_threads(1)


def _train_part(path: Path, numbers: NDArray[np.uint64], recipe: Recipe, seeds: tuple[int, ...]) -> None:
    start = time.perf_counter()
    results = train_stacked(numbers, NB201().from_number(numbers), SKELETONS["digits"], load_digits(), recipe, seeds)
    seconds = np.full(len(numbers), (time.perf_counter() - start) / len(numbers))
    arrays: dict[str, Any] = {"numbers": numbers, "stacked_seconds": seconds, **results}
    _replace(path, lambda file: np.savez(file, **arrays))


def _time_part(path: Path, numbers: NDArray[np.uint64], recipe: Recipe, seeds: tuple[int, ...]) -> None:
    data, rows = load_digits(), NB201().from_number(numbers)
    seconds = [
        _step_seconds(int(number), row, data, recipe, seeds[0]) for number, row in zip(numbers, rows, strict=True)
    ]
    _replace(path, lambda file: np.save(file, np.array(seconds)))


def _step_seconds(number: int, row: Genotypes, data: Dataset, recipe: Recipe, seed: int) -> float:
    """Seconds of one optimiser step of this network alone, on one core, in plain PyTorch: the fastest of a few."""
    network = initial_network(number, row.tolist(), SKELETONS["digits"], seed)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01, momentum=recipe.momentum, nesterov=True)
    batch = data.part("train")[: recipe.batch_size]
    images, labels = torch.from_numpy(data.images[batch]), torch.from_numpy(data.labels[batch])
    fastest = float("inf")
    for _ in range(TIMED_STEPS):
        start = time.perf_counter()
        optimiser.zero_grad()
        F.cross_entropy(network(images), labels).backward()
        optimiser.step()
        fastest = min(fastest, time.perf_counter() - start)
    return fastest
