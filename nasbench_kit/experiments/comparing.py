"""Running several algorithms on one problem, or on each of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

from nasbench_kit.algorithms import Algorithm
from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.errors import UnknownName
from nasbench_kit.experiments.budget import Budget, whole_number
from nasbench_kit.experiments.comparison import Comparison
from nasbench_kit.experiments.comparisons import Comparisons
from nasbench_kit.experiments.names import named, seeds_of, unused
from nasbench_kit.experiments.search import planned, searched
from nasbench_kit.problems import Problem

__all__ = ["compare", "default_objective"]

Algorithms = Sequence[Algorithm] | Mapping[str, Algorithm]
Report = tuple[str, str, int | None]  # dataset, metric, epochs


def default_objective(metrics: Sequence[str]) -> str:
    """The default objective: validation accuracy; test accuracy only if there is no other."""
    for name in ("valid_accuracy", "test_accuracy"):
        if name in metrics:
            return name
    accuracies = [name for name in metrics if name.endswith("_accuracy")]
    return accuracies[0] if accuracies else metrics[0]


@overload
def compare(problem: Problem, algorithms: Algorithms, **options: Any) -> Comparison: ...


@overload
def compare(
    problem: Sequence[Problem] | Mapping[str, Problem], algorithms: Algorithms, **options: Any
) -> Comparisons: ...


def compare(
    problem: Problem | Sequence[Problem] | Mapping[str, Problem],
    algorithms: Algorithms,
    *,
    runs: int = 100,
    first_run: int = 0,
    budget: Budget | None = None,
    seed: int = 0,
    clock: str = "evaluations",
    report: Report | Mapping[str, Report] | None = None,
    indicators: Sequence[str] = (),
    record: bool = False,
    workers: int | None = None,
    progress: Callable[[str, float], None] | None = None,
    **ends: Any,
) -> Comparison | Comparisons:
    """Run several algorithms on one problem, or on each of several, with the same budget.

    Parameters
    ----------
    problem : Problem, sequence of Problem, or mapping of str to Problem
        Any problems. Algorithms are compared by regret, or by the objective's value if the optimum is unknown (a function
        without ``bounds``); for several objectives by hypervolume, which needs bounds. A mapping gives names.
    algorithms : sequence of Algorithm, or mapping of str to Algorithm
        A mapping gives names. Default: the algorithm's own name with the settings that differ from the defaults.
    runs, first_run, budget, clock, **ends
        As in ``nasbench_kit.search``; 100 runs by default.
    seed : int
        As in ``nasbench_kit.search``. The second and later of equal algorithms get other seeds, recorded in their results.
    report : tuple of (dataset, metric, epochs), or mapping of str to such, optional
        The metric reported of the incumbents, for problems of a table. Default: ``test_accuracy`` of the dataset searched
        on, if it has one and the search does not select on it. A mapping is by the names of several problems.
    indicators : sequence of str
        Several objectives: recorded in the traces besides the hypervolume, as in ``nasbench_kit.search``; see `Comparison.by`.
    record : bool
        Keep a log of every generation in each result, as in ``nasbench_kit.search``.
    workers : int, optional
        Processes that share the runs of all searches, as in ``nasbench_kit.search``. Default: all usable cores.
    progress : callable, optional
        Called with an algorithm's name and the fraction of its work done; with several problems, the name of the problem
        comes before that of the algorithm: ``"problem: algorithm"``.

    Returns
    -------
    Comparison, or Comparisons for several problems

    Raises
    ------
    TypeError
        Something other than problems, or other than algorithms.
    ValueError
        No problems, no algorithms, several objectives without bounds, ``report`` for a problem without a table, or as in
        ``nasbench_kit.search``.
    """
    budget = Budget.of(budget, ends, compare)
    shared: dict[str, Any] = {"runs": runs, "first_run": first_run, "budget": budget, "seed": seed, "clock": clock}
    shared |= {"indicators": indicators, "record": record, "workers": workers}
    if isinstance(problem, Problem) or not isinstance(problem, Sequence | Mapping) or isinstance(problem, str):
        if isinstance(report, Mapping):
            raise TypeError("report= by names is for several problems; for one, give (dataset, metric, epochs)")
        return _compare_one(problem, algorithms, report=report, progress=progress, **shared)  # which says what is wrong
    names = names_of_problems(problem)
    problems = list(problem.values() if isinstance(problem, Mapping) else problem)
    if not problems:
        raise ValueError("no problems to compare on")
    if isinstance(report, Mapping):
        for name in report:
            if name not in names:
                raise UnknownName("problem", name, names)
    found = {}
    for name, one in zip(names, problems, strict=True):
        own = report.get(name) if isinstance(report, Mapping) else report
        found[name] = _compare_one(one, algorithms, report=own, progress=_prefixed(progress, name), **shared)
    return Comparisons(found)


def _prefixed(progress: Callable[[str, float], None] | None, problem: str) -> Callable[[str, float], None] | None:
    return None if progress is None else lambda name, share: progress(f"{problem}: {name}", share)


def _compare_one(
    problem: Problem,
    algorithms: Algorithms,
    *,
    runs: int,
    first_run: int,
    budget: Budget,
    seed: int,
    clock: str,
    report: Report | None,
    indicators: Sequence[str],
    record: bool,
    workers: int | None,
    progress: Callable[[str, float], None] | None,
) -> Comparison:
    """Run several algorithms on one problem; see `compare`."""
    if not isinstance(problem, Problem):
        raise TypeError(f"problem must come from Benchmark.problem(...) or FunctionProblem(...), not {problem!r}")
    if len(problem.objectives) > 1 and problem.bounds is None:
        raise ValueError(
            "several objectives are compared by hypervolume, which needs bounds: pass bounds= to the problem"
        )
    members, seed = named(algorithms), whole_number("seed", seed)
    seeds = seeds_of(members, seed)
    if not isinstance(problem, TabularProblem):
        if report is not None:
            raise ValueError("report= names a metric of a table, but this problem has no table")
    elif report is None and "test_accuracy" in problem.bench.metrics(problem.dataset):
        report = (problem.dataset, "test_accuracy", None) if "test_accuracy" not in problem.objectives else None
    plans = [
        planned(
            problem,
            algorithm,
            runs=runs,
            first_run=first_run,
            seed=seeds[name],
            budget=budget,
            clock=clock,
            indicators=indicators,
            record=record,
            workers=workers,
        )
        for name, algorithm in members.items()
    ]
    found = searched(plans, workers=workers, progress=[_named(progress, name) for name in members])
    results = dict(zip(members, found, strict=True))
    return Comparison(problem, results, report, budget)


def names_of_problems(problems: Mapping[str, object] | Sequence[object]) -> list[str]:
    """Names of problems: those of a mapping, else what they search, with " (2)" and so on for equal ones."""
    if isinstance(problems, Mapping):
        return [str(name) for name in problems]
    names: list[str] = []
    for problem in problems:
        text = repr(problem)
        name = (
            text.removeprefix("<problem ").removesuffix(">") if text.startswith("<problem ") else type(problem).__name__
        )
        names.append(unused(name, names))
    return names


def _named(progress: Callable[[str, float], None] | None, name: str) -> Callable[[float], None] | None:
    return None if progress is None else lambda share: progress(name, share)
