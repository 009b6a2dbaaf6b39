"""Search on the bundled table, end to end with its trace, beside pymoo on the same table with the same settings.

Where NSGA-II's time goes, for 100 runs of population 100, which is 10,000 children a generation: about 2,300 microseconds on
one core of a Xeon (NumPy 2.4) with other programs on the next. The parts, timed within a search:

- 1,100 for survival. Sorts with the position in the low bits, which NumPy does with SIMD, are 90 of the two objectives and
  60 of rank, distance and tie. The same by ``argsort`` takes 260 for two rows of floats (equal ones in any order), 640 for a
  single one in stable order, 680 for complex numbers. The running maxima that peel the fronts are 20 each, 2.7 of them a
  generation; at 2.4 ns a point they have no SIMD, since each needs the one before. What follows from a front is handed on to
  equal points in 50.
- 460 for the children: random words (2 ns for 8 bytes), two permutations, one draw of a stretch and one of a mutation of
  all genes a child, and three gathers of rows: 27 each, where rows of 8 bytes would take 7.
- 80 to look the objectives up, 200 on average to note what is seen, 50 for the clock (a running sum), and 270 on average for
  the archive, its hypervolume and the counts at the 38 rows of the trace.

So the floor of this method, its sorts, running maxima, random words and gathers alone, is about 800: a third. The rest are
passes over arrays of 20,000 numbers, of 3 to 20 each. Tried, and no faster: genotypes packed into 64-bit words (to unpack
them for the look-up costs what the gathers save); objectives rounded to 24 bits and the order checked (means over seeds
differ in their last bits, which has everything sorted again); fronts peeled with the runs innermost (all points instead of
different ones, and all runs for as long as the slowest); half as many runs at a time (a fifth slower: twice the calls); ranks
handed on to equal points in 8 or 32 bits, or by a running count. A running sum of the clock by rows of the transposed array is
four times as fast, but NumPy promises no order of its additions. A population of 1,000 keeps 16 runs at a time in the cache;
it peels ten fronts a generation, and positions take three more bits, so that the last bits of an accuracy are sorted with the
second objective.

On NAS-Bench-101 a child's validity is an access to a table of 2 MB, its number three to tables of 8 MB and less.

So NumPy alone gives NSGA-II about 250 M evaluations a minute. With the extra ``fast`` Numba compiles what takes many passes
(`nasbench_kit.kernels`): of 10,000 children a generation, 130 microseconds instead of 500 for fronts and distances, with
NumPy's sorts as they are; 70 instead of 180 for what is seen, counted as it is noted; a mutation with its look-up of what is
valid in one call; archives without a sort. NSGA-II then takes about 1,500 a generation, of which the floor above is half;
what is left is NumPy's: sorts 170, random words 110, gathers of rows 200.

With four objectives a generation takes about 4,100, of which survival is 1,700 (`nasbench_kit.kernels.survival_of_many`) and,
averaged over generations, archives 500 (80 to 110 nanoseconds for each genotype that is new to its run, mostly to find a member
that dominates it) and their hypervolumes 450 (4 to 10 microseconds a call of moocore, of which 3.3 are Python's). Children, look-ups
and notes are as with two. With runs of 2,000 evaluations, which have 32 rows of the trace instead of 38, archives and
hypervolumes are two fifths.

MOEA/D, SMS-EMOA, GOMEA and MO-GOMEA have one child a run at a time, and in 100 runs of the latter two, 15 plan the trials of a member
at a step and one learns a linkage tree. NumPy is bound by calls on what is left of 100 numbers, about 300, 600 and 900
microseconds a step. Compiled run by run, MOEA/D takes 8 for the children (85 ns each, of which the most is to fetch random
words and a line of three tables) and 16 to compare them with 20 neighbours or all members; GOMEA 17 to the next trials and 4
to accept them; MO-GOMEA 29, of which a third is clusters and trees, and 8, of which half is the archive. A call of a loop
with 25 arrays takes 4 to 5, which are told apart by type and unpacked; named tuples of arrays would double that. An array that
a loop returns costs 0.6 more than one that it writes into.

Every step of 100 runs takes a further 15 with one objective and 17 to 22 with two, where NumPy's calls took 31 to 37: one
loop checks genotypes and looks them up (6 to 9), one follows clocks, incumbents, what is seen and the candidates of the archive
(9 to 13). About half of it is Python and the unpacking of arrays, the rest is the fetching of a line for each flag. This holds
for tables with a row per genotype and for runs that end together; other searches take NumPy's calls.

SMS-EMOA takes 125 microseconds a step of 100 runs with two objectives (750 by NumPy): 25 for the children, whose tables of
280 kB compete for the cache with the members (11 if they are in it), 34 to rank the newcomer and to find who leaves, and what
every algorithm takes. Of the 34, two passes over 100 members decide for six of ten newcomers that they are alone in the
last front and leave; the others take a walk along the sorted members. With three objectives the 34 become 150, with four
220: about 40 to compare the newcomer with all members, 60 to push ranks back and to keep members in order, and the rest for
volumes. A front with equal members, which contribute nothing, needs none; these are one or two of ten. In the remaining 25
of 100 runs, fronts have 12 points on average, some more than 60: each pair of points is compared for the boxes around
exclusive volumes, and boxes are split until a volume exceeds the least so far. moocore takes 12 to 17 microseconds for such
a front with three objectives, and 1,300 for four and 101 points. The floor is these 40 and one pass over the pairs of
points. On a front of 101 points of which no two are equal, a run takes 108 a step with three objectives, more than moocore
would (57 with the calls): kept from step to step, most contributions would not have to be found again.

Searches with one evaluation per run and step are bound by NumPy calls on a few hundred numbers, of 1 to 3 microseconds each,
and by cache misses. Times of a step of 500 runs with compiled loops, in microseconds on one core of an EPYC: 13 to look
objectives up, 42 to 47 for clock, incumbents and what is seen (24 of these, as bits, which are 1.3 MB for 500 runs; 32 as bytes,
which are 10), and 2.6 nanoseconds for 8 random bytes. To these come:

- regularized evolution: 39 for a tournament and a mutation in one loop, of which 9 are random words and most of the rest are
  cache misses (14 with 100 runs), and 8 for the population;
- local search: 50 to ask; 25 to add 500 names to hash sets, a cache miss each; 70 for the neighbours of the runs that have
  moved, each of which is looked up and put in order;
- REINFORCE: 27 for draws, 65 for Adam, three divisions and a square root for each of 15,000 logits, and 12 for exponentials,
  which are NumPy's because those of other libraries differ in the last bit;
- best-first search: 125 for neighbours and their classes, 35 for sets, and up to 90 to find the best open genotypes;
- multi-objective local search (100 runs): 57 in all, of which some 20 are the starts of new passes, whose weights need NumPy's
  logarithm;
- DEHB (50 runs): 45 in all. One loop makes a trial, another has it compete and keeps each subpopulation in order, where a
  partial sort and the copy of the parents took 40.

BOHB has 6,600 kernels per evaluation: 64 candidates for each genotype times all observations at the budget. A third of the
genotypes are uniform anyway, so that 4,400 are evaluated. With up to eight genes, each product is looked up by the genes that
match, 0.56 nanoseconds with 200 observations and 0.66 with 100 (by products of factors: 0.75 and 0.84). The sum in NumPy's order,
eight terms at a time, and a read for each of them are what remains. Next come random words for 64 candidates of each genotype.
The kernels alone would allow about 20 M evaluations a minute.
"""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
import scipy.stats

