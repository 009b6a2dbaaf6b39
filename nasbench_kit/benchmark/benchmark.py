"""A store opened for questions: query, frame, front, problem."""

from __future__ import annotations

import dataclasses
import operator
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nasbench_kit import data
from nasbench_kit.benchmark.problem import Charge, Missing, TabularProblem
from nasbench_kit.benchmark.queries import Queries, Seed
from nasbench_kit.errors import InvalidArchitecture, MissingExtra, StoreError, UnknownName
from nasbench_kit.metrics import Direction, Metric, minimised
from nasbench_kit.metrics.indicators import pareto_front
from nasbench_kit.spaces import SpaceSpec, register_space
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.registry import own_spec

if TYPE_CHECKING:
    import xarray

__all__ = ["Benchmark", "Seed", "open_benchmark"]


def open_benchmark(name: str | os.PathLike[str]) -> Benchmark:
    """Open a store, read-only and memory-mapped.

    Parameters
    ----------
    name : str or path-like
        One of ``nasbench_kit.list_benchmarks()``, or the path of a store file.

    Returns
    -------
    Benchmark

    Raises
    ------
    UnknownName, StoreError

    Examples
    --------
    >>> bench = open_benchmark("nb201-digits")
    >>> bench.datasets
    ('digits',)
    """
    return Benchmark(data.find_store(name))


