"""Search a space by real training: an algorithm asks, networks are trained, and what was trained is kept for later searches.

The same command again, after a kill or with a larger budget, finds its trainings in the cache and goes on.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nasbench_kit.algorithms import ALGORITHMS, CONFIGURATIONS, Algorithm, parse_algorithm
from nasbench_kit.cli.extras import needs_training
from nasbench_kit.cli.natives import native_text
from nasbench_kit.cli.output import print_json, print_table, say, warnings_on_stderr
from nasbench_kit.cli.own import OWN, algorithm_of
from nasbench_kit.cli.setting import add_setting_arguments, setting_of
from nasbench_kit.experiments.result import Result
from nasbench_kit.experiments.search import search
from nasbench_kit.files import check_target
from nasbench_kit.metrics import minimised
from nasbench_kit.spaces import space
from nasbench_kit.store import write_store

if TYPE_CHECKING:
    from nasbench_kit.training.search.evaluator import TrainingProblem
    from nasbench_kit.training.search.export import Exported

EVERY = 10  # seconds between two lines about trainings of one round


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument("space", help=f"the search space, {OWN}")
    parser.add_argument(
        "--algorithm", metavar="NAME[:SETTING=VALUE,...]",
        help="that of the space's own paper, or RegularizedEvolution (NSGA2 for several objectives), unless given; of "
        f"{', '.join([*ALGORITHMS, *CONFIGURATIONS])}",
    )  # fmt: skip
    parser.add_argument(
        "--objectives", nargs="+", metavar="METRIC",
        help="validation accuracy unless given, and multiply-adds where the algorithm needs two",
    )  # fmt: skip
    parser.add_argument("--evaluations", type=int, help="the budget of a run (default 100)")
    parser.add_argument("--generations", type=int, help="the budget of a run in rounds of its algorithm")
    parser.add_argument("--unique-networks", type=int, help="the budget of a run in different networks")
    parser.add_argument("--simulated-seconds", type=float, help="the budget of a run in measured seconds of training")
    parser.add_argument("--runs", type=int, default=1, help="runs, which share all trainings (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="fixes the search (default %(default)s)")
    parser.add_argument("--training-seeds", type=int, default=1, help="trainings of a network, whose mean counts")
    parser.add_argument("--cache", metavar="FILE", help="where trainings are kept (default SPACE-DATASET.trainings)")
    add_setting_arguments(parser)
    output = parser.add_argument_group("output")
    output.add_argument("-o", "--output", metavar="FILE", help="keep the result, for nasbench_kit.load_result")
    output.add_argument("--table", metavar="FILE", help="make a store of everything that the cache has of this setting")
    output.add_argument("--export", metavar="FOLDER", help="train what was found once more, and write the networks")
    output.add_argument(
        "--export-epochs", type=int, help="the length of these trainings; that of the search unless given"
    )
    output.add_argument("--onnx", action="store_true", help="with --export: as ONNX too (extra 'onnx')")
    output.add_argument("--plot", metavar="FILE", help="draw to this file: .png, .svg or .pdf")
    output.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    with needs_training("searching by training"):
        from nasbench_kit.training.search.evaluator import TrainingProblem
    _check_outputs(options)
    chosen = space(options.space)
    algorithm, objectives = _task(options)
    setting = setting_of(options, chosen)
    if options.training_seeds < 1:
        raise ValueError(f"--training-seeds is at least 1, not {options.training_seeds}")
    cache = options.cache or f"{chosen.name}-{Path(options.dataset).stem}.trainings"
    ends = (options.evaluations, options.generations, options.unique_networks, options.simulated_seconds)
    evaluations = 100 if all(end is None for end in ends) else options.evaluations
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
                evaluations=evaluations,
                unique_networks=options.unique_networks,
                simulated_seconds=options.simulated_seconds,
                generations=options.generations,
                seed=options.seed,
                progress=log.round,
            )
            written = _write(options, problem, result)
            _show(options, problem, result, written)
    return 0


def _check_outputs(options: argparse.Namespace) -> None:
    """Refuse now what could not be written after hours of training."""
    for name in ("output", "table"):
        if getattr(options, name):
            check_target(Path(getattr(options, name)))
    if options.plot:
        from nasbench_kit.figures.style import check_picture

        check_picture(Path(options.plot))
    if (options.onnx or options.export_epochs is not None) and not options.export:
        raise ValueError("--onnx and --export-epochs go with --export FOLDER")
    if options.export_epochs is not None and options.export_epochs < 1:
        raise ValueError(f"--export-epochs is at least 1, not {options.export_epochs}")
    if options.export and Path(options.export).exists() and not Path(options.export).is_dir():
        raise ValueError(f"--export {options.export}: it is a file, not a folder")
    if options.onnx:
        from nasbench_kit.training.search.export import check_onnx

        check_onnx()


def _task(options: argparse.Namespace) -> tuple[Algorithm, list[str]]:
    """The algorithm and the objectives, where they are not given those that fit each other."""
    if options.algorithm:
        algorithm = algorithm_of(options.algorithm)
    else:
        many = len(options.objectives or []) > 1
        algorithm = parse_algorithm("NSGA2" if many else "RegularizedEvolution")
        if options.space in CONFIGURATIONS:
            own = CONFIGURATIONS[options.space]()
            algorithm = own if not options.objectives or many == own.many_objectives else algorithm
    if options.objectives:
        return algorithm, options.objectives
    return algorithm, ["valid_accuracy"] if algorithm.single_objective else ["valid_accuracy", "flops"]


class _Log:
    """Lines on stderr while it runs."""

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
        best = "nothing trained in full yet"
        if len(F):
            name = problem.objectives[0]
            best = f"best {name} {minimised(F, problem.objective_metrics)[F[:, 0].argmin(), 0]:.2f}"
        counts = f"{problem.networks} networks, {problem.trained} trainings, {problem.known} from the cache"
        line = f"{share:6.1%}  {counts}; {best}"
        if line != self.line:  # the end is reported twice
            self.line = line
            say(f"{line}; {self.last - self.start:.0f} s", error=True)


def _found(problem: TrainingProblem, result: Result) -> list[dict[str, Any]]:
    """Every network that a run found: the best, or its front; of each run the best by the first objective first."""
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
        say(f"saved {result.save(options.output)}", error=True)
    if options.table:
        say(f"made the table {write_store(options.table, problem.table())}", error=True)
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

        say(f"drawn {plot_search(problem, result, options.plot)}", error=True)
    return exported


def _compare(problem: TrainingProblem, network: Exported) -> None:
    """Say where the training of an exported network, meant to be that of the search, is another one."""
    if len(problem.seeds) > 1 or not network.same_training:
        return
    for name, values in problem.metrics(network.genotype).items():
        if name.endswith("_accuracy") and values[0] != network.metrics[name]:
            say(
                f"warning: {name} is {network.metrics[name]:.2f} and was {values[0]:.2f} in the search: on a GPU, another "
                "machine or another version of PyTorch a training does not repeat itself exactly",
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
    rows = [
        [
            str(entry["run"]),
            *(f"{entry[m]:.2f}" if m.endswith("_accuracy") else f"{entry[m]:,.6g}" for m in metrics),
            native_text(entry["architecture"]),
        ]
        for entry in found
    ]
    print_table(
        f"{result.algorithm} on {problem.space.name}, trained on {identity['dataset']} for {problem.budgets[-1]} epochs",
        ["run", *(m.replace("_", " ") for m in metrics), "architecture"],
        rows,
        f"{int(result.evaluations.sum())} evaluations of {problem.networks} networks: {problem.trained} trainings, "
        f"{problem.known} networks from {problem.cache.path}; {result.wall_seconds:.0f} s",
        optional=("architecture",),
    )
