"""Worker processes that may be killed: the job of a lost worker is given to another one.

Unlike in a pool of `concurrent.futures`, where the death of one process ends all jobs, each worker has a pipe of its own, so that
it is known which job was lost with it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import signal
from collections import Counter, deque
from collections.abc import Generator, Sequence
from typing import Any

from nasbench_kit.experiments.sweep_job import Failed, Job, Outcome, run_job
from nasbench_kit.kernels.worker_processes import end_with_parent, one_thread_each, without_interrupts

__all__ = ["in_processes", "in_this_process"]

MOST_LOSSES = 3  # workers that a job may lose before it counts as failed
READY = "ready"


def in_this_process(jobs: Sequence[Job]) -> Generator[tuple[int, Outcome]]:
    """Run jobs one after the other; yields the number and the outcome of each."""
    for i, job in enumerate(jobs):
        yield i, run_job(job)


def in_processes(jobs: Sequence[Job], workers: int) -> Generator[tuple[int, Outcome]]:
    """Run jobs in worker processes of one thread each; yields the number and the outcome of each, as they end.

    The processes are spawned, so scripts need the usual ``if __name__ == "__main__":``. They end with the generator, and when
    the parent process is killed.

    Raises
    ------
    ChildProcessError
        The processes do not start.
    """
    waiting, losses = deque(enumerate(jobs)), Counter[int]()
    crew: list[_Worker] = []
    started, failed_starts = False, 0
    try:
        while waiting or any(worker.job is not None for worker in crew):
            while len(crew) < min(workers, len(waiting) + sum(worker.job is not None for worker in crew)):
                crew.append(_Worker())
            for worker in crew:
                if worker.ready and worker.job is None and waiting:
                    worker.give(*waiting.popleft())
            for worker in _with_news(crew):
                try:
                    news = worker.pipe.recv()
                except (EOFError, OSError):
                    crew.remove(worker)
                    status = worker.end(patience=5)
                    failed_starts += not worker.ready
                    if failed_starts > MOST_LOSSES or (failed_starts and not started):
                        raise ChildProcessError(
                            f"worker processes do not start (exit status {status}): a script needs `if __name__ == "
                            '"__main__":` around what it does; or use workers=1'
                        ) from None
                    if worker.job is not None:
                        number, job = worker.job
                        losses[number] += 1
                        if losses[number] < MOST_LOSSES:
                            waiting.appendleft((number, job))
                        else:
                            yield number, Failed(*_lost(status))
                    continue
                if not worker.ready:
                    worker.ready = started = True
                else:
                    assert worker.job is not None
                    number, worker.job = worker.job[0], None
                    if waiting:
                        worker.give(*waiting.popleft())
                    yield number, news
    finally:
        for worker in crew:
            worker.end(patience=0 if worker.job is not None or not worker.ready else 1)


def _lost(status: int | None) -> tuple[str, str]:
    how = (
        f"killed by {signal.Signals(-status).name}"
        if status is not None and status < 0
        else f"ended with status {status}"
    )
    message = f"{MOST_LOSSES} worker processes were lost with this piece, the last one {how}"
    return message, "If memory was short, use fewer workers or fewer runs per piece."


class _Worker:
    """A process that runs one job at a time."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.job: tuple[int, Job] | None = None
        self.ready = False
        with one_thread_each(), without_interrupts():
            self.process.start()
        theirs.close()

    def give(self, number: int, job: Job) -> None:
        self.job = number, job
        with contextlib.suppress(OSError):  # it is dead, which reading from its pipe will tell
            self.pipe.send(job)

    def end(self, patience: float) -> int | None:
        """End the process, which has some seconds to do so by itself; returns its exit status."""
        self.pipe.close()
        self.process.join(patience)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        return self.process.exitcode


def _with_news(crew: Sequence[_Worker]) -> list[_Worker]:
    """Wait for the workers that have something to say, or are dead, which ends their pipes."""
    by_pipe = {worker.pipe: worker for worker in crew}
    return [by_pipe[pipe] for pipe in multiprocessing.connection.wait(list(by_pipe))]  # type: ignore[index]


def _serve(pipe: Any) -> None:
    """What a worker does: run jobs until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where there are no masks
    end_with_parent()
    with contextlib.suppress(EOFError, OSError):  # the parent has closed the pipe: nobody wants more
        pipe.send(READY)
        while True:
            pipe.send(run_job(pipe.recv()))
