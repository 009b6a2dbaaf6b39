"""Worker processes for trainings: each has one thread, ends with its parent, and never sees Ctrl-C itself."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch

from nasbench_kit.kernels.cores import usable_cores

__all__ = ["one_thread", "worker_pool"]


@contextmanager
def worker_pool(
    processes: int | None = None, initializer: Callable[..., object] | None = None, initargs: tuple[Any, ...] = ()
) -> Iterator[Executor]:
    """A pool of new processes on the CPU that is gone afterwards: where an error leaves it, at once.

    Parameters
    ----------
    processes : int, optional
        As many as there are cores unless given.
    initializer, initargs
        Called in every process as it starts.

    Raises
    ------
    ChildProcessError
        Where a process ends in the middle of its work.
    """
    before = set(multiprocessing.active_children())
    pool = _Pool(
        processes or usable_cores(),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(initializer, initargs),
    )
    try:
        yield pool
    except BaseException as error:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        if isinstance(error, BrokenExecutor):
            raise ChildProcessError(
                "a worker process has ended in the middle of its work, perhaps for want of memory (fewer processes need "
                "less); the same call goes on where it was"
            ) from error
        raise
    pool.shutdown()


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch computes with one thread inside: results depend on the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class _Pool(ProcessPoolExecutor):
    """A pool whose processes do not get the terminal's SIGINT: they inherit a mask in which it waits for ever."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if not hasattr(signal, "pthread_sigmask"):
            return super().submit(fn, *args, **kwargs)
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _start(initializer: Callable[..., object] | None, initargs: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if initializer is not None:
        initializer(*initargs)


def _end_with_parent() -> None:
    """A pool's process whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
