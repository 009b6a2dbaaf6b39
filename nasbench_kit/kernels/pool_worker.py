"""What a process of a `nasbench_kit.kernels.worker_pool.WorkerPool` does: jobs, until the program that started it ends."""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import queue
import signal
import threading
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

from nasbench_kit.kernels import worker_pool
from nasbench_kit.kernels.shared_pickles import loads, pickled
from nasbench_kit.kernels.worker_pool import HELD, Interrupted, Stopwatch

__all__ = ["serve_all"]


def serve_all(handles: Sequence[int], modules: Sequence[str]) -> None:
    """Import modules, then serve the program through one socket per process; processes are forked from this one.

    It has a single thread and has done nothing but imports, so that forking it is safe. Forked processes share the memory
    of what it has imported.
    """
    worker_pool.serving = True
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore")  # what is worth a warning, the program has seen as well
    for name in modules:
        importlib.import_module(name)
    gc.freeze()
    own, *others = handles
    for i, handle in enumerate(others):
        if not os.fork():
            # a socket is closed for the program when nobody holds its other end
            for left in (own, *others[i + 1 :]):
                os.close(left)
            own = handle
            break
        os.close(handle)
    else:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the others
    _serve(Connection(own))


def _serve(connection: Connection) -> None:
    inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    outbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    outbox.put(pickle.dumps(("ready", None)))
    # in threads, so that the end of the program ends this process at once, and that no job waits until a result is read
    threading.Thread(target=_until_closed, args=(lambda: inbox.put(connection.recv_bytes()),), daemon=True).start()
    threading.Thread(target=_until_closed, args=(lambda: connection.send_bytes(outbox.get()),), daemon=True).start()
    held: deque[tuple[bytes, list[object]]] = deque(maxlen=HELD)
    while True:
        number, key, shared, job, longest, on_core = pickle.loads(inbox.get())
        try:
            if shared is not None:
                thing, parts_of = pickle.loads(shared)
                held.append((key, parts_of(thing)))
            parts = dict(held)[key]
            function, argument = loads(job, parts)
        except Exception as error:  # such as a module or a file that is not there
            outbox.put(pickle.dumps(("unfit", number, repr(error))))
            continue
        watch = Stopwatch(longest, on_core=on_core)
        outbox.put(_outcome(number, function, argument, parts, watch, outbox.put))


def _until_closed(step: Callable[[], object]) -> None:
    try:
        while True:
            step()
    except (EOFError, OSError):
        os._exit(0)


def _outcome(
    number: int,
    function: Callable[[Any, Callable[[float], None]], object],
    argument: Any,
    parts: list[object],
    watch: Stopwatch,
    send: Callable[[bytes], object],
) -> bytes:
    def report(share: float) -> None:
        watch.interrupt_if_long(share)
        send(pickle.dumps(("share", number, share, watch.total(share))))

    try:
        result = function(argument, report)
        return pickle.dumps(("done", number, watch.seconds, pickled(result, parts)[0]))
    except Interrupted as early:
        return pickle.dumps(("long", number, *early.args))
    except Exception as error:
        error.add_note(f"in a worker process:\n{traceback.format_exc()}")
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            error = RuntimeError(f"{type(error).__name__}: {error}")
        return pickle.dumps(("failed", number, error))
