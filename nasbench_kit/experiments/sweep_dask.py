"""The pieces of a sweep on the workers of a Dask scheduler."""

from __future__ import annotations

import contextlib
import pickle
import sys
from collections.abc import Generator, Sequence
from concurrent.futures import CancelledError, as_completed
from typing import Any

from nasbench_kit.experiments.sweep_job import Failed, Job, Outcome, run_job
from nasbench_kit.problems import FunctionProblem

__all__ = ["on_dask", "pickled_by_value"]


def on_dask(jobs: Sequence[Job], client: Any) -> Generator[tuple[int, Outcome]]:
    """Run jobs on Dask; yields the number and the outcome of each, as they end.

    Dask itself gives the jobs of a lost worker to another one. A job with which it lost several workers has failed.

    Raises
    ------
    ConnectionError
        The scheduler was lost.
    """
    executor = client.get_executor(pure=False)
    futures = {executor.submit(run_job, job): i for i, job in enumerate(jobs)}
    try:
        for future in as_completed(list(futures)):
            number = futures.pop(future)
            try:
                outcome = future.result()
            except (CancelledError, OSError) as error:  # a job's own errors are outcomes
                raise ConnectionError(
                    f"the Dask scheduler was lost ({type(error).__name__}); repeat the call to resume"
                ) from error
            except Exception as error:  # such as KilledWorker
                outcome = Failed.because(error)
            yield number, outcome
    finally:
        with contextlib.suppress(RuntimeError, OSError):  # the client is closed
            for future in futures:
                future.cancel()


def pickled_by_value(thing: Any) -> bytes:
    """Pickle a problem or an algorithm together with a user's own classes and functions, which other machines lack."""
    import cloudpickle  # comes with Dask

    own = set()
    for part in (type(thing), *([thing.function, thing.seconds] if isinstance(thing, FunctionProblem) else ())):
        for cls in getattr(part, "__mro__", (part,)):
            module = sys.modules.get(getattr(cls, "__module__", None) or "")
            if module is not None and _own(module):
                own.add(module)
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        return bytes(cloudpickle.dumps(thing, protocol=pickle.HIGHEST_PROTOCOL))
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)


def _own(module: Any) -> bool:
    """Whether a module is a user's own file, neither installed nor of Python."""
    file = getattr(module, "__file__", None) or ""
    name = module.__name__.partition(".")[0]
    return (
        bool(file)
        and name not in ("nasbench_kit", "__main__", *sys.stdlib_module_names)
        and "site-packages" not in file
    )
