"""Make a table by training networks: in parts, over processes or any executor, resumable after being killed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.benchmark import Benchmark
from nasbench_kit.kernels.cores import usable_cores
from nasbench_kit.spaces import space as space_of
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.store import check_new_store, create_store
from nasbench_kit.training.jobs import JobRunner
from nasbench_kit.training.parts import Part, PartsFolder, divide
from nasbench_kit.training.setting import Setting, can_be_stacked, networks_a_stack, train_genotypes
from nasbench_kit.training.tables.datasheet import MeasuredTrainings, datasheet
from nasbench_kit.training.tables.step_time import step_seconds
from nasbench_kit.training.trainer import METRICS, find_device
from nasbench_kit.training.workers import one_thread

__all__ = ["parts_folder", "train_table"]

TIMING_SHARE = 0.1  # share of the progress for timing stacked networks one by one after the trainings

Work = tuple[Genotypes, tuple[int, ...], Path | None]  # networks, seeds, and folder of their checkpoints

_process = threading.Lock()  # PyTorch's global generator is shared by all threads, so trainings must not overlap


def train_table(
    setting: Setting,
    X: ArrayLike,
    seeds: Sequence[int],
    output: str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    processes: int | None = None,
    device: str | None = None,
    checkpoints: str | os.PathLike[str] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Benchmark:
    """Train genotypes with every seed, and write the results to a store.

    Finished parts are kept in the folder ``<output>.parts`` beside the store, so that a call that was killed resumes
    where it stopped. The folder is not deleted at the end. A part is one training, which resumes from its last epoch.
    If networks are trained in stacks (`can_be_stacked`), a part is a stack of networks (`networks_a_stack`) with all seeds, which
    takes seconds to minutes in the recipe ``digits`` and is restarted.

    On the CPU, the values do not depend on the number of processes, the executor or interruptions: every training uses
    one thread, and stacks always consist of the same networks.

    Parameters
    ----------
    setting : Setting
    X : array_like of int, shape (n, genes)
        Their order does not matter; duplicates are trained once.
    seeds : sequence of int
        Non-negative training seeds.
    output : path-like
        The store to write.
    executor : Executor, optional
        Runs the parts, on this machine or others, e.g. a process pool or the ``client.get_executor()`` of
        ``dask.distributed``. Results are returned and written by this process, so no shared disk is needed. The
        executor's processes need nasbench-kit, the same version of PyTorch, and the dataset's files under the same
        path. A process that is given several parts at once trains them one at a time.
    processes : int, optional
        Number of worker processes when there is no executor, each with one thread (default: all cores on the CPU,
        otherwise 1). With 1, this process does the training.
    device : str, optional
        As in `train`, except that the default is the CPU with an executor and for stacks.
    checkpoints : path-like, optional
        A folder for the checkpoints of running trainings (default: inside the folder of the parts; none with an
        executor). With an executor, give a folder that all its processes can reach; otherwise interrupted trainings
        start again. Checkpoints of finished parts are deleted.
    progress : callable, optional
        Called with the fraction of work done, at the start and after every part.

    Returns
    -------
    Benchmark

    Raises
    ------
    StoreError
        If the folder holds parts of other trainings, or a file cannot be written.
    InvalidArchitecture, UnknownName, ValueError
        If an argument is invalid or does not fit the space or the dataset.
    ChildProcessError
        If a worker process dies.
    """
    output, space = Path(output), space_of(setting.space)
    check_new_store(output)
    rows, seeds = _sorted(space, X), tuple(sorted({int(seed) for seed in seeds}))
    if not len(rows) or not seeds or seeds[0] < 0:
        raise ValueError(
            f"a table needs at least 1 network and 1 seed, and seeds of at least 0, not {len(rows)} and {seeds}"
        )
    if processes is not None and processes < 1:
        raise ValueError(f"processes must be at least 1, not {processes}")
    if device is None:
        device = "cpu" if executor is not None or can_be_stacked(setting) else str(find_device(None))
    elif executor is None:
        find_device(device)
    stacked = device == "cpu" and can_be_stacked(setting)
    networks_a_part = networks_a_stack(setting, len(seeds)) if stacked else None
    folder = PartsFolder(
        parts_folder(output),
        {
            "setting": setting.identity,
            "seeds": list(seeds),
            "networks": len(rows),
            "genotypes": hashlib.sha256(rows.tobytes()).hexdigest()[:16],
            "device": device.split(":")[0],
            "networks_a_part": networks_a_part,
            "torch": torch.__version__,
        },
        {"numpy": np.__version__, "machine": platform.machine(), "cores": usable_cores()},
    )
    states = Path(checkpoints).absolute() if checkpoints is not None else None
    if states is None and executor is None and not stacked:
        states = folder.path.absolute() / "checkpoints"

    parts = divide(len(rows), len(seeds), networks_a_part)
    expected = {"images": setting.data.digest, "torch": torch.__version__}

    def work(part: Part) -> Work:
        state = None if states is None else folder.checkpoints(states, part.number)
        return rows[part.networks], seeds[part.seeds], state

    def report(done: int, shift: float = 0.0, share: float = 1 - TIMING_SHARE if stacked else 1.0) -> None:
        if progress:
            progress(shift + share * done / len(parts))

    done = folder.done("part")
    report(len(done))
    left = [part for part in parts if part.number not in done]
    shared = (setting, expected, device)
    runner: JobRunner[Work, dict[str, NDArray[Any]]] = JobRunner(
        _train_part, shared, processes=processes, device=device, executor=executor
    )
    with runner, contextlib.closing(runner.run([work(part) for part in left])) as finished:
        for count, (i, arrays) in enumerate(finished, start=len(done) + 1):
            part = left[i]
            folder.write("part", part.number, arrays)
            if states is not None:
                folder.remove_checkpoints(states, part.number)
            report(count)
    if stacked:  # time networks one by one after all trainings, as concurrent work would distort the times
        timed = folder.done("steps")
        for part in parts:
            if part.number not in timed:
                with one_thread():
                    seconds = step_seconds(setting, rows[part.networks], seeds[0])
                folder.write("steps", part.number, {"seconds": seconds})
            report(part.number + 1, 1 - TIMING_SHARE, TIMING_SHARE)
    measured = _gathered(folder, parts, rows, len(seeds), setting.recipe.epochs, stacked)
    return Benchmark(create_store(output, datasheet(setting, rows, seeds, measured, folder.claim)))


def parts_folder(output: Path) -> Path:
    """Return the folder that keeps the finished parts of a store."""
    return output.with_name(f"{output.name}.parts")


def _sorted(space: Space, X: ArrayLike) -> Genotypes:
    """Return the valid genotypes without duplicates, sorted by the key of their network."""
    rows = np.unique(space.check(X), axis=0)
    return rows[np.argsort(space.key(rows), kind="stable")]


def _train_part(setting: Setting, expected: dict[str, str], device: str, work: Work) -> dict[str, NDArray[Any]]:
    """Train one part, in any process; return the results of `train_genotypes`, its seconds and the processor."""
    rows, seeds, checkpoints = work
    if torch.__version__ != expected["torch"]:
        raise ValueError(
            f"{platform.node()} has PyTorch {torch.__version__}, not {expected['torch']}: use the same version everywhere"
        )
    if setting.data.digest != expected["images"]:
        raise ValueError(
            f"the images of {setting.dataset} on {platform.node()} differ from those of the other trainings"
        )
    with _process, one_thread():
        start = time.perf_counter()
        arrays: dict[str, NDArray[Any]] = train_genotypes(setting, rows, seeds, device=device, checkpoints=checkpoints)
        took = max(time.perf_counter() - start, float(arrays["seconds"].sum()))
    where = _processor() if device == "cpu" else torch.cuda.get_device_name(device)
    return {**arrays, "took": np.array(took), "processor": np.array(where)}


def _gathered(
    folder: PartsFolder, parts: Sequence[Part], rows: Genotypes, seeds: int, epochs: int, stacked: bool
) -> MeasuredTrainings:
    """Join all parts into arrays over all networks."""
    values = {name: np.full((len(rows), epochs, seeds), np.nan) for name in (*METRICS, "seconds")}
    steps = np.full(len(rows), np.nan)
    took, processors = 0.0, set()
    for part in parts:
        arrays = folder.read("part", part.number)
        for name, whole in values.items():
            whole[part.networks, :, part.seeds] = arrays[name]
        took += float(arrays["took"])
        processors.add(str(arrays["processor"]))
        if stacked:
            steps[part.networks] = folder.read("steps", part.number)["seconds"]
    return MeasuredTrainings(values, steps if stacked else None, took, sorted(processors))


def _processor() -> str:
    """Return the processor's name as reported by Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
