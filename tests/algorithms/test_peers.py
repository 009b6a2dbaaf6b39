"""The same searches by pymoo and DEAP with the same settings find as much: differences of 1 % would be noticed."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest
import scipy.stats

import nasbench_kit as nk

OUR_RUNS = 400


def digits(objectives):
    return nk.open("nb201-digits").problem(objectives, seed="mean")


def cells(objectives):
    """On NAS-Bench-Macro's space: cells that help one another, against the multiply-adds."""
    space = nk.space("nas-bench-macro")
    rng = np.random.default_rng(3)
    alone = rng.random((8, 3)) * [0.0, 1.0, 1.3]
    together = rng.normal(0, 0.2, (7, 3, 3))

    every = np.stack(np.meshgrid(*[np.arange(3, dtype=np.uint8)] * 8, indexing="ij"), axis=-1).reshape(-1, 8)
    places = np.arange(8)
    worth = alone[places, every].sum(axis=1) + together[places[:7], every[:, :7], every[:, 1:]].sum(axis=1)
    flops = space.cost(every, "flops", dataset="cifar10")
    known = np.stack([-worth, flops], axis=1)[:, : len(objectives)]

    def values(X):
        return known[X @ 3 ** places[::-1]]

    return nk.FunctionProblem(values, space, objectives, bounds=[known.min(axis=0), known.max(axis=0)])


spaces = pytest.mark.parametrize("problem_of", [digits, cells])


def agree(ours, theirs):
    """The distributions do not differ noticeably (0.1 % level), and the means by less than 1 % (95 % confidence)."""
    assert scipy.stats.mannwhitneyu(ours, theirs).pvalue > 0.001
    test = scipy.stats.ttest_ind(ours, theirs, equal_var=False)
    interval = test.confidence_interval(0.95)
    assert max(abs(interval.low), abs(interval.high)) < 0.01 * theirs.mean()


def test_that_one_percent_is_noticed():
    rng = np.random.default_rng(0)
    theirs = rng.normal(0.98, 0.01, 40)
    agree(rng.normal(0.98, 0.01, OUR_RUNS), theirs)
    for mean, deviation in ((0.99, 0.01), (0.97, 0.01), (0.98, 0.1)):
        with pytest.raises(AssertionError):
            agree(rng.normal(mean, deviation, OUR_RUNS), theirs)
    with pytest.raises(AssertionError):  # runs that tell too little
        agree(rng.normal(0.98, 0.01, 4), rng.normal(0.98, 0.01, 4))


# ---------------------------------------------------------------- pymoo


@pytest.fixture(scope="module")
def pymoo():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its imports deprecate is no matter of this suite
        return pytest.importorskip("pymoo.optimize")


def pymoo_hypervolumes(problem, algorithm_of, runs, generations, evaluations):
    """Of all that each run evaluated, with the operators of this package's defaults."""
    from pymoo.operators.crossover.pntx import TwoPointCrossover
    from pymoo.optimize import minimize

    from nasbench_kit.interfaces import AnotherAllele, Recording, ValidSampling, from_pymoo, to_pymoo

    operators = {
        "sampling": ValidSampling(),
        "crossover": TwoPointCrossover(prob=1.0),
        "mutation": AnotherAllele(),
    }
    table, end = to_pymoo(problem), ("n_gen", generations)
    made = [
        minimize(table, algorithm_of(operators), end, seed=seed, evaluator=Recording(), copy_algorithm=False)
        for seed in range(runs)
    ]
    result = from_pymoo(made, problem)
    assert (result.evaluations == evaluations).all()
    return result.hypervolume()


def compare_nsga2(problem):
    from pymoo.algorithms.moo.nsga2 import NSGA2

    theirs = pymoo_hypervolumes(
        problem, lambda operators: NSGA2(pop_size=32, eliminate_duplicates=False, **operators), 24, 20, 640
    )
    ours = nk.search(problem, nk.NSGA2(population_size=32), runs=OUR_RUNS, evaluations=640)
    agree(ours.hypervolume(), theirs)


@spaces
@pytest.mark.slow
def test_nsga2_finds_what_pymoos_does(problem_of, pymoo):
    compare_nsga2(problem_of(["valid_accuracy", "params"]))


def compare_moead(problem, runs):
    """pymoo's own decomposition leaves the objectives as they are; here it scales them as ours does.

    pymoo's children replace all that they are better for.
    """
    from pymoo.algorithms.moo.moead import MOEAD
    from pymoo.core.decomposition import Decomposition

    class ScaledTchebycheff(Decomposition):
        def _do(self, F, weights, **_):
            span = self.algorithm.pop.get("F").max(axis=0) - self.ideal_point
            return (np.maximum(weights, 1e-6) * (F - self.ideal_point) / np.where(span > 0, span, 1)).max(axis=1)

    def algorithm_of(operators):
        decomposition = ScaledTchebycheff()
        share = np.linspace(0, 1, 32)
        directions = np.stack([share, 1 - share], axis=1)
        decomposition.algorithm = MOEAD(
            directions, n_neighbors=20, prob_neighbor_mating=0.9, decomposition=decomposition, **operators
        )
        return decomposition.algorithm

    theirs = pymoo_hypervolumes(problem, algorithm_of, runs, 20, 640)
    algorithm = nk.MOEAD(population_size=32, neighbours=20, max_replacements=None)
    ours = nk.search(problem, algorithm, runs=OUR_RUNS, evaluations=640)
    agree(ours.hypervolume(), theirs)


