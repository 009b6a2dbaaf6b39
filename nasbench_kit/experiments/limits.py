"""The memory that a search needs, computed before it starts; what cannot fit is refused with the arithmetic."""

from __future__ import annotations

import os

from nasbench_kit.algorithms import Algorithm
from nasbench_kit.experiments.budget import Budget
from nasbench_kit.kernels.seen import SEEN_BYTES, SEEN_NETWORKS
from nasbench_kit.problems import Problem

__all__ = ["check_memory"]

ROWS_A_DECADE = 20  # rows of a run's trace, at most
ROW = 48  # bytes per row of a trace, without the incumbent
COPIES = 4  # copies of a population per generation: parents, children, both together, a working copy
REMEMBERED = {"flags": 0, "names": 12, "sets": 80}  # bytes per evaluation, by how a run remembers what it has seen


def check_memory(
    problem: Problem,
    algorithm: Algorithm,
    *,
    runs: int,
    together: int,
    processes: int = 1,
    budget: Budget,
    record: bool,
) -> int:
    """Raise ValueError where a search needs more memory than the machine has, whatever the number of processes.

    Parameters
    ----------
    problem : Problem
    algorithm : Algorithm
    runs : int
    together : int
        The number of runs that a process has in memory at a time.
    processes : int
    budget : Budget
    record : bool
        Whether every generation is recorded.

    Returns
    -------
    int
        How many of the processes there is memory for.
    """
    memory = _memory()
    if memory is None:
        return processes
    while processes > 1:
        at_once = min(runs, together * processes)
        if _most(problem, algorithm, runs=runs, together=at_once, budget=budget, record=record)[1] <= memory:
            return processes
        processes //= 2
    what, most = _most(problem, algorithm, runs=runs, together=min(runs, together), budget=budget, record=record)
    if most > memory:
        raise ValueError(
            f"this search needs {most / 2**30:,.0f} GiB for {what}, and this machine has {memory / 2**30:,.0f} GiB: "
            "use fewer runs or evaluations, a smaller population, or several searches"
        )
    return 1


def _most(
    problem: Problem, algorithm: Algorithm, *, runs: int, together: int, budget: Budget, record: bool
) -> tuple[str, int]:
    """What needs most memory, and how many bytes."""
    genes, objectives = problem.space.genes, len(problem.objectives)
    member = COPIES * (genes + 8 * objectives + 8)
    # unknown in advance for a run that ends by its clock only
    evaluations = budget.limit if (budget.evaluations or budget.unique_networks) else 0
    rows = ROWS_A_DECADE * len(str(max(evaluations, 1)))
    needs = {
        f"{together:,} runs at once with {algorithm.batch:,} genotypes of {member} bytes each": together
        * algorithm.batch
        * member,
        f"traces of {runs:,} runs with {rows} rows of {genes + ROW} bytes each": runs * rows * (genes + ROW),
    }
    remembered = REMEMBERED[_way(problem, together)]
    if remembered:
        what = f"what {together:,} runs have seen in {evaluations:,} evaluations each, {remembered} bytes an evaluation"
        needs[what] = together * evaluations * remembered
    if record:
        size = genes + 8 * objectives + 24  # with its run, generation and member
        needs[f"the {evaluations:,} evaluations of {runs:,} runs, kept by record=True, {size} bytes each"] = (
            runs * evaluations * size
        )
    return max(needs.items(), key=lambda entry: entry[1])


def _way(problem: Problem, together: int) -> str:
    """How runs remember what they have evaluated."""
    networks = problem.space.networks
    if networks is None or networks * together > SEEN_NETWORKS:
        return "sets"
    return "flags" if problem.space.size * together <= SEEN_BYTES else "names"


def _memory() -> int | None:
    """The physical memory in bytes; None if unknown."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
