"""Every algorithm with every number of objectives on every search space, in short and long runs, with small and large populations.

A benchmark that measures one path has one path made fast. This one measures all of them, each beside its floor: the same number of
steps, with as many genotypes a step, of what no search can leave out: a random word for every gene, the look-up of the values, and
the note of which genotypes and networks each run has seen. The floor is NumPy's (compiled loops may be below it), and knows nothing of
what the algorithm is for.

``python -m benchmarks matrix`` writes ``docs/internals/matrix.md`` and ``docs/internals/matrix.csv``, and so does
``OMP_NUM_THREADS=1 python -m benchmarks.matrix``, which measures a space on each core at a time;
``python -m benchmarks.matrix SPACE ...`` prints the figures of some spaces. Times are CPU times of one core, the least of as many
searches as fit into a tenth of a second.
"""

from __future__ import annotations

import csv
import multiprocessing
import os
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import nasbench_kit as nk
from benchmarks import peers
from benchmarks.timing import processor
from nasbench_kit.algorithms import ALGORITHMS
from nasbench_kit.algorithms.streams import Streams
from nasbench_kit.kernels import compiling
from nasbench_kit.kernels.seen import Seen

PAGE = Path("docs") / "internals" / "matrix.md"
FIGURES = Path("docs") / "internals" / "matrix.csv"

SHORT, LONG = (30, 200), (100, 2000)  # runs, evaluations of each
FEW = (30, 300)  # the long run of algorithms that need much longer for an evaluation
SMALL, LARGE = 20, 200
SLOW = ("BANANAS", "BOHB")
# seconds of CPU that a search may take, about: slower ones have fewer evaluations, but no fewer than so many after the first population
LONGEST, LEAST = 1.5, 50
ENOUGH = 0.1  # seconds of CPU: a search that takes less is repeated
FLOOR_STEPS = 400  # at most: more steps take as long each

# objectives of the bundled tables; of other spaces, they are made up
TABLES = {
    "nb201": ("nb201", "cifar10-valid", ("valid_accuracy", "params", "latency_edgegpu", "energy_fpga")),
    "nb101": ("nb101-test", "cifar10", ("test_accuracy", "params", "flops")),
    "nas-bench-macro": ("nas-bench-macro", "cifar10", ("test_accuracy", "params", "flops")),
    "nas-bench-graph": ("nas-bench-graph", "cora", ("valid_accuracy", "params", "latency")),
    "transnas-micro": ("transnas-bench-101-micro", "class_scene", ("valid_accuracy",)),
    "transnas-macro": ("transnas-bench-101-macro", "class_scene", ("valid_accuracy",)),
    "accel-nasbench": ("accel-nasbench", "imagenet", ("valid_accuracy", "throughput_a100", "latency_zcu102", "flops")),
}


@dataclass
class Case:
    """A search that is timed; evaluations a minute are filled in."""

    space: str
    algorithm: str
    objectives: int
    length: str  # "short" or "long"
    population: int | None
    runs: int
    evaluations: int
    numpy: float = np.nan
    fast: float = np.nan
    floor: float = np.nan


def run() -> dict[str, Any]:
    start, cores = time.perf_counter(), _cores()
    with ProcessPoolExecutor(len(cores), initializer=_pin, initargs=(_queue(cores),)) as pool:
        spaces = nk.list_spaces()
        longest_first = sorted(spaces, key=lambda name: -nk.space(name).genes)
        found = dict(zip(longest_first, pool.map(measured, longest_first), strict=True))
    cases = [case for space in spaces for case in found[space]]
    rivals = peers.measured(_nb201_values())
    write_figures(cases)
    minutes, busy = (time.perf_counter() - start) / 60, os.name == "posix" and os.getloadavg()[2] > len(cores) + 0.5
    PAGE.write_text(page(cases, rivals, minutes, cores=len(cores), busy=busy), encoding="utf-8")
    print(f"written to {PAGE} and {FIGURES}")
    return {"cases": len(cases), "peers": rivals}


# ---------------------------------------------------------------- what is searched


def algorithms() -> list[tuple[str, int]]:
    """Names of algorithms with the numbers of objectives that each is measured with."""
    found = [(name, 1) for name, kind in ALGORITHMS.items() if kind.single_objective]
    several = [name for name, kind in ALGORITHMS.items() if kind.many_objectives]
    return found + [(name, objectives) for objectives in (2, 3, 4) for name in several]


def problem_of(name: str, objectives: int, *, epochs: bool = False) -> nk.Problem:
    """A space's table where one with so many objectives is bundled, else cheap functions of the genes."""
    space = nk.space(name)
    if name in TABLES and not epochs and objectives <= len(TABLES[name][2]):
        store, dataset, metrics = TABLES[name]
        warnings.simplefilter("ignore", nk.TestSelectionWarning)  # nothing is selected here
        return nk.open(store).problem(list(metrics[:objectives]), dataset=dataset, seed="mean", charge="one")
    weights = np.random.default_rng(7).normal(size=(space.genes, objectives))

    def values(X: Any, epochs: int = 200) -> Any:
        return X.astype(np.float64) @ weights + 1 / epochs

    largest = np.array(space.cardinalities) - 1.0
    bounds = [np.minimum(weights, 0).T @ largest, np.maximum(weights, 0).T @ largest + 1]
    names = [f"f{i}" for i in range(objectives)]
    return nk.FunctionProblem(values, space, names, bounds=bounds, budgets=(12, 36, 108) if epochs else ())


