"""One suite over every search space, those of users too: a new space is tested the day it appears."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

import nasbench_kit as nk
from nasbench_kit.spaces import Chain, EdgeDAG, NodeDAG, StagedDAG
from nasbench_kit.spaces.forms import parsed
from tests.contract.relabelling import relabelled

# spaces such as a user defines
OWN = {
    space.name: space
    for space in (
        Chain(5, ["conv3", "conv5", "none"], name="chain"),
        Chain(6, "abI", identity="I", spans=[(0, 2), (3, 6)], name="chain-with-identity"),
        NodeDAG(4, ["conv", "pool"], most_edges=5, name="node-dag"),
        NodeDAG(8, ["conv", "pool", "skip"], most_edges=12, name="large-node-dag"),
        EdgeDAG(4, ["conv", "pool"], name="edge-dag"),
        EdgeDAG(4, ["conv", "pool"], missing=True, most_edges=5, name="sparse-edge-dag"),
        StagedDAG([2, 4], skip=True, name="staged-dag"),
    )
}
SPACES = (*nk.list_spaces(), *OWN)
LARGE = ("nas-bench-nlp",)  # its graphs take a tenth of a second each
pytestmark = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in SPACES]
)


def space_of(name):
    return OWN[name] if name in OWN else nk.space(name)


def some(space, n=200, seed=0):
    return space.sample(n, seed)


def test_shape_of_the_space(name):
    space = space_of(name)
    assert space.name == name
    assert isinstance(space.size, int)
    assert space.size == int(np.prod([int(c) for c in space.cardinalities], dtype=object))
    assert name in OWN or nk.space(name) is space


def test_sample_is_valid_and_repeatable(name):
    space = space_of(name)
    X = space.sample(100, 3)
    assert X.dtype == np.uint8
    assert X.shape == (100, len(space.cardinalities))
    assert space.is_valid(X).all()
    assert (space.sample(100, np.random.default_rng(3)) == X).all()
    assert space.sample(0, 3).shape == (0, len(space.cardinalities))


def test_sample_is_uniform_over_valid_genotypes(name):
    space = space_of(name)
    if space.size > 20_000:
        pytest.skip("too large to count")
    valid = int(space.is_valid(space.all()).sum())
    draws = 20 * valid
    counts = np.bincount(space.number(space.sample(draws, 11)).astype(int), minlength=space.size)
    counts = counts[space.is_valid(space.all())]
    assert scipy.stats.chisquare(counts).pvalue > 1e-3


def test_sample_leaves_global_generators_alone(name):
    import random

    before, python_before = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    space_of(name).sample(10, 0)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert random.getstate() == python_before
    with pytest.raises(TypeError, match="rng must be an int seed"):
        space_of(name).sample(10, None)


def test_native_forms_and_back(name):
    space = space_of(name)
    X = some(space)
    natives = space.decode(X)
    assert (space.encode(natives) == X).all()
    assert space.encode([]).shape == (0, len(space.cardinalities))
    for bad in ("nonsense", "", 7, None, [], {}, [[]], {"matrix": 1}, float("nan")):
        with pytest.raises(nk.InvalidArchitecture, match=r"1 native forms cannot be read: no\. 1"):
            space.encode([natives[0], bad])


def test_forms_of_architectures(name):
    space = space_of(name)
    X = some(space)
    natives = space.decode(X)
    assert (space.forms["native"].read(natives) == X).all()
    texts = space.decode_texts(X)
    assert all(isinstance(text, str) and "\n" not in text for text in texts)
    assert (space.forms["native"].read([parsed(text) for text in texts]) == X).all()
    if space.size <= 2**64:
        assert (space.forms["number"].read(space.number(X)) == X).all()
    for form in space.forms.values():
        values = np.array([2**64 - 1], dtype=np.uint64) if form.values == "numbers" else ["nonsense"]
        with pytest.raises((nk.InvalidArchitecture, OverflowError)):
            form.read(values)


def test_distinct_rows(name):
    space = space_of(name)
    X = np.concatenate([some(space), some(space, 20)])
    rows, position = space.distinct(X)
    assert (rows[position] == X).all()
    assert (rows == np.unique(X, axis=0)).all()


def test_canonical_is_idempotent_and_agrees_with_key(name):
    space = space_of(name)
    X = some(space, 500)
    C = space.canonical(X)
    assert (space.canonical(C) == C).all()
    key = space.key(X)
    assert key.dtype == np.uint64
    assert (key == space.key(C)).all()
    same_key = key[:, None] == key[None, :]
    same_form = (C[:, None] == C[None, :]).all(axis=2)
    assert (same_key == same_form).all()


def test_inputs_are_never_modified(name):
    space = space_of(name)
    X = some(space)
    before = X.copy()
    X.flags.writeable = False
    space.canonical(X)
    space.key(X)
    space.decode(X)
    space.is_valid(X)
    space.neighbours(X[0])
    assert (before == X).all()


def test_neighbours_are_valid_and_one_gene_away(name):
    space = space_of(name)
    x = some(space, 1)[0]
    N = space.neighbours(x)
    assert space.is_valid(N).all()
    assert ((x != N).sum(axis=1) == 1).all()
    assert len(np.unique(N, axis=0)) == len(N)
    changes = space.one_gene_changes(x[None])[0]
    assert len(N) == space.is_valid(changes).sum()


def test_single_genotypes_are_a_batch_of_one(name):
    space = space_of(name)
    x = some(space, 1)[0]
    assert space.canonical(x).shape == (1, len(x))
    assert space.key(x).shape == (1,)
    assert space.canonical(x.tolist()).shape == (1, len(x))


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.uint16, object])
def test_whole_numbers_of_any_dtype(name, dtype):
    space = space_of(name)
    X = some(space, 5).astype(dtype)
    if dtype is object:
        with pytest.raises(nk.InvalidArchitecture, match="whole numbers"):
            space.key(X)
    else:
        assert (space.key(X) == space.key(some(space, 5))).all()


def test_wrong_shapes_and_values_have_one_clear_error(name):
    space = space_of(name)
    x = some(space, 1)[0].astype(float)
    with pytest.raises(nk.InvalidArchitecture, match="shape"):
        space.key(x[:-1])
    with pytest.raises(nk.InvalidArchitecture, match="shape"):
        space.is_valid(x[None, None])
    for bad in (0.5, np.nan, np.inf, -1.0, float(max(space.cardinalities)), 256.0, 1e30):
        y = np.stack([x, x])
        y[1, 0] = bad
        assert space.is_valid(y).tolist() == [True, False]
        with pytest.raises(nk.InvalidArchitecture, match=r"1 of 2 genotypes are invalid: row 1 .*gene 0 is"):
            space.canonical(y)
    many = np.repeat(x[None], 9, axis=0)
    many[:, -1] = 99
    with pytest.raises(nk.InvalidArchitecture, match="9 of 9 .*row 4.*and 4 more"):
        space.key(many)


def test_numbers_and_back(name):
    space = space_of(name)
    X = some(space)
    if space.size > 2**64:
        with pytest.raises(OverflowError, match="64 bits"):
            space.number(X)
        with pytest.raises(OverflowError, match="64 bits"):
            space.from_number([0])
        return
    number = space.number(X)
    assert (space.from_number(number) == X).all()
    if space.size <= 2**53:
        assert (space.small_number(X) == number).all()
    expected = 0
    for gene, cardinality in zip(X[0].tolist(), space.cardinalities, strict=True):
        expected = expected * cardinality + gene
    assert int(number[0]) == expected
    with pytest.raises(nk.InvalidArchitecture, match="not below"):
        space.from_number([space.size])


@pytest.mark.slow
@given(data=st.data())
def test_any_valid_genotype_round_trips(name, data):
    space = space_of(name)
    x = np.array([data.draw(st.integers(0, c - 1)) for c in space.cardinalities], dtype=np.uint8)
    if space.is_valid(x)[0]:
        assert (space.encode(space.decode(x)) == x).all()
        assert (space.canonical(space.canonical(x)) == space.canonical(x)).all()
    else:
        with pytest.raises(nk.InvalidArchitecture, match="1 of 1 genotypes are invalid"):
            space.canonical(x)


@pytest.mark.slow
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_network_under_other_names_is_the_same(name, seed):
    space = space_of(name)
    rng = np.random.default_rng(seed)
    x = space.sample(1, rng)[0]
    y = relabelled(space, x, rng)
    assert space.is_valid(y)[0]
    assert (space.canonical(x) == space.canonical(y)).all()
    assert space.key(x) == space.key(y)


def test_networks_are_counted_and_numbered(name):
    space = space_of(name)
    X = some(space, 2000)
    if space.networks is None:
        with pytest.raises(OverflowError, match="use key"):
            space.network_index(X)
        return
    index = space.network_index(X)
    assert index.min() >= 0
    assert index.max() < space.networks
    pairs = np.stack([index.astype(np.uint64), space.key(X)], axis=1)
    assert len(np.unique(pairs, axis=0)) == len(np.unique(index)) == len(np.unique(space.key(X)))
    if space.size <= 2**20:
        everything = space.all()
        keys = space.key(everything[space.is_valid(everything)])
        assert len(np.unique(keys)) == space.networks


def test_company_does_not_change_an_answer(name):
    space = space_of(name)
    X = some(space, 300, seed=5)
    alone = np.concatenate([space.canonical(x) for x in X[:40]])
    assert (space.canonical(X)[:40] == alone).all()
    assert (space.canonical(np.asfortranarray(X)) == space.canonical(X)).all()
    assert (space.canonical(X[::-1])[::-1] == space.canonical(X)).all()
    assert space.canonical(X[:0]).shape == (0, space.genes)


def test_any_algorithm_searches_the_space(name):
    space = space_of(name)
    target = space.sample(1, 77)[0]
    problem = nk.FunctionProblem(lambda X: (target != X).sum(axis=1), space)
    before = nk.search(problem, nk.RandomSearch(), runs=4, evaluations=300, seed=1)
    after = nk.search(
        problem, nk.RegularizedEvolution(population_size=20, sample_size=5), runs=4, evaluations=300, seed=1
    )
    assert space.is_valid(after.incumbents).all()
    assert after.incumbent_values.mean() <= before.incumbent_values.mean()
    final = before.trace.groupby("run").last()
    assert (final["unique_networks"] <= final["evaluations"]).all()
    expected = np.mean([len(np.unique(space.key(space.sample(300, run)))) for run in range(4)])
    assert abs(final["unique_networks"].mean() - expected) < 15


def test_unknown_cost_and_dataset(name):
    space = space_of(name)
    names = space.known_costs("cifar10")
    with pytest.raises(nk.UnknownName, match=r"params|None are available"):
        space.cost(some(space, 1), "parms", dataset="cifar10")
    for cost in names:
        assert (space.cost(some(space), cost, dataset="cifar10") > 0).all()
    if names:
        assert {"params", "flops"} <= set(names)
        with pytest.raises(nk.UnknownName, match="Available"):
            space.costs("no-such-dataset")


def test_genes_and_their_values_have_names(name):
    space = space_of(name)
    assert len(set(space.gene_names)) == len(space.gene_names) == space.genes
    assert [len(values) for values in space.gene_values] == list(space.cardinalities)
    for values in space.gene_values:
        assert len(set(values)) == len(values)
        assert isinstance(values, range) or all(isinstance(value, str) for value in values)
