"""Compiled loops change the speed of a search but no bit of its result."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nasbench_kit as nk
from nasbench_kit.algorithms import ALGORITHMS, parse_algorithm
from nasbench_kit.algorithms.nsga2 import survivors
from nasbench_kit.algorithms.nsga3 import reference_directions
from nasbench_kit.algorithms.operators.alleles import AliasTable
from nasbench_kit.algorithms.operators.mutation import mutate_one_gene
from nasbench_kit.algorithms.operators.selection import tournament
from nasbench_kit.algorithms.streams import Streams
from nasbench_kit.kernels import compiling
from nasbench_kit.kernels.agreement import Agreement
from nasbench_kit.kernels.domination import first_fronts
from nasbench_kit.kernels.hash_sets import HashSets
from nasbench_kit.kernels.kernel_density import density, deviations
from nasbench_kit.kernels.niching import niched_survivors, nondomination_ranks
from nasbench_kit.kernels.seen import Seen
from nasbench_kit.kernels.sorting import lowest, order_of_pairs
from nasbench_kit.kernels.steady_state import after_joining, members_of
from nasbench_kit.kernels.strength import strength_survivors
from nasbench_kit.metrics.indicators import nondominated

numba = pytest.importorskip("numba")
pytestmark = pytest.mark.slow  # compiling takes seconds


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    monkeypatch.delenv(compiling.SWITCH, raising=False)
    yield
    compiling.disable()


def both(function):
    """A function's results without and with compiled loops."""
    compiling.disable()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(compiling.SWITCH, "0")
        without = function()
    assert not compiling.enabled()
    compiling.disable()
    assert compiling.enable()
    with_loops = function()
    compiling.disable()
    return without, with_loops


def equal(first, second):
    if isinstance(first, tuple):
        return len(first) == len(second) and all(equal(a, b) for a, b in zip(first, second, strict=True))
    return first.dtype == second.dtype and np.array_equal(first, second)


