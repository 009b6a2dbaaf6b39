"""Draw the pictures of the algorithms' pages: each beside random search on the bundled table, and what its settings do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import nasbench_kit as nk
from nasbench_kit.algorithms import ALGORITHMS
from nasbench_kit.experiments.comparing import compare
from nasbench_kit.experiments.comparison import Comparison
from nasbench_kit.experiments.curves import anytime, clock_points, mean_curve
from nasbench_kit.experiments.result import Result
from nasbench_kit.figures.axes import plain_ticks
from nasbench_kit.figures.files import write_picture
from nasbench_kit.figures.style import open_figure, style_of
from nasbench_kit.metrics import minimised

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RUNS, EVALUATIONS = 100, (1000, 2000)  # the budget for one objective, and for several
SHORT = {"BANANAS": 300}  # the budget of what gets slower with every evaluation
LOOK = style_of("light", 229)
STYLES = ("-", "--", "-.", ":")
CLOCKS = {"evaluations": "evaluations", "simulated_seconds": "simulated training time [s]"}

# Beside the defaults: what the right half of a picture for one objective compares, by what its legend says.
VARIANTS: dict[str, dict[str, nk.Algorithm]] = {
    "LocalSearch": {
        'improvement="best"': nk.LocalSearch(),
        'improvement="first"': nk.LocalSearch(improvement="first"),
    },
    "RegularizedEvolution": {
        "population 10, sample 3": nk.RegularizedEvolution(),
        "population 50, sample 10": nk.RegularizedEvolution(population_size=50, sample_size=10),
        "population 100, sample 2": nk.RegularizedEvolution(population_size=100, sample_size=2),
    },
    "GeneticAlgorithm": {
        "population 20": nk.GeneticAlgorithm(),
        "population 100": nk.GeneticAlgorithm(population_size=100),
        "population 20, generational": nk.GeneticAlgorithm(survival="generational"),
    },
    "NSGA2": {f"population_size={n}": nk.NSGA2(population_size=n) for n in (100, 50, 20)},
    "NSGA3": {f"population_size={n}": nk.NSGA3(population_size=n) for n in (100, 50, 20)},
    "SPEA2": {f"population_size={n}": nk.SPEA2(population_size=n) for n in (100, 50, 20)},
    "SMSEMOA": {f"population_size={n}": nk.SMSEMOA(population_size=n) for n in (100, 50, 20)},
    "MOEAD": {
        "population 100, Tchebycheff": nk.MOEAD(),
        "population 100, weighted sum": nk.MOEAD(decomposition="weighted_sum"),
        "population 20, Tchebycheff": nk.MOEAD(population_size=20, neighbours=5),
    },
    "MOGOMEA": {f"first_population={n}": nk.MOGOMEA(first_population=n) for n in (8, 32)},
    "SuccessiveHalving": {f"eta={eta:g}": nk.SuccessiveHalving(eta=eta) for eta in (2.0, 4.0)}
    | {"eta=2, training goes on": nk.SuccessiveHalving(continue_training=True)},
    "Hyperband": {"eta=3": nk.Hyperband(), "eta=3, training goes on": nk.Hyperband(continue_training=True)},
    "BOHB": {f"random_fraction={share:.2g}": nk.BOHB(random_fraction=share) for share in (1 / 3, 0.0, 1.0)},
    "DEHB": {f"mutation_factor={factor}": nk.DEHB(mutation_factor=factor) for factor in (0.5, 0.2, 1.0)},
    "BANANAS": {f'encoding="{encoding}"': nk.BANANAS(encoding=encoding) for encoding in ("path", "one_hot")},
    "BestFirstSearch": {
        'improvement="first"': nk.BestFirstSearch(),
        'improvement="best"': nk.BestFirstSearch(improvement="best"),
        "restarts (LocalSearch)": nk.LocalSearch(improvement="first"),
    },
    "GOMEA": {f"first_population={n}": nk.GOMEA(first_population=n) for n in (8, 2, 32)},
    "Reinforce": {f"learning_rate={rate}": nk.Reinforce(learning_rate=rate) for rate in (0.04, 0.01, 0.1, 1.0)},
}


def file_of(algorithm: str) -> str:
    """The name of an algorithm's page and picture, without suffix: ``"MOLocalSearch"`` is ``"mo-local-search"``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", algorithm).lower()


def draw_algorithms(folder: Path, names: Sequence[str] = tuple(ALGORITHMS)) -> list[Path]:
    """One picture for each of some algorithms, as SVG; returns the files."""
    folder.mkdir(exist_ok=True)
    return [write_picture(_figure(name), folder / f"{file_of(name)}.svg") for name in names]


