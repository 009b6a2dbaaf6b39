"""Other packages' searches of a table of NAS-Bench-201's space: evaluations a minute, by algorithm and package.

Some of the packages need NumPy 1, so this file stands alone, imports nothing of the kit, and is run in an environment of its own
(`environment`): ``PYTHON benchmarks/peers.py TABLE.npy``. The table has the values of all 15,625 genotypes, to be minimised, of up to
four objectives. Each package is called as its documentation shows, with the kit's settings where it has them; what it prints and logs
is switched off. What a package does beside (checks, histories) is part of what its users wait for.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = (
    "pymoo>=0.6.1.6",
    "deap>=1.4",
    "optuna>=3.6",
    "pygmo>=2.19",
    "gomea>=1.1",
    "dehb>=0.1.2",
    "hpbandster>=0.7.4",
)
FOLDER = Path("build") / "peers"
GENES, OPERATIONS = 6, 5
WEIGHTS = OPERATIONS ** np.arange(GENES - 1, -1, -1)
POPULATION = 100
BUDGETS = (12, 200)  # epochs: the least and the full budget

Rate = Callable[[np.ndarray], float]
PEERS: dict[str, dict[str, Rate]] = {}


def environment() -> Path:
    """The Python of an environment with all packages that can be installed here."""
    python = FOLDER / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)
    done = FOLDER / ".installed"
    if not done.exists():
        for package in PACKAGES:  # one by one, since the next may be had where the last is not
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", package], check=False)
        done.touch()
    return python


def measured(values: np.ndarray) -> dict[str, dict[str, float]]:
    """Evaluations a minute of each algorithm and package, and of several objectives as ``NSGA2-3``."""
    python = environment()
    table = FOLDER / "table.npy"
    np.save(table, values)
    done = subprocess.run([str(python), __file__, str(table)], capture_output=True, text=True, check=True)
    found: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def peer(algorithm: str, package: str) -> Callable[[Rate], Rate]:
    def keep(rate: Rate) -> Rate:
        PEERS.setdefault(algorithm, {})[package] = rate
        return rate

    return keep


def row_of(genes: Any) -> int:
    return int(np.dot(np.asarray(genes, dtype=np.int64), WEIGHTS))


class Timed:
    """Counts what is evaluated within the context; ``rate`` is evaluations a minute of CPU time."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Timed:
        self.start = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.rate = self.count / (time.process_time() - self.start) * 60


# ---------------------------------------------------------------- pymoo


def of_pymoo(name: str, values: np.ndarray, evaluations: int, **settings: Any) -> float:
    from importlib import import_module

    from pymoo.core.mutation import Mutation
    from pymoo.core.problem import Problem
    from pymoo.operators.crossover.pntx import TwoPointCrossover
    from pymoo.operators.sampling.rnd import IntegerRandomSampling
    from pymoo.optimize import minimize
    from pymoo.util.ref_dirs import get_reference_directions

    module, kind = name.split(":")
    timed, objectives = Timed(), values.shape[1]

    class Table(Problem):
        def __init__(self) -> None:
            super().__init__(n_var=GENES, n_obj=objectives, xl=0, xu=OPERATIONS - 1, vtype=int)

        def _evaluate(self, X: np.ndarray, out: dict[str, Any], *_: Any, **__: Any) -> None:
            out["F"] = values[X.astype(np.int64) @ WEIGHTS]
            timed.count += len(X)

    class ToAnotherLetter(Mutation):
        def _do(self, problem: Any, X: np.ndarray, *_: Any, random_state: Any = None, **__: Any) -> np.ndarray:
            rng = random_state or np.random
            change = rng.random(X.shape) < 1 / GENES
            step = (rng.random(X.shape) * (OPERATIONS - 1)).astype(int) + 1
            return np.where(change, (X + step) % OPERATIONS, X)

    if kind in ("NSGA3", "MOEAD"):
        partitions = {2: POPULATION - 1, 3: 12, 4: 6}[objectives]
        settings["ref_dirs"] = get_reference_directions("uniform", objectives, n_partitions=partitions)
    else:
        settings["pop_size"] = POPULATION
    if kind == "MOEAD":
        settings |= {"n_neighbors": 20, "prob_neighbor_mating": 0.9}
    else:
        settings["eliminate_duplicates"] = False
    algorithm = getattr(import_module(f"pymoo.algorithms.{module}"), kind)(
        sampling=IntegerRandomSampling(),
        crossover=TwoPointCrossover(prob=1.0),
        mutation=ToAnotherLetter(prob=1.0),
        **settings,
    )
    with timed:
        minimize(Table(), algorithm, ("n_eval", evaluations), seed=1)
    return timed.rate


@peer("GeneticAlgorithm", "pymoo")
def _(values: np.ndarray) -> float:
    return of_pymoo("soo.nonconvex.ga:GA", values, 10_000)


