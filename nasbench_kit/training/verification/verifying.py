"""Verify a store: train sampled entries again, and test whether the table agrees with the new trainings."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nasbench_kit.benchmark import Benchmark, open_benchmark
from nasbench_kit.errors import UnknownName
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.store import StoreFile
from nasbench_kit.store.schema import MEAN_SEED
from nasbench_kit.training.datasets import PARTS
from nasbench_kit.training.setting import Setting
from nasbench_kit.training.stored_setting import stored_setting
from nasbench_kit.training.verification.agreement import Floats
from nasbench_kit.training.verification.parallel import train_in_workers
from nasbench_kit.training.verification.verdicts import (
    AGREES,
    CONTRADICTED,
    DRAWS,
    NOT_CONTRADICTED,
    UNDECIDED,
    MetricVerdict,
    compare_with_table,
    draw_entries,
)

__all__ = ["Verification", "verify"]

ACCURACIES = tuple(f"{part}_accuracy" for part in PARTS)


@dataclass(frozen=True)
class Verification:
    """The result of a verification.

    Attributes
    ----------
    benchmark, dataset : str
    epochs : int or None
        The epoch budget that was compared.
    setting : dict
        The identity of the `Setting` used for training.
    assumed : tuple of str
        Parts of the setting that the store does not specify, one sentence each.
    draw : str
    seed : int
        Seed of the draw.
    training_seeds : tuple of int
    alpha : float
        Upper bound on the probability that a correct table is contradicted.
    margin : float
        Equivalence margin in percentage points.
    frame : pandas.DataFrame
        One row per metric and entry; see `nasbench_kit.training.verification.verdicts.compare_with_table`.
    checks : tuple of MetricVerdict
    undecided : tuple of str
        What could not be decided, one sentence each.
    trained_seconds, seconds : float
        Duration of the trainings, and in total.
    """

    benchmark: str
    dataset: str
    epochs: int | None
    setting: dict[str, Any]
    assumed: tuple[str, ...]
    draw: str
    seed: int
    training_seeds: tuple[int, ...]
    alpha: float
    margin: float
    frame: pd.DataFrame
    checks: tuple[MetricVerdict, ...]
    undecided: tuple[str, ...]
    trained_seconds: float
    seconds: float

    @property
    def verdict(self) -> str:
        """``contradicted``, ``not contradicted``, or ``undecided`` if no check was possible."""
        verdicts = {check.verdict for check in self.checks}
        if CONTRADICTED in verdicts:
            return CONTRADICTED
        return NOT_CONTRADICTED if verdicts - {UNDECIDED} else UNDECIDED

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons why the table is contradicted, empty if it is not."""
        return tuple(f"{check.metric}: {check.found}" for check in self.checks if check.verdict == CONTRADICTED)

    @property
    def entries(self) -> dict[str, str]:
        """The verdict of each entry over all metrics: contradicted if any is, agrees if all do."""
        worst = [CONTRADICTED, UNDECIDED, AGREES].index
        groups = self.frame.groupby("architecture", sort=False)["verdict"]
        return {str(architecture): min(verdicts, key=worst) for architecture, verdicts in groups}

    def summary(self) -> str:
        """Return the verdict in one sentence."""
        verdicts = list(self.entries.values())
        return (
            f"{self.benchmark}/{self.dataset}: {self.verdict} ({len(verdicts)} entries: {verdicts.count(AGREES)} agree in all "
            f"metrics, {verdicts.count(UNDECIDED)} undecided, {verdicts.count(CONTRADICTED)} contradicted)"
        )