VALUES = {
    "continuous": lambda rng, shape: rng.random(shape),
    "few": lambda rng, shape: rng.integers(0, 4, shape) * 0.1,
    "a few decimals": lambda rng, shape: rng.normal(size=shape).round(1),
    "one and many": lambda rng, shape: np.stack([rng.integers(0, 3, shape[:2]), rng.random(shape[:2])], axis=2),
    "all equal": lambda rng, shape: np.full(shape, 3.25),
    "failures": lambda rng, shape: np.where(rng.random(shape) < 0.3, np.inf, rng.random(shape).round(1)),
    "failures alone": lambda rng, shape: np.full(shape, np.inf),
    "zeros of either sign": lambda rng, shape: np.where(rng.random(shape) < 0.5, 0.0, -0.0),
    "of any size": lambda rng, shape: rng.choice([-1, 1], shape) * 10.0 ** rng.integers(-300, 300, shape),
    "a last bit apart": lambda rng, shape: 1 + rng.integers(0, 3, shape) * 2.0**-52,
}
SHAPES = [(1, 1), (1, 2), (40, 7), (30, 60), (20, 200), (3, 2000)]


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("shape", SHAPES)
def test_survivors_are_the_same(kind, shape):
    rng = np.random.default_rng(0)
    F, ties = VALUES[kind](rng, (*shape, 2)), rng.integers(0, 2**32, shape, dtype=np.uint32)
    before = F.copy()
    for n in {1, shape[1] // 2 or 1, shape[1]}:
        for words in (ties, None, np.zeros_like(ties)):
            assert equal(*both(lambda n=n, words=words: survivors(F, n, words)))
            assert equal(*both(lambda n=n, words=words: survivors(np.asfortranarray(F), n, words)))
    assert np.array_equal(F, before)


@pytest.mark.parametrize("kind", [kind for kind in VALUES if kind != "one and many"])
@pytest.mark.parametrize(
    ("shape", "m"), [((1, 1), 3), ((1, 2), 4), ((40, 7), 3), ((30, 60), 4), ((8, 200), 3), ((4, 90), 6), ((4, 90), 9)]
)
def test_survivors_and_fronts_of_many_objectives_are_the_same(kind, shape, m):
    rng = np.random.default_rng(0)
    F, ties = VALUES[kind](rng, (*shape, m)), rng.integers(0, 2**32, shape, dtype=np.uint32)
    for n in {1, shape[1] // 2 or 1, shape[1]}:
        for words in (ties, None):
            with np.errstate(over="ignore"):
                assert equal(*both(lambda n=n, words=words: survivors(F, n, words)))
    group = rng.integers(0, shape[0], shape[0] * shape[1])
    assert equal(*both(lambda: first_fronts(F.reshape(-1, m), group)))
    settled = first_fronts(F.reshape(-1, m), group)
    mixed = np.append(settled, np.arange(len(group)))
    assert equal(*both(lambda: first_fronts(F.reshape(-1, m)[mixed], group[mixed], len(settled))))


@pytest.mark.parametrize("kind", [kind for kind in VALUES if kind not in ("one and many", "of any size")])
@pytest.mark.parametrize(("shape", "m"), [((1, 1), 3), ((1, 2), 2), ((40, 7), 3), ((12, 90), 4), ((8, 200), 2)])
def test_other_survivors_are_the_same(kind, shape, m):
    rng = np.random.default_rng(0)
    F, words = VALUES[kind](rng, (*shape, m)), rng.integers(0, 2**32, shape, dtype=np.uint32)
    ideal = np.where(np.isfinite(F), F, np.inf).min(axis=1)
    directions = reference_directions(m, 5)
    assert equal(*both(lambda: nondomination_ranks(F)))
    for n in {1, shape[1] // 2 or 1, shape[1]}:
        assert equal(*both(lambda n=n: strength_survivors(F, n, words)))
        assert equal(*both(lambda n=n: niched_survivors(F, n, directions, ideal, words)))


@pytest.mark.parametrize("kind", [*(kind for kind in VALUES if kind != "one and many"), "one front"])
@pytest.mark.parametrize("m", [2, 3, 5])
def test_the_same_point_leaves(kind, m):
    rng = np.random.default_rng(0)
    if kind == "one front":
        values = np.abs(rng.normal(size=(20, 50, m)))
        values /= np.linalg.norm(values, axis=2, keepdims=True)
    else:
        values = VALUES[kind](rng, (20, 25, m))
    X = rng.integers(0, 5, (*values.shape[:2], 4), dtype=np.uint8)
    n = values.shape[1] // 2

    def steps():
        members = members_of(X[:, :n], values[:, :n])
        for step in range(n, values.shape[1]):
            words = np.arange(20, dtype=np.uint32) + np.uint32(step)
            with np.errstate(over="ignore"):
                after_joining(members, X[:, step], values[:, step], words)
        return tuple(members)

    assert equal(*both(steps))


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("shape", [*SHAPES, (0, 3), (3, 0)])
def test_pairs_are_in_the_same_order(kind, shape):
    F = VALUES[kind](np.random.default_rng(1), (*shape, 2))
    without, with_loops = both(lambda: order_of_pairs(F))
    assert equal(without, with_loops)
    expected = np.lexsort((F[..., 1], F[..., 0]), axis=1) if F.size else np.empty(shape, dtype=np.intp)
    assert (with_loops == expected + np.arange(shape[0])[:, np.newaxis] * shape[1]).all()


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("shape", [*SHAPES, (0, 3), (3, 0)])
def test_the_lowest_are_the_same(kind, shape):
    F = VALUES[kind](np.random.default_rng(1), (*shape, 2))[..., 1]
    for k in {0, shape[1] // 2, shape[1]}:
        without, with_loops = both(lambda k=k: lowest(F, k))
        assert equal(without, with_loops)
        expected = F.argsort(axis=1, kind="stable") + np.arange(shape[0])[:, np.newaxis] * shape[1]
        assert (with_loops == expected[:, :k]).all()


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("n", [1, 2, 30, 3000])
def test_fronts_are_the_same(kind, n):
    rng = np.random.default_rng(2)
    F = VALUES[kind](rng, (1, n, 2))[0]
    for groups in (1, 7, 2 * n):
        group = rng.integers(0, groups, n)
        assert equal(*both(lambda group=group: nondominated(F, group)))
        assert equal(*both(lambda group=group: nondominated(np.asfortranarray(F), group)))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=40))
def test_fronts_of_small_numbers_are_the_same(points):
    group, F = np.array([p[0] for p in points]), np.array([p[1:] for p in points], dtype=np.float64)
    assert equal(*both(lambda: nondominated(F, group)))


def test_random_draws_are_the_same():
    def draw():
        random = Streams(5, 3)
        table = AliasTable(np.array([0.5, 0.1, 0.0, 0.4]))
        drawn = []
        for count in (1, 2, 7, 100, 9000, 3):  # more than a block of words, too
            drawn += [random.integers(10, (count,)), random.integers(np.array([2, 5]), (count, 2))]
            drawn += [random.permutations((3, 7)), random.permutations((33,), np.array([2, 0]))]
            drawn += [random.integers(np.int64(7), (count,)), table.draw(random, (count,)), random.random((count,))]
        return tuple(drawn)

    assert equal(*both(draw))


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_winners_are_the_same(kind, size):
    quality = VALUES[kind](np.random.default_rng(0), (6, 20, 2))[..., 0].copy()
    assert equal(*both(lambda: tournament(quality, 30, size, Streams(0, 6))))


@pytest.mark.parametrize("space_name", nk.list_spaces())
def test_mutants_are_the_same(space_name):
    space = nk.space(space_name)
    X = space.sample(600, 0).reshape(3, 200, -1)

    def mutate():
        random = Streams(1, 3)
        mutants = [mutate_one_gene(X, space, random, units) for units in (None, *space.units.values())]
        return (*mutants, random.random((1,)))

    without, with_loops = both(mutate)
    assert equal(without, with_loops)
    changed = with_loops[0] != X
    assert changed.sum(axis=2).max() == 1
    assert space.is_valid(with_loops[0].reshape(600, -1)).all()


def test_mutants_without_a_valid_draw_are_the_same():
    space = nk.space("nb101")
    chain = np.zeros((2, 1, 26), dtype=np.uint8)
    chain[..., [0, 2, 5, 9, 14, 20]] = 1  # most single changes of a single path are invalid
    X = np.repeat(chain, 3000, axis=1)
    without, with_loops = both(lambda: mutate_one_gene(X, space, Streams(0, 2)))
    assert equal(without, with_loops)
    assert (with_loops != X).any(axis=2).all()


def test_validity_as_a_table_is_the_validity():
    for name in nk.list_spaces():
        space = nk.space(name)
        if space.validity is None:
            continue
        weights, valid = space.validity
        rng = np.random.default_rng(0)
        X = np.stack([rng.integers(0, values, 20_000) for values in space.cardinalities], axis=1).astype(np.uint8)
        assert (valid[X @ weights] == space.is_valid(X)).all()


def test_classes_of_cells_are_the_same():
    rng = np.random.default_rng(0)
    X = nk.space("nb101").sample(20_000, 1)
    X[rng.random(len(X)) < 0.3, rng.integers(0, 26)] ^= 1
    X[::7, 3], X[::11, 25], X[::13, 0] = 2, 3, 255
    assert equal(*both(lambda: nk.space("nb101")._classes(X)))
    assert equal(*both(lambda: nk.space("nb101")._classes(np.asfortranarray(X))))
    assert equal(*both(lambda: nk.space("nb101")._classes(X[:0])))


@pytest.mark.parametrize("values", [(3, 2, 4, 5), (2,) * 14, (7,)])
@pytest.mark.parametrize("n", [1, 7, 8, 30, 128, 300])
def test_densities_are_the_same(values, n):
    rng, cardinalities = np.random.default_rng(0), np.array(values)
    X, at = (rng.integers(0, cardinalities, (3, k, len(values))).astype(np.uint8) for k in (n, 40))
    width = rng.random((3, len(values)))
    wanted = rng.random(at.shape[:2]) < 0.8
    found = both(lambda: density(X, at, 1 - width, width / 3, cardinalities, wanted))
    without, with_loops = (values[wanted] for values in found)
    assert equal(without, with_loops)
    kernels = np.where(X[:, np.newaxis] == at[:, :, np.newaxis], (1 - width)[:, None, None], (width / 3)[:, None, None])
    assert np.allclose(without, kernels.prod(axis=3).mean(axis=2)[wanted], rtol=1e-12)
    assert equal(*both(lambda: deviations(X)))


@pytest.mark.parametrize("space_name", ["nsga-net-micro", "darts", "nasnet"])
def test_canonical_cells_are_the_same(space_name):
    space = nk.space(space_name)
    X = space.sample(400, 0)
    X[::2, 1::2] //= 4  # equal nodes, between which it matters later which one comes first
    X[::4] = 0
    X[::4, 2::5] = 1
    X = X[space.is_valid(X)]
    assert equal(*both(lambda: space.canonical(X)))


def test_recurrent_cells_are_the_same():
    space = nk.space("nas-bench-nlp")
    X = space.sample(300, 0)
    X = np.concatenate([X, np.concatenate([space.neighbours(x)[::40] for x in X[:20]])])
    changed = X.copy()
    rng = np.random.default_rng(0)
    changed[np.arange(len(X)), rng.integers(0, space.genes, len(X))] = rng.integers(0, 30, len(X))
    assert equal(*both(lambda: (space.canonical(X), space.is_valid(changed), space.canonical(X[:0]))))
    assert equal(*both(lambda: space.canonical_rows(np.asfortranarray(X))))


def test_rows_that_agree_most_are_the_same():
    space = nk.space("accel-nasbench")
    rows = space.sample(1000, 0)
    rng = np.random.default_rng(0)
    X = rows[rng.integers(0, 1000, 2000)]
    X = np.where(rng.random(X.shape) < np.linspace(0, 0.5, 2000)[:, np.newaxis], space.sample(2000, 1), X)
    assert equal(*both(lambda: Agreement(rows, space.cardinalities).most(X)))
    wide = rng.integers(0, 2, (5, 300), dtype=np.uint8)  # more genes than a byte counts
    assert equal(*both(lambda: Agreement(wide, (2,) * 300).most(wide)))


def test_costs_of_nb101_are_the_same():
    space = nk.space("nb101")
    X = space.sample(3000, 0)
    assert equal(*both(lambda: tuple(space.cost(X, name, dataset="cifar10") for name in ("params", "flops"))))


def test_sets_are_the_same():
    def fill():
        rng, sets, found = np.random.default_rng(0), HashSets(4), []
        for n in (30, 1, 0, 900, 40):
            run = rng.integers(0, 4, n)
            found += [sets.add(run, rng.integers(0, 700, n).astype(np.uint64) << np.uint64(40)), sets.counts.copy()]
            found.append(sets.holds(np.array([2, 0]), np.arange(1400, dtype=np.uint64).reshape(2, -1) << np.uint64(40)))
        return tuple(found)

    assert equal(*both(fill))


@pytest.mark.parametrize("space_name", ["nb201", "nas-bench-macro", "nb101", "genetic-cnn"])
@pytest.mark.parametrize("some", [False, True])
def test_what_is_seen_is_the_same(space_name, some):
    space = nk.space(space_name)

    def note():
        seen, rng, counts = Seen(space, 4, False), np.random.default_rng(0), []
        pool = space.sample(40, 0)
        for batch in (30, 1, 50, 20):
            X = pool[rng.integers(0, 40, (4, batch))]
            counted = rng.random((4, batch)) < 0.7 if some and batch > 1 else None
            seen.note(X, None, counted)
            counts += [seen.unique_networks(), seen.unique_genotypes()]
        return tuple(counts)

    assert equal(*both(note))


def outcome(result):
    parts = [result.incumbents, result.incumbent_values, result.archive_X, result.archive_F]
    return tuple(np.asarray(part) for part in (*parts, *result.rows.values()) if part is not None)


SEARCHES = [
    pytest.param(name, objectives, space_name, id=f"{name}-{objectives}-{space_name}")
    for name, cls in ALGORITHMS.items()
    for objectives in (1, 2)
    if (cls.single_objective if objectives == 1 else cls.many_objectives)
    for space_name in ("nb201", "nb101", "nsga-net-micro")
]


class Sums:
    """Made-up objectives with few distinct values. A class so that it can be pickled."""

    def __init__(self, genes, objectives):
        self.weights = np.random.default_rng(3).normal(size=(genes, objectives)).round(1)

    def __call__(self, X, epochs=4):
        return np.round(np.sin(X @ self.weights) * 8) / 8 + 1 / epochs


def problem_of(space_name, objectives):
    space = nk.space(space_name)
    names, bounds = [f"f{i}" for i in range(objectives)], np.array([[-1.0], [2.0]]).repeat(objectives, axis=1)
    return nk.FunctionProblem(Sums(space.genes, objectives), space, names, bounds, budgets=(1, 2, 4))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "objectives", "space_name"), SEARCHES)