@pytest.mark.slow
@spaces
@pytest.mark.slow
def test_moead_finds_what_pymoos_does(problem_of, pymoo):
    compare_moead(problem_of(["valid_accuracy", "params"]), 10 if problem_of is digits else 26)


def compare_nsga3(problem, runs=24):
    from pymoo.algorithms.moo.nsga3 import NSGA3

    share = np.linspace(0, 1, 32)
    directions = np.stack([share, 1 - share], axis=1)
    theirs = pymoo_hypervolumes(
        problem, lambda operators: NSGA3(directions, eliminate_duplicates=False, **operators), runs, 20, 640
    )
    ours = nk.search(problem, nk.NSGA3(population_size=32), runs=OUR_RUNS, evaluations=640)
    agree(ours.hypervolume(), theirs)


@spaces
@pytest.mark.slow
def test_nsga3_finds_what_pymoos_does(problem_of, pymoo):
    compare_nsga3(problem_of(["valid_accuracy", "params"]))


def compare_spea2(problem):
    """pymoo's scales distances by its estimate of the front's ends, ours by the ranges of archive and children."""
    from pymoo.algorithms.moo.spea2 import SPEA2

    theirs = pymoo_hypervolumes(
        problem, lambda operators: SPEA2(pop_size=32, eliminate_duplicates=False, **operators), 24, 20, 640
    )
    ours = nk.search(problem, nk.SPEA2(population_size=32), runs=OUR_RUNS, evaluations=640)
    agree(ours.hypervolume(), theirs)


@spaces
@pytest.mark.slow
def test_spea2_finds_what_pymoos_does(problem_of, pymoo):
    compare_spea2(problem_of(["valid_accuracy", "params"]))


def compare_smsemoa(problem, runs):
    """pymoo's own default is a generation of children at a time, of parents that won tournaments."""
    from pymoo.algorithms.moo.sms import SMSEMOA
    from pymoo.operators.selection.rnd import RandomSelection

    def algorithm_of(operators):
        return SMSEMOA(
            pop_size=32, n_offsprings=1, selection=RandomSelection(), eliminate_duplicates=False, **operators
        )

    theirs = pymoo_hypervolumes(problem, algorithm_of, runs, 1 + 640 - 32, 640)
    ours = nk.search(problem, nk.SMSEMOA(population_size=32), runs=OUR_RUNS, evaluations=640)
    agree(ours.hypervolume(), theirs)


@pytest.mark.slow
def test_smsemoa_finds_what_pymoos_does(pymoo):
    compare_smsemoa(digits(["valid_accuracy", "params"]), 6)


# ---------------------------------------------------------------- DEAP


@pytest.fixture
def deap():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("deap.tools")
    state = random.getstate()  # DEAP draws from the global generator
    yield
    random.setstate(state)


def deap_incumbents(problem, runs, population, generations):
    """The best value of each run of a (mu + lambda) algorithm."""
    from deap import algorithms, base, tools

    cardinalities = problem.space.cardinalities

    class Fitness(base.Fitness):
        weights = (-1.0,)

    class Individual(list):
        def __init__(self, *genes):
            super().__init__(*genes)
            self.fitness = Fitness()

    def to_another_allele(x):
        for gene, allele in enumerate(x):
            if random.random() < 1 / len(cardinalities):
                x[gene] = (allele + random.randint(1, cardinalities[gene] - 1)) % cardinalities[gene]
        return (x,)

    def evaluate(individuals):
        for x, f in zip(individuals, problem(np.array(individuals, dtype=np.uint8)), strict=True):
            x.fitness.values = tuple(f)

    toolbox = base.Toolbox()
    toolbox.register("mate", tools.cxUniform, indpb=0.5)
    toolbox.register("mutate", to_another_allele)
    best = []
    for seed in range(runs):
        random.seed(seed)
        members = [Individual(random.randrange(n) for n in cardinalities) for _ in range(population)]
        evaluate(members)
        for _ in range(generations - 1):
            chosen = [toolbox.clone(x) for x in tools.selTournament(members, population, tournsize=2)]
            children = algorithms.varAnd(chosen, toolbox, cxpb=0.9, mutpb=1.0)
            evaluate(children)
            members = tools.selBest(members + children, population)
        best.append(members[0].fitness.values[0])
    return np.array(best)


def compare_genetic_algorithm(problem):
    best, worst = problem.bounds[:, 0]
    theirs = deap_incumbents(problem, 150, 20, 10)
    ours = nk.search(problem, nk.GeneticAlgorithm(population_size=20), runs=OUR_RUNS, evaluations=200)
    agree(*((worst - values) / (worst - best) for values in (ours.incumbent_values, theirs)))


@spaces
@pytest.mark.slow
def test_the_genetic_algorithm_finds_what_deaps_does(problem_of, deap):
    compare_genetic_algorithm(problem_of(["valid_accuracy"]))
