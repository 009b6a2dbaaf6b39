"""Interface to pymoo (extra ``pymoo``): problems, operators for genotypes, and runs as results.

pymoo: Blank and Deb 2020, pymoo: Multi-Objective Optimization in Python (IEEE Access 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.errors import InvalidArchitecture, MissingExtra, UnknownName
from nasbench_kit.experiments.result import Result
from nasbench_kit.interfaces.replay import Draws, Optimiser, Run, known, looked_up, penalty, replay
from nasbench_kit.problems import Evaluation, Problem
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

try:
    import pymoo
    from pymoo.core.algorithm import Algorithm as PymooAlgorithm
    from pymoo.core.evaluator import Evaluator
    from pymoo.core.individual import Individual
    from pymoo.core.mutation import Mutation
    from pymoo.core.problem import Problem as BaseProblem
    from pymoo.core.repair import Repair
    from pymoo.core.sampling import Sampling
except ImportError as error:
    raise MissingExtra("the interface to pymoo", "pymoo") from error

__all__ = [
    "AnotherAllele",
    "PymooProblem",
    "Recording",
    "ToValid",
    "ValidSampling",
    "from_pymoo",
    "to_pymoo",
]

SECONDS = "simulated_seconds"  # key under which an individual stores its simulated training cost
UNKNOWN = "unknown"  # key: whether an individual's objectives are unknown


class PymooProblem(BaseProblem):
    """A pymoo problem with integer variables and objectives to minimise, evaluated in batches.

    A row that is not a valid genotype is not evaluated. It has a constraint violation (G = 1, else 0) and penalty
    objectives: the worst value in the table plus its distance from the best, or 1e9 if the bounds are unknown. A network
    with unknown values gets the same penalty, but does not violate the constraint. Spaces in which every combination of
    genes is valid have no constraint.

    Parameters
    ----------
    problem : nasbench_kit.Problem
    invalid : {"constraint", "penalty"}
        ``"penalty"`` omits the constraint, for algorithms without constraint handling, such as pymoo's MOEA/D.
    seed : int
        Seed for the draws of a noisy problem, which returns randomly chosen stored trials.

    Attributes
    ----------
    problem : nasbench_kit.Problem
    evaluations : int
        Number of valid rows evaluated so far, over all runs on this object.
    rejected : int
        Number of invalid rows so far.

    Examples
    --------
    >>> import nasbench_kit as nk
    >>> table = nk.open("nb201-digits").problem(["valid_accuracy", "params"], seed="mean")
    >>> problem = PymooProblem(table)
    >>> problem.n_var, problem.n_obj, problem.n_ieq_constr, problem.xu.tolist()
    (6, 2, 0, [4.0, 4.0, 4.0, 4.0, 4.0, 4.0])
    >>> X = table.space.sample(3, 0)
    >>> bool((problem.evaluate(X.astype(int)) == table(X)).all()), problem.evaluations
    (True, 3)
    """

    def __init__(
        self, problem: Problem, *, invalid: Literal["constraint", "penalty"] = "constraint", seed: int = 0
    ) -> None:
        if not isinstance(problem, Problem):
            raise TypeError(f"problem must come from Benchmark.problem(...) or FunctionProblem(...), not {problem!r}")
        if invalid not in ("constraint", "penalty"):
            raise UnknownName("treatment of invalid genotypes", invalid, ("constraint", "penalty"))
        space = problem.space
        super().__init__(
            n_var=space.genes,
            n_obj=len(problem.objectives),
            n_ieq_constr=int(invalid == "constraint" and not space.unconstrained),
            xl=np.zeros(space.genes),
            xu=np.array(space.cardinalities) - 1,
            vtype=int,
        )
        self.problem, self.invalid = problem, invalid
        self._draws = Draws(problem, seed)
        self.evaluations = self.rejected = 0
        self.penalty = penalty(problem)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # pymoo copies the problem with every saved generation; do not copy the table

    def name(self) -> str:
        return repr(self.problem)

    def _evaluate(self, x: NDArray[Any], out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        rows, valid = _genotypes(x, self.problem.space)
        F = np.tile(self.penalty, (len(x), 1))
        seconds, unknown = np.zeros(len(x)), ~valid
        if valid.any():
            evaluation = self._draws.evaluate(rows)
            finite = known(evaluation.F)
            F[np.flatnonzero(valid)[finite]] = evaluation.F[finite]
            seconds[valid], unknown[valid] = evaluation.seconds, ~finite
        self.evaluations += int(valid.sum())
        self.rejected += int((~valid).sum())
        out["F"], out[SECONDS], out[UNKNOWN] = F, seconds, unknown
        if self.n_ieq_constr:
            out["G"] = np.where(valid, 0.0, 1.0)[:, np.newaxis]

    def _calc_pareto_front(self, *args: Any, **kwargs: Any) -> NDArray[np.float64] | None:
        """The table's exact front, for pymoo's own indicators; None for a function."""
        problem = self.problem
        if not isinstance(problem, TabularProblem):
            return None
        if self.n_obj == 1:
            return problem.bounds[:1]
        return problem.front()[1]


def to_pymoo(
    problem: Problem, *, invalid: Literal["constraint", "penalty"] = "constraint", seed: int = 0
) -> PymooProblem:
    """Create a pymoo problem from a nasbench-kit problem; see `PymooProblem`."""
    return PymooProblem(problem, invalid=invalid, seed=seed)


def _genotypes(x: NDArray[Any], space: Space) -> tuple[Genotypes, NDArray[np.bool_]]:
    """The valid genotypes among pymoo's rows, and the mask of valid rows."""
    values = np.asarray(x, dtype=np.float64)
    broken = np.flatnonzero((values != np.floor(values)).any(axis=1))
    if len(broken):
        raise InvalidArchitecture(
            f"{space.name}: genes must be integers, unlike row {broken[0]} {values[broken[0]].tolist()}: use ValidSampling "
            "and AnotherAllele, or pass vtype=int and repair=RoundingRepair() to the operators"
        )
    valid = space.is_valid(values)
    return values[valid].astype(np.uint8), valid


