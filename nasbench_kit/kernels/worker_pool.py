"""A pool of worker processes of this program, kept until it ends, that never runs the program's own file.

`multiprocessing` lets every worker import the program's main file, so that scripts need ``if __name__ == "__main__":`` and
functions in notebooks cannot be used. These workers are plain Python processes that import what they are told to, and talk
through sockets. They ignore Ctrl-C, which is for the program, and end when its end of the socket is closed, by whatever
means. On Linux, they are forked from the first of them, which has a single thread, to share the memory of what is imported.
"""

from __future__ import annotations

import atexit
import contextlib
import math
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = [
    "HELD",
    "WORKERS",
    "Interrupted",
    "PoolWorker",
    "Stopwatch",
    "WorkerPool",
    "claimed_pool",
    "pool_is_warm",
    "within_a_worker",
]

WORKERS = "NASBENCH_KIT_WORKERS"  # in the environment: how many processes work, this one included, unless a call says
BEGINNING = 0.05  # seconds of a job in which it prepares for what follows, at most
HELD = 2  # objects shared by jobs that a worker keeps, the latest ones
START = """\
import sys
sys.path[:] = {path!r}
from nasbench_kit.kernels.pool_worker import serve_all
serve_all({handles!r}, {modules!r})
"""


serving = False  # whether this is a process of a pool


class Interrupted(Exception):
    """A job ends early because it would take longer than the program wants to wait for it."""


class Stopwatch:
    """The seconds of a job: of its thread on a core, which other programs do not prolong, or of the clock on the wall.

    Parameters
    ----------
    longest : float
        The most seconds that it may take.
    on_core : bool
        Whether it computes all the time; otherwise it may wait, for example for a file.
    """

    def __init__(self, longest: float, *, on_core: bool) -> None:
        self._now = time.thread_time if on_core else time.perf_counter
        self._longest, self._start = longest, self._now()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return self._now() - self._start

    def total(self, share: float) -> float:
        """The seconds that all will take, of which a share is done; the beginning does not count."""
        seconds = self.seconds
        return min(seconds, BEGINNING) + max(seconds - BEGINNING, 0.0) / share if share > 0 else math.inf

    def interrupt_if_long(self, share: float) -> None:
        """Raise `Interrupted` with the total seconds if a job that has done a share of its work will take too long.

        Not once a quarter of it is done, which would be lost, nor at the beginning, which says little.
        """
        total = self.total(share)
        if self.seconds >= 2 * BEGINNING and share < 0.25 and self._longest < total < math.inf:
            raise Interrupted(total)


