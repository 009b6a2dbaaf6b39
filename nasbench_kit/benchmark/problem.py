"""Search problems over a benchmark: its metrics as objectives, with the simulated cost of training."""

from __future__ import annotations

import itertools
import warnings
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.benchmark.answers import CHARGES, MISSING, VALIDATION_TIME, Answers, Charge, Missing, TableAnswers
from nasbench_kit.benchmark.nearest import StoredRows
from nasbench_kit.benchmark.queries import Queries
from nasbench_kit.errors import UnknownName
from nasbench_kit.kernels.compiling import enabled
from nasbench_kit.kernels.following import answer
from nasbench_kit.metrics import Metric, minimised
from nasbench_kit.problems import (
    Evaluation,
    PartialTableWarning,
    Problem,
    TestSelectionWarning,
    check_objectives,
    warn_of_test_data,
)
from nasbench_kit.spaces.genotypes import SMALL_SIZE, Genotypes

__all__ = ["TabularProblem"]

BLOCK = 2**20  # rows of a table that are queried at a time
SMALL_SHARE = 0.01  # of the space's networks: with fewer, a search is restricted to the stored ones by default
LONGEST = 200  # maximum characters of an architecture in a message

_NONE = np.empty(0)

# cardinalities and place values of the genes, and the validity of the space
_Places = tuple[NDArray[np.int64], NDArray[np.int64], tuple[NDArray[np.int64], NDArray[np.bool_]]]