import nasbench_kit as nk
from benchmarks.timing import in_turn, table
from nasbench_kit.experiments.scale import scale_of
from nasbench_kit.kernels import compiling
from nasbench_kit.metrics.indicators import hypervolume, pareto_front

RUNS, POPULATION, GENERATIONS = 100, 100, 100
PEER_RUNS = 31


def run() -> dict[str, Any]:
    bench = nk.open("nb201-digits")
    # without noise, as peers see a table; and with a stored trial drawn for each evaluation, which is the default
    one = bench.problem("valid_accuracy", seed="mean", charge="one")
    two = bench.problem(["valid_accuracy", "params"], seed="mean", charge="one")
    drawn_one, drawn_two = bench.problem("valid_accuracy"), bench.problem(["valid_accuracy", "params"])
    evaluations = POPULATION * GENERATIONS
    cells = _cells()
    searches = {
        "NSGA2, population 100": (two, nk.NSGA2(population_size=POPULATION), RUNS, evaluations),
        "NSGA2, population 1000": (two, nk.NSGA2(population_size=1000), RUNS, 20_000),
        "NSGA2, three objectives": (_of_nb201(3), nk.NSGA2(population_size=POPULATION), RUNS, evaluations),
        "NSGA2, four objectives": (_of_nb201(4), nk.NSGA2(population_size=POPULATION), RUNS, evaluations),
        "GeneticAlgorithm, population 100": (one, nk.GeneticAlgorithm(population_size=POPULATION), RUNS, evaluations),
        "GeneticAlgorithm, 500 runs of 2,000": (one, nk.GeneticAlgorithm(), 500, 2000),
        "RandomSearch, one objective": (one, nk.RandomSearch(), RUNS, evaluations),
        "RandomSearch, two objectives": (two, nk.RandomSearch(), RUNS, evaluations),
        "RegularizedEvolution, 500 runs of 1,000": (one, nk.RegularizedEvolution(), 500, 1000),
        "LocalSearch, 500 runs of 1,000": (one, nk.LocalSearch(), 500, 1000),
        "NSGA3, population 100": (two, nk.NSGA3(population_size=POPULATION), RUNS, evaluations),
        "SPEA2, population 100": (two, nk.SPEA2(population_size=POPULATION), RUNS, evaluations),
        "SMSEMOA, population 100": (two, nk.SMSEMOA(population_size=POPULATION), RUNS, 2000),
        "MOEAD, population 100": (two, nk.MOEAD(population_size=POPULATION), RUNS, 2000),
        "MOGOMEA": (two, nk.MOGOMEA(), RUNS, 2000),
        "MOLocalSearch": (two, nk.MOLocalSearch(), RUNS, 2000),
        "GOMEA": (one, nk.GOMEA(), RUNS, 2000),
        "Reinforce, 500 runs of 1,000": (one, nk.Reinforce(), 500, 1000),
        "BestFirstSearch, 500 runs of 1,000": (one, nk.BestFirstSearch(), 500, 1000),
        "BANANAS, 50 runs of 150": (one, nk.BANANAS(), 50, 150),
        "Hyperband, 50 runs of 500": (one, nk.Hyperband(), 50, 500),
        "BOHB, 50 runs of 500": (one, nk.BOHB(), 50, 500),
        "DEHB, 50 runs of 500": (one, nk.DEHB(), 50, 500),
        "NSGA2, population 100, trials drawn": (drawn_two, nk.NSGA2(population_size=POPULATION), RUNS, evaluations),
        "RegularizedEvolution, 500 runs of 1,000, trials drawn": (drawn_one, nk.RegularizedEvolution(), 500, 1000),
        "nb101 RandomSearch, 500 runs of 1,000": (cells, nk.RandomSearch(), 500, 1000),
        "nb101 GeneticAlgorithm, population 100": (
            cells,
            nk.GeneticAlgorithm(population_size=POPULATION),
            RUNS,
            evaluations,
        ),
        "nb101 RegularizedEvolution, 500 runs of 1,000": (cells, nk.RegularizedEvolution(), 500, 1000),
    }
    calls = {name: _caller(False, *arguments) for name, arguments in searches.items()}
    fast = _can_compile()
    if fast:
        calls |= {f"{name}, compiled": _caller(True, *arguments) for name, arguments in searches.items()}
    seconds = in_turn(calls, rounds=5, seconds=0.3)
    compiling.disable()
    del os.environ[compiling.SWITCH]
    rate = {name: searches[name][2] * searches[name][3] / seconds[name] * 60 for name in searches}
    found: dict[str, Any] = {"evaluations a minute": rate, "seconds": seconds}
    best = rate
    if fast:
        best = {name: rate[name] * seconds[name] / seconds[f"{name}, compiled"] for name in searches}
        found["evaluations a minute with compiled loops"] = best
    peer = _pymoo(two)
    rows = [[name, f"{rate[name] / 1e6:,.3g} M", f"{best[name] / 1e6:,.3g} M" if fast else "", ""] for name in searches]
    if peer is not None:
        peer_rate, peer_volumes = peer
        rows[0][3] = f"{best['NSGA2, population 100'] / peer_rate:,.0f} times pymoo ({peer_rate / 1e6:.2f} M)"
        ours = nk.search(
            two, nk.NSGA2(population_size=POPULATION), runs=PEER_RUNS, evaluations=evaluations
        ).hypervolume()
        p = float(scipy.stats.mannwhitneyu(ours, peer_volumes).pvalue)
        found["pymoo"] = {
            "evaluations a minute": peer_rate,
            "hypervolume": peer_volumes.tolist(),
            "ours": ours.tolist(),
            "p": p,
        }
    table(["search", "evaluations a minute", "with compiled loops", "against"], rows)
    if peer is not None:
        print(
            f"final hypervolume over {PEER_RUNS} runs: kit {ours.mean():.5f} ± {ours.std(ddof=1):.5f}, "
            f"pymoo {peer_volumes.mean():.5f} ± {peer_volumes.std(ddof=1):.5f} (Mann-Whitney p = {p:.2f})"
        )
    return found


