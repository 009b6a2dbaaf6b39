"""Clients of Dask schedulers (extra ``dask``)."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nasbench_kit.errors import MissingExtra
from nasbench_kit.kernels.cores import usable_cores

__all__ = ["dask_client"]

CONNECT_TIMEOUT = 10  # seconds to wait for the scheduler


@contextmanager
def dask_client(scheduler: Any, processes: int | None = None, *, purpose: str) -> Iterator[Any]:
    """A client for a running scheduler, or for workers on this machine.

    Parameters
    ----------
    scheduler : str or distributed.Client
        Address of a scheduler, such as ``tcp://host:8786``; ``local`` for workers on this machine that end with the context; or
        a client, which is left open.
    processes : int, optional
        Number of local workers (default: all cores).
    purpose : str
        What Dask is for, in the message if it is not installed.

    Raises
    ------
    MissingExtra
        If Dask is not installed.
    ConnectionError
        If no scheduler answers.
    """
    try:
        from distributed import Client, LocalCluster
    except ModuleNotFoundError as error:
        if error.name not in ("dask", "distributed"):
            raise
        raise MissingExtra(purpose, "dask") from error
    if isinstance(scheduler, Client):
        yield scheduler
        return
    if not isinstance(scheduler, str):
        raise TypeError(
            f"scheduler must be an address such as tcp://host:8786 or a distributed.Client, not {scheduler!r}"
        )
    if scheduler == "local":
        with (
            LocalCluster(
                processes or usable_cores(), threads_per_worker=1, dashboard_address=None, silence_logs=logging.ERROR
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = Client(scheduler, timeout=CONNECT_TIMEOUT)
    except (OSError, ValueError, AssertionError) as error:  # Dask asserts that its own loop starts within 10 s
        reason = (str(error) or "its event loop did not start; the machine may be overloaded").splitlines()[0]
        raise ConnectionError(f"no Dask scheduler answers at {scheduler!r}: {reason}") from error
    with client:
        if not client.scheduler_info(n_workers=-1)["workers"]:
            warnings.warn(f"the Dask scheduler at {scheduler} has no workers yet; waiting for them", stacklevel=4)
        yield client