def _figure(name: str) -> Figure:
    algorithm = ALGORITHMS[name]()
    single = algorithm.single_objective
    problem = nk.open("nb201-digits").problem(
        "valid_accuracy" if single else ["valid_accuracy", "params"],
        seed="mean",
        charge="one",  # without noise: what is drawn is the algorithm, not the luck of its trials
    )
    budget: dict[str, float] = {"evaluations": SHORT.get(name, EVALUATIONS[not single])}
    if algorithm.needs_budgets:  # an evaluation is not always a whole training: time is what is fair
        bench = problem.bench
        budget = {"simulated_seconds": EVALUATIONS[0] * float(bench.query(bench.architectures, "training_time").mean())}
    (clock,) = budget
    both = compare(problem, [algorithm, nk.RandomSearch()][name == "RandomSearch" :], runs=RUNS, clock=clock, **budget)
    with open_figure(LOOK, 3.6) as figure:
        left, right = figure.subplots(1, 2)
        _draw_curves(left, both, both.results, clock)
        left.set_title(f"{problem.bench.name} without noise, {RUNS} runs")
        if name in VARIANTS:
            found = compare(problem, VARIANTS[name], runs=RUNS, clock=clock, **budget)
            _draw_curves(right, both, found.results, clock)
            right.set_title("its settings")
            lowest, highest = (pick(a.get_ylim()[i] for a in (left, right)) for i, pick in enumerate((min, max)))
            first, last = (pick(a.get_xlim()[i] for a in (left, right)) for i, pick in enumerate((min, max)))
            for axes in (left, right):
                axes.set(xlim=(first, last), ylim=(lowest / 1.4, highest))  # with room for the legend
            right.set_ylabel("")
        elif not single:
            _draw_fronts(right, both)
        else:
            _draw_luck(right, both)
            left.set_ylim(right.get_ylim())
        for axes in (left, right):
            plain_ticks(axes)
    return figure


def _draw_curves(axes: Axes, comparison: Comparison, results: dict[str, Result], clock: str) -> None:
    """Mean of what is missing to the optimum, over the clock, and its 95 % interval (BCa bootstrap)."""
    whole = comparison.front_hypervolume() or 0.0
    points = clock_points(list(results.values()), clock)
    if clock == "simulated_seconds":  # exact at any time: so few that the file stays small
        points = np.geomspace(1, points[-1], 40)
    for i, (label, result) in enumerate(results.items()):
        values = whole - result.rows["hypervolume"] if comparison.many else comparison.regret(result)
        curve = mean_curve(anytime(result, values, clock, points), points)
        mean = np.where(curve.mean > 1e-9, curve.mean, np.nan)  # what has reached the optimum leaves a log axis
        baseline = label == "RandomSearch"
        look = {"color": LOOK.muted if baseline else LOOK.colours[i]}
        axes.plot(
            curve.times,
            mean,
            linewidth=1.8 if baseline else 2,
            linestyle="--" if baseline else STYLES[i],
            label=_name(label),
            **look,
        )
        axes.fill_between(curve.times, np.maximum(curve.low, 1e-12), curve.high, alpha=0.18, linewidth=0, **look)
    lowest = min((float(line.get_ydata()[~np.isnan(line.get_ydata())].min()) for line in axes.lines), default=1e-3)
    axes.set(xscale="log", yscale="log", xlabel=CLOCKS[clock])
    axes.set_ylim(bottom=lowest / 1.5)
    axes.set_ylabel("hypervolume missing to the front" if comparison.many else "validation accuracy regret [points]")
    axes.legend(loc="lower left")


def _draw_fronts(axes: Axes, comparison: Comparison) -> None:
    problem = comparison.problem
    front = minimised(problem.front()[1], problem.objective_metrics)
    axes.plot(front[:, 1], front[:, 0], "o", color=LOOK.faint, markersize=7, label="the table's own front", zorder=1)
    for i, (label, result) in enumerate(comparison.results.items()):
        values = minimised(result.median_archive()[1], problem.objective_metrics)
        values = values[np.argsort(values[:, 1])]
        baseline = label == "RandomSearch"
        axes.step(
            values[:, 1], values[:, 0], where="post", marker=".", linewidth=1.6,
            color=LOOK.muted if baseline else LOOK.colours[i], linestyle="--" if baseline else "-", label=f"{_name(label)}, median run",
        )  # fmt: skip
    axes.set(xscale="log", xlabel="params", ylabel="validation accuracy [%]")
    # the good end of the front: the other one would press it flat
    best = front[:, 0].max()
    good = front[front[:, 0] > best - 1.8, 1]
    axes.set(xlim=(good.min() / 1.3, good.max() * 1.6), ylim=(best - 1.9, best + 0.9))
    axes.set_title("the fronts that it finds")
    axes.legend(loc="upper left")


def _draw_luck(axes: Axes, comparison: Comparison) -> None:
    """Random search beside what the table's own distribution of values says of the best of n draws."""
    problem, result = comparison.problem, comparison.results["RandomSearch"]
    points = clock_points([result], "evaluations")
    table = anytime(result, comparison.regret(result), "evaluations", points)
    regret = np.sort(problem(problem.space.all())[:, 0]) - comparison.optimum
    above = 1 - np.arange(len(regret)) / len(regret)  # the chance that one draw is no better than each genotype
    expected = [(regret * (above**n - np.append(above[1:], 0) ** n)).sum() for n in points]
    low, high = np.percentile(table, (10, 90), axis=0)
    axes.fill_between(points, low, high, color=LOOK.muted, alpha=0.18, linewidth=0, label="80 % of the runs")
    axes.plot(
        points, expected, color=LOOK.colours[1], linewidth=4, alpha=0.45, label="expected, from the table's values"
    )
    axes.plot(points, table.mean(axis=0), "--", color=LOOK.muted, linewidth=1.8, label="mean of the runs")
    axes.set(xscale="log", yscale="log", xlabel=CLOCKS["evaluations"], ylabel="")
    axes.set_title("how much is luck")
    axes.set_ylim(bottom=axes.get_ylim()[0] / 2)  # room for the legend
    axes.legend(loc="lower left")


def _name(label: str) -> str:
    return "random search" if label == "RandomSearch" else label