def _cells() -> nk.Problem:
    """NAS-Bench-101 with made-up values, looked up as those of a table are."""
    space = nk.space("nb101")
    assert space.networks is not None
    values = np.random.default_rng(0).random(space.networks)
    return nk.FunctionProblem(lambda X: values[space.network_index(X)], space)


def _can_compile() -> bool:
    compiling.disable()
    can = compiling.enable()
    if not can:
        print("Numba is not installed: no compiled loops")
    return can


def _caller(fast: bool, problem: nk.Problem, algorithm: nk.Algorithm, runs: int, evaluations: int) -> Any:
    def search() -> None:
        compiling.disable()
        os.environ[compiling.SWITCH] = "1" if fast else "0"
        nk.search(problem, algorithm, runs=runs, evaluations=evaluations)

    return search


def _pymoo_table(problem: nk.Problem, seen: list[np.ndarray]) -> tuple[Any, dict[str, Any]]:
    """The table as a problem of pymoo, and the operators with the same settings; raises ImportError."""
    from pymoo.core.mutation import Mutation
    from pymoo.core.problem import Problem
    from pymoo.operators.crossover.pntx import TwoPointCrossover
    from pymoo.operators.sampling.rnd import IntegerRandomSampling

    class Table(Problem):
        def __init__(self) -> None:
            super().__init__(n_var=6, n_obj=2, xl=0, xu=4, vtype=int)

        def _evaluate(self, X: np.ndarray, out: dict[str, Any], *_: Any, **__: Any) -> None:
            out["F"] = problem(X.astype(np.uint8))
            seen.append(out["F"])

    class ToAnotherLetter(Mutation):
        def _do(self, problem: Any, X: np.ndarray, *_: Any, random_state: Any = None, **__: Any) -> np.ndarray:
            rng = random_state or np.random
            change = rng.random(X.shape) < 1 / 6
            step = (rng.random(X.shape) * 4).astype(int) + 1
            return np.where(change, (X + step) % 5, X)

    return Table(), {
        "sampling": IntegerRandomSampling(),
        "crossover": TwoPointCrossover(prob=1.0),
        "mutation": ToAnotherLetter(prob=1.0),
    }


