"""Run training jobs in this process, in worker processes, or on any executor."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import ExitStack, suppress
from typing import Any, Generic, TypeVar

from nasbench_kit.kernels.cores import usable_cores
from nasbench_kit.training.workers import one_thread, worker_pool

__all__ = ["JobRunner"]

Job = TypeVar("Job")
Result = TypeVar("Result")


class JobRunner(Generic[Job, Result]):
    """Run jobs, and return each result as soon as it is available.

    On the CPU, every job uses one thread, so that results are bitwise the same in any process. Worker processes start
    with the first batch of at least two jobs, and run until `close` or until a batch fails. They import the
    script, which needs the usual ``if __name__ == "__main__":``.

    Parameters
    ----------
    work : callable
        Called as ``work(*shared, job)``; must be a module-level function.
    shared : tuple
        Arguments shared by all jobs, sent to each worker process once.
    processes : int, optional
        Number of worker processes (default: all cores on the CPU, otherwise 1). With 1, jobs run in this process.
    device : str
        The device that jobs use, which determines the default of ``processes``.
    executor : Executor, optional
        Runs the jobs instead; ``shared`` is then sent with each job.

    Raises
    ------
    ValueError
        If ``processes`` is less than 1.
    """

    def __init__(
        self,
        work: Callable[..., Result],
        shared: tuple[Any, ...] = (),
        *,
        processes: int | None = None,
        device: str = "cpu",
        executor: Executor | None = None,
    ) -> None:
        if processes is not None and processes < 1:
            raise ValueError(f"processes must be at least 1, not {processes}")
        self.work, self.shared, self.executor = work, shared, executor
        self.processes = processes or (usable_cores() if device.startswith("cpu") else 1)
        self._stack = ExitStack()
        self._pool: Executor | None = None

    def __enter__(self) -> JobRunner[Job, Result]:
        return self

    def __exit__(self, *error: Any) -> None:
        self._pool = None
        self._stack.__exit__(*error)

    def close(self) -> None:
        """Stop the worker processes."""
        self.__exit__(None, None, None)

    def run(self, jobs: Sequence[Job]) -> Generator[tuple[int, Result]]:
        """Run jobs; yield the index and the result of each in order of completion.

        Raises
        ------
        ChildProcessError
            If a worker process dies.
        """
        if self.executor is not None:
            yield from _finished(self.executor, self.work, [(*self.shared, job) for job in jobs])
            return
        if self.processes == 1 or len(jobs) < 2:
            for i, job in enumerate(jobs):
                with one_thread():
                    result = self.work(*self.shared, job)
                yield i, result
            return
        try:
            if self._pool is None:
                self._pool = self._stack.enter_context(worker_pool(self.processes, _start, (self.work, self.shared)))
            yield from _finished(self._pool, _work_in_worker, [(job,) for job in jobs])
        except BaseException:
            self._pool = None
            self._stack.__exit__(*sys.exc_info())  # stops running jobs
            raise


def _finished(
    executor: Executor, work: Callable[..., Result], arguments: Sequence[tuple[Any, ...]]
) -> Generator[tuple[int, Result]]:
    futures = {executor.submit(work, *values): i for i, values in enumerate(arguments)}
    try:
        for future in as_completed(list(futures)):
            yield futures.pop(future), future.result()  # popped, so that results do not accumulate in memory
    finally:
        with suppress(RuntimeError):  # the pool has shut down
            for future in futures:
                future.cancel()


_worker: dict[str, Any] = {}  # state of a worker process, shared by all its jobs


def _start(work: Callable[..., Any], shared: tuple[Any, ...]) -> None:
    _worker.update(work=work, shared=shared)


def _work_in_worker(job: Any) -> Any:
    return _worker["work"](*_worker["shared"], job)