@peer("NSGA2", "pymoo")
def _(values: np.ndarray) -> float:
    return of_pymoo("moo.nsga2:NSGA2", values, 10_000)


@peer("NSGA3", "pymoo")
def _(values: np.ndarray) -> float:
    return of_pymoo("moo.nsga3:NSGA3", values, 2000)


@peer("SPEA2", "pymoo")
def _(values: np.ndarray) -> float:
    return of_pymoo("moo.spea2:SPEA2", values, 2000)


@peer("SMSEMOA", "pymoo")
def _(values: np.ndarray) -> float:
    from pymoo.operators.selection.rnd import RandomSelection

    return of_pymoo("moo.sms:SMSEMOA", values, 300, n_offsprings=1, selection=RandomSelection())


@peer("MOEAD", "pymoo")
def _(values: np.ndarray) -> float:
    return of_pymoo("moo.moead:MOEAD", values, 2000)


# ---------------------------------------------------------------- pygmo


def of_pygmo(kind: str, values: np.ndarray, generations: int, **settings: Any) -> float:
    import pygmo

    timed, objectives = Timed(), values.shape[1]

    class Table:
        def fitness(self, x: np.ndarray) -> np.ndarray:
            timed.count += 1
            return values[row_of(x)]

        def get_bounds(self) -> tuple[list[int], list[int]]:
            return [0] * GENES, [OPERATIONS - 1] * GENES

        def get_nobj(self) -> int:
            return objectives

        def get_nix(self) -> int:
            return GENES

    population = pygmo.population(pygmo.problem(Table()), size=POPULATION, seed=1)
    algorithm = pygmo.algorithm(getattr(pygmo, kind)(gen=generations, seed=1, **settings))
    timed.count = 0
    with timed:
        algorithm.evolve(population)
    return timed.rate


@peer("GeneticAlgorithm", "pygmo")
def _(values: np.ndarray) -> float:
    return of_pygmo("sga", values, 100)


@peer("NSGA2", "pygmo")
def _(values: np.ndarray) -> float:
    return of_pygmo("nsga2", values, 100)


# ---------------------------------------------------------------- DEAP


@peer("GeneticAlgorithm", "DEAP")
def _(values: np.ndarray) -> float:
    return of_deap(values, several=False)


@peer("NSGA2", "DEAP")
def _(values: np.ndarray) -> float:
    return of_deap(values, several=True)


def of_deap(values: np.ndarray, several: bool) -> float:
    import random

    from deap import algorithms, base, creator, tools

    random.seed(1)
    creator.create("Lower", base.Fitness, weights=(-1.0,) * values.shape[1])
    creator.create("Genotype", list, fitness=creator.Lower)
    timed = Timed()

    def evaluate(genes: Any) -> tuple[float, ...]:
        timed.count += 1
        return tuple(values[row_of(genes)])

    box = base.Toolbox()
    box.register("gene", random.randrange, OPERATIONS)
    box.register("individual", tools.initRepeat, creator.Genotype, box.gene, GENES)
    box.register("population", tools.initRepeat, list, box.individual)
    box.register("evaluate", evaluate)
    box.register("mate", tools.cxTwoPoint)
    box.register("mutate", tools.mutUniformInt, low=0, up=OPERATIONS - 1, indpb=1 / GENES)
    population = box.population(n=POPULATION)
    if several:
        box.register("select", tools.selNSGA2)
        run, more = algorithms.eaMuPlusLambda, {"mu": POPULATION, "lambda_": POPULATION, "cxpb": 0.5, "mutpb": 0.5}
    else:
        box.register("select", tools.selTournament, tournsize=2)
        run, more = algorithms.eaSimple, {"cxpb": 1.0, "mutpb": 1.0}
    with timed:
        run(population, box, ngen=30, verbose=False, **more)
    return timed.rate


# ---------------------------------------------------------------- GOMEA


@peer("GOMEA", "gomea")
def _(values: np.ndarray) -> float:
    import gomea

    timed = Timed()
    # the package knows two letters: 14 bits number a genotype, those beyond the table again from its start
    two = 2 ** np.arange(14)

    class Table(gomea.fitness.BBOFitnessFunctionDiscrete):
        def objective_function(self, objective_index: int, variables: np.ndarray) -> float:
            timed.count += 1
            return -float(values[int(np.dot(variables, two)) % len(values), 0])

        def similarity_measure(self, first: int, second: int) -> float:  # asked for, although the linkage is learnt
            return 1.0

    tree = gomea.linkage.LinkageTree()
    search = gomea.DiscreteGOMEA(fitness=Table(14), linkage_model=tree, max_number_of_evaluations=20_000, random_seed=1)
    with timed:
        search.run()
    return timed.rate


# ---------------------------------------------------------------- Optuna


