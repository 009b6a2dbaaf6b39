"""One suite over every search space: a new space is tested the day it appears."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import nasbench_kit as nk

SPACES = nk.spaces()
pytestmark = pytest.mark.parametrize("name", SPACES)


def some(space, n=200, seed=0):
    return space.sample(n, seed)


def test_shape_of_the_space(name):
    space = nk.space(name)
    assert space.name == name
    assert isinstance(space.size, int)
    assert space.size == int(np.prod([int(c) for c in space.cardinalities], dtype=object))
    assert nk.space(name) is space


def test_sample_is_valid_and_repeatable(name):
    space = nk.space(name)
    X = space.sample(100, 3)
    assert X.dtype == np.uint8
    assert X.shape == (100, len(space.cardinalities))
    assert space.is_valid(X).all()
    assert (space.sample(100, np.random.default_rng(3)) == X).all()
    assert space.sample(0, 3).shape == (0, len(space.cardinalities))


def test_sample_is_uniform_over_valid_genotypes(name):
    space = nk.space(name)
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
    nk.space(name).sample(10, 0)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert random.getstate() == python_before
    with pytest.raises(TypeError, match="rng must be an int seed"):
        nk.space(name).sample(10, None)


def test_native_forms_and_back(name):
    space = nk.space(name)
    X = some(space)
    natives = space.decode(X)
    assert (space.encode(natives) == X).all()
    assert space.encode([]).shape == (0, len(space.cardinalities))
    with pytest.raises(nk.InvalidArchitecture, match=r"1 native forms cannot be read: no\. 1"):
        space.encode([natives[0], "nonsense"])


def test_canonical_is_idempotent_and_agrees_with_key(name):
    space = nk.space(name)
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
    space = nk.space(name)
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
    space = nk.space(name)
    x = some(space, 1)[0]
    N = space.neighbours(x)
    assert space.is_valid(N).all()
    assert ((x != N).sum(axis=1) == 1).all()
    assert len(np.unique(N, axis=0)) == len(N)
    changes = space.one_gene_changes(x[None])[0]
    assert len(N) == space.is_valid(changes).sum()


def test_single_genotypes_are_a_batch_of_one(name):
    space = nk.space(name)
    x = some(space, 1)[0]
    assert space.canonical(x).shape == (1, len(x))
    assert space.key(x).shape == (1,)
    assert space.canonical(x.tolist()).shape == (1, len(x))


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.uint16, object])
def test_whole_numbers_of_any_dtype(name, dtype):
    space = nk.space(name)
    X = some(space, 5).astype(dtype)
    if dtype is object:
        with pytest.raises(nk.InvalidArchitecture, match="whole numbers"):
            space.key(X)
    else:
        assert (space.key(X) == space.key(some(space, 5))).all()


def test_wrong_shapes_and_values_have_one_clear_error(name):
    space = nk.space(name)
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
    space = nk.space(name)
    X = some(space)
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


@given(data=st.data())
def test_any_valid_genotype_round_trips(name, data):
    space = nk.space(name)
    x = np.array([data.draw(st.integers(0, c - 1)) for c in space.cardinalities], dtype=np.uint8)
    if space.is_valid(x)[0]:
        assert (space.encode(space.decode(x)) == x).all()
        assert (space.canonical(space.canonical(x)) == space.canonical(x)).all()


def test_unknown_cost_and_dataset(name):
    space = nk.space(name)
    with pytest.raises(nk.UnknownName, match="There is"):
        space.costs("imagenet")
    dataset = "cifar10"
    assert {"params", "flops"} <= set(space.costs(dataset))
    with pytest.raises(nk.UnknownName, match="params"):
        space.cost(some(space, 1), "parms", dataset=dataset)
    assert (space.cost(some(space), "params", dataset=dataset) > 0).all()