class PoolWorker:
    """A worker process, seen from the program."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.ready = False
        self.jobs: list[int] = []  # the numbers of those it has not finished
        self._held: deque[bytes] = deque(maxlen=HELD)

    def give(self, number: int, key: bytes, shared: bytes, job: bytes, longest: float, on_core: bool) -> None:
        """Give it a job: its number, what it shares with others, and how many seconds it may take (see `Stopwatch`)."""
        known = key in self._held
        if not known:
            self._held.append(key)
        self.jobs.append(number)
        with contextlib.suppress(OSError):  # it is dead, which reading from it will tell
            self.connection.send_bytes(pickle.dumps((number, key, None if known else shared, job, longest, on_core)))


class WorkerPool:
    """Worker processes; they are ready some time after this returns.

    Parameters
    ----------
    size : int
    modules : sequence of str
        What they import.
    """

    def __init__(self, size: int, modules: Sequence[str]) -> None:
        from multiprocessing.connection import Connection  # takes a while, which programs without a pool need not spend

        from nasbench_kit.kernels.worker_processes import one_thread_each

        self.owner = os.getpid()
        self._processes: list[subprocess.Popen[bytes]] = []
        self.workers: list[PoolWorker] = []
        pairs = [socket.socketpair() for _ in range(size)]
        forked = sys.platform.startswith("linux")  # elsewhere, forking after imports is unsafe
        try:
            for crew in [pairs] if forked else [[pair] for pair in pairs]:
                handles = [theirs.fileno() for _, theirs in crew]
                code = START.format(path=list(map(str, sys.path)), handles=handles, modules=list(modules))
                with one_thread_each():
                    self._processes.append(
                        subprocess.Popen(
                            [sys.executable, "-c", code],
                            stdin=subprocess.DEVNULL,
                            env={**os.environ, WORKERS: "1"},
                            pass_fds=handles,
                            process_group=0,  # so that the terminal's Ctrl-C is not for them
                        )
                    )
            self.workers = [PoolWorker(Connection(ours.detach())) for ours, _ in pairs]
        finally:
            for pair in pairs:
                for end in pair:
                    end.close()

    def news(self, seconds: float | None) -> list[tuple[PoolWorker, tuple[Any, ...] | None]]:
        """What workers have to say, waiting for up to some seconds; None of a worker that is gone."""
        from multiprocessing.connection import wait

        by_connection = {worker.connection: worker for worker in self.workers}
        found: list[tuple[PoolWorker, tuple[Any, ...] | None]] = []
        for connection in wait(list(by_connection), seconds):
            worker = by_connection[connection]  # type: ignore[index]
            try:
                message = pickle.loads(worker.connection.recv_bytes())
            except (EOFError, OSError):
                self.workers.remove(worker)
                worker.connection.close()
                found.append((worker, None))
                continue
            if message[0] == "ready":
                worker.ready = True
            elif message[0] != "share":
                worker.jobs.remove(message[1])
            found.append((worker, message))
        return found

    def end(self) -> None:
        """End all workers at once, whatever they do."""
        for worker in self.workers:
            worker.connection.close()  # their reading threads end them
        if os.getpid() == self.owner:
            for process in self._processes:
                process.kill()
                process.wait()
        self.workers = []


_pool: WorkerPool | None = None
_in_use = threading.Lock()


@contextlib.contextmanager
def claimed_pool() -> Any:
    """A function ``start(size, modules, fresh)`` that gives this program's pool, or None where there can be none.

    The pool is for the caller alone until the context ends, and is kept for the next one unless an error is raised, jobs are
    unfinished, or it was to be a fresh one, for code that may change.
    """
    global _pool
    fresh_one = False
    claimed = sys.platform != "win32" and bool(sys.executable) and _in_use.acquire(blocking=False)

    def start(size: int, modules: Sequence[str], fresh: bool) -> WorkerPool | None:
        global _pool
        nonlocal fresh_one
        if not claimed:
            return None
        if _pool is not None and (fresh or _pool.owner != os.getpid() or len(_pool.workers) < size):
            _end_pool()
        fresh_one = fresh
        if _pool is None:
            try:
                _pool = WorkerPool(size, modules)
            except OSError:  # no more processes or handles
                return None
        return _pool

    try:
        yield start
    except GeneratorExit:  # nobody asks for more
        raise
    except BaseException:
        if claimed:
            _end_pool()
        raise
    finally:
        if claimed:
            if _pool is not None and (fresh_one or any(worker.jobs for worker in _pool.workers)):
                _end_pool()
            _in_use.release()


def pool_is_warm() -> bool:
    """Whether this program has workers that are ready."""
    return _pool is not None and all(worker.ready for worker in _pool.workers)


def within_a_worker() -> bool:
    """Whether this process works for another one, or beside its likes, so that it should use a single core."""
    multiprocessing = sys.modules.get("multiprocessing")
    return (
        (multiprocessing is not None and multiprocessing.parent_process() is not None)
        or threading.current_thread() is not threading.main_thread()
        or "PYTEST_XDIST_WORKER" in os.environ
    )


def _end_pool() -> None:
    global _pool
    if _pool is not None:
        _pool.end()
        _pool = None


def _forget_pool() -> None:
    """In a forked process: its parent's workers are not its own."""
    global _in_use
    _in_use = threading.Lock()
    _end_pool()


atexit.register(_end_pool)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
