"""Worker processes for training: each uses one thread, exits with its parent, and ignores Ctrl-C.

On Linux, they are forked from a server process which has imported PyTorch already and done nothing else. Importing it takes seconds
and some 200 MB, which spawned processes would each spend anew; forked ones start at once and share the memory. The server starts
with the first pool and ends with this process.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from typing import Any

import torch

from nasbench_kit.kernels.cores import usable_cores
from nasbench_kit.kernels.worker_processes import end_with_parent, one_thread_each, without_interrupts

__all__ = ["one_thread", "worker_pool"]

PRELOADED = ["nasbench_kit.training.trainer", __name__]


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
        mp_context=_context(),
        initializer=_start,
        initargs=(dict(os.environ), initializer, initargs),
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


def _context() -> BaseContext:
    """How processes start: from the server on Linux; elsewhere, forking after imports is unsafe or impossible."""
    if not sys.platform.startswith("linux"):
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)  # without effect if the server is running
    return context


class _Pool(ProcessPoolExecutor):
    """A pool whose processes ignore the terminal's SIGINT, because they inherit a mask that blocks it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        with one_thread_each(), without_interrupts():
            return super().submit(fn, *args, **kwargs)


def _start(environment: dict[str, str], initializer: Callable[..., object] | None, initargs: tuple[Any, ...]) -> None:
    os.environ.clear()  # the server's environment is that of its own start
    os.environ.update(environment)
    if hasattr(signal, "pthread_sigmask"):  # the server may have been started by somebody else
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    torch.set_num_threads(1)
    end_with_parent()
    if initializer is not None:
        initializer(*initargs)
