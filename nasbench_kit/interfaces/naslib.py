"""NASLib's dataset API, answered from stores: what its search spaces take as ``dataset_api``.

NASLib: Ruchte et al. 2020, NASLib: A Modular and Flexible Neural Architecture Search Library. It is not on PyPI and is not needed
here: the dictionaries have the shape of those of its ``naslib/utils/get_dataset_api.py``, as its search spaces read them in
``naslib/search_spaces/*/graph.py``.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nasbench_kit.benchmark import Benchmark, open_benchmark
from nasbench_kit.compat import nasbench101
from nasbench_kit.errors import StoreError, UnknownName
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["get_dataset_api"]

# NASLib's name of a search space: the kit's space, and the store that is opened unless another is given
_SPACES = {
    "nasbench101": ("nb101", "nb101"),
    "nasbench201": ("nb201", "nb201"),
    "transbench101": ("transnas-micro", "transnas-bench-101-micro"),
    "transbench101_micro": ("transnas-micro", "transnas-bench-101-micro"),
    "transbench101_macro": ("transnas-macro", "transnas-bench-101-macro"),
}
_CURVES = {
    "train_acc1es": "train_accuracy",
    "train_losses": "train_loss",
    "eval_acc1es": "valid_accuracy",
    "eval_losses": "valid_loss",
}
# of TransNAS-Bench-101, whose accuracies have the name of the task's own measure
_MEASURES = {"top1": "accuracy", "acc": "accuracy", "neg_loss": "neg_loss", "ssim": "ssim"}


def get_dataset_api(
    search_space: str, dataset: str | None = None, *, bench: Benchmark | str | os.PathLike[str] | None = None
) -> dict[str, Any]:
    """The dictionary that NASLib's function of this name returns, answered from a store.

    Parameters
    ----------
    search_space : {"nasbench101", "nasbench201", "transbench101", "transbench101_micro", "transbench101_macro"}
    dataset : str, optional
        NASLib's name of the dataset: ``cifar10``, ``cifar100``, ``ImageNet16-120``, or a task of TransNAS-Bench-101, which needs
        it.
    bench : Benchmark, str or path-like, optional
        The store. Default: ``nb101``, ``nb201``, ``transnas-bench-101-micro`` or ``transnas-bench-101-macro``.

    Returns
    -------
    dict
        - NAS-Bench-101: ``api``, the module `nasbench_kit.compat.nasbench101`, and ``nb101_data``, its ``NASBench``.
        - NAS-Bench-201: ``nb201_data``, by architecture string and then by dataset (``cifar10-valid`` for ``cifar10``):
          ``train_acc1es``, ``train_losses``, ``eval_acc1es`` and ``eval_losses`` are lists with one entry per epoch, ``nan`` where
          the store has none; ``cost_info`` has ``flops`` and ``params`` (millions), ``latency`` (seconds) and ``train_time``
          (seconds of the whole training). Values are means over seeds.
        - TransNAS-Bench-101: ``api``, whose ``get_single_metric(architecture, task, metric)`` answers, and ``task``.

    Raises
    ------
    UnknownName
        NASLib or the store has no such search space or dataset.
    StoreError
        The store is of another search space.

    Notes
    -----
    ``eval_*`` are of validation images. NASLib reads them for its test metrics too, which thereby are not test results: take those
    from ``Benchmark.query``.

    Examples
    --------
    >>> data = get_dataset_api("nasbench201", "cifar100")["nb201_data"]
    >>> cell = data["|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"]
    >>> len(cell["cifar100"]["eval_acc1es"]), round(cell["cifar100"]["eval_acc1es"][-1], 2)
    (200, 73.49)
    """
    if search_space not in _SPACES:
        raise UnknownName("search space of NASLib with a table", search_space, _SPACES)
    name, default = _SPACES[search_space]
    opened = bench if isinstance(bench, Benchmark) else open_benchmark(default if bench is None else bench)
    if opened.space.name != name:
        raise StoreError(f"{opened.path} is a table of {opened.space.name}, not of {name}, as {search_space} needs it")
    if search_space == "nasbench101":
        return {"api": nasbench101, "nb101_data": nasbench101.NASBench(opened)}
    wanted = "cifar10-valid" if dataset == "cifar10" and search_space == "nasbench201" else dataset
    if wanted is not None and wanted not in opened.datasets:
        raise UnknownName(f"dataset of {opened.name}", wanted, opened.datasets)
    if search_space == "nasbench201":
        return {"nb201_data": _Cells(opened)}
    if wanted is None:
        raise UnknownName(f"task of {opened.name}", None, opened.datasets)
    return {"api": _Tasks(opened), "task": wanted}


class _Cells(Mapping[str, dict[str, dict[str, Any]]]):
    """NAS-Bench-201 by architecture string; records are looked up when they are asked for."""

    def __init__(self, bench: Benchmark) -> None:
        self._bench = bench

    def __len__(self) -> int:
        return self._bench.space.size

    def __iter__(self) -> Iterator[str]:
        space = self._bench.space
        return itertools.chain.from_iterable(
            space.decode(space.from_number(np.arange(start, min(start + 1000, space.size))))
            for start in range(0, space.size, 1000)
        )

    def __getitem__(self, architecture: str) -> dict[str, dict[str, Any]]:
        x = self._bench.space.encode([architecture])
        return {name: self._record(x, name) for name in self._bench.datasets if "-curves-" not in name}

    def _record(self, x: Genotypes, dataset: str) -> dict[str, Any]:
        bench = self._bench
        stored = bench.metrics(dataset)
        last = max((bench.epochs(dataset, name)[-1] for name in stored if bench.epochs(dataset, name)), default=1)
        record: dict[str, Any] = {ours: self._curve(x, dataset, theirs, last) for ours, theirs in _CURVES.items()}
        record["cost_info"] = {
            "flops": self._value(x, dataset, "flops") / 1e6,
            "params": self._value(x, dataset, "params") / 1e6,
            "latency": self._value(x, dataset, "latency_gpu") / 1e3,
            "train_time": self._value(x, dataset, "training_time"),
        }
        return record

    def _curve(self, x: Genotypes, dataset: str, metric: str, last: int) -> list[float]:
        """The values after each of ``last`` epochs; smaller budgets of the dataset itself are other trainings."""
        bench, values = self._bench, np.full(last, np.nan)
        curves = f"{dataset}-curves-{last}"
        if curves in bench.datasets and metric in bench.metrics(curves):
            for epoch in bench.epochs(curves, metric):
                values[epoch - 1] = bench.query(x, metric, dataset=curves, epochs=epoch)[0]
        if metric in bench.metrics(dataset):
            values[-1] = bench.query(x, metric, dataset=dataset)[0]
        return [float(value) for value in values]

    def _value(self, x: Genotypes, dataset: str, metric: str) -> float:
        if metric not in self._bench.metrics(dataset):
            return float("nan")
        return float(self._bench.query(x, metric, dataset=dataset)[0])


class _Tasks:
    """The part of TransNAS-Bench-101's API that NASLib's search spaces ask."""

    def __init__(self, bench: Benchmark) -> None:
        self._bench = bench

    def get_single_metric(self, architecture: str, task: str, metric: str) -> float:
        """A metric of an architecture after its training, by TransNAS-Bench-101's name, such as ``valid_top1``.

        Raises
        ------
        UnknownName
            The store has no such task or metric.
        """
        split, _, measure = metric.partition("_")
        name = f"{split}_{_MEASURES.get(measure, measure)}"
        return float(self._bench.query(self._bench.space.encode([architecture]), name, dataset=task)[0])
