"""Worker processes for training: each uses one thread, exits with its parent, and ignores Ctrl-C."""

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
    """Start a pool of CPU processes that ends with the context, immediately if an error is raised.

    Parameters
    ----------
    processes : int, optional
        Number of processes (default: all cores).
    initializer, initargs
        Called in every process when it starts.

    Raises
    ------
    ChildProcessError
        If a process dies.
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
                "a worker process died, possibly out of memory (use fewer processes to need less); repeat the call to "
                "resume"
            ) from error
        raise
    pool.shutdown()


@contextmanager
def one_thread() -> Iterator[None]:
    """Use a single PyTorch thread within the context, because results depend on the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class _Pool(ProcessPoolExecutor):
    """A pool whose processes ignore the terminal's SIGINT, because they inherit a mask that blocks it."""

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
    """Exit if the parent was killed; the process would otherwise wait for work forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
