"""Train on Dask: on the workers of a running scheduler, or on local workers started for the call."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from nasbench_kit.errors import MissingExtra
from nasbench_kit.kernels.cores import usable_cores

__all__ = ["dask_executor"]

CONNECT_TIMEOUT = 10  # seconds to wait for the scheduler


@contextmanager
def dask_executor(address: str, processes: int | None = None) -> Iterator[Executor]:
    """Return an executor that runs on Dask workers (extra ``dask``).

    Parameters
    ----------
    address : str
        Address of a scheduler, such as ``tcp://host:8786``, or ``local`` for workers on this machine that end with the
        context.
    processes : int, optional
        Number of local workers (default: all cores).

    Raises
    ------
    MissingExtra
        If Dask is not installed.
    ConnectionError
        If no scheduler answers.
    ChildProcessError
        If workers are lost repeatedly.
    """
    try:
        from distributed import Client, KilledWorker, LocalCluster
    except ModuleNotFoundError as error:
        if error.name not in ("dask", "distributed"):
            raise
        raise MissingExtra("training on Dask", "dask") from error
    if address == "local":
        with (
            LocalCluster(
                processes or usable_cores(), threads_per_worker=1, dashboard_address=None, silence_logs=logging.ERROR
            ) as cluster,
            Client(cluster) as client,
        ):
            yield from _executor(client, KilledWorker)
        return
    try:
        client = Client(address, timeout=CONNECT_TIMEOUT)
    except (OSError, ValueError, AssertionError) as error:  # Dask asserts that its own loop starts within 10 s
        reason = (str(error) or "its event loop did not start; the machine may be overloaded").splitlines()[0]
        raise ConnectionError(f"no Dask scheduler answers at {address!r}: {reason}") from error
    with client:
        if not client.scheduler_info(n_workers=-1)["workers"]:
            warnings.warn(f"the Dask scheduler at {address} has no workers yet; waiting for them", stacklevel=2)
        yield from _executor(client, KilledWorker)


def _executor(client: Any, lost: type[Exception]) -> Iterator[Executor]:
    try:
        yield client.get_executor(pure=False)
    except lost as error:
        raise ChildProcessError(
            f"Dask repeatedly lost workers on the same part, possibly out of memory: {str(error).splitlines()[0]}; "
            "repeat the call to resume"
        ) from error
