"""Train sampled entries of a store anew, and say whether the table's values and the new ones can be the same."""

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
    Check,
    compare_with_table,
    draw_entries,
)

__all__ = ["Verification", "verify"]

ACCURACIES = tuple(f"{part}_accuracy" for part in PARTS)


@dataclass(frozen=True)
class Verification:
    """What came of a verification.

    Attributes
    ----------
    benchmark, dataset : str
    epochs : int or None
        The budget whose values were compared.
    setting : dict
        Everything that decided about the trainings; the identity of a `Setting`.
    assumed : tuple of str
        What of it the store does not say; a sentence each.
    draw : str
    seed : int
        Of the draw.
    training_seeds : tuple of int
    alpha : float
        The chance that a table that is right is contradicted, at most.
    margin : float
        Percentage points.
    frame : pandas.DataFrame
        A row for each metric and entry; see `nasbench_kit.training.verification.verdicts.compare_with_table`.
    checks : tuple of Check
    undecided : tuple of str
        What could not be decided; a sentence each.
    trained_seconds, seconds : float
        Of the trainings, and of everything.
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
    checks: tuple[Check, ...]
    undecided: tuple[str, ...]
    trained_seconds: float
    seconds: float

    @property
    def verdict(self) -> str:
        """``contradicted``, ``not contradicted``, or ``undecided`` where there is nothing to tell by."""
        verdicts = {check.verdict for check in self.checks}
        if CONTRADICTED in verdicts:
            return CONTRADICTED
        return NOT_CONTRADICTED if verdicts - {UNDECIDED} else UNDECIDED

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the table is contradicted; empty where it is not."""
        return tuple(f"{check.metric}: {check.found}" for check in self.checks if check.verdict == CONTRADICTED)

    @property
    def entries(self) -> dict[str, str]:
        """The verdict of each entry over all metrics: contradicted where one is, agrees where all do."""
        worst = [CONTRADICTED, UNDECIDED, AGREES].index
        groups = self.frame.groupby("architecture", sort=False)["verdict"]
        return {str(architecture): min(verdicts, key=worst) for architecture, verdicts in groups}

    def summary(self) -> str:
        """The verdict in a sentence."""
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
    """Draw entries of a store, train them, and compare.

    The trainings have seeds that the table has not: only then are they draws from the same distribution as the stored ones,
    independent of them, on whatever machine. The same seed again tells about the machine: bit by bit the same on the one, and
    as different as any other seed elsewhere.

    Parameters
    ----------
    bench : Benchmark, str or path-like
        An opened store, its name or its path. Its checksums are checked first.
    dataset : str, optional
        Of the store; may be left out where it has one.
    metrics : sequence of str, optional
        Accuracies; all that the store and the images have unless given. The first decides about the draw.
    epochs : int, optional
        The epoch budget; the largest unless given.
    sample : int
        How many entries; all where there are fewer.
    draw : {"stratified", "uniform", "top"}
        One of each of ``sample`` parts of the table, as ordered by the first metric; any; or the best.
    seeds : int
        Trainings an entry.
    seed : int
        Of the draw and of the tests that draw. The training seeds do not depend on it.
    alpha : float
        The chance that a table that is right is contradicted, at most.
    margin : float
        Percentage points: an entry agrees where its difference is shown to be smaller; the mean difference is shown to be small
        where it is within half of it.
    images : str or path-like, optional
        A dataset's name or an .npz file, where it does not follow from the store.
    folder : path-like, optional
        Where published images are.
    recipe : str, optional
        The name of a published recipe, for stores that do not say how they were trained.
    processes : int, optional
        One core each, on the CPU; as many as there are cores unless given. The results do not depend on it.
    device : str, optional
        As in `train`; a GPU does all trainings one after the other.
    checkpoints : path-like, optional
        A folder, so that a call that was killed goes on where it was; trainings that are stacked have none.
    progress : callable, optional
        Called with (trainings done, trainings).

    Returns
    -------
    Verification

    Raises
    ------
    UnknownName
        A dataset, metric, draw or recipe that does not exist.
    StoreError
        A store whose checksums do not fit its values, or that was trained on other images.
    ValueError
        Numbers that make no sense, or a store without accuracies to compare.
    """
    start = time.perf_counter()
    bench = bench if isinstance(bench, Benchmark) else open_benchmark(bench)
    if draw not in DRAWS:
        raise UnknownName("draw", draw, DRAWS)
    if sample < 1 or seeds < 1 or not 0 < alpha < 0.5 or not 0 < margin < math.inf:
        raise ValueError(
            "sample and seeds are from 1 on, alpha is between 0 and 0.5, margin above 0, "
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
            "shift, order, scatter, spread: the best of a table of single values are partly luck, which new trainings do not "
            "repeat; draw otherwise to have them"
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
    """The epoch budget that is compared; None where the accuracies have none."""
    names = [name for name in metrics or ACCURACIES if name in bench.metrics(dataset)]
    known = sorted({budget for name in names for budget in bench.epochs(dataset, name)})
    if epochs is not None and epochs not in known:
        raise UnknownName(f"epoch budget of {dataset}", epochs, known)
    return known[-1] if epochs is None and known else epochs


def _metrics(
    bench: Benchmark, dataset: str, budget: int | None, setting: Setting, metrics: Sequence[str] | None
) -> list[str]:
    """The accuracies to compare, validation first."""
    can = [
        name
        for name in ("valid_accuracy", "test_accuracy", "train_accuracy")
        if name in bench.metrics(dataset)
        and len(setting.data.part(name.removesuffix("_accuracy")))
        and (budget is None or not bench.epochs(dataset, name) or budget in bench.epochs(dataset, name))
    ]
    if not can:
        raise ValueError(
            f"{bench.name} has no accuracy on {dataset} that trainings on {setting.data.name} can be compared with"
        )
    for name in metrics or ():
        if name not in can:
            raise UnknownName(f"accuracy to compare on {dataset}", name, can)
    return list(dict.fromkeys(metrics or can))


def _trials(store: StoreFile, dataset: str, name: str, budget: int | None) -> Floats:
    """A metric's single trainings: (rows, seeds); a mean over trainings that are not there counts as one."""
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
) -> list[Check]:
    """Params and the like of the networks that are trained, against the store's; there is no chance in them."""
    space, stored = store.space, store.metrics[dataset]
    checks = []
    for name in space.cost_names:
        if name not in stored:
            continue
        exact = space.cost(genotypes, name, skeleton=setting.skeleton).astype(np.float64)
        if name == "params":  # counted in the very networks
            networks = [setting.network(x, 0) for x in genotypes]
            exact = np.array([sum(p.numel() for p in network.parameters()) for network in networks], dtype=np.float64)
        there = np.asarray(store.array(stored[name])[rows], dtype=np.float64)
        wrong = np.flatnonzero(~np.isclose(there, exact, rtol=1e-9, atol=0))
        if len(wrong):
            i = wrong[0]
            text = (
                f"{len(wrong)} of {len(rows)} entries have others than their networks, first {space.decode(genotypes[i : i + 1])[0]}: "
                f"{there[i]:.12g} in the table, {exact[i]:.12g} in the network"
            )
            checks.append(Check("exact", name, CONTRADICTED, math.nan, text))
        else:
            checks.append(Check("exact", name, AGREES, math.nan, f"those of all {len(rows)} networks"))
    return checks
