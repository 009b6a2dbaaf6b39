"""Pieces of searches, done by simulated processes: all of these end at about the same time."""

from __future__ import annotations

import math

import pytest

from nasbench_kit.experiments.pieces import ROUND, runs_to_take
from nasbench_kit.kernels import compiling

FIXED = ROUND[False]


@pytest.fixture(autouse=True)
def _not_compiled(monkeypatch):
    monkeypatch.setattr(compiling, "enabled", lambda: False)


def simulated(pieces, processes, rounds, *, slow=1.0):
    """When each process ends, and how many runs each piece had; a piece is (runs, seconds), the last process may be slow."""
    waiting, free, taken = list(pieces), [0.0] * processes, []
    fixed = min(rounds * FIXED, min(seconds for _, seconds in pieces) / 2)
    while waiting:
        me = min(range(processes), key=free.__getitem__)
        runs, seconds = waiting.pop(0)
        busy = [time - free[me] for who, time in enumerate(free) if who != me]
        mine = runs_to_take(runs, rounds, seconds, busy, sum(seconds for _, seconds in waiting))
        assert 1 <= mine <= runs
        part = (seconds - fixed) * mine / runs + fixed
        if mine < runs:
            waiting.insert(0, (runs - mine, seconds - part + fixed))
        taken.append(mine)
        free[me] += part * (slow if me == processes - 1 else 1)
    return free, taken


def test_what_divides_evenly_is_not_divided():
    ends, taken = simulated([(125, 2.0)] * 4, 2, 1000)
    assert taken == [125] * 4
    assert ends == [4.0, 4.0]


def test_a_last_piece_is_divided_by_what_the_other_still_has_to_do():
    ends, taken = simulated([(125, 2.0)] * 3, 2, 1000)
    assert taken[:2] == [125, 125]
    assert max(ends) == pytest.approx(3 + FIXED * 1000 / 2, abs=0.05)
    assert max(ends) - min(ends) < 0.1
    assert runs_to_take(100, 1000, 4.0, [2.0], 0.0) == 77  # 3.2 s each: 0.35 s for rounds, and 77 % of the other 3.65 s


@pytest.mark.parametrize("processes", [2, 3, 16])
def test_one_long_piece(processes):
    ends, taken = simulated([(1000, 50.0)], processes, 1000)
    assert sum(taken) == 1000
    assert max(ends) - min(ends) < 0.6
    assert max(ends) < 1.1 * (50 / processes + FIXED * 1000)


def test_what_is_cheap_to_divide_gets_smaller_and_makes_up_for_a_slow_process():
    ends, taken = simulated([(1000, 50.0)], 2, 50)
    assert taken[0] == pytest.approx(250, abs=3)
    assert taken[-1] < 20
    ends, _ = simulated([(1000, 50.0)], 2, 50, slow=2.0)
    assert max(ends) < 1.1 * 50 / 1.5


def test_what_gains_nothing_is_not_divided():
    assert runs_to_take(100, 10, 0.15, [0.0], 0.0) == 100  # too short
    assert runs_to_take(100, 10, 1.0, [0.95], 0.0) == 100  # the other is busy as long
    assert runs_to_take(100, 10, 1.0, [0.0], 1.0) == 100  # the other has something to do
    assert runs_to_take(1, 10, 5.0, [0.0], 0.0) == 1
    assert runs_to_take(100, 10, 5.0, [], 0.0) == 100
    assert runs_to_take(100, 20_000, 5.0, [2.0], 0.0) == 100  # most of it would be lost
    assert 0 < runs_to_take(100, math.inf, 5.0, [0.0], 0.0) < 100