def _space_of(problem: Any) -> Space:
    if not isinstance(problem, PymooProblem):
        raise TypeError(f"this operator only works on problems made by to_pymoo, not on {type(problem).__name__}")
    return problem.problem.space


class ValidSampling(Sampling):
    """Sampling operator that draws uniformly from the valid genotypes."""

    def _do(self, problem: Any, n_samples: int, *args: Any, random_state: Any = None, **kwargs: Any) -> NDArray[Any]:
        return _space_of(problem).sample(n_samples, random_state).astype(int)


class AnotherAllele(Mutation):
    """Mutation operator that replaces each gene by a different allele with a given probability.

    An invalid child is replaced by its parent.

    Parameters
    ----------
    probability : float, optional
        Mutation probability of each gene; 1 / genes by default.
    """

    def __init__(self, probability: float | None = None) -> None:
        if probability is not None and not 0 <= probability <= 1:
            raise ValueError(f"probability must be from 0 to 1, not {probability}")
        super().__init__(prob=1.0)
        self.probability = probability

    def _do(self, problem: Any, X: NDArray[Any], *args: Any, random_state: Any = None, **kwargs: Any) -> NDArray[Any]:
        space = _space_of(problem)
        cardinalities = np.array(space.cardinalities)
        probability = 1 / space.genes if self.probability is None else self.probability
        step = random_state.integers(1, np.maximum(cardinalities, 2), X.shape)
        changed = (random_state.random(X.shape) < probability) & (cardinalities > 1)
        children = np.where(changed, (X + step) % cardinalities, X)
        return np.where(space.is_valid(children)[:, np.newaxis], children, X)


class ToValid(Repair):
    """Repair operator that replaces an invalid genotype by a random valid neighbour.

    A neighbour differs in one gene; if no neighbour is valid, a random valid genotype is drawn. In constrained spaces,
    crossover can produce invalid genotypes. With this operator as an algorithm's ``repair``, every evaluation is of a valid
    network.
    """

    def _do(self, problem: Any, X: NDArray[Any], random_state: Any = None, **kwargs: Any) -> NDArray[Any]:
        space = _space_of(problem)
        repaired = X.astype(int)
        if random_state is None:  # pymoo passes none to the repair of an operator
            random_state = np.random.default_rng(np.abs(repaired).ravel())
        for row in np.flatnonzero(~space.is_valid(repaired)):
            inside = np.clip(repaired[row], 0, np.array(space.cardinalities) - 1).astype(np.uint8)
            others = space.one_gene_changes(inside[np.newaxis])[0]
            others = others[space.is_valid(others)]
            if not len(others):
                others = space.sample(1, random_state)
            repaired[row] = others[random_state.integers(len(others))]
        return repaired


class Recording(Evaluator):
    """An evaluator that records every evaluation in order, for `from_pymoo`; use a separate one for each run.

    Examples
    --------
    >>> import nasbench_kit as nk
    >>> from pymoo.algorithms.moo.nsga2 import NSGA2
    >>> from pymoo.optimize import minimize
    >>> problem = nk.open("nb201-digits").problem(["valid_accuracy", "params"])
    >>> nsga2 = NSGA2(20, sampling=ValidSampling(), mutation=AnotherAllele())
    >>> runs = [minimize(to_pymoo(problem), nsga2, ("n_eval", 200), seed=s, evaluator=Recording()) for s in range(3)]
    >>> from_pymoo(runs, problem)
    <result of pymoo NSGA2 on valid_accuracy, params: 3 runs>
    """

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[dict[str, NDArray[Any]]] = []

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # blocks are immutable, so the copies made by save_history can share them
        copied = type(self)()
        copied.__dict__.update(self.__dict__, blocks=list(self.blocks))
        return copied

    def _eval(self, problem: Any, pop: Any, evaluate_values_of: Any, **kwargs: Any) -> None:
        super()._eval(problem, pop, evaluate_values_of, **kwargs)
        self.blocks.append(_block(pop))