@peer("RandomSearch", "Optuna")
def _(values: np.ndarray) -> float:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    objectives = values.shape[1]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1), directions=["minimize"] * objectives)
    timed = Timed()

    def evaluate(trial: Any) -> Any:
        timed.count += 1
        found = values[row_of([trial.suggest_int(f"gene {i}", 0, OPERATIONS - 1) for i in range(GENES)])]
        return tuple(found) if objectives > 1 else found[0]

    with timed:
        study.optimize(evaluate, n_trials=500)
    return timed.rate


# ---------------------------------------------------------------- partial training


def configurations() -> Any:
    import ConfigSpace

    space = ConfigSpace.ConfigurationSpace(seed=1)
    names = [f"gene{i}" for i in range(GENES)]
    letters = [str(letter) for letter in range(OPERATIONS)]
    (getattr(space, "add_hyperparameters", None) or space.add)(
        [ConfigSpace.CategoricalHyperparameter(name, letters) for name in names]
    )
    return space, names


def of_dehb(values: np.ndarray) -> float:
    import dehb
    from loguru import logger

    logger.remove()
    space, names = configurations()
    timed = Timed()

    def evaluate(configuration: Any, fidelity: float, **_: Any) -> dict[str, Any]:
        timed.count += 1
        return {"fitness": float(values[row_of([int(configuration[name]) for name in names]), 0]), "cost": fidelity}

    search = dehb.DEHB(
        f=evaluate,
        cs=space,
        dimensions=GENES,
        min_fidelity=BUDGETS[0],
        max_fidelity=BUDGETS[1],
        eta=3,
        n_workers=1,
        seed=1,
        output_path=str(FOLDER / "dehb"),
        save_freq="end",
    )
    with timed:
        search.run(fevals=500)
    return timed.rate


peer("DEHB", "dehb")(of_dehb)


def of_hpbandster(values: np.ndarray, kind: str) -> float:
    """The configuration generator in the loop of its optimiser's brackets, without its name server and its workers."""
    from hpbandster.optimizers.iterations import SuccessiveHalving

    space, names = configurations()
    if kind == "BOHB":
        from hpbandster.optimizers.config_generators.bohb import BOHB

        generator = BOHB(configspace=space)
    else:
        from hpbandster.optimizers.config_generators.random_sampling import RandomSampling

        generator = RandomSampling(configspace=space)
    from hpbandster.core.dispatcher import Job

    budgets = [BUDGETS[1] / 9, BUDGETS[1] / 3, float(BUDGETS[1])]
    timed, bracket = Timed(), 0
    with timed:
        while timed.count < 300:
            first = 2 - bracket % 3
            numbers = [max(1, int(3 / (first + 1)) * 3 ** (first - i)) for i in range(first + 1)]
            iteration = SuccessiveHalving(
                HPB_iter=bracket,
                num_configs=numbers,
                budgets=budgets[2 - first :],
                config_sampler=generator.get_config,
                result_logger=None,
            )
            while not iteration.is_finished:
                following = iteration.get_next_run()
                if following is None:
                    break
                identity, configuration, budget = following
                job = Job(identity, config=configuration, budget=budget)
                job.timestamps = {"submitted": 0, "started": 0, "finished": 0}
                job.result = {"loss": float(values[row_of([int(configuration[n]) for n in names]), 0]), "info": {}}
                iteration.register_result(job)
                generator.new_result(job)
                timed.count += 1
            bracket += 1
    return timed.rate


@peer("BOHB", "hpbandster")
def _(values: np.ndarray) -> float:
    return of_hpbandster(values, "BOHB")


@peer("Hyperband", "hpbandster")
def _(values: np.ndarray) -> float:
    return of_hpbandster(values, "Hyperband")


# ---------------------------------------------------------------- all of them

SEVERAL = ("RandomSearch", "NSGA2", "NSGA3", "SPEA2", "SMSEMOA", "MOEAD")
ONE = ("RandomSearch", "GeneticAlgorithm", "GOMEA", "Hyperband", "BOHB", "DEHB")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No output of packages, in C++ either, and no warnings."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    out, nothing = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        os.dup2(out, 1)


def main(path: str) -> None:
    values = np.load(path)
    cases = [(name, 1) for name in ONE] + [(name, n) for n in range(2, values.shape[1] + 1) for name in SEVERAL]
    found: dict[str, dict[str, float]] = {}
    for name, objectives in cases:
        for package, rate in PEERS.get(name, {}).items():
            try:
                with quiet():
                    best = max(rate(values[:, :objectives]) for _ in range(2))
            except Exception as error:  # absent, or of a version that cannot be called like this
                print(f"{name} of {package}: {type(error).__name__}: {error}", file=sys.stderr)
                continue
            found.setdefault(f"{name}-{objectives}", {})[package] = best
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
