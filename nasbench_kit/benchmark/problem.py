"""What a search sees of a benchmark: its metrics as objectives, and what training would have cost."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.benchmark.queries import Queries
from nasbench_kit.errors import UnknownName
from nasbench_kit.metrics import PROXY, Metric, minimised
from nasbench_kit.metrics.indicators import pareto_front
from nasbench_kit.problems import Evaluation, Problem, TestSelectionWarning, check_objectives, warn_of_test_data
from nasbench_kit.spaces.genotypes import SMALL_SIZE, Genotypes

__all__ = ["CHARGES", "MISSING", "Charge", "Missing", "TabularProblem"]

Missing = Literal["raise", "fail", "skip"]
Charge = Literal["all", "one"]

MISSING: tuple[Missing, ...] = ("raise", "fail", "skip")
CHARGES: tuple[Charge, ...] = ("all", "one")
VALIDATION_TIME = "valid_time"
LONGEST = 200  # characters of an architecture in a message


@dataclass(frozen=True)
class _Answers:
    """What the table answers at one epoch budget, a row for every genotype of a small space, or for every record.

    Attributes
    ----------
    F : ndarray of float64, shape (rows, trials, m)
        Objective values, minimised, those of the trials that a row has first; ``nan`` where nothing is known, and for costs
        that are computed.
    seconds : ndarray of float64, shape (rows, trials)
    count : ndarray of int, shape (rows,), or int
        How many trials a row has; a number where all have as many.
    complete : bool
        Whether nothing that can be asked for lacks a value.
    """

    F: NDArray[np.float64]
    seconds: NDArray[np.float64]
    count: NDArray[np.intp] | int
    complete: bool


class TabularProblem(Problem):
    """Metrics of a benchmark as objectives; made by ``Benchmark.problem``, whose parameters it has.

    The simulated seconds of an evaluation are the table's ``training_time`` for the same dataset and epoch budget. Proxies
    ``proxy_*``, alone or with costs, need no training: theirs are the table's ``*_time`` of each.

    Attributes
    ----------
    bench : Benchmark
    dataset : str
    epochs : int or None
    seed : int, "mean" or "random"
        What an evaluation answers with.
    """

    def __init__(
        self,
        bench: Queries,
        objectives: tuple[Metric, ...],
        dataset: str,
        epochs: int | None,
        seed: int | Literal["mean", "random"],
        *,
        missing: Missing = "raise",
        charge: Charge = "all",
        include_validation_time: bool = False,
    ) -> None:
        self.objectives = tuple(metric.name for metric in objectives)
        check_objectives(self.objectives)
        for metric in objectives:
            metric.minimised(np.empty(0))  # a metric without a direction is an error here, not in the search
        if missing not in MISSING:
            raise ValueError(f"missing is 'raise', 'fail' or 'skip', not {missing!r}")
        if charge not in CHARGES:
            raise ValueError(f"charge is 'all' or 'one', not {charge!r}")
        if include_validation_time and VALIDATION_TIME not in bench.metrics(dataset):
            raise UnknownName(f"metric of {bench.name} on {dataset}", VALIDATION_TIME, bench.metrics(dataset))
        if not len(bench):
            raise ValueError(f"{bench.name} has no architecture to search for")
        self.bench, self.space, self._metrics = bench, bench.space, objectives
        self.dataset, self.epochs, self.seed = dataset, epochs, seed
        self.missing, self.charge, self.include_validation_time = missing, charge, include_validation_time
        self._answers: dict[int | None, _Answers] = {}
        self(bench.architectures[:1])  # an unknown budget is an error here, not in the search
        warn_of_test_data(objectives, bench.name, stacklevel=3)

    def __repr__(self) -> str:
        budget = f", {self.epochs} epochs" if self.epochs is not None else ""
        return f"<problem {', '.join(self.objectives)} on {self.bench.name}/{self.dataset}{budget}>"

    def __reduce__(self) -> tuple[Any, ...]:
        options = {
            "missing": self.missing,
            "charge": self.charge,
            "include_validation_time": self.include_validation_time,
        }
        return _reopen, (self.bench, self._metrics, self.dataset, self.epochs, self.seed, options)

    @property
    def objective_metrics(self) -> tuple[Metric, ...]:
        return self._metrics

    @property
    def source(self) -> dict[str, Any]:
        return {
            "benchmark": str(self.bench.path),
            "digest": self.bench.digest,
            "dataset": self.dataset,
            "epochs": self.epochs,
            "seed": self.seed,
            "missing": self.missing,
            "charge": self.charge,
            "include_validation_time": self.include_validation_time,
        }

    @cached_property
    def budgets(self) -> tuple[int, ...]:
        """The epoch budgets that the table has for all objectives that depend on training, up to the problem's own."""
        stored = [set(epochs) for name in self.objectives if (epochs := self.bench.epochs(self.dataset, name))]
        common = sorted(set.intersection(*stored)) if stored else []
        return tuple(epochs for epochs in common if self.epochs is None or epochs <= self.epochs)

    @cached_property
    def noisy(self) -> bool:
        """Whether an evaluation draws one of several stored trials."""
        return self.seed == "random" and any(
            len(self.bench.seeds(self.dataset, metric.name)) > 1 for metric in self._metrics if metric.depends_on_seed
        )

    @property
    def _expected(self) -> int | Literal["mean"]:
        """The seed of the value without noise: of a trial drawn at random, that is the mean."""
        return "mean" if self.seed == "random" else self.seed

    def __call__(self, X: ArrayLike) -> NDArray[np.float64]:
        """The objective values (n, m) of genotypes (n, genes) without noise; ``nan`` where the table has none.

        With ``seed="random"`` that is the mean over the stored trials: what an evaluation gives on average.
        """
        values = self.bench.query(X, self.objectives, dataset=self.dataset, epochs=self.epochs, seed=self._expected)
        return minimised(values, self._metrics)

    def front(self) -> tuple[Genotypes, NDArray[np.float64]]:
        """The exact Pareto front of the table, without noise: genotypes (k, genes), objective values (k, m), minimised."""
        F = self(self.bench.architectures)
        kept = pareto_front(F)
        return np.array(self.bench.architectures[kept]), F[kept]

    @cached_property
    def bounds(self) -> NDArray[np.float64]:
        """The best and the worst value of each objective over the whole table, without noise."""
        F = self(self.bench.architectures)
        F = F[np.isfinite(F).all(axis=1)]
        if not len(F):
            raise ValueError(f"{self!r}: no architecture has a value of all objectives")
        return np.stack([F.min(axis=0), F.max(axis=0)])

    @cached_property
    def front_bounds(self) -> NDArray[np.float64]:
        """The best and the worst value of each objective over the exact Pareto front: its ideal and nadir point."""
        F = self.front()[1]
        return np.stack([F.min(axis=0), F.max(axis=0)])

    # ---------------------------------------------------------------- evaluations

    def evaluate(self, X: Genotypes, epochs: int | None = None, draws: NDArray[np.float64] | None = None) -> Evaluation:
        X = self.space.check(X)
        epochs = self.epochs if epochs is None else epochs
        answers = self._answered(epochs)
        small = self.space.size <= SMALL_SIZE
        where = self.space.small_number(X) if small else self._records(X)
        if self.noisy:
            if draws is None:
                raise ValueError(
                    f"{self!r} draws a stored trial for every genotype: give draws=, a number in [0, 1) each"
                )
            count = answers.count if isinstance(answers.count, int) else answers.count[where]
            where = where * answers.F.shape[1] + (draws * count).astype(np.intp)
        # the tables are contiguous: (rows, trials) is one axis for `take`
        F = answers.F.reshape(-1, len(self.objectives)).take(where, axis=0, mode="clip")
        seconds = answers.seconds.reshape(-1).take(where, mode="clip")
        if not small:
            for i, metric in enumerate(self._metrics):
                if metric.name in self.bench.costs(self.dataset):
                    F[:, i] = metric.minimised(self.bench.query(X, metric.name, dataset=self.dataset))
        if not answers.complete:
            self._settle(X, F)
        return Evaluation(F, seconds)

    def _records(self, X: Genotypes) -> NDArray[np.intp]:
        """The row of the answers for each genotype of a large space: its record, or the last, which knows nothing."""
        records = self.bench.records(X)
        return np.where(records < 0, len(self.bench), records)

    def _settle(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        """Say what becomes of genotypes without a value: an error, or a failure."""
        unknown = np.isnan(F).any(axis=1)
        if not unknown.any():
            return
        if self.missing == "raise":
            native = str(self.space.decode(X[unknown][:1])[0])
            raise ValueError(
                f"{self.bench.name} has no {' and '.join(self.objectives)} on {self.dataset} for {unknown.sum()} of "
                f"{len(X)} architectures that the search asked for, such as {native[:LONGEST]}: say what becomes of them "
                "with missing='fail' (a failed training that costs its time) or 'skip' (costs none), --missing in the shell"
            )
        F[unknown] = np.inf

    def _answered(self, epochs: int | None) -> _Answers:
        if epochs not in self._answers:
            self._answers[epochs] = self._answer(epochs)
        return self._answers[epochs]

    def _answer(self, epochs: int | None) -> _Answers:
        """What every row answers at a budget, with the seconds that it costs."""
        bench, dataset = self.bench, self.dataset
        seeds = self._trial_seeds() if self.noisy else [self._expected]
        values = np.stack([self._rows(list(self.objectives), epochs, seed) for seed in seeds], axis=1)
        F = minimised(values.reshape(-1, len(self.objectives)), self._metrics).reshape(values.shape)
        small = self.space.size <= SMALL_SIZE
        # costs of larger spaces are those of the genotype, computed when it is asked for
        looked_up = [i for i, name in enumerate(self.objectives) if small or name not in bench.costs(dataset)]
        known: NDArray[np.bool_] = ~np.any(np.isnan(F[:, :, looked_up]), axis=2)
        seconds = np.stack([self._seconds(epochs, seed) for seed in seeds], axis=1)
        count: NDArray[np.intp] | int = 1
        if self.noisy:
            first = np.argsort(~known, axis=1, kind="stable")
            F = np.take_along_axis(F, first[:, :, np.newaxis], axis=1)
            seconds = np.take_along_axis(seconds, first, axis=1)
            # a table may have trials of one budget, and of another the mean alone: then that is what is stored
            alone = np.flatnonzero(~np.any(known, axis=1))
            means = self._rows(list(self.objectives), epochs, "mean")[alone]
            F[alone, 0] = minimised(means, self._metrics)
            seconds[alone, 0] = self._seconds(epochs, "mean", trainings=1)[alone]
            known[alone, 0] = ~np.any(np.isnan(F[alone, 0][:, looked_up]), axis=1)
            counts = np.maximum(known.sum(axis=1), 1)
            count = int(counts[0]) if (counts == counts[0]).all() else counts
        rows_known: NDArray[np.bool_] = np.any(known, axis=1)
        if self.missing != "raise":
            seconds = self._settled_seconds(seconds, rows_known)
        if small:
            asked = np.flatnonzero(self.space.is_valid(self.space.all()))
            complete = bool(rows_known[asked].all())
        else:
            complete = len(self.bench) >= (self.space.networks or np.inf) and bool(rows_known[:-1].all())
        return _Answers(np.ascontiguousarray(F), np.ascontiguousarray(seconds), count, complete)

    def _trial_seeds(self) -> list[int]:
        """The seeds of the trials that an evaluation is drawn from."""
        return sorted(
            {
                seed
                for metric in self._metrics
                if metric.depends_on_seed
                for seed in self.bench.seeds(self.dataset, metric.name)
            }
        )

    def _rows(self, names: list[str], epochs: int | None, seed: int | Literal["mean"]) -> NDArray[np.float64]:
        """Metrics of every genotype of a small space by number, else of every record and ``nan`` at the end: (rows, m)."""
        return np.stack([self.bench.rows(name, self.dataset, epochs, seed) for name in names], axis=1)

    # ---------------------------------------------------------------- time

    def _seconds(
        self, epochs: int | None, seed: int | Literal["mean"], trainings: int | None = None
    ) -> NDArray[np.float64]:
        """What evaluating every row costs, ``nan`` where that is not known: (rows,).

        A mean costs as many ``trainings``; unless given, as `charge` has it.
        """
        bench, dataset = self.bench, self.dataset
        stored = bench.metrics(dataset)
        proxies = [name for name in self.objectives if name.startswith(PROXY)]
        if proxies and set(self.objectives) <= {*proxies, *self.space.cost_names}:
            times = [f"{name.removeprefix(PROXY)}_time" for name in proxies]
            if not set(times) <= set(stored):
                return np.full(self._row_count, np.nan)
            total: NDArray[np.float64] = self._rows(times, None, "mean").sum(axis=1)
            return total
        wanted = ["training_time"] + [VALIDATION_TIME] * self.include_validation_time
        epochs = self._full_budget if epochs is None else epochs
        seconds = np.zeros(self._row_count)
        for name in wanted:
            if name not in stored:
                return np.full(self._row_count, np.nan)
            budgets = bench.epochs(dataset, name)
            if budgets and epochs is not None and epochs not in budgets:
                return np.full(self._row_count, np.nan)
            seconds += self._time(name, epochs if budgets else None, seed)
        if seed == "mean" and self.charge == "all" and trainings is None:
            seconds *= self._trainings(epochs)
        return seconds

    def _time(self, name: str, epochs: int | None, seed: int | Literal["mean"]) -> NDArray[np.float64]:
        """A stored time of every row: that of the training with this seed, where each has its own; else the mean."""
        own = seed != "mean" and seed in self.bench.seeds(self.dataset, name)
        return self.bench.rows(name, self.dataset, epochs, seed if own else "mean")

    def _trainings(self, epochs: int | None) -> NDArray[np.float64]:
        """How many trainings the mean of every row is over: 1 where the table has means alone."""
        most = np.ones(self._row_count)
        for metric in self._metrics:
            seeds = self.bench.seeds(self.dataset, metric.name) if metric.depends_on_seed else ()
            if seeds:
                budget = epochs if epochs in self.bench.epochs(self.dataset, metric.name) else None
                trials = [self.bench.rows(metric.name, self.dataset, budget, seed) for seed in seeds]
                most = np.maximum(most, (~np.isnan(trials)).sum(axis=0))
        return most

    @cached_property
    def _full_budget(self) -> int | None:
        """The largest budget that any objective has; None where none depends on training."""
        stored = [epochs for name in self.objectives for epochs in self.bench.epochs(self.dataset, name)]
        return max(stored, default=None)

    @cached_property
    def _row_count(self) -> int:
        return self.space.size if self.space.size <= SMALL_SIZE else len(self.bench) + 1

    def _settled_seconds(self, seconds: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Seconds (rows, trials) as `missing` has them: of a failure the known time or the longest, of what is skipped none."""
        if self.missing == "skip":
            return np.where(known[:, np.newaxis], seconds, 0.0)
        longest = np.nanmax(seconds, initial=-np.inf)
        return np.where(np.isnan(seconds), longest, seconds) if np.isfinite(longest) else seconds


def _reopen(
    bench: Queries,
    objectives: tuple[Metric, ...],
    dataset: str,
    epochs: int | None,
    seed: int | Literal["mean", "random"],
    options: dict[str, Any],
) -> TabularProblem:
    with warnings.catch_warnings():  # said once already, where the problem was made
        warnings.simplefilter("ignore", TestSelectionWarning)
        return TabularProblem(bench, objectives, dataset, epochs, seed, **options)