def verify(
    bench: Benchmark | str | os.PathLike[str],
    *,
    dataset: str | None = None,
    metrics: Sequence[str] | None = None,
    epochs: int | None = None,
    sample: int = 20,
    draw: str = "stratified",
    seeds: int = 3,
    seed: int = 0,
    alpha: float = 0.01,
    margin: float = 2.0,
    images: str | os.PathLike[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    recipe: str | None = None,
    processes: int | None = None,
    device: str | None = None,
    checkpoints: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Draw entries of a store, train them again, and compare the results with the table.

    The trainings use seeds that are not in the table, so that on any machine they are independent draws from the same
    distribution as the stored ones. Repeating a stored seed would only test the machine: results are bitwise the same
    on an identical one, and differ like those of any other seed elsewhere.

    Parameters
    ----------
    bench : Benchmark, str or path-like
        An opened store, its name or its path. Its checksums are checked first.
    dataset : str, optional
        Dataset of the store. May be omitted if there is only one.
    metrics : sequence of str, optional
        Accuracies to compare (default: all that the store and the images have). The first one determines the draw.
    epochs : int, optional
        The epoch budget (default: the largest).
    sample : int
        Number of entries; all entries if there are fewer.
    draw : {"stratified", "uniform", "top"}
        ``"stratified"``: sort the table by the first metric, divide it into ``sample`` parts, and draw one entry from
        each; ``"uniform"``: draw from all entries; ``"top"``: take the best entries.
    seeds : int
        Trainings per entry.
    seed : int
        Seed of the draw and of the permutation tests. The training seeds do not depend on it.
    alpha : float
        Upper bound on the probability that a correct table is contradicted.
    margin : float
        Equivalence margin in percentage points. An entry agrees if its difference is shown to be smaller than this; the
        mean difference agrees if it is shown to be within half of it.
    images : str or path-like, optional
        A dataset name or an .npz file, needed if the store does not determine the images.
    folder : path-like, optional
        Folder of the published images.
    recipe : str, optional
        Name of a published recipe, for stores that do not say how they were trained.
    processes : int, optional
        Worker processes on the CPU, one core each (default: all cores). Results do not depend on it.
    device : str, optional
        As in `train`. On a GPU, trainings run one at a time.
    checkpoints : path-like, optional
        A folder for checkpoints, from which a call that was killed resumes. Stacked trainings have no checkpoints.
    progress : callable, optional
        Called with (trainings done, trainings in total).

    Returns
    -------
    Verification

    Raises
    ------
    UnknownName
        If the dataset, a metric, the draw or the recipe does not exist.
    StoreError
        If the store's checksums are wrong, or it was trained on different images.
    ValueError
        If a number is out of range, or the store has no accuracies to compare.
    """
    start = time.perf_counter()
    bench = bench if isinstance(bench, Benchmark) else open_benchmark(bench)
    if draw not in DRAWS:
        raise UnknownName("draw", draw, DRAWS)
    if sample < 1 or seeds < 1 or not 0 < alpha < 0.5 or not 0 < margin < math.inf:
        raise ValueError(
            "sample and seeds must be at least 1, alpha between 0 and 0.5 and margin above 0, "
            f"not {sample}, {seeds}, {alpha} and {margin}"
        )
    bench.check_file()
    dataset = _dataset(bench, dataset)
    store = StoreFile(bench.path)
    budget = _budget(bench, dataset, metrics, epochs)
    how = stored_setting(bench, dataset, budget, images=images, folder=folder, recipe=recipe)
    names = _metrics(bench, dataset, budget, how.setting, metrics)
    table = {name: _trials(store, dataset, name, budget) for name in names}
    chosen = draw_entries(table, draw, sample, np.random.default_rng((seed, 0)))
    first = max(bench.seeds(dataset), default=-1) + 1
    training_seeds = tuple(range(first, first + seeds))
    genotypes = np.array(bench.architectures[chosen.rows])

    started = time.perf_counter()
    trained = train_in_workers(
        how.setting,
        genotypes,
        training_seeds,
        processes=processes,
        device=device,
        checkpoints=checkpoints,
        progress=progress,
    )
    trained_seconds = time.perf_counter() - started

    frame, checks = compare_with_table(
        table,
        chosen,
        {name: trained[name][:, how.epoch - 1] for name in names},
        [native if isinstance(native, str) else repr(native) for native in bench.space.decode(genotypes)],
        {name: 100 / len(how.setting.data.part(name.removesuffix("_accuracy"))) for name in names},
        np.random.default_rng((seed, 1)),
        alpha=alpha,
        margin=margin,
    )
    checks = [*_exact_checks(store, dataset, how.setting, chosen.rows, genotypes), *checks]
    undecided = [f"{check.metric}, {check.name}: {check.found}" for check in checks if check.verdict == UNDECIDED]
    if chosen.chosen_by_values:
        undecided.append(
            "shift, order, scatter, spread: with single values, the top entries are biased by luck, which new trainings do "
            "not repeat; use another draw for these checks"
        )
    judged = {check.metric for check in checks}
    left = [name for name in bench.metrics(dataset) if name not in judged]
    if left:
        undecided.append(f"not compared: {', '.join(left)}")
    return Verification(
        benchmark=bench.name,
        dataset=dataset,
        epochs=budget,
        setting=how.setting.identity,
        assumed=how.assumed,
        draw=draw,
        seed=seed,
        training_seeds=training_seeds,
        alpha=alpha,
        margin=margin,
        frame=frame,
        checks=tuple(checks),
        undecided=tuple(undecided),
        trained_seconds=trained_seconds,
        seconds=time.perf_counter() - start,
    )


def _dataset(bench: Benchmark, dataset: str | None) -> str:
    if dataset is None and len(bench.datasets) == 1:
        return bench.datasets[0]
    if dataset not in bench.datasets:
        raise UnknownName(f"dataset of {bench.name}", dataset, bench.datasets)
    return dataset


def _budget(bench: Benchmark, dataset: str, metrics: Sequence[str] | None, epochs: int | None) -> int | None:
    """Return the epoch budget to compare, or None if the accuracies have none."""
    names = [name for name in metrics or ACCURACIES if name in bench.metrics(dataset)]
    known = sorted({budget for name in names for budget in bench.epochs(dataset, name)})
    if epochs is not None and epochs not in known:
        raise UnknownName(f"epoch budget of {dataset}", epochs, known)
    return known[-1] if epochs is None and known else epochs


def _metrics(
    bench: Benchmark, dataset: str, budget: int | None, setting: Setting, metrics: Sequence[str] | None
) -> list[str]:
    """Return the accuracies to compare, validation first."""
    can = [
        name
        for name in ("valid_accuracy", "test_accuracy", "train_accuracy")
        if name in bench.metrics(dataset)
        and len(setting.data.part(name.removesuffix("_accuracy")))
        and (budget is None or not bench.epochs(dataset, name) or budget in bench.epochs(dataset, name))
    ]
    if not can:
        raise ValueError(
            f"{bench.name} has no accuracy on {dataset} that can be compared with trainings on {setting.data.name}"
        )
    for name in metrics or ():
        if name not in can:
            raise UnknownName(f"accuracy to compare on {dataset}", name, can)
    return list(dict.fromkeys(metrics or can))


def _trials(store: StoreFile, dataset: str, name: str, budget: int | None) -> Floats:
    """Return the single trainings of a metric, (rows, seeds); a mean without single values counts as one training."""
    column = store.metrics[dataset][name]
    values = np.asarray(store.array(column), dtype=np.float64)
    if column.epochs is not None:
        values = values[:, column.epochs.index(budget) if budget in column.epochs else -1]
    if column.seeds is None:
        return values[:, np.newaxis]
    single = np.array([seed != MEAN_SEED for seed in column.seeds])
    trials, means = values[:, single], values[:, ~single]
    if single.all():
        return trials
    only_means = np.isnan(trials).all(axis=1, keepdims=True)
    return np.concatenate([trials, np.where(only_means, means, np.nan)], axis=1)


def _exact_checks(
    store: StoreFile, dataset: str, setting: Setting, rows: NDArray[np.intp], genotypes: Genotypes
) -> list[MetricVerdict]:
    """Compare the store's deterministic metrics (``params``, ...) with those of the trained networks."""
    space, stored = store.space, store.metrics[dataset]
    checks = []
    for name in space.cost_names:
        if name not in stored:
            continue
        exact = space.cost(genotypes, name, skeleton=setting.skeleton).astype(np.float64)
        if name == "params":  # counted in the actual networks
            networks = [setting.network(x, 0) for x in genotypes]
            exact = np.array([sum(p.numel() for p in network.parameters()) for network in networks], dtype=np.float64)
        there = np.asarray(store.array(stored[name])[rows], dtype=np.float64)
        wrong = np.flatnonzero(~np.isclose(there, exact, rtol=1e-9, atol=0))
        if len(wrong):
            i = wrong[0]
            text = (
                f"{len(wrong)} of {len(rows)} entries differ from their networks, the first being {space.decode(genotypes[i : i + 1])[0]}: "
                f"{there[i]:.12g} in the table, {exact[i]:.12g} in the network"
            )
            checks.append(MetricVerdict("exact", name, CONTRADICTED, math.nan, text))
        else:
            checks.append(MetricVerdict("exact", name, AGREES, math.nan, f"match all {len(rows)} networks"))
    return checks