def test_searches_are_the_same_to_the_last_bit(name, objectives, space_name):
    problem, algorithm = problem_of(space_name, objectives), parse_algorithm(name)
    assert equal(*both(lambda: outcome(nk.search(problem, algorithm, runs=3, evaluations=250, seed=2))))


@pytest.mark.parametrize("clock", ["unique_networks", "simulated_seconds"])
@pytest.mark.parametrize("budget", ["unique_networks", "simulated_seconds", "target"])
def test_searches_by_other_clocks_are_the_same(bench, clock, budget):
    problem = bench.problem(["valid_accuracy", "params"], epochs=12)
    budgets = {
        "unique_networks": {"unique_networks": 150},
        "simulated_seconds": {"simulated_seconds": 3000.0},
        "target": {"target": 0.9, "evaluations": 600},
    }[budget]
    search = lambda: nk.search(problem, nk.NSGA2(population_size=20), runs=6, clock=clock, **budgets)  # noqa: E731
    assert equal(*both(lambda: outcome(search())))


@pytest.mark.parametrize("seed", ["mean", "random"])
def test_answers_of_a_table_are_the_same(bench, seed):
    problem = bench.problem(["valid_accuracy", "params"], seed=seed)
    X = problem.space.sample(200, 0)
    draws = (np.random.default_rng(1).random(200),) if problem.noisy else ()

    def answers():
        found = problem.evaluate(X, None, *draws)
        with pytest.raises(nk.InvalidArchitecture, match="gene 0 is 200"):
            problem.evaluate(np.full_like(X, 200), None, *draws)
        return found.F, found.seconds

    assert equal(*both(answers))