class TabularProblem(Problem):
    """Metrics of a benchmark as objectives; created by ``Benchmark.problem``, which documents the parameters.

    The simulated time of an evaluation is the table's ``training_time`` for the same dataset and epoch budget. If all
    objectives are proxies (``proxy_*``) and costs, it is the sum of the proxies' ``*_time``, as nothing is trained.

    Attributes
    ----------
    bench : Benchmark
    dataset : str
    epochs : int or None
    seed : int, "mean" or "random"
        Which value an evaluation returns.
    missing : {"raise", "fail", "skip", "nearest"}
    nominal_budgets : tuple of int
        Budgets that are offered instead of the stored ones; every one of them is answered with ``epochs``. Empty unless
        asked for.
    """

    def __init__(
        self,
        bench: Queries,
        objectives: tuple[Metric, ...],
        dataset: str,
        epochs: int | None,
        seed: int | Literal["mean", "random"],
        *,
        missing: Missing | None = None,
        charge: Charge = "all",
        include_validation_time: bool = False,
        nominal_budgets: tuple[int, ...] = (),
    ) -> None:
        self.objectives = tuple(metric.name for metric in objectives)
        check_objectives(self.objectives)
        for metric in objectives:
            metric.minimised(np.empty(0))  # so that a metric without a direction fails now, not during the search
        if missing is not None and missing not in MISSING:
            raise ValueError(f"missing must be 'raise', 'fail', 'skip' or 'nearest', not {missing!r}")
        if charge not in CHARGES:
            raise ValueError(f"charge must be 'all' or 'one', not {charge!r}")
        if include_validation_time and VALIDATION_TIME not in bench.metrics(dataset):
            raise UnknownName(f"metric of {bench.name} on {dataset}", VALIDATION_TIME, bench.metrics(dataset))
        if any(b <= a for a, b in itertools.pairwise((0, *nominal_budgets))):
            raise ValueError(f"nominal_budgets must be positive and ascending, not {nominal_budgets}")
        if not len(bench):
            raise ValueError(f"{bench.name} has no architectures to search")
        self.bench, self.space, self._metrics = bench, bench.space, objectives
        self.dataset, self.epochs, self.seed = dataset, epochs, seed
        few = _stores_few(bench)
        self.missing: Missing = missing or ("nearest" if few else "raise")
        self.charge, self.include_validation_time = charge, include_validation_time
        self.nominal_budgets = nominal_budgets
        self._answers = TableAnswers(
            bench,
            objectives,
            dataset,
            drawn=self.noisy,
            seed=self._expected,
            missing=self.missing,
            charge=charge,
            include_validation_time=include_validation_time,
        )
        self(bench.architectures[:1])  # so that an unknown budget fails now, not during the search
        warn_of_test_data(objectives, bench.name, stacklevel=3)
        if missing is None and few:
            warnings.warn(_restricted(self), PartialTableWarning, stacklevel=3)

    def __repr__(self) -> str:
        budget = f", {self.epochs} epochs" if self.epochs is not None else ""
        return f"<problem {', '.join(self.objectives)} on {self.bench.name}/{self.dataset}{budget}>"

    def _facts(self) -> dict[str, Any]:
        answers = {"random": "a stored trial, drawn at random", "mean": "the mean of the stored trials"}
        return {
            "table": f"{self.bench.name}/{self.dataset}",
            "epochs": "the largest budget" if self.epochs is None else self.epochs,
            "answers with": answers.get(str(self.seed), f"the trial of seed {self.seed}"),
            "without a value": None if self.missing == "raise" else self.missing,
            **super()._facts(),
        }

    def __reduce__(self) -> tuple[Any, ...]:
        options = {
            "missing": self.missing,
            "charge": self.charge,
            "include_validation_time": self.include_validation_time,
            "nominal_budgets": self.nominal_budgets,
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
            **({"nominal_budgets": list(self.nominal_budgets)} if self.nominal_budgets else {}),
        }

    @property
    def budgets(self) -> tuple[int, ...]:
        """The epoch budgets stored for all trained objectives, up to the problem's own budget; or the nominal ones."""
        return self.nominal_budgets or self._stored_budgets

    @cached_property
    def _stored_budgets(self) -> tuple[int, ...]:
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
        """The seed of the noise-free value: the mean if trials are drawn at random."""
        return "mean" if self.seed == "random" else self.seed

    def __call__(self, X: ArrayLike) -> NDArray[np.float64]:
        """Noise-free objective values (n, m) of genotypes (n, genes); ``nan`` where the table has none.

        With ``seed="random"`` this is the mean over the stored trials, the expected value of an evaluation.
        """
        values = self.bench.query(X, self.objectives, dataset=self.dataset, epochs=self.epochs, seed=self._expected)
        return minimised(values, self._metrics)

    def front(self) -> tuple[Genotypes, NDArray[np.float64]]:
        """The exact noise-free Pareto front of the table: genotypes (k, genes) and minimised objectives (k, m)."""
        from nasbench_kit.metrics.indicators import pareto_front  # imports moocore, which queries do not need

        F = self(self.bench.architectures)
        kept = pareto_front(F)
        return np.array(self.bench.architectures[kept]), F[kept]

    @cached_property
    def bounds(self) -> NDArray[np.float64]:
        """The best and worst noise-free value of each objective over the whole table."""
        ends = []
        X = self.bench.architectures
        for start in range(0, len(X), BLOCK):
            F = self(X[start : start + BLOCK])
            F = F[np.isfinite(F).all(axis=1)]
            if len(F):
                ends.append(np.stack([F.min(axis=0), F.max(axis=0)]))
        if not ends:
            raise ValueError(f"{self!r}: no architecture has values for all objectives")
        best, worst = np.stack(ends, axis=1)
        return np.stack([best.min(axis=0), worst.max(axis=0)])

    @cached_property
    def front_bounds(self) -> NDArray[np.float64]:
        """The best and worst value of each objective over the exact Pareto front: its ideal and nadir points."""
        F = self.front()[1]
        return np.stack([F.min(axis=0), F.max(axis=0)])

    # ---------------------------------------------------------------- restricted to the stored networks

    @cached_property
    def _stored(self) -> StoredRows:
        """The rows of the table with values of all objectives at every budget."""
        X = self.bench.architectures
        known = np.isfinite(self(X)).all(axis=1)
        for epochs in self._stored_budgets:
            values = self.bench.query(X, self.objectives, dataset=self.dataset, epochs=epochs, seed=self._expected)
            known &= np.isfinite(values).all(axis=1)
        if not known.any():
            raise ValueError(f"{self!r}: no architecture has values for all objectives")
        return StoredRows(self.bench, np.flatnonzero(known))

    @property
    def drawn_from(self) -> Genotypes | None:
        """With ``missing="nearest"``, the stored genotypes that have values: random ones are drawn from these."""
        return self._stored.genotypes if self.missing == "nearest" else None

    def answered(self, X: Genotypes) -> Genotypes:
        """With ``missing="nearest"``, the stored genotype that answers each row of ``X`` (see `StoredRows`), else ``X``."""
        return self._stored.answering(self.space.check(X)) if self.missing == "nearest" else X

    # ---------------------------------------------------------------- evaluations

    def evaluate(self, X: Genotypes, epochs: int | None = None, draws: NDArray[np.float64] | None = None) -> Evaluation:
        epochs = self.epochs if epochs is None or self.nominal_budgets else epochs
        answers = self._answers.at(epochs)
        if self.noisy and draws is None:
            raise ValueError(
                f"{self!r} draws a stored trial for every genotype: give draws=, one number in [0, 1) per genotype"
            )
        small = self.space.size <= SMALL_SIZE
        if small and enabled() and (found := self._looked_up(X, answers, draws)):
            if not answers.complete:
                self._settle(self.space.as_rows(X), found.F)
            return found
        X = self.space.check(X)
        stored = None
        if self.missing == "nearest":
            stored = self._stored.places(X)
            X = self._stored.genotypes.take(stored, axis=0)
        network: NDArray[np.intp] | None = None
        if small:
            where = self.space.small_number(X)
        elif stored is not None and not self.bench.by_network:
            where = self._stored.rows.take(stored)
        else:
            records, network = self.bench.records_and_networks(X)
            where = np.where(records < 0, len(self.bench), records)  # the last row, which knows nothing
        if self.noisy:
            assert draws is not None
            if draws.shape != (len(X),):
                raise ValueError(f"draws must have the shape ({len(X)},), one number per genotype, not {draws.shape}")
            count = answers.count if isinstance(answers.count, int) else answers.count[where]
            where = where * answers.F.shape[1] + (draws * count).astype(np.intp)
        # the arrays are contiguous, so `take` can treat (rows, trials) as one axis
        F = answers.F.reshape(-1, len(self.objectives)).take(where, axis=0, mode="clip")
        seconds = answers.seconds.reshape(-1).take(where, mode="clip")
        if not small:
            for i, metric in enumerate(self._metrics):
                if metric.name in self.bench.costs(self.dataset):
                    F[:, i] = metric.minimised(self.bench.query(X, metric.name, dataset=self.dataset))
        if not answers.complete:
            self._settle(X, F)
        return Evaluation(F, seconds, network)

    def _looked_up(self, X: Genotypes, answers: Answers, draws: NDArray[np.float64] | None) -> Evaluation | None:
        """Compiled version of `evaluate` for small spaces; None if it does not apply, or something is wrong."""
        drawn = _NONE if draws is None or not self.noisy else np.ascontiguousarray(draws, dtype=np.float64)
        X = self.space.as_rows(X)
        if self._places is None or (len(drawn) and drawn.shape != (len(X),)):
            return None
        F, seconds = np.empty((len(X), len(self.objectives))), np.empty(len(X))
        X, (cardinalities, weights, validity) = np.ascontiguousarray(X), self._places
        valid = answer(
            X, drawn, cardinalities, *validity, weights, answers.trials, answers.F, answers.seconds, F, seconds
        )
        return Evaluation(F, seconds) if valid else None

    @cached_property
    def _places(self) -> _Places | None:
        """What `answer` needs to know of the space; None if no table can tell it which genotypes are valid."""
        validity = self.space.validity
        if validity is None or self.missing == "nearest":
            return None
        cardinalities = np.array(self.space.cardinalities, dtype=np.int64)
        return cardinalities, self.space.digit_weights.view(np.int64), validity

    def _settle(self, X: Genotypes, F: NDArray[np.float64]) -> None:
        """Handle genotypes without a value: raise an error, or set their objectives to infinity."""
        unknown = np.isnan(F).any(axis=1)
        if not unknown.any():
            return
        if self.missing in ("raise", "nearest"):
            native = str(self.space.decode(X[unknown][:1])[0])
            raise ValueError(
                f"{self.bench.name} has no {' and '.join(self.objectives)} on {self.dataset} for {unknown.sum()} of "
                f"{len(X)} architectures requested by the search, such as {native[:LONGEST]}: use missing='fail' (a "
                "failed training that costs its time), missing='skip' (a failure that costs no time) or "
                "missing='nearest' (a search of the stored networks alone); --missing in the shell"
            )
        F[unknown] = np.inf


def _stores_few(bench: Queries) -> bool:
    """Whether a table stores a small part of its space's networks."""
    if len(bench) >= SMALL_SHARE * bench.space.size:
        return False
    return len(bench) < SMALL_SHARE * (bench.space.networks or bench.space.size)


def _restricted(problem: TabularProblem) -> str:
    space, stored = problem.space, problem._stored.genotypes
    return (
        f"{problem.bench.name} stores {len(stored):,} of the {space.networks or space.size:,} "
        f"{'networks' if space.networks else 'genotypes'} of {space.name}, so the search is restricted to those: random "
        "genotypes are drawn from them, and any other is answered by and recorded as the stored one that differs in the "
        "fewest genes (missing='nearest'); pass missing= to choose, e.g. 'nearest' to confirm or 'raise' to forbid "
        "(--missing in the shell)"
    )


def _reopen(
    bench: Queries,
    objectives: tuple[Metric, ...],
    dataset: str,
    epochs: int | None,
    seed: int | Literal["mean", "random"],
    options: dict[str, Any],
) -> TabularProblem:
    with warnings.catch_warnings():  # already issued when the problem was created
        warnings.simplefilter("ignore", TestSelectionWarning)
        return TabularProblem(bench, objectives, dataset, epochs, seed, **options)