class Benchmark(Queries):
    """A table of trained architectures, opened for questions.

    Parameters
    ----------
    path : path-like
        A store file.

    Attributes
    ----------
    path : Path
    name : str
        The file's name without its suffix.
    space : Space
    info : dict
        The provenance: source, sha256, licence, citation, kit version, ...
    """

    def __repr__(self) -> str:
        return f"<benchmark {self.name}: {len(self)} architectures of {self.space.name}, {', '.join(self.datasets)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.path, self.digest, own_spec(self.space.name))

    def check_file(self) -> int:
        """Compare every column with its checksum; returns the bytes read. Raises StoreError where one differs."""
        return self._store.verify()

    # ---------------------------------------------------------------- whole tables

    def frame(self, dataset: str | None = None, *, epochs: int | None = None, seed: Seed = "mean") -> pd.DataFrame:
        """All metrics of all architectures as a pandas DataFrame, one row an architecture.

        Parameters
        ----------
        dataset : str, optional
        epochs : int, optional
            Metrics that lack this budget are left out; each metric's largest unless given.
        seed : int or "mean"

        Returns
        -------
        pandas.DataFrame
            The index is the native form; one column a metric.
        """
        dataset = self._dataset(dataset)
        names = [
            name
            for name in self.metrics(dataset)
            if epochs is None or not self.epochs(dataset, name) or epochs in self.epochs(dataset, name)
        ]
        if epochs is not None and epochs not in self.epochs(dataset):
            raise UnknownName(f"epoch budget of {dataset}", epochs, self.epochs(dataset))
        values = self._of_all(names, dataset, epochs, seed)
        natives = [
            native if isinstance(native, str) else repr(native) for native in self.space.decode(self.architectures)
        ]
        return pd.DataFrame(values, columns=names, index=pd.Index(natives, name="architecture"))

    def to_xarray(self, dataset: str | None = None) -> xarray.Dataset:
        """All stored values of a dataset as an ``xarray.Dataset`` with named axes (extra ``xarray``).

        Parameters
        ----------
        dataset : str, optional
            May be left out where there is only one.

        Returns
        -------
        xarray.Dataset
            One variable per metric, over ``architecture`` (native forms) and, where the metric has them, ``epochs`` and
            ``seed``; ``nan`` where nothing is stored. Attributes of the variables are those of the metrics, of the dataset
            the provenance. Costs that follow from the architecture are included.

        Raises
        ------
        MissingExtra
            xarray is not installed.
        UnknownName
        """
        try:
            import xarray
        except ModuleNotFoundError as error:
            raise MissingExtra("converting to xarray", "xarray") from error
        dataset = self._dataset(dataset)
        variables: dict[str, Any] = {}
        for name in self.metrics(dataset):
            about = {"name": name, **self.metric(name, dataset).attributes()}
            epochs, seeds = self.epochs(dataset, name), self.seeds(dataset, name)
            axes = ("architecture", *(["epochs"] if epochs else []), *(["seed"] if seeds else []))
            values = self.trials(self.architectures, name, dataset=dataset)
            values = values.reshape(len(self), *([len(epochs)] if epochs else []), *([len(seeds)] if seeds else []))
            axis = {"epochs": list(epochs)} if epochs else {}
            if seeds:
                axis["seed"] = list(seeds)
            variables[name] = xarray.DataArray(values, dims=axes, coords=axis, attrs=about)
        natives = [
            native if isinstance(native, str) else repr(native) for native in self.space.decode(self.architectures)
        ]
        found = xarray.Dataset(variables, attrs={**self.info, "dataset": dataset})
        return found.assign_coords(architecture=natives)

    def _of_all(self, names: Sequence[str], dataset: str | None, epochs: int | None, seed: Seed) -> NDArray[np.float64]:
        """Metrics of all architectures of the table: (len(self), m)."""
        try:
            return self.query(self.architectures, names, dataset=dataset, epochs=epochs, seed=seed)
        except InvalidArchitecture as error:  # nobody but the file has said which they are
            raise self._damaged(error) from error

    def front(
        self,
        objectives: Sequence[str],
        *,
        dataset: str | None = None,
        epochs: int | None = None,
        seed: int | Literal["mean"] = "mean",
        directions: Mapping[str, Direction] | None = None,
    ) -> tuple[Genotypes, NDArray[np.float64]]:
        """The exact Pareto front of the table.

        Parameters
        ----------
        objectives : sequence of str
            Metrics, each in the direction that is stored with it.
        dataset, epochs, seed
            As in `query`.
        directions : mapping of str to {"max", "min"}, optional
            Directions of metrics for which none is stored, or another one is wanted.

        Returns
        -------
        genotypes : ndarray of uint8, shape (k, genes)
            One for each distinct point, best first objective first.
        values : ndarray of float64, shape (k, m)
            Their metrics, as `query` gives them.

        Raises
        ------
        ValueError
            A metric without a direction.
        """
        if isinstance(objectives, str):
            raise TypeError(f"front takes a list of metrics, not the single name {objectives!r}")
        values = self._of_all(list(objectives), dataset, epochs, seed)
        kept = pareto_front(minimised(values, self._directed(self._dataset(dataset), objectives, directions)))
        return np.array(self.architectures[kept]), values[kept]

    def problem(
        self,
        objectives: str | Sequence[str],
        *,
        dataset: str | None = None,
        epochs: int | None = None,
        seed: Seed | None = None,
        charge: Charge = "all",
        missing: Missing = "raise",
        include_validation_time: bool = False,
        directions: Mapping[str, Direction] | None = None,
    ) -> TabularProblem:
        """What a search sees of this table: objectives to minimise.

        Parameters
        ----------
        objectives : str or sequence of str
            Metrics, each in the direction that is stored with it: a percentage is minimised as 100 - percentage, another
            gain negated. Selecting on a metric of the test split raises a `TestSelectionWarning`.
        dataset, epochs
            As in `query`.
        seed : {"random", "mean"} or int, optional
            What an evaluation answers with, and is charged for.

            - ``"random"``, the default where trials are stored: one of the architecture's trials, drawn from the run's own
              stream with every evaluation, at the price of one training: the protocol of NAS-Bench-101 and NAS-Bench-201.
              Where the table has trials of some budgets and the mean alone of another, it is that mean.
            - ``"mean"``: the mean over the trials, without noise, at the price of all of them; see ``charge``. The default
              where the table has means alone.
            - an int: the trial with this training seed, without noise, at the price of one training.
        charge : {"all", "one"}
            What a mean costs: all the trainings that it averages, or one of them, as if its noise came off for nothing.
        missing : {"raise", "fail", "skip"}
            What becomes of an architecture that the table has no value for: an error; a failed training, which costs its
            time (the longest of the table where it is not known); or a failure that costs no time. Either failure counts
            as an evaluation.
        include_validation_time : bool
            Charge ``valid_time``, one pass over the validation data, as well as the training.
        directions : mapping of str to {"max", "min"}, optional
            Directions of metrics for which none is stored, or another one is wanted.

        Returns
        -------
        TabularProblem

        Raises
        ------
        UnknownName
            No such dataset, metric, budget or seed.
        ValueError
            No objective, one twice, or one without a direction.
        """
        names = (objectives,) if isinstance(objectives, str) else tuple(objectives)
        dataset = self._dataset(dataset)
        epochs = None if epochs is None else _whole(epochs, "epochs")
        if seed is not None and not isinstance(seed, str):
            seed = _whole(seed, "seed")
        metrics = self._directed(dataset, names, directions)
        if seed is None:
            seed = "random" if any(m.depends_on_seed and self.seeds(dataset, m.name) for m in metrics) else "mean"
        self._check_seed(dataset, seed, 0 if seed == "random" else None)
        return TabularProblem(
            self,
            metrics,
            dataset,
            epochs,
            seed,
            charge=charge,
            missing=missing,
            include_validation_time=include_validation_time,
        )

    def _directed(
        self, dataset: str, names: Sequence[str], directions: Mapping[str, Direction] | None
    ) -> tuple[Metric, ...]:
        """The metrics of these names, in the directions that are given for them."""
        given = dict(directions or {})
        for name in given:
            if name not in names:
                raise UnknownName("objective", name, names, "Directions are of objectives.")
        metrics = [self.metric(name, dataset) for name in names]
        return tuple(
            dataclasses.replace(metric, direction=given[metric.name]) if metric.name in given else metric
            for metric in metrics
        )


def _whole(value: Any, name: str) -> int:
    """A whole number of whatever type as an int; TypeError otherwise."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is a whole number, not {value!r}")
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is a whole number, not {value!r}") from None


def _reopened(path: Path, digest: str, own: SpaceSpec | None) -> Benchmark:
    """The same benchmark in another process; StoreError where another store has taken its place."""
    if own is not None:
        register_space(own)
    bench = Benchmark(path)
    if bench.digest != digest:
        raise StoreError(f"{path} was replaced by another store while it was in use")
    return bench