def test_loops_may_come_in_the_middle_of_a_search(bench, monkeypatch):
    for objectives, algorithm in (
        (["valid_accuracy", "params"], nk.NSGA2(population_size=20)),
        (["valid_accuracy", "params"], nk.MOEAD(population_size=20, neighbours=10)),
        (["valid_accuracy", "params"], nk.MOGOMEA()),
        ("valid_accuracy", nk.GOMEA()),
        ("valid_accuracy", nk.RegularizedEvolution()),
    ):
        problem = bench.problem(objectives)

        def search(problem=problem, algorithm=algorithm):
            return outcome(nk.search(problem, algorithm, runs=3, evaluations=600, seed=1))

        without, _ = both(search)
        rounds = []

        def enable_for(evaluations, real=compiling.enable_for, rounds=rounds):
            rounds.append(1)
            real(compiling.ENOUGH if len(rounds) == 11 else 0)

        with monkeypatch.context() as patch:
            patch.setattr("nasbench_kit.experiments.batch.enable_for", enable_for)
            assert equal(without, search())
        assert compiling.enabled()
        assert len(rounds) > 20


def test_archives_of_noisy_searches_are_the_same():
    """A genotype that is evaluated again may draw a better trial: that belongs to the archive, in either form."""
    problem = nk.open("nb201-digits").problem(["valid_accuracy", "params"])
    assert problem.noisy
    without, with_loops = both(
        lambda: outcome(nk.search(problem, nk.NSGA2(population_size=100), runs=60, evaluations=5_000, seed=1))
    )
    assert equal(without, with_loops)


