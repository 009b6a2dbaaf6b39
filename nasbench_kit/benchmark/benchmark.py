"""Read access to a store: queries, data frames, Pareto fronts and search problems."""

from __future__ import annotations

import dataclasses
import json
import operator
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from nasbench_kit import data
from nasbench_kit.benchmark.answers import Charge, Missing
from nasbench_kit.benchmark.card import benchmark_card
from nasbench_kit.benchmark.problem import TabularProblem
from nasbench_kit.benchmark.queries import Queries, Seed
from nasbench_kit.errors import InvalidArchitecture, MissingExtra, StoreError, UnknownName
from nasbench_kit.metrics import Direction, Metric, minimised
from nasbench_kit.spaces import SpaceSpec, register_space
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.registry import own_spec

if TYPE_CHECKING:
    import pandas as pd
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
    """A table of trained architectures, opened for querying.

    Parameters
    ----------
    path : path-like or StoreFile
        A store file, or a store that is open already.

    Attributes
    ----------
    path : Path
    name : str
        The file name without its suffix.
    space : Space
    info : dict
        The provenance: source, SHA-256, licence, citation, kit version, ...
    """

    def __repr__(self) -> str:
        return f"<benchmark {self.name}: {len(self)} architectures of {self.space.name}, {', '.join(self.datasets)}>"

    def _repr_html_(self) -> str:
        return benchmark_card(self, "benchmark", len(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.path, self.digest, own_spec(self.space.name))

    def check_file(self) -> int:
        """Verify the checksum of every column and return the number of bytes read; StoreError on a mismatch."""
        return self._store.verify()

    # ---------------------------------------------------------------- whole tables

    def frame(self, dataset: str | None = None, *, epochs: int | None = None, seed: Seed = "mean") -> pd.DataFrame:
        """All metrics of all architectures as a pandas DataFrame, one row per architecture.

        Parameters
        ----------
        dataset : str, optional
        epochs : int, optional
            The epoch budget; metrics without this budget are left out. By default, the largest budget of each metric.
        seed : int or "mean"

        Returns
        -------
        pandas.DataFrame
            One column per metric, indexed by the native form of the architecture; nested forms as JSON.
        """
        import pandas as pd

        dataset = self._dataset(dataset)
        names = [
            name
            for name in self.metrics(dataset)
            if epochs is None or not self.epochs(dataset, name) or epochs in self.epochs(dataset, name)
        ]
        if epochs is not None and epochs not in self.epochs(dataset):
            raise UnknownName(f"epoch budget of {dataset}", epochs, self.epochs(dataset))
        values = self._of_all(names, dataset, epochs, seed)
        natives = self.space.decode_texts(self.architectures)
        return pd.DataFrame(values, columns=names, index=pd.Index(natives, name="architecture"))

    def to_xarray(self, dataset: str | None = None) -> xarray.Dataset:
        """All stored values of a dataset as an ``xarray.Dataset`` with named axes (extra ``xarray``).

        Parameters
        ----------
        dataset : str, optional
            Default: the only one.

        Returns
        -------
        xarray.Dataset
            One variable per metric, over ``architecture`` (native forms) and, where the metric has them, ``epochs`` and
            ``seed``; ``nan`` where nothing is stored. Attributes of the variables are those of the metrics, of the dataset
            the provenance; what is unknown is left out, and what is nested is JSON, so that ``to_netcdf`` can write them.
            Costs that follow from the architecture are included.

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
            metric = self.metric(name, dataset)
            about = {
                **{field: value for field, value in metric.attributes().items() if value is not None},
                "name": name,
                "range": list(metric.range),
                "depends_on_seed": int(metric.depends_on_seed),
            }
            epochs, seeds = self.epochs(dataset, name), self.seeds(dataset, name)
            axes = ("architecture", *(["epochs"] if epochs else []), *(["seed"] if seeds else []))
            values = self.trials(self.architectures, name, dataset=dataset)
            values = values.reshape(len(self), *([len(epochs)] if epochs else []), *([len(seeds)] if seeds else []))
            axis = {"epochs": list(epochs)} if epochs else {}
            if seeds:
                axis["seed"] = list(seeds)
            variables[name] = xarray.DataArray(values, dims=axes, coords=axis, attrs=about)
        natives = self.space.decode_texts(self.architectures)
        info = {
            name: value if isinstance(value, (str, int, float)) else json.dumps(value)
            for name, value in self.info.items()
        }
        found = xarray.Dataset(variables, attrs={**info, "dataset": dataset})
        return found.assign_coords(architecture=natives)

    def _of_all(self, names: Sequence[str], dataset: str | None, epochs: int | None, seed: Seed) -> NDArray[np.float64]:
        """Return metrics of all architectures of the table, shape (len(self), m)."""
        try:
            return self.query(self.architectures, names, dataset=dataset, epochs=epochs, seed=seed)
        except InvalidArchitecture as error:  # the genotypes come from the file, which nothing has checked yet
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
        """Compute the exact Pareto front of the table.

        Parameters
        ----------
        objectives : sequence of str
            Metrics, each optimised in its stored direction.
        dataset, epochs, seed
            As in `query`.
        directions : mapping of str to {"max", "min"}, optional
            Directions for metrics that have none stored, or that override the stored ones.

        Returns
        -------
        genotypes : ndarray of uint8, shape (k, genes)
            One genotype per distinct point, sorted from best to worst on the first objective.
        values : ndarray of float64, shape (k, m)
            Their metrics, as returned by `query`.

        Raises
        ------
        ValueError
            If a metric has no direction.
        """
        from nasbench_kit.metrics.indicators import pareto_front  # imports moocore, which queries do not need

        if isinstance(objectives, str):
            raise TypeError(f"objectives must be a list of metric names, not the single string {objectives!r}")
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
        missing: Missing | None = None,
        include_validation_time: bool = False,
        nominal_budgets: Sequence[int] = (),
        directions: Mapping[str, Direction] | None = None,
    ) -> TabularProblem:
        """Create a search problem whose objectives, all minimised, are metrics of this table.

        Parameters
        ----------
        objectives : str or sequence of str
            Metrics, each optimised in its stored direction. A percentage to maximise is minimised as 100 - percentage;
            any other metric to maximise is negated. Using a test-split metric issues a `TestSelectionWarning`.
        dataset, epochs
            As in `query`.
        seed : {"random", "mean"} or int, optional
            Which value an evaluation returns, and what it costs.

            - ``"random"``: one of the architecture's trials, drawn from the run's random stream at every evaluation, at
              the cost of one training. This is the protocol of NAS-Bench-101 and NAS-Bench-201, and the default if
              trials are stored. For a budget with only a mean stored, the mean is returned.
            - ``"mean"``: the noise-free mean over the trials, at the cost of all of them (see ``charge``). The default
              if the table stores only means.
            - an int: the trial with this training seed, noise-free, at the cost of one training.
        charge : {"all", "one"}
            Cost of a mean: all trainings that it averages, or only one of them. The latter ignores the cost of reducing
            the noise.
        missing : {"raise", "fail", "skip", "nearest"}
            How to handle an architecture without a value in the table: ``"raise"`` raises an error; ``"fail"`` treats
            it as a failed training that costs its training time (the longest in the table if unknown); ``"skip"``
            treats it as a failure that costs no time. Both kinds of failure count as an evaluation. ``"nearest"``
            restricts the search to the stored architectures: random ones are drawn from them, and any other is answered
            by, charged as, and recorded as the stored one that differs in the fewest genes (of several, the one with the
            smallest key). Default: ``"raise"``; for a table that stores less than 1% of its space's networks,
            ``"nearest"``, with a `PartialTableWarning`.
        include_validation_time : bool
            Whether to charge ``valid_time``, one pass over the validation data, in addition to the training.
        nominal_budgets : sequence of int, optional
            Budgets to offer to successive halving, Hyperband and BOHB instead of the stored ones. Whichever of them is asked
            for, the answer and its cost are those of ``epochs``: the rungs repeat the same training. Some published
            results were obtained so; for a search that really trains partially, leave it out.
        directions : mapping of str to {"max", "min"}, optional
            Directions for metrics that have none stored, or that override the stored ones.

        Returns
        -------
        TabularProblem

        Raises
        ------
        UnknownName
            If the dataset, metric, budget or seed does not exist.
        ValueError
            If there is no objective, a duplicate objective, or an objective without a direction.
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
            nominal_budgets=tuple(_whole(budget, "a nominal budget") for budget in nominal_budgets),
        )

    def _directed(
        self, dataset: str, names: Sequence[str], directions: Mapping[str, Direction] | None
    ) -> tuple[Metric, ...]:
        """Look up metrics by name and apply the given directions."""
        given = dict(directions or {})
        for name in given:
            if name not in names:
                raise UnknownName("objective", name, names, "Directions can only be given for objectives.")
        metrics = [self.metric(name, dataset) for name in names]
        return tuple(
            dataclasses.replace(metric, direction=given[metric.name]) if metric.name in given else metric
            for metric in metrics
        )


def _whole(value: Any, name: str) -> int:
    """Convert an integer of any type to int; TypeError for anything else."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, not {value!r}") from None


def _reopened(path: Path, digest: str, own: SpaceSpec | None) -> Benchmark:
    """Reopen a benchmark in another process; StoreError if its file was replaced by a different store."""
    if own is not None:
        register_space(own)
    bench = Benchmark(path)
    if bench.digest != digest:
        raise StoreError(f"{path} was replaced by a different store while in use; open it again")
    return bench