def cases_of(space: str) -> Iterator[Case]:
    for name, objectives in algorithms():
        kind = ALGORITHMS[name]
        sizes: tuple[int | None, ...] = (None,)
        if "population_size" in kind().settings and kind().settings["population_size"] is not None:
            sizes = (SMALL, LARGE)
        for length, (runs, evaluations) in (("short", SHORT), ("long", FEW if name in SLOW else LONG)):
            for population in sizes:
                yield Case(space, name, objectives, length, population, runs, evaluations)


# ---------------------------------------------------------------- how it is timed


def _cores() -> list[int]:
    """The cores of this process, on each of which a space is measured at a time."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]


def _queue(cores: list[int]) -> Any:
    queue = multiprocessing.get_context().Queue()
    for core in cores:
        queue.put(core)
    return queue


def _pin(cores: Any) -> None:
    core = cores.get()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def measured(space: str) -> list[Case]:
    found = []
    for case in cases_of(space):
        settings = {} if case.population is None else {"population_size": case.population}
        if case.algorithm == "RegularizedEvolution":
            settings["sample_size"] = 10
        if case.algorithm == "MOEAD":
            settings["neighbours"] = 10
        algorithm = ALGORITHMS[case.algorithm](**settings)
        problem = problem_of(space, case.objectives, epochs=ALGORITHMS[case.algorithm].needs_budgets)
        rates = [_rate(problem, algorithm, case, fast) for fast in (False, True)]
        found.append(replace(case, numpy=rates[0], fast=rates[1], floor=_floor(problem, algorithm, case)))
    return found


def _rate(problem: nk.Problem, algorithm: nk.Algorithm, case: Case, fast: bool) -> float:
    """Evaluations a minute of CPU time; long runs of a slow search are cut short, but not within the first population."""
    compiling.disable()
    os.environ[compiling.SWITCH] = "1" if fast else "0"
    try:
        if fast:  # compile, or load what is compiled
            nk.search(problem, algorithm, runs=2, evaluations=min(case.evaluations, 400))
        evaluations, least = case.evaluations, LEAST + (case.population or 0)
        if case.length == "long":
            start = time.process_time()
            pilot = nk.search(problem, algorithm, runs=SHORT[0], evaluations=2 * least)
            affordable = LONGEST * int(pilot.evaluations.sum()) / (time.process_time() - start) / case.runs
            evaluations = min(evaluations, max(int(affordable), least))
        best, started = np.inf, time.process_time()
        while time.process_time() - started < ENOUGH:
            start = time.process_time()
            result = nk.search(problem, algorithm, runs=case.runs, evaluations=evaluations)
            best = min(best, time.process_time() - start)
        return float(result.evaluations.sum() / best * 60)
    finally:
        compiling.disable()
        del os.environ[compiling.SWITCH]


def _floor(problem: nk.Problem, algorithm: nk.Algorithm, case: Case) -> float:
    """Evaluations a minute of the steps of this search, reduced to random words, look-ups and notes."""
    batch = _batch(problem, algorithm, case)
    steps = min(FLOOR_STEPS, max(1, case.evaluations // batch))
    space = problem.space
    shape = (case.runs, batch, space.genes)
    streams = Streams(0, case.runs)
    X = [streams.sample(space, batch) for _ in range(min(steps, 8))]
    epochs = (problem.budgets[-1],) if problem.budgets else ()
    best, started = np.inf, time.process_time()
    while time.process_time() - started < ENOUGH:
        seen = Seen(space, case.runs, in_order=False)
        start = time.process_time()
        for step in range(steps):
            streams.bits(shape[1:])
            rows = X[step % len(X)]
            evaluation = problem.evaluate(rows.reshape(-1, space.genes), *epochs)
            network = None if evaluation.network is None else evaluation.network.reshape(shape[:2])
            seen.note(rows, network=network)
        best = min(best, time.process_time() - start)
    return case.runs * batch * steps / best * 60


def _batch(problem: nk.Problem, algorithm: nk.Algorithm, case: Case) -> int:
    """The average number of genotypes that a run of the search asks for at a time."""
    result = nk.search(problem, algorithm, runs=1, evaluations=min(case.evaluations, 400), record=True)
    return max(1, round(int(result.evaluations[0]) / max(1, len(result.generations))))


def _nb201_values() -> Any:
    """Four objectives of all genotypes of NAS-Bench-201's space, minimised."""
    problem = problem_of("nb201", 4)
    return problem.evaluate(problem.space.all()).F


# ---------------------------------------------------------------- what is written