@compiling.part
def _doubled(x):
    return 2 * x


@compiling.compiled
def _doubled_and_one(x):
    return _doubled(x) + 1


def test_a_loop_is_compiled_with_its_parts(monkeypatch):
    assert _doubled_and_one(3) == 7
    assert _doubled(3) == 6  # not compiled
    name = compiling._with_parts(_doubled_and_one.__wrapped__).__qualname__
    assert compiling._with_parts(_doubled_and_one.__wrapped__).__qualname__ == name

    @compiling.part
    def other(x):
        return 3 * x

    monkeypatch.setitem(globals(), "_doubled", other)
    # another name on disk
    assert compiling._with_parts(_doubled_and_one.__wrapped__).__qualname__ != name


def test_only_searches_that_are_large_enough_have_loops(bench, monkeypatch):
    problem = bench.problem("valid_accuracy")
    compiling.disable()
    nk.search(problem, nk.RandomSearch(), evaluations=100)
    assert not compiling.enabled()
    compiling.enable_for(compiling.ENOUGH - 1)
    assert not compiling.enabled()
    monkeypatch.setattr(compiling, "ENOUGH", 100)
    nk.search(problem, nk.RandomSearch(), evaluations=100)  # what is planned counts
    assert compiling.enabled()
    compiling.disable()
    nk.search(problem, nk.RandomSearch(), unique_networks=120)  # and what is done
    assert compiling.enabled()


