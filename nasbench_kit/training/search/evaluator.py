"""Real training as a problem to search: each network is trained once, and never again while its cache is kept."""

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
from nasbench_kit.training.search.jobs import Job, trained
from nasbench_kit.training.setting import Setting
from nasbench_kit.training.trainer import METRICS, find_device

__all__ = ["TrainingProblem"]

DRAWN = 1000  # genotypes, whose highest cost is the worst value of its objective's bounds


class TrainingProblem(Problem):
    """Metrics of networks that are trained when they are asked for.

    What is trained is a network, in its canonical form: its values, costs too, hold for every genotype of it. On the CPU they
    are the same bits whatever the number of processes, in whatever order and search they are asked for. The seconds of an
    evaluation are those that its training took when it was done, on this machine, without evaluation; the cache keeps them.
    A training whose loss is not finite any more has failed: its objectives are ``inf``.

    Use it in a ``with`` block, or call `close`.

    Parameters
    ----------
    setting : Setting
        From `make_setting`: space, dataset, skeleton and recipe.
    objectives : str or sequence of str
        ``valid_accuracy``, ``valid_loss``, ``train_...``, ``test_...`` (with a `TestSelectionWarning`), and costs of the
        space in this skeleton: ``params``, ``flops``.
    seeds : sequence of int
        Training seeds; the mean over them counts, and the seconds of all of them.
    budgets : sequence of int, optional
        Epochs after which a training may be stopped early, ascending, for algorithms that train partly; those of the recipe
        are always the last of them. Every number of epochs unless given.
    cache : path-like, optional
        The file that trainings are kept in; see `TrainingCache`. Trainings under way, and those that were stopped early, have
        their checkpoints in the folder ``<cache>.checkpoints``. A temporary one unless given.
    device : str, optional
        As in `train`.
    processes : int, optional
        Worker processes, one core each; as many as there are cores unless given, on a GPU one. A script that trains in more
        than one needs ``if __name__ == "__main__":``, for workers are started anew.
    bounds : array_like of float, shape (2, m), optional
        The best and the worst value of each objective, minimised. Unless given: 0 and 100 for an accuracy, 0 and that of
        guessing for a loss, 0 and the highest of 1,000 drawn genotypes for a cost.
    progress : callable, optional
        Called with (trainings done, trainings) after each training of a batch.

    Attributes
    ----------
    trained : int
        Trainings that were done or went on here.
    known : int
        Networks, at an epoch budget each, for which the cache had everything.

    Raises
    ------
    UnknownName
        An objective or device that does not exist.
    ValueError
        An objective on images that the dataset does not have, budgets or seeds that make no sense.
    StoreError
        A cache that cannot be used.
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
            raise ValueError(f"training seeds are different whole numbers from 0 on, not {self.seeds}")
        epochs = setting.recipe.epochs
        self._budgets = tuple(range(1, epochs + 1)) if budgets is None else (*budgets, epochs)
        if len(self._budgets) > 1 and self._budgets[-2] == epochs:
            self._budgets = self._budgets[:-1]
        if any(b <= a for a, b in itertools.pairwise((0, *self._budgets))):
            raise ValueError(f"budgets ascend from 1 to the recipe's {epochs} epochs, not {self._budgets}")
        self._check_objectives()
        self._bounds = None if bounds is None else np.asarray(bounds, dtype=np.float64)
        if self._bounds is not None and self._bounds.shape != (2, len(self.objectives)):
            raise ValueError(f"bounds have the shape (2, {len(self.objectives)}), not {self._bounds.shape}")
        self._device = str(find_device(device))
        self._jobs: JobRunner[Job, NDArray[np.float64] | None] = JobRunner(
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
            raise TypeError("a search by training is sent to other processes only with a cache: give cache=, a file")
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
        """End the worker processes and close the cache."""
        self._jobs.close()
        self.cache.close()
        if self._temporary is not None:
            self._temporary.cleanup()
        elif self._mark is not None:
            self._mark.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # checkpoints are left, or another search is at it
                self._folder.rmdir()
        self._mark = None

    # ---------------------------------------------------------------- the problem

    @property
    def budgets(self) -> tuple[int, ...]:
        return self._budgets

    @cached_property
    def bounds(self) -> NDArray[np.float64]:
        """As given, or fixed by the setting: the same for every search on it."""
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
        """Different networks that were evaluated here."""
        return len({genotype for genotype, _ in self._evaluated})

    @property
    def objective_metrics(self) -> tuple[Metric, ...]:
        return tuple(known_metric(name) or Metric(name) for name in self.objectives)

    def evaluate(self, X: Genotypes, epochs: int | None = None, draws: NDArray[np.float64] | None = None) -> Evaluation:
        epochs = self._budgets[-1] if epochs is None else epochs
        if epochs not in self._budgets:
            raise ValueError(f"there is no budget of {epochs} epochs, but {self._budgets}")
        networks = self.space.canonical(X)
        _, first, which = np.unique(networks, axis=0, return_index=True, return_inverse=True)
        rows = networks[np.sort(first)]  # each once, in the order in which they are asked for
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
        """Every metric of genotypes after the whole training, means over the seeds: each (n,), ``nan`` where not trained.

        ``train_accuracy``, ..., ``training_time`` (seconds, of all seeds), and the costs.
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
        """The networks that were evaluated here with the whole training, in the order of that: (n, genes), (n, m)."""
        rows = [genotype for genotype, epochs in self._evaluated if epochs == self._budgets[-1]]
        X = np.array([list(row) for row in rows], dtype=np.uint8).reshape(len(rows), self.space.genes)
        return X, self.evaluate(X).F

    def table(self) -> Table:
        """Everything that the cache has of this setting, for ``write_store``; see `cached_table`."""
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
                    f"{self.setting.data.name} has no images for {name}: take a dataset that has some, or another"
                )

    def _train(self, rows: Genotypes, epochs: int) -> None:
        """See to it that different canonical rows have values for so many epochs."""
        asked = [row for row in rows if (row.tobytes(), epochs) not in self._evaluated]
        found: dict[tuple[bytes, int], NDArray[np.float64]] = {}
        jobs: list[Job] = []
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

    def _job(self, row: Genotypes, seed: int, epochs: int) -> Job:
        self._hold_folder()
        name = hashlib.sha256(f"{self._digest} {row.tolist()} {seed}".encode()).hexdigest()[:24]
        return Job(tuple(row.tolist()), seed, epochs, str(self._folder / f"{name}.pt"))

    def _hold_folder(self) -> None:
        """See to it that the folder of checkpoints is there, and stays while this problem is in use.

        It holds a mark of each problem that uses it, so that another search that ends does not remove it.
        """
        while self._mark is None or not self._mark.exists():
            self._folder.mkdir(exist_ok=True)
            mark = self._folder / f"in-use-{secrets.token_hex(8)}"
            with contextlib.suppress(FileNotFoundError):  # removed since the line before
                mark.touch(exist_ok=False)
                self._mark = mark

    def _keep(self, job: Job, trained: NDArray[np.float64] | None) -> NDArray[np.float64]:
        """Put a training into the cache, and give what the cache says, which another process may have written first."""
        genotype = bytes(job.genotype)
        if trained is None:
            warnings.warn(
                f"there is not enough memory on {self._device} to train "
                f"{self.space.decode([job.genotype])[0]}: it counts as failed",
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
    """Epochs (epochs, `COLUMNS`) with ``nan`` for the metrics of those whose training loss is not finite."""
    failed = ~np.isfinite(values[:, COLUMNS.index("train_loss")])
    values = values.copy()
    values[failed, : len(METRICS)] = np.nan
    return values


def _again(setting: Setting, objectives: tuple[str, ...], options: dict[str, Any]) -> TrainingProblem:
    with warnings.catch_warnings():  # said once already, where the problem was made
        warnings.simplefilter("ignore", TestSelectionWarning)
        return TrainingProblem(setting, objectives, **options)
