"""Make a table by training networks for real: in parts, over processes or any executor, resumable after a kill."""

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
from nasbench_kit.files import check_target
from nasbench_kit.kernels.cores import usable_cores
from nasbench_kit.spaces import space as space_of
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.store import write_store
from nasbench_kit.training.jobs import JobRunner
from nasbench_kit.training.parts import Part, PartsFolder, divide
from nasbench_kit.training.setting import STACKED, Setting, can_be_stacked, train_genotypes
from nasbench_kit.training.tables.datasheet import Measured, datasheet
from nasbench_kit.training.tables.step_time import step_seconds
from nasbench_kit.training.trainer import METRICS, find_device
from nasbench_kit.training.workers import one_thread

__all__ = ["parts_folder", "train_table"]

TIMING_SHARE = 0.1  # of the work, where networks are timed one by one after the trainings

Work = tuple[Genotypes, tuple[int, ...], Path | None]  # networks, seeds, and where their checkpoints are

_process = threading.Lock()  # PyTorch's random generator is the process's: its trainings go one after the other


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
    """Train genotypes with every seed, and make a store of what comes out.

    What is finished is kept in the folder ``<output>.parts`` beside the store, which is left there: a call that was killed
    goes on where it was. A part is one training, which goes on from its last epoch; where networks are trained in stacks
    (`can_be_stacked`), it is a stack of 40 networks with all seeds, which takes about a minute and is begun again.

    On the CPU the values do not depend on the number of processes, the executor, or interruptions: every training has one
    thread, and stacks are the same networks whoever trains them.

    Parameters
    ----------
    setting : Setting
    X : array_like of int, shape (n, genes)
        Their order does not matter, and what is there twice is trained once.
    seeds : sequence of int
        The training seeds, from 0 on.
    output : path-like
        The store to write.
    executor : Executor, optional
        Runs the parts, on this machine or others: a process pool, ``dask.distributed``'s ``client.get_executor()``. Parts
        come back as results and are written here, so that no disk has to be shared. Its processes need nasbench-kit,
        PyTorch in the same version, and the dataset's files under the same path; a process that is given several parts at
        once trains one after the other.
    processes : int, optional
        Without an executor: worker processes, each with one thread; on the CPU as many as there are cores unless given,
        elsewhere one. With 1 there is none, and this process trains itself.
    device : str, optional
        As in `train`, but with an executor, and for stacks, the CPU unless given.
    checkpoints : path-like, optional
        A folder for the states of trainings under way. Unless given it is in the folder of the parts, and with an executor
        there is none: give one that all its processes reach, or a training that is cut short is begun again. Those of
        finished parts are deleted.
    progress : callable, optional
        Called with the share of the work that is done, at the start and after every part.

    Returns
    -------
    Benchmark

    Raises
    ------
    StoreError
        A folder with parts of other trainings, or a disk that does not take a file.
    InvalidArchitecture, UnknownName, ValueError
        What does not fit the space, the dataset, or makes no sense.
    ChildProcessError
        A worker process that ended in the middle of its work.
    """
    output, space = Path(output), space_of(setting.space)
    check_target(output)
    rows, seeds = _sorted(space, X), tuple(sorted({int(seed) for seed in seeds}))
    if not len(rows) or not seeds or seeds[0] < 0:
        raise ValueError(f"a table has 1 network and 1 seed or more, and seeds from 0 on, not {len(rows)} and {seeds}")
    if processes is not None and processes < 1:
        raise ValueError(f"processes is 1 or more, not {processes}")
    if device is None:
        device = "cpu" if executor is not None or can_be_stacked(setting) else str(find_device(None))
    elif executor is None:
        find_device(device)
    stacked = can_be_stacked(setting) and device == "cpu"
    networks_a_part = STACKED if stacked else None
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
    if stacked:  # when all is trained, one at a time, and here: beside other work, times would be wrong
        timed = folder.done("steps")
        for part in parts:
            if part.number not in timed:
                with one_thread():
                    seconds = step_seconds(setting, rows[part.networks], seeds[0])
                folder.write("steps", part.number, {"seconds": seconds})
            report(part.number + 1, 1 - TIMING_SHARE, TIMING_SHARE)
    measured = _gathered(folder, parts, rows, len(seeds), setting.recipe.epochs, stacked)
    return Benchmark(write_store(output, datasheet(setting, rows, seeds, measured, folder.claim)))


def parts_folder(output: Path) -> Path:
    """Where the parts of a store are kept while it is made."""
    return output.with_name(f"{output.name}.parts")


def _sorted(space: Space, X: ArrayLike) -> Genotypes:
    """Valid genotypes, each once, by the key of their network."""
    rows = np.unique(space.check(X), axis=0)
    return rows[np.argsort(space.key(rows), kind="stable")]


def _train_part(setting: Setting, expected: dict[str, str], device: str, work: Work) -> dict[str, NDArray[Any]]:
    """The work on one part, in whatever process: `train_genotypes`, the seconds it took, and the processor."""
    rows, seeds, checkpoints = work
    if torch.__version__ != expected["torch"]:
        raise ValueError(
            f"{platform.node()} has PyTorch {torch.__version__}, not {expected['torch']}: all have to have the same one"
        )
    if setting.data.digest != expected["images"]:
        raise ValueError(f"the images of {setting.dataset} on {platform.node()} are not those of the other trainings")
    with _process, one_thread():
        start = time.perf_counter()
        arrays: dict[str, NDArray[Any]] = train_genotypes(setting, rows, seeds, device=device, checkpoints=checkpoints)
        took = max(time.perf_counter() - start, float(arrays["seconds"].sum()))
    where = _processor() if device == "cpu" else torch.cuda.get_device_name(device)
    return {**arrays, "took": np.array(took), "processor": np.array(where)}


def _gathered(
    folder: PartsFolder, parts: Sequence[Part], rows: Genotypes, seeds: int, epochs: int, stacked: bool
) -> Measured:
    """All parts as arrays over all networks."""
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
    return Measured(values, steps if stacked else None, took, sorted(processors))


def _processor() -> str:
    """The processor's name, as Linux has it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