def test_the_environment_says_never_or_at_once(bench, monkeypatch):
    problem = bench.problem("valid_accuracy")
    monkeypatch.setenv(compiling.SWITCH, "1")
    nk.search(problem, nk.RandomSearch(), evaluations=1)
    assert compiling.enabled()
    monkeypatch.setenv(compiling.SWITCH, "0")
    compiling.disable()
    compiling.enable_for(100 * compiling.ENOUGH)
    assert not compiling.enable()


@pytest.mark.slow
def test_worker_processes_have_loops_of_their_own(monkeypatch):
    monkeypatch.setenv(compiling.SWITCH, "1")
    problem = problem_of("nb201", 1)
    here = nk.search(problem, nk.RegularizedEvolution(population_size=20, sample_size=5), runs=4, evaluations=200)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        there = nk.search(
            problem,
            nk.RegularizedEvolution(population_size=20, sample_size=5),
            runs=4,
            evaluations=200,
            executor=executor,
        )
        assert executor.submit(compiling.enable).result()
    assert equal(outcome(here), outcome(there))


@pytest.mark.slow
def test_a_numba_that_cannot_be_used_is_a_warning_and_no_more(tmp_path):
    (tmp_path / "numba.py").write_text("raise ImportError('Numba needs NumPy 2.9 or less')")
    script = """
import warnings, nasbench_kit as nk
problem = nk.open("nb201-digits").problem("valid_accuracy")
with warnings.catch_warnings(record=True) as given:
    warnings.simplefilter("always")
    for _ in range(2):
        print(nk.search(problem, nk.RandomSearch(), runs=2, evaluations=50).best("valid_accuracy").shape)
print(*(f"{w.category.__name__}: {w.message}" for w in given), sep="\\n")
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(tmp_path), compiling.SWITCH: "1", "PATH": ""},
    )
    assert done.stdout.splitlines() == [
        "(2,)",
        "(2,)",
        "CompiledLoopsWarning: searches run without compiled loops: ImportError: Numba needs NumPy 2.9 or less",
    ]


def test_where_nothing_may_be_written_loops_are_compiled_all_the_same(monkeypatch):
    from nasbench_kit.kernels.compiling import compiled

    real = numba.njit

    def njit(*arguments, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return real(*arguments, **options)

    monkeypatch.setattr(numba, "njit", njit)
    assert compiled(lambda x: x + 1)(2) == 3


@pytest.mark.slow
@pytest.mark.parametrize("how", ["full", "damaged"])
def test_a_disk_that_keeps_no_loops_costs_time_alone(how, tmp_path):
    script = """
import nasbench_kit as nk
from nasbench_kit.kernels import compiling
from nasbench_kit.kernels.agreement import Agreement
problem = nk.open("nb201-digits").problem("valid_accuracy")
print(nk.search(problem, nk.RandomSearch(), runs=2, evaluations=300).best("valid_accuracy"))
"""
    full = """
import errno, numba.core.caching as caching
def write(*_): raise OSError(errno.ENOSPC, "No space left on device")
caching.IndexDataCacheFile._open_for_write = write
"""

    def run(code, switch):
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), compiling.SWITCH: switch}
        command = [sys.executable, "-W", "error", "-c", code]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout

    expected = run(script, "0")
    if how == "full":
        assert run(full + script, "1") == expected
    else:
        assert run(script, "1") == expected
        kept = [path for path in tmp_path.rglob("*.nb[ci]") if path.is_file()]
        assert kept
        for path in kept:
            path.write_bytes(path.read_bytes()[:100])
        assert run(script, "1") == expected


def test_ctrl_c_while_a_loop_is_compiled_is_ctrl_c(monkeypatch):
    from nasbench_kit.kernels.compiling import compiled

    def njit(*_, **__):
        def interrupted(_):
            raise RuntimeError("no compiled object yet for <Library 'x'>")

        return interrupted

    monkeypatch.setattr(numba, "njit", njit)
    with pytest.raises(KeyboardInterrupt):
        compiled(lambda x: x)(1)
