"""Train on Dask: on the workers of a running scheduler, or on local workers started for the call."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from nasbench_kit.experiments.dask_client import dask_client

__all__ = ["dask_executor"]


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
    with dask_client(address, processes, purpose="training on Dask") as client:
        from distributed import KilledWorker

        try:
            yield client.get_executor(pure=False)
        except KilledWorker as error:
            raise ChildProcessError(
                f"Dask repeatedly lost workers on the same part, possibly out of memory: {str(error).splitlines()[0]}; "
                "repeat the call to resume"
            ) from error