def write_figures(cases: list[Case]) -> None:
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    with FIGURES.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow([field.name for field in fields(Case)])
        for case in cases:
            rates = [f"{rate:.3g}" for rate in (case.numpy, case.fast, case.floor)]
            lines.writerow([*astuple(case)[:-3], *rates])


def millions(rate: float) -> str:
    """A rate in millions with two digits or more."""
    return f"{rate / 1e6:.0f}" if rate >= 1e7 else f"{rate / 1e6:.2g}"


def ratio(times: float) -> str:
    return f"{times:,.0f} ×" if times >= 10 else f"{times:.1f} ×"


def page(cases: list[Case], rivals: dict[str, dict[str, float]], minutes: float, *, cores: int, busy: bool) -> str:
    spaces = list(dict.fromkeys(case.space for case in cases))
    rows = list(dict.fromkeys((case.algorithm, case.objectives) for case in cases))
    at = {(case.algorithm, case.objectives, case.space, case.length, case.population): case for case in cases}
    text = [_intro(len(cases), minutes, cores, busy), *_markdown(*_summary(cases, rivals, rows))]
    for length, (runs, evaluations) in (("long", LONG), ("short", SHORT)):
        for fast, title in ((True, "with compiled loops"), (False, "NumPy alone")):
            text += ["", f"## {length.capitalize()} runs, {title}", ""]
            text.append(
                f"{runs} runs of {evaluations:,} evaluations" + (RUNS_OF_SLOW if length == "long" else "") + "."
            )
            text.append("")
            body = []
            for name, objectives in rows:
                cells = []
                for space in spaces:
                    found = [at.get((name, objectives, space, length, size)) for size in (None, SMALL, LARGE)]
                    rates = [case.fast if fast else case.numpy for case in found if case]
                    cells.append(" · ".join(map(millions, rates)))
                body.append([_row_name(name, objectives), *cells])
            text += _markdown(["", *spaces], body)
    return "\n".join(text) + "\n"


RUNS_OF_SLOW = f" ({FEW[0]} of {FEW[1]} for {', '.join(SLOW)})"


def _row_name(name: str, objectives: int) -> str:
    return f"{name}, {objectives}" if objectives > 1 else name


def _summary(
    cases: list[Case], rivals: dict[str, dict[str, float]], rows: list[tuple[str, int]]
) -> tuple[list[str], list[list[str]]]:
    body = []
    for name, objectives in rows:
        own = [case for case in cases if (case.algorithm, case.objectives) == (name, objectives)]
        long = [case for case in own if case.length == "long" and case.population in (None, LARGE)]
        here = next(case for case in long if case.space == "nb201")
        least = min(long, key=lambda case: case.fast)
        short = [case for case in own if case.length == "short"]
        others = sorted(rivals.get(f"{name}-{objectives}", {}).items(), key=lambda item: -item[1])
        body.append(
            [
                _row_name(name, objectives),
                millions(here.fast),
                millions(here.numpy),
                ratio(here.floor / here.fast),
                f"{millions(median(case.fast for case in long))}",
                f"{millions(least.fast)} ({least.space})",
                ratio(median(case.floor / case.fast for case in long)),
                millions(median(case.fast for case in short)),
                "; ".join(f"{package} {millions(rate)}: {here.fast / rate:,.0f} ×" for package, rate in others)
                or "none known",
            ]
        )
    header = [
        "algorithm, objectives",
        "`nb201`, compiled",
        "NumPy",
        "time, floor = 1",
        "median of spaces",
        "slowest space",
        "median time, floor = 1",
        "median, short runs",
        "other packages on `nb201`",
    ]
    return header, body


def _markdown(header: list[str], body: list[list[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *body]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _intro(cases: int, minutes: float, cores: int, busy: bool) -> str:
    others = (
        " Other programs used the machine at the same time, which slowed searches down by up to a half." if busy else ""
    )
    on = f", one space at a time on each of {cores} cores" if cores > 1 else ""
    return f"""# Every algorithm on every space

<!-- written by python -m benchmarks matrix -->

Million evaluations a minute on one core ({processor()}, NumPy {np.__version__}), by CPU time. Each search keeps its trace, counts
different networks and maintains archives, as always. Where a bundled table has enough objectives, values are looked up in it;
elsewhere they are a product of the genes with random weights.
[All {cases:,} searches](matrix.csv) took {minutes:.0f} minutes{on}: `OMP_NUM_THREADS=1 python -m benchmarks.matrix`.{others}

Two figures in a cell are for populations of {SMALL} and {LARGE}; algorithms without such a setting have one. The floor makes as many
steps, each with as many genotypes, but only draws a random word for each gene, looks the values up and notes which genotypes and
networks each run has seen, in NumPy. Long runs of slow searches end earlier, after about {LONGEST} seconds or {LEAST}
evaluations more than a population each. Other packages search the same table in a Python process of their own.

## In short

All columns but the last two are of long runs with the larger population.
"""


def main() -> None:
    if not sys.argv[1:]:
        run()
    for space in sys.argv[1:]:
        print("\n".join(map(str, measured(space))))


if __name__ == "__main__":
    main()
