"""A search problem whose objectives come from real training; a cache avoids training a network twice."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import secrets
import tempfile
import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import UnknownName
from nasbench_kit.metrics import Metric, known_metric, minimised
from nasbench_kit.problems import Evaluation, Problem, TestSelectionWarning, check_objectives, warn_of_test_data
from nasbench_kit.spaces import space as space_of
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.store import Table
from nasbench_kit.training.jobs import JobRunner
from nasbench_kit.training.search.cache import COLUMNS, TrainingCache, cache_identity, cached_table
from nasbench_kit.training.search.jobs import TrainingJob, trained
from nasbench_kit.training.setting import Setting
from nasbench_kit.training.trainer import METRICS, find_device

__all__ = ["TrainingProblem"]

DRAWN = 1000  # sampled genotypes; the highest cost among them is the upper bound of a cost objective


class TrainingProblem(Problem):
    """A search problem that trains networks on demand.

    Networks are trained in their canonical form; all genotypes of a network share its metrics and costs. On the CPU,
    the values are bitwise reproducible and do not depend on the number of processes, the order of evaluation or the
    search. The seconds of an evaluation are those its training took, excluding evaluation; they are kept in the cache.
    A training whose loss becomes non-finite counts as failed: its objectives are ``inf``.

    Use it in a ``with`` block, or call `close`.

    Parameters
    ----------
    setting : Setting
        Space, dataset, skeleton and recipe, from `make_setting`.
    objectives : str or sequence of str
        ``valid_accuracy``, ``valid_loss``, ``train_...``, ``test_...`` (with a `TestSelectionWarning`), and costs of
        the space in this skeleton: ``params``, ``flops``.
    seeds : sequence of int
        Training seeds. Objectives are means over the seeds; seconds are summed over them.
    budgets : sequence of int, optional
        Ascending epoch budgets at which trainings may be stopped early, for multi-fidelity algorithms. The recipe's
        epochs are always the largest budget (default: every number of epochs).
    cache : path-like, optional
        File in which trainings are kept, see `TrainingCache` (default: a temporary file). Checkpoints of running and
        early-stopped trainings are in the folder ``<cache>.checkpoints``.
    device : str, optional
        As in `train`.
    processes : int, optional
        Worker processes, one core each (default: all cores on the CPU, 1 on a GPU). Workers import the script,
        which needs the usual ``if __name__ == "__main__":``.
    bounds : array_like of float, shape (2, m), optional
        The best and worst value of each objective, minimised. Defaults: 0 and 100 for an accuracy, 0 and the loss of
        random guessing for a loss, 0 and the maximum over 1,000 sampled genotypes for a cost.
    progress : callable, optional
        Called with (trainings done, trainings in total) after each training of a batch.

    Attributes
    ----------
    trained : int
        Number of trainings run or resumed by this problem.
    known : int
        Number of evaluations (network and epoch budget) answered entirely from the cache.

    Raises
    ------
    UnknownName
        If an objective or the device does not exist.
    ValueError
        An objective on images that the dataset does not have, budgets or seeds that make no sense.
    StoreError
        If the cache cannot be used.
    """

    def __init__(
        self,
        setting: Setting,
        objectives: str | Sequence[str] = ("valid_accuracy",),
        *,
        seeds: Sequence[int] = (0,),
        budgets: Sequence[int] | None = None,
        cache: str | Path | None = None,
        device: str | None = None,
        processes: int | None = None,
        bounds: ArrayLike | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.setting, self.space = setting, space_of(setting.space)
        self.objectives = (objectives,) if isinstance(objectives, str) else tuple(objectives)
        self.seeds = tuple(int(seed) for seed in seeds)
        self.progress = progress
        self.trained = self.known = 0
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise ValueError(f"training seeds must be distinct integers of at least 0, not {self.seeds}")
        epochs = setting.recipe.epochs
        self._budgets = tuple(range(1, epochs + 1)) if budgets is None else (*budgets, epochs)
        if len(self._budgets) > 1 and self._budgets[-2] == epochs:
            self._budgets = self._budgets[:-1]
        if any(b <= a for a, b in itertools.pairwise((0, *self._budgets))):
            raise ValueError(f"budgets must ascend from 1 to the recipe's {epochs} epochs, not {self._budgets}")
        self._check_objectives()
        self._bounds = None if bounds is None else np.asarray(bounds, dtype=np.float64)
        if self._bounds is not None and self._bounds.shape != (2, len(self.objectives)):
            raise ValueError(f"bounds must have shape (2, {len(self.objectives)}), not {self._bounds.shape}")
        self._device = str(find_device(device))
        self._jobs: JobRunner[TrainingJob, NDArray[np.float64] | None] = JobRunner(
            trained, (setting, self._device), processes=processes, device=self._device
        )
        self._temporary = None
        if cache is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="nasbench-kit-")
            cache = Path(self._temporary.name) / "trainings"
        self.cache = TrainingCache(cache)
        self._folder = self.cache.path.with_name(f"{self.cache.path.name}.checkpoints")
        self._mark: Path | None = None
        self._identity = cache_identity(setting, device)
        self._digest = self.cache.claim(self._identity)
        self._evaluated: dict[tuple[bytes, int], NDArray[np.float64]] = {}
        warn_of_test_data(self.objective_metrics, self._identity["dataset"], stacklevel=3)

    def __repr__(self) -> str:
        where = f"{self.space.name}, trained on {self.setting.dataset} for {self._budgets[-1]} epochs"
        return f"<problem {', '.join(self.objectives)} of {where}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self._temporary is not None:
            raise TypeError("a TrainingProblem with a temporary cache cannot be pickled: pass cache=FILE")
        options = {
            "seeds": self.seeds,
            "budgets": self._budgets,
            "cache": self.cache.path.absolute(),
            "device": self._device,
            "processes": self._jobs.processes,
            "bounds": self._bounds,
        }
        return _again, (self.setting, self.objectives, options)

    def close(self) -> None:
        """Stop the worker processes and close the cache."""
        self._jobs.close()
        self.cache.close()
        if self._temporary is not None:
            self._temporary.cleanup()
        elif self._mark is not None:
            self._mark.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty: checkpoints remain, or another search uses it
                self._folder.rmdir()
        self._mark = None

    # ---------------------------------------------------------------- the problem

    @property
    def budgets(self) -> tuple[int, ...]:
        return self._budgets

    @cached_property
    def bounds(self) -> NDArray[np.float64]:
        """The bounds that were given, or defaults that depend only on the setting."""
        if self._bounds is not None:
            return self._bounds
        worst = []
        for name in self.objectives:
            if name.endswith("_accuracy"):
                worst.append(100.0)
            elif name.endswith("_loss"):
                worst.append(float(np.log(self.setting.data.classes)))
            else:
                drawn = self.space.canonical(self.space.sample(DRAWN, 0))
                worst.append(float(self.space.cost(drawn, name, skeleton=self.setting.skeleton).max()))
        return np.array([[0.0] * len(worst), worst])

    @property
    def source(self) -> dict[str, Any]:
        return {"training": self._identity, "seeds": list(self.seeds), "cache": str(self.cache.path)}

    @property
    def networks(self) -> int:
        """Number of distinct networks evaluated by this problem."""
        return len({genotype for genotype, _ in self._evaluated})

    @property
    def objective_metrics(self) -> tuple[Metric, ...]:
        return tuple(known_metric(name) or Metric(name) for name in self.objectives)

    def evaluate(self, X: Genotypes, epochs: int | None = None, draws: NDArray[np.float64] | None = None) -> Evaluation:
        epochs = self._budgets[-1] if epochs is None else epochs
        if epochs not in self._budgets:
            raise ValueError(f"no budget of {epochs} epochs; available: {self._budgets}")
        networks = self.space.canonical(X)
        _, first, which = np.unique(networks, axis=0, return_index=True, return_inverse=True)
        rows = networks[np.sort(first)]  # distinct networks in order of first appearance
        which = first.argsort().argsort()[which.reshape(-1)]
        self._train(rows, epochs)
        values = np.array([self._evaluated[row.tobytes(), epochs] for row in rows]).reshape(len(rows), len(COLUMNS))
        metrics = np.empty((len(rows), len(self.objectives)))
        for i, name in enumerate(self.objectives):
            if name in METRICS:
                metrics[:, i] = values[:, COLUMNS.index(name)]
            else:
                metrics[:, i] = self.space.cost(rows, name, skeleton=self.setting.skeleton)
        F = minimised(metrics, self.objective_metrics)
        return Evaluation(np.where(np.isnan(F), np.inf, F)[which], values[which, -1])

    def metrics(self, X: Genotypes) -> dict[str, NDArray[np.float64]]:
        """Return all metrics of genotypes after full training, as means over the seeds: (n,), ``nan`` if not trained.

        These are ``train_accuracy``, ..., ``training_time`` (seconds, summed over the seeds), and the costs.
        """
        values = np.full((len(X), len(COLUMNS)), np.nan)
        valid = np.flatnonzero(self.space.is_valid(X))
        rows = self.space.canonical(X[valid])
        for i, row in zip(valid, rows, strict=True):
            found = self._evaluated.get((row.tobytes(), self._budgets[-1]))
            values[i] = np.nan if found is None else found
        known = {
            name: values[:, i] for i, name in enumerate(METRICS) if len(self.setting.data.part(name.split("_")[0]))
        }
        known["training_time"] = values[:, -1]
        for name in self.space.cost_names:
            known[name] = np.full(len(X), np.nan)
            known[name][valid] = self.space.cost(rows, name, skeleton=self.setting.skeleton)
        return known

    def evaluated(self) -> tuple[Genotypes, NDArray[np.float64]]:
        """Return the fully trained networks in order of evaluation, with their objectives: (n, genes), (n, m)."""
        rows = [genotype for genotype, epochs in self._evaluated if epochs == self._budgets[-1]]
        X = np.array([list(row) for row in rows], dtype=np.uint8).reshape(len(rows), self.space.genes)
        return X, self.evaluate(X).F

    def table(self) -> Table:
        """Return everything that the cache has for this setting, for ``write_store``; see `cached_table`."""
        return cached_table(self.cache, self.setting, self._device)

    # ---------------------------------------------------------------- training

    def _check_objectives(self) -> None:
        check_objectives(self.objectives)
        known = [*METRICS, *self.space.cost_names]
        for name in self.objectives:
            if name not in known:
                raise UnknownName("objective", name, known)
            part = name.split("_")[0]
            if name in METRICS and not len(self.setting.data.part(part)):
                raise ValueError(
                    f"{self.setting.data.name} has no images for {name}: choose another dataset or objective"
                )

    def _train(self, rows: Genotypes, epochs: int) -> None:
        """Ensure that distinct canonical rows have values at this epoch budget, training where needed."""
        asked = [row for row in rows if (row.tobytes(), epochs) not in self._evaluated]
        found: dict[tuple[bytes, int], NDArray[np.float64]] = {}
        jobs: list[TrainingJob] = []
        for row in asked:
            missing = len(jobs)
            for seed in self.seeds:
                values = self.cache.get(self._digest, row.tobytes(), seed, epochs)
                if values is None:
                    jobs.append(self._job(row, seed, epochs))
                else:
                    found[row.tobytes(), seed] = values
            self.known += missing == len(jobs)
        for done, (i, values) in enumerate(self._jobs.run(jobs), start=1):
            found[bytes(jobs[i].genotype), jobs[i].seed] = self._keep(jobs[i], values)
            if self.progress:
                self.progress(done, len(jobs))
        for row in asked:
            several = np.array([found[row.tobytes(), seed] for seed in self.seeds])[:, :epochs]
            mean = several[:, -1].mean(axis=0)
            mean[-1] = several[:, :, -1].sum()
            self._evaluated[row.tobytes(), epochs] = mean

    def _job(self, row: Genotypes, seed: int, epochs: int) -> TrainingJob:
        self._hold_folder()
        name = hashlib.sha256(f"{self._digest} {row.tolist()} {seed}".encode()).hexdigest()[:24]
        return TrainingJob(tuple(row.tolist()), seed, epochs, str(self._folder / f"{name}.pt"))

    def _hold_folder(self) -> None:
        """Ensure that the checkpoint folder exists and stays while this problem is in use.

        Each problem keeps a marker file in the folder, so that another search does not remove it on closing.
        """
        while self._mark is None or not self._mark.exists():
            self._folder.mkdir(exist_ok=True)
            mark = self._folder / f"in-use-{secrets.token_hex(8)}"
            with contextlib.suppress(FileNotFoundError):  # the folder was removed in between
                mark.touch(exist_ok=False)
                self._mark = mark

    def _keep(self, job: TrainingJob, trained: NDArray[np.float64] | None) -> NDArray[np.float64]:
        """Put a training into the cache, and return the cached values, which another process may have written first."""
        genotype = bytes(job.genotype)
        if trained is None:
            warnings.warn(
                f"out of memory on {self._device} while training "
                f"{self.space.decode([job.genotype])[0]}: counted as failed",
                UserWarning,
                stacklevel=2,
            )
            return np.full((job.epochs, len(COLUMNS)), np.nan)
        self.trained += 1
        self.cache.put(self._digest, genotype, job.seed, _without_failed(trained))
        if len(trained) == self._budgets[-1]:
            Path(job.checkpoint).unlink(missing_ok=True)
        kept = self.cache.get(self._digest, genotype, job.seed, job.epochs)
        assert kept is not None
        return kept


def _without_failed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the epochs (epochs, `COLUMNS`) with metrics set to ``nan`` where the training loss is not finite."""
    failed = ~np.isfinite(values[:, COLUMNS.index("train_loss")])
    values = values.copy()
    values[failed, : len(METRICS)] = np.nan
    return values


def _again(setting: Setting, objectives: tuple[str, ...], options: dict[str, Any]) -> TrainingProblem:
    with warnings.catch_warnings():  # already issued when the problem was created
        warnings.simplefilter("ignore", TestSelectionWarning)
        return TrainingProblem(setting, objectives, **options)
