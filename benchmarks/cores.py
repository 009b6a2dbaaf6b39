"""Searches in one process, and by the clock in as many as there are cores: ``OMP_NUM_THREADS=1 python -m benchmarks.cores``.

The limit is the number of cores, less what dividing costs: fewer runs share the calls of NumPy of each round of ask and tell. Where
these are most of the time, as for best-first search and local search, half of the runs take much longer than half of the time.
The machine must be idle. Workers have been started, and loops compiled, before.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import nasbench_kit as nk
from benchmarks.timing import processor, table
from nasbench_kit.kernels.cores import usable_cores

METRICS = ["valid_accuracy", "params", "latency_edgegpu", "energy_fpga"]
ROUNDS = 4


def run() -> dict[str, Any]:
    cores = usable_cores()
    found = {name: _seconds(search, cores) for name, search in _searches().items()}
    print(f"{processor()}, {cores} cores")
    table(
        ["search", "one process", f"{cores} processes", "ratio"],
        [[name, f"{one:.2f} s", f"{all_:.2f} s", f"{one / all_:.2f}"] for name, (one, all_) in found.items()],
    )
    return {name: {"one": one, "all": all_} for name, (one, all_) in found.items()}


def _searches() -> dict[str, Callable[[int], object]]:
    """What is searched, given the number of processes."""

    def of(objectives: int) -> nk.Problem:
        metrics = METRICS[0] if objectives == 1 else METRICS[:objectives]
        return nk.open("nb201").problem(metrics, dataset="cifar10-valid", seed="mean", charge="one")

    one, two, three, four = (of(objectives) for objectives in (1, 2, 3, 4))
    generations = [nk.RandomSearch(), nk.RegularizedEvolution(), nk.GeneticAlgorithm(), nk.GOMEA()]
    calls = [nk.LocalSearch(), nk.Reinforce(), nk.BestFirstSearch()]
    many = [nk.NSGA2(), nk.NSGA3(), nk.SPEA2(), nk.SMSEMOA(), nk.MOEAD(), nk.MOGOMEA(), nk.MOLocalSearch()]

    def nsga2(problem: nk.Problem, runs: int, evaluations: int) -> Callable[[int], object]:
        return lambda workers: nk.search(problem, nk.NSGA2(), runs=runs, evaluations=evaluations, workers=workers)

    def compared(problem: nk.Problem, algorithms: list[nk.Algorithm]) -> Callable[[int], object]:
        return lambda workers: nk.compare(problem, algorithms, runs=500, evaluations=2000, workers=workers)

    return {
        "NSGA-II, two objectives, 500 runs of 100,000": nsga2(two, 500, 100_000),
        "NSGA-II, three objectives, 300 runs of 30,000": nsga2(three, 300, 30_000),
        "NSGA-II, four objectives, 300 runs of 30,000": nsga2(four, 300, 30_000),
        "seven algorithms, one objective, 500 runs of 2,000": compared(one, [*generations, *calls]),
        "the four of them that are not bound by calls": compared(one, generations),
        "seven algorithms, two objectives, 500 runs of 2,000": compared(two, many),
        "NSGA-II, two objectives, 100 runs of 1,000": nsga2(two, 100, 1000),
    }


def _seconds(search: Callable[[int], object], cores: int) -> tuple[float, float]:
    """Seconds in one process and in all, the least of some rounds in turn."""
    times: dict[int, list[float]] = {1: [], cores: []}
    search(cores)
    for _ in range(ROUNDS):
        for workers, found in times.items():
            start = time.perf_counter()
            search(workers)
            found.append(time.perf_counter() - start)
    return min(times[1]), min(times[cores])


if __name__ == "__main__":
    run()