def _of_nb201(objectives: int) -> nk.Problem:
    """Several objectives of the bundled NAS-Bench-201."""
    names = ["valid_accuracy", "params", "latency_edgegpu", "energy_fpga"][:objectives]
    return nk.open("nb201").problem(names, dataset="cifar10-valid", seed="mean", charge="one")


def _pymoo(problem: nk.Problem) -> tuple[float, np.ndarray] | None:
    """Evaluations a minute of pymoo's NSGA-II, and the hypervolume of all that each run evaluated."""
    seen: list[np.ndarray] = []
    try:
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.optimize import minimize

        peer, operators = _pymoo_table(problem, seen)
    except ImportError:
        print("pymoo is not installed: left out")
        return None
    scale = scale_of("front", problem.bounds, problem.front_bounds)
    volumes, total = [], 0.0
    for seed in range(PEER_RUNS):
        algorithm = NSGA2(pop_size=POPULATION, eliminate_duplicates=False, **operators)
        seen.clear()
        start = time.perf_counter()
        minimize(peer, algorithm, ("n_gen", GENERATIONS), seed=seed)
        total += time.perf_counter() - start
        F = np.concatenate(seen)
        assert len(F) == POPULATION * GENERATIONS
        volumes.append(hypervolume(scale.scaled(F[pareto_front(F)]), np.full(2, scale.reference)))
    return PEER_RUNS * POPULATION * GENERATIONS / total * 60, np.array(volumes)
