"""The outcome of a search: incumbents or archives of every run, and the trace."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.benchmark import Benchmark, Seed, TabularProblem, open_benchmark
from nasbench_kit.errors import StoreError
from nasbench_kit.experiments.archive_measures import ArchiveMeasures
from nasbench_kit.experiments.budget import Budget
from nasbench_kit.experiments.generations import Generations
from nasbench_kit.experiments.iohprofiler import write_iohprofiler
from nasbench_kit.experiments.recorder import Recorder
from nasbench_kit.experiments.result_file import contents, stored, stored_fields
from nasbench_kit.metrics import Metric, minimised
from nasbench_kit.problems import Problem
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.store.record import seal, write_record

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Result"]


class Optimiser(Protocol):
    """What a result records of the optimiser: an algorithm of the kit or of another package."""

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> dict[str, Any]: ...


@dataclass(eq=False, kw_only=True)
class Result(ArchiveMeasures):
    """The outcome of a search over all its runs.

    Attributes
    ----------
    algorithm : str
        The algorithm's name.
    settings : dict
        Its settings.
    space : Space
    objectives : tuple of str
    objective_metrics : tuple of Metric
        What each objective is, in its own unit and direction.
    seed : int
    runs : int
    run_numbers : ndarray of int, shape (runs,)
        The number of each run: 0, 1, ... unless the search was divided (``first_run=``). Elsewhere, runs are counted from 0.
    incumbents : ndarray of uint8, shape (runs, genes)
        The best genotype of each run; for several objectives, the one with the lowest first objective.
    evaluations : ndarray of int, shape (runs,)
    simulated_seconds : ndarray of float, shape (runs,)
    unique_genotypes, unique_networks : ndarray of int, shape (runs,)
        The number of distinct ones that each run evaluated.
    reached : ndarray of bool, shape (runs,)
        Which runs reached the target, if there was one.
    budget : Budget or None
        What ended each run; None if an older file does not state it.
    options : dict
        What else the search was given, if it was: ``archive_size``, ``indicators``, and the SHA-256 of ``initial``.
    clock : str or None
        The clock of the trace; None if an older file does not state it.
    noise_free_F : ndarray of float, shape (members of all archives, objectives), or None
        The archives' values without the noise of single trainings, from which the hypervolume is computed; None if the
        search saw noise-free values.
    metrics : dict of str to ndarray of float
        Further metrics of the incumbents (runs,), or of all archive members, from the problem itself; see `archive_metrics`.
        Empty if there is a benchmark to query.
    generations : Generations or None
        The log of every generation, if the search was to keep it (``record=True``).
    wall_seconds : float
        The duration of the search.
    """

    algorithm: str
    settings: dict[str, Any]
    space: Space
    objective_metrics: tuple[Metric, ...]
    seed: int
    evaluations: NDArray[np.int64] = stored("runs", "iu")
    simulated_seconds: NDArray[np.float64] = stored("runs", "f")
    rows: dict[str, NDArray[Any]]
    incumbents: Genotypes = stored("runs genes", "u")
    incumbent_values: NDArray[np.float64] = stored("runs", "f")
    archive_run: NDArray[np.int64] = stored("members", "iu")
    archive_X: Genotypes = stored("members genes", "u")
    archive_F: NDArray[np.float64] = stored("members m", "f")
    unique_genotypes: NDArray[np.int64] = stored("runs", "iu")
    unique_networks: NDArray[np.int64] = stored("runs", "iu")
    reached: NDArray[np.bool_] = stored("runs", "b")
    source: dict[str, Any]
    bounds: NDArray[np.float64] | None = stored("2 m", "f", optional=True)
    front_bounds: NDArray[np.float64] | None = stored("2 m", "f", optional=True)
    run_numbers: NDArray[np.int64] = stored("runs", "iu", optional=True)
    budget: Budget | None = None
    options: dict[str, Any] = field(default_factory=dict)
    clock: str | None = "evaluations"
    noise_free_F: NDArray[np.float64] | None = stored("members m", "f", optional=True)
    metrics: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    generations: Generations | None = None
    wall_seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.run_numbers is None:
            self.run_numbers = np.arange(self.runs)
        # results are read-only
        for values in (*self.rows.values(), *(getattr(self, declared.name) for declared in stored_fields(self))):
            if values is not None:
                values.setflags(write=False)

    @classmethod
    def from_recorder(
        cls,
        problem: Problem,
        algorithm: Optimiser,
        seed: int,
        first_run: int,
        recorder: Recorder,
        generations: Generations | None,
        options: dict[str, Any] | None = None,
    ) -> Result:
        """The outcome of one batch of runs, its runs numbered from ``first_run``."""
        rows = {name: np.concatenate([row[name] for row in recorder.rows]) for name in recorder.rows[0]}
        order = np.argsort(rows["run"], kind="stable")
        rows = {name: values[order] for name, values in rows.items()}
        incumbents, values = recorder.incumbent, recorder.incumbent_F
        if recorder.objectives > 1:
            # archives are sorted by run, then by the first objective
            first = np.searchsorted(recorder.archive_run, np.arange(recorder.runs))
            found = np.bincount(recorder.archive_run, minlength=recorder.runs) > 0
            incumbents[found], values[found] = recorder.archive_X[first[found]], recorder.archive_F[first[found], 0]
        result = cls(
            algorithm=algorithm.name,
            settings=algorithm.settings,
            space=problem.space,
            objective_metrics=problem.objective_metrics,
            seed=seed,
            evaluations=recorder.evaluations,
            simulated_seconds=recorder.seconds,
            rows=rows,
            incumbents=incumbents,
            incumbent_values=values,
            archive_run=recorder.archive_run,
            archive_X=recorder.archive_X,
            archive_F=recorder.archive_F,
            unique_genotypes=recorder.seen.unique_genotypes(),
            unique_networks=recorder.seen.unique_networks(),
            reached=recorder.reached,
            bounds=problem.bounds,
            source=problem.source,
            front_bounds=problem.front_bounds if recorder.objectives > 1 else None,
            run_numbers=np.arange(first_run, first_run + recorder.runs),
            budget=recorder.budget,
            options=options or {},
            clock=recorder.clock,
            noise_free_F=recorder.noise_free(),
            metrics=problem.metrics(incumbents if recorder.objectives == 1 else recorder.archive_X),
            generations=generations,
        )
        if isinstance(problem, TabularProblem):
            result.__dict__["benchmark"] = problem.bench
        return result

    def __eq__(self, other: object) -> bool:
        """Whether another result is of the same search and found the same, regardless of `wall_seconds`."""
        return self.digest == other.digest if isinstance(other, Result) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def digest(self) -> str:
        """A SHA-256 of everything in the result except `wall_seconds`."""
        attributes, arrays = contents(self)
        return seal({**attributes, "wall_seconds": 0.0}, arrays)

    def __repr__(self) -> str:
        return f"<result of {self.algorithm} on {', '.join(self.objectives)}: {self.runs} runs>"

    def _repr_html_(self) -> str:
        from nasbench_kit.experiments.cards import result_card

        return result_card(self)

    @property
    def objectives(self) -> tuple[str, ...]:
        """The names of the objectives."""
        return tuple(metric.name for metric in self.objective_metrics)

    @property
    def runs(self) -> int:
        """The number of runs."""
        return len(self.evaluations)

    @cached_property
    def benchmark(self) -> Benchmark:
        """The benchmark that was searched, reopened if the result comes from a file.

        Raises
        ------
        ValueError
            The search was not on a benchmark.
        StoreError, UnknownName
            The store is missing or was replaced by another one.
        """
        if "benchmark" not in self.source:
            raise ValueError(f"this search was on {self._searched}, not on a benchmark")
        path = Path(self.source["benchmark"])
        bench = open_benchmark(path if path.exists() else path.name.removesuffix(".h5"))
        if self.source.get("digest", bench.digest) != bench.digest:
            raise StoreError(
                f"{bench.path} is not the store that was searched: the checksums of its columns differ from those in the "
                f"result, which searched {path}; restore that store, or set result.benchmark to it"
            )
        return bench

    @cached_property
    def trace(self) -> pd.DataFrame:
        """The state of every run on a logarithmic grid of the search's clock, by default its evaluations.

        With the other clocks, the state at a grid point is that of the last row not later than the point. For one objective
        there is also a row whenever the incumbent changes, so the trace is exact at any time.

        Columns: ``run``, the run's number, ``evaluations``, ``unique_networks``, ``simulated_seconds``; then, for one objective, the
        incumbent's value under the objective's name, in the metric's own unit, ``nan`` until one is known; for several
        ``archive_size`` and, if the bounds of the objectives are known, ``hypervolume`` (see `hypervolume`) and the indicators
        that the search was to record (``indicators=``), ``inf`` while the archive is empty.
        """
        import pandas as pd

        columns = {name: values for name, values in self.rows.items() if not name.startswith("incumbent")}
        columns["run"] = self.run_numbers[self.rows["run"]]
        if len(self.objectives) == 1:
            name = self.objectives[0]
            values = minimised(self.rows["incumbent_F"][:, np.newaxis], self.objective_metrics)[:, 0]
            columns[name] = np.where(np.isfinite(values), values, np.nan)
        return pd.DataFrame(columns)

    def trace_of(
        self, metric: str, *, dataset: str | None = None, epochs: int | None = None, seed: Seed = "mean"
    ) -> NDArray[np.float64]:
        """A metric of the incumbent at every row of the trace: (rows,). Other arguments are those of ``Benchmark.query``."""
        if len(self.objectives) > 1:
            raise ValueError(
                "a search on several objectives has an archive at every row of its trace, not an incumbent"
            )
        values = self.benchmark.query(
            self.rows["incumbent"], metric, dataset=dataset or self.source["dataset"], epochs=epochs, seed=seed
        )
        return np.where(np.isfinite(self.rows["incumbent_F"]), values, np.nan)

    def best(
        self,
        metric: str,
        *,
        dataset: str | None = None,
        epochs: int | None = None,
        seed: Seed = "mean",
        rng: int | np.random.Generator | None = None,
    ) -> NDArray[np.float64]:
        """A metric of each run's incumbent.

        Parameters
        ----------
        metric : str
            A metric of the benchmark that was searched; for a search on a function, its objective; for real training, a
            metric of the same trainings.
        dataset : str, optional
            Default: the one that was searched.
        epochs, seed, rng
            As in ``Benchmark.query``. Default: the largest budget and the mean over seeds, regardless of the search.

        Returns
        -------
        ndarray of float64, shape (runs,)
            ``nan`` for a run that found nothing.
        """
        if len(self.objectives) > 1:
            raise ValueError("a search on several objectives has no single best; see archive(run) and hypervolume()")
        if "benchmark" not in self.source:
            if dataset is not None or epochs is not None:
                raise ValueError(f"a search on {self._searched} has only one dataset and epoch budget: leave both out")
            if metric in self.metrics:
                return np.where(np.isfinite(self.incumbent_values), self.metrics[metric], np.nan)
            if metric not in self.objectives:
                known = dict.fromkeys([*self.objectives, *self.metrics])
                raise ValueError(f"a search on {self._searched} only has {', '.join(known)}, not {metric!r}")
            values = minimised(self.incumbent_values[:, np.newaxis], self.objective_metrics)[:, 0]
            return np.where(np.isfinite(self.incumbent_values), values, np.nan)
        values = self.benchmark.query(
            self.incumbents, metric, dataset=dataset or self.source["dataset"], epochs=epochs, seed=seed, rng=rng
        )
        return np.where(np.isfinite(self.incumbent_values), values, np.nan)

    def archive(self, run: int) -> tuple[Genotypes, NDArray[np.float64]]:
        """The non-dominated genotypes that a run found and their objective values, minimised: (k, genes), (k, m)."""
        if not 0 <= run < self.runs:
            raise IndexError(f"run must be one of 0 ... {self.runs - 1}, not {run}")
        if len(self.objectives) == 1:
            return self.incumbents[run : run + 1], self.incumbent_values[run : run + 1, np.newaxis]
        members = self.archive_run == run
        return self.archive_X[members], self.archive_F[members]

    def archive_metrics(self, run: int) -> dict[str, NDArray[np.float64]]:
        """Further metrics of the members of `archive` from the problem itself, in their own units: each (k,)."""
        if not 0 <= run < self.runs:
            raise IndexError(f"run must be one of 0 ... {self.runs - 1}, not {run}")
        members = np.arange(self.runs) == run if len(self.objectives) == 1 else self.archive_run == run
        return {name: values[members] for name, values in self.metrics.items()}

    @property
    def _searched(self) -> str:
        return "real trainings" if "training" in self.source else "a function"

    def duplicates(self) -> pd.DataFrame:
        """The share of repeated evaluations: one row per run.

        Columns: ``evaluations``; ``genotype``, the share whose genotype the run had already evaluated; ``network``, the share
        whose network it had, in this or another encoding; ``isomorphic``, their difference: new genotypes of known networks.
        """
        import pandas as pd

        genotype = 1 - self.unique_genotypes / self.evaluations
        network = 1 - self.unique_networks / self.evaluations
        return pd.DataFrame(
            {
                "evaluations": self.evaluations,
                "genotype": genotype,
                "network": network,
                "isomorphic": network - genotype,
            }
        ).rename_axis("run")

    # ---------------------------------------------------------------- file

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the result as an HDF5 file, all or nothing; `load_result` reads it.

        Settings that are not plain values are written as text.
        """
        return write_record(Path(path), *contents(self))

    def to_iohprofiler(self, folder: str | os.PathLike[str], *, name: str | None = None) -> Path:
        """Write the runs in IOHprofiler's format, for IOHanalyzer and iohinspector.

        Parameters
        ----------
        folder : path-like
            Created if it does not exist; it must be empty.
        name : str, optional
            What the algorithm is called there. Default: its name.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        WriteError
            The folder is not empty or cannot be written.
        ValueError
            A search on several objectives that kept no log: search with ``record=True``.
        """
        return write_iohprofiler(self, Path(folder), name or self.algorithm)
