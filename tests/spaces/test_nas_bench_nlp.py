"""NAS-Bench-NLP's recurrent cells."""

from __future__ import annotations

import json

import numpy as np
import pytest

import nasbench_kit as nk

SPACE = nk.space("nas-bench-nlp")
LINEAR = {"op": "linear", "input": ["x", "h_prev_0"]}
RNN = {"f": LINEAR, "h_new_0": {"op": "activation_tanh", "input": ["f"]}}
LSTM = {
    **{f"{gate}_in": {"op": "linear", "input": ["x", "h_prev_0"]} for gate in "ijfo"},
    "i": {"op": "activation_tanh", "input": ["i_in"]},
    **{gate: {"op": "activation_sigm", "input": [f"{gate}_in"]} for gate in "jfo"},
    "kept": {"op": "elementwise_prod", "input": ["f", "h_prev_1"]},
    "new": {"op": "elementwise_prod", "input": ["i", "j"]},
    "h_new_1": {"op": "elementwise_sum", "input": ["kept", "new"]},
    "out": {"op": "activation_tanh", "input": ["h_new_1"]},
    "h_new_0": {"op": "elementwise_prod", "input": ["out", "o"]},
}


def same(first, second):
    keys = SPACE.key(SPACE.encode([first, second]))
    return bool(keys[0] == keys[1])


def replaced(recipe, pairs):
    text = json.dumps(recipe)
    for old, new in pairs:
        text = text.replace(f'"{old}"', f'"{new}"')
    return text


def test_recipes_and_back():
    X = SPACE.encode([RNN, LSTM, json.dumps(LSTM)])
    assert (X[1] == X[2]).all()
    assert SPACE.decode(X)[0] == {
        "node_0": LINEAR,
        "h_new_0": {"op": "activation_tanh", "input": ["node_0"]},
    }
    assert (SPACE.encode(SPACE.decode(X)) == X).all()


def test_what_is_the_same_network():
    backwards = dict(reversed(LSTM.items()))
    assert same(LSTM, backwards)
    assert same(LSTM, replaced(LSTM, [("kept", "a"), ("new", "b"), ("o_in", "c")]))
    assert same(LSTM, replaced(LSTM, [("h_prev_1", "h_prev_2"), ("h_new_1", "h_new_2")]))  # another name of the state
    assert same(LSTM, {**LSTM, "new": {"op": "elementwise_prod", "input": ["j", "i"]}})
    assert same(RNN, {**RNN, "dead": {"op": "activation_tanh", "input": ["f"]}})
    unread = {"op": "activation_tanh", "input": ["h_prev_1"]}
    assert same(RNN, {**RNN, "h_new_1": unread})  # a state that only feeds itself
    assert not same(RNN, {**RNN, "h_new_0": {"op": "activation_sigm", "input": ["f"]}})
    blend = {**RNN, "h_new_0": {"op": "blend", "input": ["f", "h_prev_0", "x"]}}
    assert not same(blend, {**RNN, "h_new_0": {"op": "blend", "input": ["f", "x", "h_prev_0"]}})
    assert not same(LSTM, {**LSTM, "out": {"op": "activation_tanh", "input": ["kept"]}})


def test_a_linear_operation_that_reads_the_same_twice_is_another():
    twice = {**RNN, "f": {"op": "linear", "input": ["x", "x", "h_prev_0"]}}
    other = {**RNN, "f": {"op": "linear", "input": ["x", "h_prev_0", "h_prev_0"]}}
    assert not same(twice, other)
    assert not same(twice, RNN)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ([], "must be a recipe"),
        ("[", "not valid JSON"),
        ({"f": LINEAR}, "no node is named 'h_new_0'"),
        ({"h_new_0": {"op": "linear"}}, "must have the keys"),
        ({"h_new_0": {"op": "lineer", "input": ["x"]}}, "did you mean 'linear'"),
        ({"h_new_0": {"op": "blend", "input": ["x"]}}, "blend takes 3 inputs, not 1"),
        ({"h_new_0": {"op": "linear", "input": ["x"] * 4}}, "linear takes 1 to 3 inputs, not 4"),
        ({"h_new_0": {"op": "activation_tanh", "input": ["g"]}}, "reads 'g', which the recipe does not have"),
        ({"h_new_0": {"op": "activation_tanh", "input": ["h_prev_1"]}}, "no node is named 'h_new_1'"),
        ({"x": LINEAR, "h_new_0": LINEAR}, "cannot be the name of a node"),
        ({"h_new_0": {"op": "activation_tanh", "input": ["h_new_0"]}}, "in a circle"),
        ({**RNN, **{f"n{i}": LINEAR for i in range(23)}}, "has 25 nodes; the space has at most 24"),
    ],
)
def test_recipes_that_are_none(recipe, message):
    with pytest.raises(nk.InvalidArchitecture, match=message):
        SPACE.encode([recipe])


def test_invalid_genotypes():
    x = SPACE.encode([LSTM])[0]
    for gene, value in ((0, 0), (1, 0), (3, 9), (96, 0), (97, 13), (98, 40), (20, 90)):
        changed = x.copy()
        changed[gene] = value
        assert not SPACE.is_valid(changed)[0], (gene, value)
    same_node = x.copy()
    same_node[97] = same_node[96]
    with pytest.raises(nk.InvalidArchitecture):
        SPACE.canonical(same_node)


def test_drawn_cells_use_everything():
    X = SPACE.sample(300, 0)
    assert SPACE.is_valid(X).all()
    assert (X[:, 0 : 24 * 4 : 4] > 0).sum(axis=1).mean() > 23  # larger cells are far more numerous
    # linear operations with three inputs outnumber all others
    assert np.bincount(X[:, 0 : 24 * 4 : 4].ravel(), minlength=8)[1:].argmax() in (0, 1)


def test_keys_are_those_of_stores():
    """Stores keep them, so they must never change."""
    assert SPACE.key(SPACE.encode([RNN, LSTM])).tolist() == [4555791785705157764, 3826975651461661875]
    assert np.bitwise_xor.reduce(SPACE.key(SPACE.sample(300, 0))) == 3736166851369847169
