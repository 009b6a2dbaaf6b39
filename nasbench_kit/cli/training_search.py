"""The command ``search`` without a benchmark: search a space by training networks, all of which are cached."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nasbench_kit.cli.extras import needs_training
from nasbench_kit.cli.natives import native_text
from nasbench_kit.cli.output import number_text, print_json, print_table, say, warnings_on_stderr
from nasbench_kit.cli.picture import look_of
from nasbench_kit.cli.setting import add_recipe_arguments, setting_of
from nasbench_kit.cli.task import budget_of, chosen_algorithm
from nasbench_kit.errors import StoreError
from nasbench_kit.experiments.result import Result
from nasbench_kit.experiments.search import search
from nasbench_kit.figures.axes import axis_label
from nasbench_kit.files import check_target
from nasbench_kit.metrics import Metric, minimised
from nasbench_kit.metrics.vocabulary import known_metric
from nasbench_kit.spaces import space
from nasbench_kit.store import check_new_store, write_store

if TYPE_CHECKING:
    from nasbench_kit.training.search.evaluator import TrainingProblem
    from nasbench_kit.training.search.export import Exported

__all__ = ["add_training_arguments", "search_by_training"]

EVERY = 10  # seconds between progress lines within a round


def add_training_arguments(parser: argparse.ArgumentParser) -> tuple[str, ...]:
    """Declare the options that only training has, and return their names."""
    group = parser.add_argument_group("search by training")
    group.add_argument("--training-seeds", type=int, default=1, help="trainings per network, averaged (default: 1)")
    group.add_argument(
        "--cache", metavar="FILE", help="file that keeps the trainings (default: SPACE-DATASET.trainings)"
    )
    group.add_argument("--table", metavar="FILE", help="write a store of all cached trainings of this setting")
    group.add_argument("--export", metavar="FOLDER", help="train the networks found once more, and export them")
    group.add_argument(
        "--export-epochs", type=int, help="epochs of the exported trainings (default: those of the search)"
    )
    group.add_argument("--onnx", action="store_true", help="with --export: also write ONNX (extra 'onnx')")
    exported = ("table", "export", "export_epochs", "onnx")
    return ("training_seeds", "cache", *exported, *add_recipe_arguments(parser))


def search_by_training(options: argparse.Namespace) -> int:
    """Search the space of the options; returns the exit status."""
    with needs_training("searching by training"):
        from nasbench_kit.training.search.evaluator import TrainingProblem
    _check_outputs(options)
    chosen = space(options.space)
    algorithm = chosen_algorithm(options, options.space)
    objectives = options.objectives or (
        ["valid_accuracy"] if algorithm.single_objective else ["valid_accuracy", "flops"]
    )
    setting = setting_of(options, chosen)
    if options.training_seeds < 1:
        raise ValueError(f"--training-seeds must be at least 1, not {options.training_seeds}")
    cache = options.cache or f"{chosen.name}-{Path(options.dataset).stem}.trainings"
    with warnings_on_stderr():
        problem = TrainingProblem(
            setting,
            objectives,
            seeds=range(options.training_seeds),
            cache=cache,
            device=options.device,
            processes=options.processes,
        )
        with problem:
            log = _Log(problem)
            problem.progress = log.training
            result = search(
                problem,
                algorithm,
                runs=options.runs,
                first_run=options.first_run,
                seed=options.seed,
                record=options.record or options.iohprofiler is not None,
                progress=log.round,
                **budget_of(options),
            )
            written = _write(options, problem, result)
            _show(options, problem, result, written)
    return 0


def _check_outputs(options: argparse.Namespace) -> None:
    """Refuse outputs that could not be written, before hours of training."""
    if options.output:
        check_target(Path(options.output), StoreError)
    if options.table:
        check_new_store(Path(options.table))
    if (options.onnx or options.export_epochs is not None) and not options.export:
        raise ValueError("--onnx and --export-epochs need --export FOLDER")
    if options.export_epochs is not None and options.export_epochs < 1:
        raise ValueError(f"--export-epochs must be at least 1, not {options.export_epochs}")
    if options.export and Path(options.export).exists() and not Path(options.export).is_dir():
        raise ValueError(f"--export {options.export} is a file, not a folder")
    if options.onnx:
        from nasbench_kit.training.search.export import check_onnx

        check_onnx()


class _Log:
    """Progress lines on stderr."""

    def __init__(self, problem: TrainingProblem) -> None:
        self.problem, self.start = problem, time.perf_counter()
        self.last, self.line = self.start, ""

    def training(self, done: int, total: int) -> None:
        now = time.perf_counter()
        if now - self.last >= EVERY and done < total:
            self.last = now
            say(f"        {done} of {total} trainings of this round", error=True)

    def round(self, share: float) -> None:
        self.last = time.perf_counter()
        problem = self.problem
        _, F = problem.evaluated()
        F = F[np.isfinite(F).all(axis=1)]
        best = "nothing fully trained yet"
        if len(F):
            name = problem.objectives[0]
            best = f"best {name} {minimised(F, problem.objective_metrics)[F[:, 0].argmin(), 0]:.2f}"
        counts = f"{problem.networks} networks, {problem.trained} trainings, {problem.known} from the cache"
        line = f"{share:6.1%}  {counts}; {best}"
        if line != self.line:  # skip the duplicate report at the end
            self.line = line
            say(f"{line}; {self.last - self.start:.0f} s", error=True)


def _found(problem: TrainingProblem, result: Result) -> list[dict[str, Any]]:
    """Return the networks found by each run, i.e. its best or its Pareto front, sorted by the first objective."""
    found = []
    for run_number in range(result.runs):
        X, F = result.archive(run_number)
        metrics = result.archive_metrics(run_number)
        for i in np.flatnonzero(np.isfinite(F).all(axis=1)):
            values = {name: float(column[i]) for name, column in metrics.items()}
            native = problem.space.decode(X[i])[0]
            found.append({"run": run_number, "architecture": native, "genotype": X[i].tolist(), **values})
    return found


def _write(options: argparse.Namespace, problem: TrainingProblem, result: Result) -> list[Exported]:
    exported: list[Exported] = []
    if options.output:
        say(f"wrote {result.save(options.output)}", error=True)
    if options.iohprofiler:
        say(f"wrote {result.to_iohprofiler(options.iohprofiler)}", error=True)
    if options.table:
        say(f"wrote the table {write_store(options.table, problem.table())}", error=True)
    if options.export:
        from nasbench_kit.training.search.export import export_front

        found = _found(problem, result)
        metrics = {name: np.array([entry[name] for entry in found]) for name in result.metrics}
        exported = export_front(
            problem.setting,
            [entry["genotype"] for entry in found],
            metrics,
            problem.objectives,
            options.export,
            seed=problem.seeds[0],
            epochs=options.export_epochs,
            device=options.device,
            onnx=options.onnx,
        )
        for network in exported:
            say(f"exported {network.folder}: {', '.join(network.files)}", error=True)
            _compare(problem, network)
    if options.plot:
        from nasbench_kit.training.search.plot import plot_search

        say(f"wrote {plot_search(problem, result, options.plot, **look_of(options))}", error=True)
    return exported


def _compare(problem: TrainingProblem, network: Exported) -> None:
    """Warn if the training of an exported network did not reproduce that of the search."""
    if len(problem.seeds) > 1 or not network.same_training:
        return
    for name, values in problem.metrics(network.genotype).items():
        if name.endswith("_accuracy") and values[0] != network.metrics[name]:
            say(
                f"warning: {name} is {network.metrics[name]:.2f} but was {values[0]:.2f} in the search: trainings are not "
                "exactly reproducible on a GPU, a different machine or a different version of PyTorch",
                error=True,
            )
            return


def _show(options: argparse.Namespace, problem: TrainingProblem, result: Result, exported: list[Exported]) -> None:
    found = _found(problem, result)
    identity = result.source["training"]
    if options.json:
        print_json(
            {
                "space": problem.space.name,
                "dataset": identity["dataset"],
                "algorithm": result.algorithm,
                "settings": result.settings,
                "objectives": result.objectives,
                "epochs": problem.budgets[-1],
                "evaluations": result.evaluations,
                "unique_networks": result.unique_networks,
                "training_seconds": result.simulated_seconds,
                "trainings": problem.trained,
                "from_cache": problem.known,
                "wall_seconds": result.wall_seconds,
                "cache": str(problem.cache.path),
                "found": found,
                "exported": [{"folder": str(e.folder), "files": e.files, "metrics": e.metrics} for e in exported],
            }
        )
        return
    metrics = [*problem.objectives, *(m for m in ("test_accuracy", "params", "flops") if m in result.metrics)]
    metrics = list(dict.fromkeys(metrics))
    described = {name: known_metric(name) for name in metrics} | {m.name: m for m in problem.objective_metrics}
    rows = [
        [
            str(entry["run"]),
            *(number_text(m, entry[m]) for m in metrics),
            native_text(entry["architecture"]),
        ]
        for entry in found
    ]
    print_table(
        f"{result.algorithm} on {problem.space.name}, trained on {identity['dataset']} for {problem.budgets[-1]} epochs",
        ["run", *(axis_label(described.get(m) or Metric(m)) for m in metrics), "architecture"],
        rows,
        f"{int(result.evaluations.sum())} evaluations of {problem.networks} networks: {problem.trained} trainings, "
        f"{problem.known} networks from {problem.cache.path}; {result.wall_seconds:.0f} s",
        optional=("architecture",),
    )