def _block(population: Any) -> dict[str, NDArray[Any]]:
    """The genotypes of a population or individual, with the values from the problem."""
    individuals = [population] if isinstance(population, Individual) else list(population)
    carried = all(individual.has(SECONDS) for individual in individuals)
    names = ("X", "F", SECONDS, UNKNOWN) if carried else ("X",)
    return {name: np.array([individual.get(name) for individual in individuals]) for name in names}


def from_pymoo(runs: Any, problem: Problem) -> Result:
    """Convert pymoo runs to a result with trace, incumbents or archives, and hypervolume.

    Parameters
    ----------
    runs : pymoo Result or Algorithm, or a sequence of these
        One per run, made with ``evaluator=Recording()``, or with ``save_history=True`` if the algorithm's generations
        contain all its evaluations.
    problem : Problem
        The problem that was minimised. Runs on a problem from `to_pymoo` keep the values they saw; for runs on another
        pymoo problem with the genes as variables, values are looked up.

    Returns
    -------
    Result
        Every evaluation of a valid genotype in order, including repeated ones. Invalid genotypes are omitted, as nothing
        was trained. The archive covers all evaluations, as in ``nasbench_kit.search``, not only pymoo's last population.
        ``result.seed`` is -1; the seeds of the runs are in ``result.settings``.

    Raises
    ------
    ValueError
        A run did not keep all its evaluations, or two runs share a `Recording`.
    """
    listed = list(runs) if isinstance(runs, Sequence) else [runs]
    algorithms = [_algorithm_of(run, number) for number, run in enumerate(listed)]
    recorders = [id(a.evaluator) for a in algorithms if isinstance(a.evaluator, Recording)]
    if len(set(recorders)) < len(recorders):
        raise ValueError("two runs share a Recording: pass a new evaluator=Recording() to each run")
    names = list(dict.fromkeys(type(algorithm).__name__ for algorithm in algorithms))
    settings = {
        "version": pymoo.__version__,
        "seeds": [None if a.seed is None else int(a.seed) for a in algorithms],
        **({"population_size": int(algorithms[0].pop_size)} if getattr(algorithms[0], "pop_size", None) else {}),
    }
    found = [
        _run_of(algorithm, number, problem, getattr(run, "exec_time", None) or 0.0)
        for number, (algorithm, run) in enumerate(zip(algorithms, listed, strict=True))
    ]
    return replay(problem, Optimiser(f"pymoo {', '.join(names)}", settings), found)


def _algorithm_of(run: Any, number: int) -> Any:
    algorithm = run if isinstance(run, PymooAlgorithm) else getattr(run, "algorithm", None)
    if algorithm is None or not hasattr(algorithm, "evaluator"):
        raise TypeError(f"run {number} must be a result of pymoo's minimize or a pymoo algorithm, not {run!r}")
    return algorithm


def _run_of(algorithm: Any, number: int, problem: Problem, wall_seconds: float) -> Run:
    own = algorithm.problem
    if isinstance(own, PymooProblem):
        seen, wanted = (f"{', '.join(p.objectives)} on {p.space.name}" for p in (own.problem, problem))
        if seen != wanted:
            raise ValueError(f"run {number} minimised {seen}, not {wanted}")
    evaluator = algorithm.evaluator
    if isinstance(evaluator, Recording):
        blocks = evaluator.blocks
    else:
        blocks = [_block(kept.off) for kept in algorithm.history or [] if kept.off is not None]
        rows = sum(len(block["X"]) for block in blocks)
        if rows != evaluator.n_eval:
            raise ValueError(
                f"run {number} kept only {rows} of its {evaluator.n_eval} evaluations: pass evaluator=Recording()"
            )
    parts = [_evaluated(block, problem) for block in blocks if len(block["X"])]
    if not parts:
        raise ValueError(f"run {number} has no evaluations")
    F = np.concatenate([evaluation.F for _, evaluation in parts])
    seconds = np.concatenate([evaluation.seconds for _, evaluation in parts])
    return Run(np.concatenate([X for X, _ in parts]), Evaluation(F, seconds), wall_seconds)


def _evaluated(block: dict[str, NDArray[Any]], problem: Problem) -> tuple[Genotypes, Evaluation]:
    """The valid genotypes of a block and their evaluation."""
    rows, valid = _genotypes(block["X"], problem.space)
    if SECONDS not in block:
        return rows, looked_up(problem, rows)
    F = np.where(block[UNKNOWN].astype(bool)[:, np.newaxis], np.inf, block["F"])
    return rows, Evaluation(F[valid], block[SECONDS][valid].astype(np.float64))
