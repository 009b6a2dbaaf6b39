"""State declared as arrays: made with the declared shape, type and fill, and enlarged without losing a value."""

from __future__ import annotations

import numpy as np
import pytest

from nasbench_kit.algorithms.run_state import RunState, array


class Example(RunState):
    X = array("runs places genes", np.uint8)
    F = array("m runs places", np.float64, np.inf)
    own = array("runs", np.intp, -1)


def test_arrays_follow_from_their_declaration():
    state = Example(runs=2, places=0, genes=3, m=4)
    assert (state.X.shape, state.F.shape, state.own.shape) == ((2, 0, 3), (4, 2, 0), (2,))
    assert (state.X.dtype, state.F.dtype, state.own.dtype) == (np.uint8, np.float64, np.intp)
    np.testing.assert_array_equal(state.own, [-1, -1])
    assert (state.size("places"), state.size("m")) == (0, 4)
    other = Example(runs=2, places=0, genes=3, m=4)
    other.own[0] = 5
    assert state.own[0] == -1


def test_growing_keeps_what_is_there():
    state = Example(runs=2, places=1, genes=3, m=2)
    state.X[:, 0], state.F[:, :, 0] = 7, 0.5
    own = state.own
    state.grow(places=3)
    np.testing.assert_array_equal(state.X[:, :, 0], [[7, 0, 0]] * 2)
    np.testing.assert_array_equal(state.F[1], [[0.5, np.inf, np.inf]] * 2)
    assert state.own is own
    before = state.X
    state.grow(places=2)  # smaller than it is
    assert state.X is before


def test_sizes_must_be_complete():
    with pytest.raises(KeyError, match="genes"):
        Example(runs=2, places=1, m=2)


def test_arrays_of_runs_may_be_fields_of_one():
    class Together(RunState, together=True):
        own = array("runs", np.intp, -1)
        X = array("runs genes", np.uint8)
        alive = array("runs", np.bool_, True)

    state = Together(runs=2, genes=3)
    state.own[1] = 5
    state.alive[:] &= [False, True]
    each, X = state.arrays()
    assert each.tolist() == [(-1, False), (5, True)]
    assert X is state.X
    apart = Example(runs=2, places=1, genes=3, m=2)
    assert apart.arrays()[2] is apart.own
